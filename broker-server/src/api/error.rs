//! The one table from errors to HTTP: the specification's error table, on one screen.

use std::time::Duration;

use actix_web::http::header;
use sutler_spec::{ErrorBody, ErrorCode, description};

use super::reply::Reply;
use crate::{
    broker::{BrokerError, Failure},
    providers::{Refusal, Work},
};

/// Everything that keeps a request from its use case, or comes out of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// 401, always the same one (S-04).
    #[error("not authenticated")]
    Unauthenticated,
    /// 400 or 412: the version header.
    #[error("{description}")]
    Version {
        /// The status.
        status: u16,
        /// What to send.
        description: String,
    },
    /// 400.
    #[error("{0}")]
    Malformed(String),
    /// 404: no such path.
    #[error("no such path")]
    UnknownPath,
    /// 405, with what is allowed.
    #[error("no such method; allowed: {0}")]
    Method(&'static str),
    /// Anything that is too large, too slow or encoded: status and description. The connection ends.
    #[error("{1}")]
    Unreadable(u16, &'static str),
    /// 500: a bug. What it panicked with stays where it happened (S-45).
    #[error("the handler panicked")]
    Panicked,
    /// 503: it took longer than any request may.
    #[error("the request took too long")]
    Late,
    /// From the use case.
    #[error(transparent)]
    Broker(#[from] BrokerError),
}

impl ApiError {
    /// The answer. What only the operator may know is left to the log.
    pub(super) fn into_reply(self, request_identity: &str) -> Reply {
        match self {
            Self::Unauthenticated => {
                Reply::coded(401, other("Unauthorized"), "The credentials are missing or not valid.")
                    .with(header::WWW_AUTHENTICATE, "Basic realm=\"sutler-broker\"")
                    .closing()
            }
            Self::Version { status, description } => Reply::described(status, description),
            Self::Malformed(description) => Reply::described(400, description),
            Self::UnknownPath => Reply::described(404, "There is nothing at this path."),
            Self::Method(allowed) => {
                let description = format!("This method is not allowed here; there are: {allowed}.");
                Reply::described(405, description).with(header::ALLOW, allowed)
            }
            Self::Unreadable(status, description) => Reply::described(status, description).closing(),
            Self::Panicked => internal(request_identity),
            Self::Late => {
                Reply::described(503, "The request took too long. What it began goes on.").closing()
            }
            Self::Broker(error) => broker(error, request_identity),
        }
    }
}

fn broker(error: BrokerError, request_identity: &str) -> Reply {
    match error {
        BrokerError::Invalid(description) => Reply::described(400, description),
        BrokerError::AsyncRequired => {
            Reply::coded(422, ErrorCode::AsyncRequired, description::ASYNC_REQUIRED)
        }
        BrokerError::RequiresApp => Reply::coded(422, ErrorCode::RequiresApp, description::REQUIRES_APP),
        BrokerError::Concurrency => {
            Reply::coded(422, ErrorCode::ConcurrencyError, description::CONCURRENCY_ERROR)
        }
        BrokerError::MaintenanceInfoConflict(description) => {
            Reply::coded(422, ErrorCode::MaintenanceInfoConflict, description)
        }
        BrokerError::Unsupported(description) => Reply::coded(422, other("Unsupported"), description),
        BrokerError::NotFound(description) => Reply::described(404, description),
        BrokerError::Conflict(description) => Reply::described(409, description),
        BrokerError::Work { work, failure } => ended(work, failure),
        BrokerError::StillRunning => Reply::described(
            500,
            "The operation did not end in time and goes on. Ask with accepts_incomplete=true to be told how it stands.",
        ),
        BrokerError::VendorUnavailable { description, retry_after } => {
            Reply::described(503, description).with(header::RETRY_AFTER, &seconds(retry_after))
        }
        BrokerError::VendorRefused(description) => Reply::described(502, description),
        BrokerError::NoProvider(_) | BrokerError::Store(_) => internal(request_identity),
    }
}

/// Work that ended while its request waited. Where nothing was done, a 4xx says so (B-ERR-08).
fn ended(work: Work, failure: Failure) -> Reply {
    let creates = matches!(work, Work::Provision | Work::Bind);
    let (status, code) = match failure.refusal.filter(|_| !failure.touched) {
        Some(Refusal::Conflict) if creates => (409, Some("Conflict")),
        Some(Refusal::Conflict) => (422, Some("Conflict")),
        Some(Refusal::Unsupported) if creates => (400, Some("Unsupported")),
        Some(Refusal::Unsupported) => (422, Some("Unsupported")),
        Some(Refusal::Quota) => (422, Some("QuotaExceeded")),
        Some(Refusal::Protected) => (422, Some("Protected")),
        Some(Refusal::Credentials) => (500, Some("VendorCredentials")),
        None => (500, None),
    };
    let changes = matches!(work, Work::Update | Work::Deprovision);
    let body = ErrorBody {
        error: code.map(other),
        description: Some(failure.description),
        instance_usable: failure.instance_usable.filter(|_| changes),
        update_repeatable: failure.update_repeatable.filter(|_| work == Work::Update),
    };
    Reply::json(status, &body)
}

fn internal(request_identity: &str) -> Reply {
    Reply::described(500, format!("internal error; request {request_identity}"))
}

fn other(word: &str) -> ErrorCode {
    ErrorCode::from(word.to_owned())
}

/// Whole seconds, at least one.
pub(super) fn seconds(duration: Duration) -> String {
    duration.as_millis().div_ceil(1000).max(1).to_string()
}
