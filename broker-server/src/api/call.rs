//! What every request brings along: identity, version, query, body.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderName},
    web::Payload,
};
use bytes::BytesMut;
use futures_util::StreamExt;
use serde_json::Value;
use sutler_spec::{
    ApiVersion, Asynchrony, LastOperationQuery, Operation, OriginatingIdentity, PlanId, RequestIdentity,
    ServiceId, header_name,
};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::{connection::want_body, error::ApiError};
use crate::{
    broker::Sought,
    config::{Limits, MissingVersionHeader},
    wire::Pace,
};

/// The headers of the specification, as they are looked up: a name in text would be checked at every look.
static API_VERSION: HeaderName = HeaderName::from_static(header_name::API_VERSION);
pub(super) static REQUEST_IDENTITY: HeaderName = HeaderName::from_static(header_name::REQUEST_IDENTITY);
static ORIGINATING_IDENTITY: HeaderName = HeaderName::from_static(header_name::ORIGINATING_IDENTITY);

/// A header as text; what is no text is no header.
pub(super) fn header_text<'a>(request: &'a HttpRequest, name: &HeaderName) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

/// The request's name: the one it was given, or a fresh one.
pub(super) fn request_identity(request: &HttpRequest) -> String {
    header_text(request, &REQUEST_IDENTITY)
        .and_then(|text| RequestIdentity::new(text).ok())
        .map_or_else(|| Uuid::new_v4().to_string(), |identity| identity.as_str().to_owned())
}

/// Checks the version header (B-VER).
pub(super) fn check_version(request: &HttpRequest, missing: MissingVersionHeader) -> Result<(), ApiError> {
    let required = |status| ApiError::Version {
        status,
        description: "The header X-Broker-API-Version is required; send X-Broker-API-Version: 2.17."
            .to_owned(),
    };
    match request.headers().get(&API_VERSION) {
        None => match missing {
            MissingVersionHeader::PreconditionFailed => Err(required(412)),
            MissingVersionHeader::BadRequest => Err(required(400)),
            MissingVersionHeader::Accept => Ok(()),
        },
        Some(text) => ApiVersion::negotiate(text.to_str().unwrap_or_default())
            .map(|_| ())
            .map_err(|error| ApiError::Version { status: 412, description: error.to_string() }),
    }
}

/// On whose behalf the platform says it acts (B-OID).
pub(super) fn originating_identity(request: &HttpRequest) -> Result<Option<Value>, ApiError> {
    let Some(value) = request.headers().get(&ORIGINATING_IDENTITY) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let identity =
        OriginatingIdentity::from_header(text).map_err(|error| ApiError::Malformed(error.to_string()))?;
    Ok(Some(serde_json::json!({ "platform": identity.platform, "value": identity.value })))
}

const TOO_LARGE: ApiError = ApiError::Unreadable(413, "The body is too large.");
/// How long a body may be slower than the slowest rate.
const FIRST_BYTES: Duration = Duration::from_secs(2);

/// Reads the body within its limits: of size, of time, and of how slowly it comes (S-12, S-13). Nothing is decompressed.
pub(super) async fn body(
    request: &HttpRequest,
    payload: &mut Payload,
    limits: &Limits,
) -> Result<BytesMut, ApiError> {
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(ApiError::Unreadable(400, "Encoded bodies are not accepted."));
    }
    if !is_json(request, &header::CONTENT_TYPE) {
        return Err(ApiError::Malformed("The Content-Type must be application/json.".to_owned()));
    }
    if announced(request).is_some_and(|length| length > limits.body as u64) {
        return Err(TOO_LARGE);
    }
    want_body(request);
    let pace = Pace { total: limits.body_deadline, grace: FIRST_BYTES, rate: limits.slowest };
    let began = Instant::now();
    let mut body = BytesMut::new();
    loop {
        let deadline = began + pace.deadline(body.len() as u64);
        let late = ApiError::Unreadable(408, "The body did not arrive in time.");
        let Some(chunk) = timeout_at(deadline, payload.next()).await.map_err(|_| late)? else {
            return Ok(body);
        };
        let chunk = chunk.map_err(|_| ApiError::Unreadable(400, "The body did not arrive whole."))?;
        if body.len() + chunk.len() > limits.body {
            return Err(TOO_LARGE);
        }
        body.extend_from_slice(&chunk);
    }
}

/// How long the body says it is.
fn announced(request: &HttpRequest) -> Option<u64> {
    header_text(request, &header::CONTENT_LENGTH)?.parse().ok()
}

/// Absent counts as JSON (B-CT-02).
fn is_json(request: &HttpRequest, name: &HeaderName) -> bool {
    let Some(value) = request.headers().get(name) else { return true };
    let media_type = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
        || (media_type.to_ascii_lowercase().starts_with("application/") && media_type.ends_with("+json"))
}

/// The query of a request, decoded once.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(request: &HttpRequest) -> Self {
        Self::read(request.uri().query().unwrap_or_default())
    }

    pub(super) fn read(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Only `true` counts.
    pub(super) fn asynchrony(&self) -> Asynchrony {
        match self.get("accepts_incomplete") {
            Some("true") => Asynchrony::Allowed,
            _ => Asynchrony::Refused,
        }
    }

    /// The offering and plan that deletions must name.
    pub(super) fn ids(&self) -> Result<(ServiceId, PlanId), String> {
        let service =
            self.get("service_id").filter(|text| !text.is_empty()).ok_or("service_id is required.")?;
        let plan = self.get("plan_id").filter(|text| !text.is_empty()).ok_or("plan_id is required.")?;
        let service = ServiceId::new(service).map_err(|error| error.to_string())?;
        let plan = PlanId::new(plan).map_err(|error| error.to_string())?;
        Ok((service, plan))
    }

    /// What is to be listed: of which offering, and which part of it.
    pub(super) fn sought(&self) -> Result<(ServiceId, Sought<'_>), String> {
        let service = self.get("service_id").ok_or("service_id is required.")?;
        let service = ServiceId::new(service).map_err(|error| error.to_string())?;
        let sought = match (self.get("object"), self.get("cursor")) {
            (Some(_), Some(_)) => return Err("object and cursor exclude each other.".to_owned()),
            (Some(object), None) => Sought::Object(object),
            (None, cursor) => Sought::Page(cursor),
        };
        Ok((service, sought))
    }

    /// The hints of a poll; what makes no sense is no hint.
    pub(super) fn last_operation(&self) -> LastOperationQuery {
        LastOperationQuery {
            service_id: self.get("service_id").and_then(|text| ServiceId::new(text).ok()),
            plan_id: self.get("plan_id").and_then(|text| PlanId::new(text).ok()),
            operation: self.get("operation").and_then(|text| Operation::new(text).ok()),
        }
    }
}
