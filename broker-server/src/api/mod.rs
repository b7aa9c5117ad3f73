//! The Open Service Broker API over HTTP: authenticate, version, path, body, use case, answer, log; in this order.

mod auth;
mod call;
mod catalog;
mod connection;
mod error;
#[cfg(feature = "testing")]
pub mod fuzz;
mod handlers;
mod json;
#[cfg(test)]
mod kept;
mod management;
mod number;
mod reply;
mod route;
mod usage;

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, PoisonError, RwLock},
    time::{Instant, SystemTime},
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::AUTHORIZATION,
    web::{Data, Payload},
};
use futures_util::FutureExt;
use sutler_spec::{BindingId, InstanceId};
use tokio::time::timeout;
use tracing::{Instrument, Span, debug, error, info, record_all, warn};

pub(crate) use auth::Authenticator;
pub use auth::CredentialError;
pub(crate) use catalog::catalog_digest;
pub(crate) use management::serve as serve_management;

use self::{
    call::Query,
    catalog::ServedCatalog,
    connection::Answering,
    error::ApiError,
    reply::Reply,
    route::{Route, RouteError},
};
use crate::{
    broker::{Broker, Caller},
    config::{Credential, Limits, MissingVersionHeader},
    metrics::Endpoint,
    store::{Actor, Subject},
    telemetry,
};

/// What the endpoints need.
pub(crate) struct Api {
    pub(crate) broker: Arc<Broker>,
    authenticator: RwLock<Arc<Authenticator>>,
    catalog: ServedCatalog,
    missing_version_header: MissingVersionHeader,
    limits: Limits,
}

/// What a request is known by.
struct Identity {
    /// As the platform named it, or as we did.
    id: String,
    /// The W3C `traceparent` for what it sets in motion.
    trace: Option<String>,
    /// Where its lines are written.
    span: Span,
}

impl Api {
    /// Puts the endpoints together.
    pub(crate) fn new(
        (broker, catalog_since): (Arc<Broker>, SystemTime),
        authenticator: Authenticator,
        missing_version_header: MissingVersionHeader,
        limits: Limits,
    ) -> Self {
        let catalog = ServedCatalog::new(broker.registry().index().catalog(), catalog_since);
        let authenticator = RwLock::new(Arc::new(authenticator));
        Self { broker, authenticator, catalog, missing_version_header, limits }
    }

    /// Exchanges the credentials; requests that are under way keep theirs. Gives the ids of weak ones.
    ///
    /// # Errors
    /// When one of them cannot be used; then the present ones stay.
    pub(crate) fn exchange_credentials(
        &self,
        credentials: Vec<Credential>,
        is_loopback: bool,
    ) -> Result<Vec<String>, CredentialError> {
        let (authenticator, weak) = self.authenticator().renewed(credentials, is_loopback)?;
        *self.authenticator.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(authenticator);
        Ok(weak)
    }

    fn authenticator(&self) -> Arc<Authenticator> {
        self.authenticator.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers a request that passed every gate.
    async fn handle(
        &self,
        route: &Route,
        (request, payload): (&HttpRequest, &mut Payload),
        actor: Actor,
    ) -> Result<Reply, ApiError> {
        let query = Query::of(request);
        let caller = Caller { actor, asynchrony: query.asynchrony() };
        let broker = self.broker.as_ref();
        let body = match route {
            Route::Provision(_) | Route::Update(_) | Route::Bind(..) => {
                Box::pin(call::body(request, payload, &self.limits)).await?
            }
            _ => bytes::BytesMut::new(),
        };
        // what may be long work is boxed: a future has room for the largest of its parts, and is moved more than once
        match route {
            Route::Catalog => Ok(self.catalog.serve(request)),
            Route::Provision(id) => Box::pin(handlers::provision(broker, id, &body, &caller)).await,
            Route::FetchInstance(id) => Box::pin(handlers::fetch_instance(broker, id)).await,
            Route::Update(id) => Box::pin(handlers::update(broker, id, &body, &caller)).await,
            Route::Deprovision(id) => Box::pin(handlers::deprovision(broker, id, &query, &caller)).await,
            Route::LastInstanceOperation(id) => {
                handlers::last_operation(broker, Subject::Instance(id.clone()), &query).await
            }
            Route::Bind(instance, id) => {
                Box::pin(handlers::bind(broker, (instance, id), &body, &caller)).await
            }
            Route::FetchBinding(instance, id) => {
                Box::pin(handlers::fetch_binding(broker, (instance, id))).await
            }
            Route::Unbind(instance, id) => {
                Box::pin(handlers::unbind(broker, (instance, id), &query, &caller)).await
            }
            Route::Discover => Box::pin(handlers::discover(broker, &query)).await,
            Route::LastBindingOperation(instance, id) => {
                let subject = Subject::Binding(instance.clone(), id.clone());
                handlers::last_operation(broker, subject, &query).await
            }
        }
    }

    /// The version that is spoken, and what is asked for in it.
    fn route(&self, request: &HttpRequest) -> Result<Route, ApiError> {
        call::check_version(request, self.missing_version_header)?;
        Route::parse(request.method().as_str(), request.uri().path()).map_err(|error| match error {
            RouteError::Unknown => ApiError::UnknownPath,
            RouteError::Method(allowed) => ApiError::Method(allowed),
            RouteError::Id(problem) => ApiError::Malformed(problem),
        })
    }

    /// The gates, in their order (App. F).
    async fn pass(
        &self,
        (request, payload): (&HttpRequest, &mut Payload),
        identity: &Identity,
    ) -> (Option<Route>, Result<Reply, ApiError>) {
        if let Some((status, description)) = connection::refused(request) {
            return (None, Err(ApiError::Unreadable(status, description)));
        }
        let authenticator = self.authenticator();
        let header = call::header_text(request, &AUTHORIZATION);
        let credential = authenticator.check(header, connection::source(request)).await;
        let Some(credential) = credential else {
            self.broker.metrics().requests.unauthenticated();
            return (None, Err(ApiError::Unauthenticated));
        };
        connection::recognise(request);
        let route = match self.route(request) {
            Ok(route) => route,
            Err(error) => {
                identity.span.record("credential", credential);
                return (None, Err(error));
            }
        };
        tell(&identity.span, credential, &route);
        let originating_identity = match call::originating_identity(request) {
            Ok(originating_identity) => originating_identity,
            Err(error) => return (Some(route), Err(error)),
        };
        let actor = Actor {
            credential: Some(credential.to_owned()),
            request: Some(identity.id.clone()),
            originating_identity,
            trace: identity.trace.clone(),
        };
        let handled = self.handle(&route, (request, payload), actor).await;
        (Some(route), handled)
    }
}

/// Answers one request, in a span of its own: every line that is logged meanwhile names it.
pub(crate) async fn serve(request: HttpRequest, payload: Payload, api: Data<Api>) -> HttpResponse {
    let parent = telemetry::parent(|name| call::header_text(&request, name));
    let id = call::request_identity(&request);
    let (span, own) = telemetry::request(&id, request.method().as_str(), parent.as_ref());
    let trace = own.map(|own| own.to_traceparent());
    let identity = Identity { id, trace, span: span.clone() };
    answer((&request, payload), &api, &identity).instrument(span).await
}

async fn answer(
    (request, mut payload): (&HttpRequest, Payload),
    api: &Api,
    identity: &Identity,
) -> HttpResponse {
    let started = Instant::now();
    let metrics = api.broker.metrics();
    let _in_flight = metrics.requests.begin();
    let _answering = Answering::to(request);
    let passing = AssertUnwindSafe(api.pass((request, &mut payload), identity)).catch_unwind();
    let (route, answer) = match timeout(api.limits.request_deadline, passing).await {
        Ok(Ok(passed)) => passed,
        Ok(Err(_)) => (named(request), Err(ApiError::Panicked)),
        Err(_) => (named(request), Err(ApiError::Late)),
    };
    let reply = answer.unwrap_or_else(|problem| {
        log_problem(&problem);
        problem.into_reply(&identity.id)
    });
    log_answer(&identity.span, route.as_ref(), reply.status);
    let endpoint = route.as_ref().map_or(Endpoint::None, Route::endpoint);
    metrics.requests.answered((endpoint, request.method().as_str()), reply.status, started.elapsed());
    reply.into_response(&identity.id)
}

/// What a request that came to no end was about.
fn named(request: &HttpRequest) -> Option<Route> {
    Route::parse(request.method().as_str(), request.uri().path()).ok()
}

/// Tells the operator what the platform is not told.
fn log_problem(problem: &ApiError) {
    let error = crate::broker::chain(problem);
    match problem {
        ApiError::Unauthenticated => warn!("a request was not authenticated"),
        ApiError::Panicked | ApiError::Late => error!(error, "a request failed"),
        ApiError::Broker(broker) if broker.is_internal() => error!(error, "a request failed"),
        _ => debug!(error, "a request was refused"),
    }
}

/// Mutations are news, reads are not.
fn log_answer(span: &Span, route: Option<&Route>, status: u16) {
    span.record("status", status);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
    if route.is_some_and(Route::is_mutation) { info!("answered") } else { debug!("answered") }
}

/// Writes whose request it is and what it is about into its span, all at once.
fn tell(span: &Span, credential: &str, route: &Route) {
    let (instance, binding) = route.subject();
    let endpoint = route.endpoint().as_str();
    record_all!(
        span,
        credential,
        endpoint,
        instance_id = instance.map(InstanceId::as_str),
        binding_id = binding.map(BindingId::as_str)
    );
    telemetry::rename(span, endpoint);
}
