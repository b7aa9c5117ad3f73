//! A broker on the network: wired from a configuration and its providers, served, and ended gracefully.

mod listener;
mod names;
mod tls;
mod watch;

use std::{
    net::{SocketAddr, TcpListener},
    num::NonZeroUsize,
    sync::Arc,
};

use actix_web::{App, dev::ServerHandle as HttpHandle, web};
use sutler_secrets::{Created, KeyRing, KeyRingError};
use tracing::{info, warn};

use listener::{Door, GRACE, Manner, Serving};
use tls::Certificates;

pub use tls::TlsError;

use crate::{
    api::{self, Api, Authenticator, CredentialError},
    broker::{Broker, Parts, random},
    config::{Config, Credential, Limits, Watched},
    hardening,
    metrics::Metrics,
    providers::{Provider, Registry, RegistryError},
    store::{self, BrokerStore, StoreError},
};

/// How long a graceful end waits for requests that are under way.
const GRACE_SECONDS: u64 = 30;
/// Connections to the management address at a time.
const MANAGEMENT_CONNECTIONS: usize = 64;

/// Why a broker cannot be built or served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The offerings.
    #[error("could not assemble the offerings")]
    Registry(#[from] RegistryError),
    /// The key ring.
    #[error("could not read the key ring")]
    Keys(#[from] KeyRingError),
    /// The store.
    #[error("could not open the store")]
    Store(#[from] StoreError),
    /// The credentials.
    #[error("could not use the credentials")]
    Credentials(#[from] CredentialError),
    /// TLS.
    #[error("could not set up TLS")]
    Tls(#[from] TlsError),
    /// An address.
    #[error("could not listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The listener stopped by itself.
    #[error("the listener failed")]
    Serve(#[source] std::io::Error),
}

/// Collects providers.
pub struct Builder {
    config: Config,
    providers: Vec<Arc<dyn Provider>>,
}

impl Builder {
    /// Adds an offering.
    #[must_use]
    pub fn provider(self, provider: impl Provider) -> Self {
        self.shared_provider(Arc::new(provider))
    }

    /// Adds an offering that somebody else holds, too.
    #[must_use]
    pub fn shared_provider(mut self, provider: Arc<dyn Provider>) -> Self {
        self.providers.push(provider);
        self
    }

    /// Checks everything and opens the store; nothing is served yet. A key ring that is not there is made.
    ///
    /// # Errors
    /// When the offerings, keys, credentials, certificates or the store cannot be used.
    pub fn build(self) -> Result<Server, ServerError> {
        let Self { mut config, providers } = self;
        let registry = Registry::with(providers, config.offerings.as_deref(), &config.extensions)?;
        let certificates = config.tls.as_ref().map(Certificates::load).transpose()?.map(Arc::new);
        let credentials = std::mem::take(&mut config.credentials);
        let (authenticator, weak) = Authenticator::new(credentials, config.is_loopback())?;
        warn_of_weak(&weak);
        let (ring, created) = KeyRing::load_or_create(&config.keys, jiff::Timestamp::now())?;
        if created == Created::Yes {
            warn!(path = %config.keys.display(), "a new key ring was made; keep a copy of it in a safe place");
        }
        let ring = Arc::new(ring);
        let store = store::open(&config.store, ring.clone())?;
        Ok(Server { config, registry, certificates, authenticator, ring, store })
    }
}

/// A broker that is ready to be served.
pub struct Server {
    config: Config,
    registry: Registry,
    certificates: Option<Arc<Certificates>>,
    authenticator: Authenticator,
    ring: Arc<KeyRing>,
    store: Arc<dyn BrokerStore>,
}

impl Server {
    /// Starts putting a broker together.
    #[must_use]
    pub fn builder(config: Config) -> Builder {
        Builder { config, providers: Vec::new() }
    }

    /// The catalog that will be served.
    #[must_use]
    pub fn catalog(&self) -> &sutler_spec::Catalog {
        self.registry.index().catalog()
    }

    /// Serves until `shutdown` is ready, then lets everything under way come to a safe point.
    ///
    /// # Errors
    /// When an address cannot be listened on, or the store fails at the start.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), ServerError> {
        let handle = self.start().await?;
        shutdown.await;
        handle.stop().await
    }

    /// Starts serving and returns. Must be called in a Tokio runtime, where the broker's work then runs.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn start(self) -> Result<ServerHandle, ServerError> {
        let Self { config, registry, certificates, authenticator, ring, store } = self;
        for warning in &config.warnings {
            warn!("{warning}");
        }
        for problem in registry.index().warnings() {
            info!(%problem, "the catalog could be better");
        }
        let catalog_since = store.catalog_since(&api::catalog_digest(registry.index().catalog())).await?;
        let parts = Parts {
            registry,
            store,
            ring,
            tuning: config.tuning,
            deleted_last_operation: config.deleted_last_operation,
            metrics: Arc::new(Metrics::new()),
            jitter: random(),
        };
        let broker = Arc::new(Broker::new(parts, tokio::runtime::Handle::current()));
        let api = web::Data::new(Api::new(
            (broker.clone(), catalog_since),
            authenticator,
            config.missing_version_header,
            Limits {
                // whoever may wait for its work waits that long
                request_deadline: config.limits.request_deadline.max(config.tuning.sync_limit + GRACE),
                ..config.limits
            },
        ));
        let (listener, address) = listen(config.listen)?;
        let management = config.management.map(listen).transpose()?;
        broker.start().await?;
        let most = hardening::connections(config.limits.connections);
        let door = Door::new(&config.limits, most, certificates.clone());
        let (http, serving) = serve(&api, listener, door)?;
        let management = management
            .map(|(listener, address)| {
                let door = Door::new(&config.limits, MANAGEMENT_CONNECTIONS, None);
                serve_management(&api, listener, door).map(|serving| (address, serving))
            })
            .transpose()?;
        let (is_loopback, drain_delay) = (config.is_loopback(), config.tuning.drain_delay);
        let management_address = management.as_ref().map(|(address, _)| address.to_string());
        info!(%address, management = management_address, "listening");
        Ok(ServerHandle {
            address,
            management,
            api,
            broker,
            http,
            serving,
            is_loopback,
            certificates,
            drain_delay,
            files: config.files,
        })
    }
}

/// A broker that is being served.
pub struct ServerHandle {
    address: SocketAddr,
    management: Option<(SocketAddr, (HttpHandle, Serving))>,
    api: web::Data<Api>,
    broker: Arc<Broker>,
    http: HttpHandle,
    serving: Serving,
    is_loopback: bool,
    certificates: Option<Arc<Certificates>>,
    drain_delay: std::time::Duration,
    files: Watched,
}

impl ServerHandle {
    /// Where the API is served.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where health and metrics are served.
    #[must_use]
    pub fn management_address(&self) -> Option<SocketAddr> {
        self.management.as_ref().map(|(address, _)| *address)
    }

    /// Exchanges the credentials without losing a request.
    ///
    /// # Errors
    /// When one of them cannot be used; then the present ones stay.
    pub fn replace_credentials(&self, credentials: Vec<Credential>) -> Result<(), ServerError> {
        let weak = self.api.exchange_credentials(credentials, self.is_loopback)?;
        warn_of_weak(&weak);
        info!("the credentials were exchanged");
        Ok(())
    }

    /// Reads the key ring again: what is written from now on is sealed with its current key, and what is there is sealed
    /// anew by and by.
    ///
    /// # Errors
    /// When the ring cannot be read, or cannot open what the store holds; then the present one stays.
    pub async fn reload_keys(&self, config: &Config) -> Result<(), ServerError> {
        let ring = KeyRing::load(&config.keys)?;
        let current = ring.current();
        self.broker.replace_keys(Arc::new(ring)).await?;
        info!(key = %current, "the keys were read again");
        Ok(())
    }

    /// Takes over what may change while the broker runs: the credentials and the certificates. Requests that are
    /// under way, and connections that stand, are not disturbed (S-03, S-07).
    ///
    /// # Errors
    /// When one of them cannot be used; then all present ones stay.
    pub fn reload(&self, config: Config) -> Result<(), ServerError> {
        match (&self.certificates, &config.tls) {
            (Some(certificates), Some(tls)) => certificates.reload(tls)?,
            (None, None) => {}
            _ => return Err(TlsError::Switched.into()),
        }
        self.replace_credentials(config.credentials)
    }

    /// Accepts nothing new, answers what is under way, brings running steps to a safe point, and ends.
    ///
    /// # Errors
    /// When the listener had failed.
    pub async fn stop(self) -> Result<(), ServerError> {
        info!("draining");
        self.broker.announce_leaving();
        if self.management.is_some() {
            tokio::time::sleep(self.drain_delay).await;
        }
        tokio::join!(self.http.stop(true), self.broker.drain());
        // what a last request began while the first round was under way
        self.broker.drain().await;
        if let Some((_, (http, serving))) = self.management {
            http.stop(true).await;
            ended(serving).await?;
        }
        ended(self.serving).await?;
        info!("stopped");
        Ok(())
    }

    /// Ends at once, as a crash would: nothing is recorded, nobody is answered. For tests.
    pub async fn kill(self) {
        self.broker.abort().await;
        self.http.stop(false).await;
        // how it ended does not matter any more
        let _ = self.serving.await;
        if let Some((_, (http, serving))) = self.management {
            http.stop(false).await;
            let _ = serving.await;
        }
    }
}

async fn ended(serving: Serving) -> Result<(), ServerError> {
    match serving.await {
        Ok(result) => result.map_err(ServerError::Serve),
        Err(panic) => Err(ServerError::Serve(std::io::Error::other(panic))),
    }
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServerError> {
    let failed = |source| ServerError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

fn serve(
    api: &web::Data<Api>,
    listener: TcpListener,
    door: Door,
) -> Result<(HttpHandle, Serving), ServerError> {
    let api = api.clone();
    let app = move || App::new().app_data(api.clone()).default_service(web::to(api::serve));
    let manner = Manner { workers: None, grace_seconds: GRACE_SECONDS };
    listener::serve(listener, door, &manner, app).map_err(ServerError::Serve)
}

fn serve_management(
    api: &web::Data<Api>,
    listener: TcpListener,
    door: Door,
) -> Result<(HttpHandle, Serving), ServerError> {
    let api = api.clone();
    let app = move || App::new().app_data(api.clone()).default_service(web::to(api::serve_management));
    let manner = Manner { workers: Some(NonZeroUsize::MIN), grace_seconds: 1 };
    listener::serve(listener, door, &manner, app).map_err(ServerError::Serve)
}

fn warn_of_weak(ids: &[String]) {
    for id in ids {
        warn!(credential = id, "the secret is short or well known; that is accepted on loopback only");
    }
}
