//! The client of one broker: one method per endpoint. It repeats nothing and remembers nothing.

mod headers;
mod reach;
mod settings;
mod tls;
mod transport;
mod wire;

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use serde_json::{Map, Value};
use sutler_spec::{
    Asynchrony, BindRequest, BindingBody, BindingId, Bound, DeprovisionQuery, Deprovisioned, DiscoveredPage,
    FetchedBinding, FetchedInstance, InstanceBody, InstanceId, LastOperationQuery, ProvisionRequest,
    Provisioned, ServiceId, UnbindQuery, Unbound, UpdateRequest, Updated,
};
use url::Url;

pub use self::settings::{Authentication, BuildError, ClientCertificate, Settings, Tls};
use self::transport::Transport;
pub use self::wire::{Carried, Wire, WireAnswer, WireRequest};
use crate::{CatalogAnswer, ClientError, ETag, FetchQuery, Polled, Sought, answer::Answer, request::Request};

/// TLS for other addresses than brokers', as strict as theirs: rustls with ring, the given authorities or the system's.
/// An address that is reached without TLS gets one that trusts nobody.
///
/// # Errors
/// When the authorities or the certificate cannot be used.
pub fn tls_configuration(url: &Url, tls: &Tls) -> Result<rustls::ClientConfig, BuildError> {
    if url.scheme() == "https" { self::tls::configuration(tls) } else { self::tls::unused() }
}

/// A client of one broker. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    transport: Arc<Transport>,
}

impl Client {
    /// Prepares a client; nothing is sent yet.
    ///
    /// # Errors
    /// When a setting cannot be used, above all when credentials would travel in clear (S-10).
    pub fn new(settings: Settings) -> Result<Self, BuildError> {
        Ok(Self { transport: Arc::new(Transport::new(settings)?) })
    }

    /// A client whose requests are carried by something else than a network: requests are built and answers decoded
    /// all the same.
    #[must_use]
    pub fn over(base_url: Url, wire: Arc<dyn Wire>) -> Self {
        Self { transport: Arc::new(Transport::over(base_url, wire)) }
    }

    /// Where the broker is.
    #[must_use]
    pub fn base_url(&self) -> &Url {
        self.transport.base_url()
    }

    /// Fetches the catalog, unless it is still the one with the known tag.
    ///
    /// # Errors
    /// When there is no catalog in the answer, or no answer.
    pub async fn catalog(&self, known: Option<&ETag>) -> Result<CatalogAnswer, ClientError> {
        self.transport.send_for_catalog(Request::catalog(known)).await?.catalog(known)
    }

    /// Creates an instance. Repeating it with the same body is harmless (B-PROV-10 to 13).
    ///
    /// # Errors
    /// When the answer is none of the outcomes; [`leaves_orphan`](crate::leaves_orphan) says what may be left.
    pub async fn provision(
        &self,
        instance: &InstanceId,
        request: &ProvisionRequest,
        asynchrony: Asynchrony,
    ) -> Result<Provisioned, ClientError> {
        let answer = self.send(Request::provision(instance, request, asynchrony)).await?;
        answer.outcome::<_, InstanceBody>()
    }

    /// Reads an instance; only where the offering says `instances_retrievable` (P-FIN-01).
    ///
    /// # Errors
    /// When there is no instance in the answer; only [`ClientError::is_authentic_absence`] means that it is gone.
    pub async fn fetch_instance(
        &self,
        instance: &InstanceId,
        query: &FetchQuery,
    ) -> Result<FetchedInstance, ClientError> {
        self.send(Request::fetch_instance(instance, query)).await?.fetched()
    }

    /// Changes an instance.
    ///
    /// # Errors
    /// When the answer is none of the outcomes. After a 4xx or 5xx nothing has changed (B-UPD-15).
    pub async fn update(
        &self,
        instance: &InstanceId,
        request: &UpdateRequest,
        asynchrony: Asynchrony,
    ) -> Result<Updated, ClientError> {
        self.send(Request::update(instance, request, asynchrony)).await?.outcome::<_, InstanceBody>()
    }

    /// Deletes an instance; its bindings must be gone (P-DEP-01). That it was not there is an outcome, not an error.
    ///
    /// # Errors
    /// When the answer is none of the outcomes: keep the instance (P-DEP-03).
    pub async fn deprovision(
        &self,
        instance: &InstanceId,
        query: &DeprovisionQuery,
        asynchrony: Asynchrony,
    ) -> Result<Deprovisioned, ClientError> {
        let answer = self.send(Request::deprovision(instance, query, asynchrony)).await?;
        answer.outcome::<_, Map<String, Value>>()
    }

    /// Creates a binding, or rotates one. Repeating it with the same body is harmless (B-BIND-18 to 21).
    ///
    /// # Errors
    /// When the answer is none of the outcomes; [`leaves_orphan`](crate::leaves_orphan) says what may be left.
    pub async fn bind(
        &self,
        instance: &InstanceId,
        binding: &BindingId,
        request: &BindRequest,
        asynchrony: Asynchrony,
    ) -> Result<Bound, ClientError> {
        let answer = self.send(Request::bind(instance, binding, request, asynchrony)).await?;
        answer.outcome::<_, BindingBody>()
    }

    /// Reads a binding; only where the offering says `bindings_retrievable`.
    ///
    /// # Errors
    /// When there is no binding in the answer; only [`ClientError::is_authentic_absence`] means that it is gone.
    pub async fn fetch_binding(
        &self,
        instance: &InstanceId,
        binding: &BindingId,
        query: &FetchQuery,
    ) -> Result<FetchedBinding, ClientError> {
        self.send(Request::fetch_binding(instance, binding, query)).await?.fetched()
    }

    /// Deletes a binding. That it was not there is an outcome, not an error.
    ///
    /// # Errors
    /// When the answer is none of the outcomes: keep the binding (P-UNB-02).
    pub async fn unbind(
        &self,
        instance: &InstanceId,
        binding: &BindingId,
        query: &UnbindQuery,
        asynchrony: Asynchrony,
    ) -> Result<Unbound, ClientError> {
        let answer = self.send(Request::unbind(instance, binding, query, asynchrony)).await?;
        answer.outcome::<_, Map<String, Value>>()
    }

    /// Asks once how far the work on an instance is; [`settle`](crate::settle()) asks until it has ended.
    ///
    /// # Errors
    /// When there is no state in the answer; [`next_poll`](crate::next_poll) says what that means.
    pub async fn last_operation_of_instance(
        &self,
        instance: &InstanceId,
        query: &LastOperationQuery,
    ) -> Result<Polled, ClientError> {
        self.send(Request::last_operation(instance, None, query)).await?.last_operation(Timestamp::now())
    }

    /// Asks once how far the work on a binding is.
    ///
    /// # Errors
    /// As for instances.
    pub async fn last_operation_of_binding(
        &self,
        instance: &InstanceId,
        binding: &BindingId,
        query: &LastOperationQuery,
    ) -> Result<Polled, ClientError> {
        let request = Request::last_operation(instance, Some(binding), query);
        self.send(request).await?.last_operation(Timestamp::now())
    }

    /// Lists what the vendor behind an offering has; only where the offering says `discover` among its extensions.
    ///
    /// # Errors
    /// When there is no page in the answer, or one that nobody could use.
    pub async fn discover(
        &self,
        service: &ServiceId,
        sought: Sought<'_>,
    ) -> Result<DiscoveredPage, ClientError> {
        self.send(Request::discover(service, &sought)).await?.discovered()
    }

    /// Sends a request for anything but the catalog.
    async fn send(&self, request: Request) -> Result<Answer, ClientError> {
        self.transport.send(request).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.base_url().as_str()).finish_non_exhaustive()
    }
}
