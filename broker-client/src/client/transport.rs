//! Sends requests and reads answers within limits of time and size. It knows HTTP, not what a request means.

use std::{
    error::Error,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use sutler_spec::header_name;
use tokio::time::timeout;
use url::{Host, Url};
use uuid::Uuid;

use super::{BuildError, Settings, Tls, Wire, WireRequest, headers, reach, tls};
use crate::{
    ClientError,
    answer::Answer,
    request::{Request, UrlError},
};

/// Shorter than servers keep an idle connection (often 5 s): reusing one that is just being closed costs a request
/// whose fate is unknown.
const POOL_IDLE: Duration = Duration::from_secs(4);

/// The way to one broker.
pub(super) struct Transport {
    way: Way,
    base_url: Url,
    call_timeout: Duration,
    idle_timeout: Duration,
    maximum_catalog_size: usize,
    maximum_answer_size: usize,
}

/// What a request travels by.
enum Way {
    Http(reqwest::Client),
    Wire(Arc<dyn Wire>),
}

impl Transport {
    /// The way over a wire: limits of size hold, those of time are the wire's.
    pub(super) fn over(base_url: Url, wire: Arc<dyn Wire>) -> Self {
        let Settings { call_timeout, idle_timeout, maximum_catalog_size, maximum_answer_size, .. } =
            Settings::new(base_url.clone());
        let way = Way::Wire(wire);
        Self { way, base_url, call_timeout, idle_timeout, maximum_catalog_size, maximum_answer_size }
    }

    pub(super) fn new(settings: Settings) -> Result<Self, BuildError> {
        check_url(&settings.base_url, &settings.tls)?;
        let tls = match settings.base_url.scheme() {
            "https" => tls::configuration(&settings.tls)?,
            _ => tls::unused()?,
        };
        let user_agent = HeaderValue::from_str(&settings.user_agent).map_err(|_| BuildError::UserAgent)?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .dns_resolver(reach::Guard::new())
            .referer(false)
            .http1_only()
            .user_agent(user_agent)
            .default_headers(headers::of_every_request(&settings)?)
            .timeout(settings.call_timeout)
            .connect_timeout(settings.connect_timeout)
            .pool_idle_timeout(POOL_IDLE);
        if settings.base_url.host() == Some(Host::Domain("localhost")) {
            // The name is trusted with credentials, so it may not lead anywhere else.
            let here =
                [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
            builder = builder.resolve_to_addrs("localhost", &here);
        }
        Ok(Self {
            way: Way::Http(builder.build().map_err(|error| BuildError::Http(error.into()))?),
            base_url: settings.base_url,
            call_timeout: settings.call_timeout,
            idle_timeout: settings.idle_timeout,
            maximum_catalog_size: settings.maximum_catalog_size,
            maximum_answer_size: settings.maximum_answer_size,
        })
    }

    pub(super) fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// Sends a request whose answer may be as long as a catalog.
    pub(super) async fn send_for_catalog(&self, request: Request) -> Result<Answer, ClientError> {
        self.exchange(request, self.maximum_catalog_size).await
    }

    /// Sends any other request.
    pub(super) async fn send(&self, request: Request) -> Result<Answer, ClientError> {
        self.exchange(request, self.maximum_answer_size).await
    }

    /// Sends a request under a fresh identity and logs how it went.
    async fn exchange(&self, request: Request, limit: usize) -> Result<Answer, ClientError> {
        let identity = Uuid::new_v4();
        let logged = tracing::enabled!(tracing::Level::DEBUG)
            .then(|| (request.method.clone(), request.path().to_owned()));
        let begun = Instant::now();
        let result = self.call(request, identity, limit).await;
        if let Some((method, path)) = logged {
            let status = match &result {
                Ok(answer) => Some(answer.status),
                Err(error) => error.status(),
            };
            tracing::debug!(
                request.identity = %identity,
                %method,
                path,
                status,
                milliseconds = begun.elapsed().as_secs_f64() * 1_000.0,
                "asked the broker",
            );
        }
        result
    }

    async fn call(&self, request: Request, identity: Uuid, limit: usize) -> Result<Answer, ClientError> {
        let url = request.url(&self.base_url).map_err(|error: UrlError| not_sent(error))?;
        let http = match &self.way {
            Way::Http(http) => http,
            Way::Wire(wire) => return carry(wire.as_ref(), (&url, request), limit).await,
        };
        let mut outgoing = reqwest::Request::new(request.method, url);
        *outgoing.headers_mut() = request.headers;
        let identity = identity.hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned();
        let identity = HeaderValue::try_from(identity).map_err(not_sent)?;
        outgoing.headers_mut().insert(HeaderName::from_static(header_name::REQUEST_IDENTITY), identity);
        *outgoing.body_mut() = request.body.map(Into::into);

        let mut response = http.execute(outgoing).await.map_err(|error| self.failure(error))?;
        let status = response.status().as_u16();
        let body = match status {
            // What these say does not matter, so it is not waited for.
            300..=399 | 401 => Bytes::new(),
            _ => match self.body(&mut response, limit).await {
                // The status alone decides what an error means.
                Err(ClientError::TimedOut { .. } | ClientError::Interrupted { .. }) if status >= 400 => {
                    Bytes::new()
                }
                body => body?,
            },
        };
        Ok(Answer { status, headers: std::mem::take(response.headers_mut()), body })
    }

    /// Reads a body piece by piece; one that comes in one piece is not copied.
    async fn body(&self, response: &mut reqwest::Response, limit: usize) -> Result<Bytes, ClientError> {
        let status = response.status().as_u16();
        let within = |length: usize| match length <= limit {
            true => Ok(()),
            false => Err(ClientError::TooLarge { status, limit }),
        };
        within(response.content_length().map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX)))?;
        let Some(first) = self.piece(response).await? else { return Ok(Bytes::new()) };
        within(first.len())?;
        let Some(second) = self.piece(response).await? else { return Ok(first) };
        let mut body = BytesMut::from(first);
        let mut next = Some(second);
        while let Some(piece) = next {
            within(body.len() + piece.len())?;
            body.extend_from_slice(&piece);
            next = self.piece(response).await?;
        }
        Ok(body.freeze())
    }

    /// The next piece of a body, if it comes in time.
    async fn piece(&self, response: &mut reqwest::Response) -> Result<Option<Bytes>, ClientError> {
        match timeout(self.idle_timeout, response.chunk()).await {
            Ok(piece) => piece.map_err(|error| self.failure(error)),
            Err(_) => Err(ClientError::TimedOut { limit: self.idle_timeout }),
        }
    }

    /// Sorts a failure by what the broker may have received.
    fn failure(&self, error: reqwest::Error) -> ClientError {
        let error = error.without_url();
        if error.is_connect() || error.is_builder() || is_refused_handshake(&error) {
            ClientError::NotSent { source: error.into() }
        } else if error.is_timeout() {
            ClientError::TimedOut { limit: self.call_timeout }
        } else {
            ClientError::Interrupted { source: error.into() }
        }
    }
}

/// Carries a request over a wire.
async fn carry(
    wire: &dyn Wire,
    (url, request): (&Url, Request),
    limit: usize,
) -> Result<Answer, ClientError> {
    let carried = wire.carry(WireRequest {
        method: request.method.to_string(),
        path: url.path().to_owned(),
        query: url.query().unwrap_or_default().to_owned(),
        body: request.body.unwrap_or_default(),
    });
    let answer = carried.await?;
    if answer.body.len() > limit {
        return Err(ClientError::TooLarge { status: answer.status, limit });
    }
    let mut headers = HeaderMap::new();
    if let Some(seconds) = answer.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(Answer { status: answer.status, headers, body: answer.body.into() })
}

fn not_sent(error: impl Error + Send + Sync + 'static) -> ClientError {
    ClientError::NotSent { source: error.into() }
}

/// Whether the broker ended the TLS handshake, which with TLS 1.3 shows only when the answer is read: for instance it
/// does not accept our certificate. Nothing of the request has been looked at.
fn is_refused_handshake(error: &reqwest::Error) -> bool {
    use rustls::AlertDescription as Alert;
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.downcast_ref::<io::Error>().and_then(|error| error.get_ref());
        if let Some(rustls::Error::AlertReceived(alert)) = inner.and_then(|inner| inner.downcast_ref()) {
            return matches!(
                alert,
                Alert::CertificateRequired
                    | Alert::NoCertificate
                    | Alert::BadCertificate
                    | Alert::UnsupportedCertificate
                    | Alert::CertificateRevoked
                    | Alert::CertificateExpired
                    | Alert::CertificateUnknown
                    | Alert::UnknownCA
                    | Alert::AccessDenied
                    | Alert::HandshakeFailure
            );
        }
        cause = error.source();
    }
    false
}

/// Refuses an address that would send in clear what may hold credentials, or that is no base.
fn check_url(url: &Url, tls: &Tls) -> Result<(), BuildError> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BuildError::CredentialsInUrl);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(BuildError::QueryInUrl);
    }
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => reach::check(url).map_err(|refused| BuildError::Unreachable(refused.0)),
        "http" if tls.authorities_pem.is_some() || tls.client.is_some() => Err(BuildError::TlsWithoutHttps),
        "http" if loopback => Ok(()),
        "http" => Err(BuildError::PlainHttp(url.host_str().unwrap_or_default().to_owned())),
        scheme => Err(BuildError::Scheme(scheme.to_owned())),
    }
}
