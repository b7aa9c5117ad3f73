//! Why a call did not succeed, told by what the broker may have done about it.

use std::time::Duration;

use sutler_spec::{ErrorBody, ErrorCode};

use crate::Untrusted;

/// The cause of an error, whatever library it comes from.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a call did not succeed. Texts from the broker are cleaned; none repeats a credential or a parameter.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection came about, or the URL cannot be built: the broker certainly did not get the request.
    #[error("the request could not be sent to the broker")]
    NotSent {
        /// What was in the way.
        #[source]
        source: BoxError,
    },
    /// No complete answer in time; the broker may have got the request.
    #[error("the broker did not answer completely within {} s", limit.as_secs_f64())]
    TimedOut {
        /// The limit that was reached.
        limit: Duration,
    },
    /// The connection ended after sending had begun; the broker may have got the request.
    #[error("the connection to the broker ended before its answer was complete")]
    Interrupted {
        /// How it ended.
        #[source]
        source: BoxError,
    },
    /// The broker answered with an error status and a JSON object.
    #[error("{}", rejection(*status, body))]
    Rejected {
        /// The status, 400 or above, but not 401.
        status: u16,
        /// What the broker says about it, cleaned.
        body: ErrorBody,
        /// When to come back, if the broker says (1 s to 300 s).
        retry_after: Option<Duration>,
    },
    /// 401: the broker does not accept the credentials, or wants some and got none.
    #[error("the broker does not accept the credentials (status 401)")]
    Unauthorized,
    /// The answer is not one the protocol has for this request: its status, or its body (App. C "malformed").
    #[error("the broker's answer with status {status} breaks the protocol: {what}")]
    Malformed {
        /// The status.
        status: u16,
        /// What is wrong, and where; never a value.
        what: Untrusted,
    },
    /// The body is longer than allowed; it was not read to its end.
    #[error("the broker's answer with status {status} is longer than {limit} bytes")]
    TooLarge {
        /// The status.
        status: u16,
        /// How many bytes are allowed.
        limit: usize,
    },
    /// The broker points elsewhere. Following could carry credentials to a stranger (S-30).
    #[error("the broker answered with a redirect (status {status}{}); redirects are not followed", to(location.as_ref()))]
    Redirected {
        /// The status.
        status: u16,
        /// Where to, without its query.
        location: Option<Untrusted>,
    },
}

impl ClientError {
    /// The status that came, if one came.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::NotSent { .. } | Self::TimedOut { .. } | Self::Interrupted { .. } => None,
            Self::Unauthorized => Some(401),
            Self::Rejected { status, .. }
            | Self::Malformed { status, .. }
            | Self::TooLarge { status, .. }
            | Self::Redirected { status, .. } => Some(*status),
        }
    }

    /// What the broker says about its rejection.
    #[must_use]
    pub fn body(&self) -> Option<&ErrorBody> {
        match self {
            Self::Rejected { body, .. } => Some(body),
            _ => None,
        }
    }

    /// When to come back, if the broker says.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Rejected { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Another request for the same resource is pending: wait, and clean up nothing (P-ERR-02, P-ERR-05).
    #[must_use]
    pub fn is_concurrency_error(&self) -> bool {
        self.is_refused_with(&ErrorCode::ConcurrencyError)
    }

    /// The work is only possible asynchronously: repeat with [`Asynchrony::Allowed`](sutler_spec::Asynchrony).
    #[must_use]
    pub fn is_async_required(&self) -> bool {
        self.is_refused_with(&ErrorCode::AsyncRequired)
    }

    /// The plan's maintenance version has moved: fetch the catalog again (P-ERR-04).
    #[must_use]
    pub fn is_maintenance_info_conflict(&self) -> bool {
        self.is_refused_with(&ErrorCode::MaintenanceInfoConflict)
    }

    /// The broker itself says that the thing does not exist: 404 or 410 with a JSON object. A bare 404 may come from
    /// anything on the way and says nothing (I-08).
    #[must_use]
    pub fn is_authentic_absence(&self) -> bool {
        matches!(self, Self::Rejected { status: 404 | 410, .. })
    }

    /// Whether the broker may have begun or finished the work all the same. False after a refusal (4xx, a redirect)
    /// and when nothing was sent.
    #[must_use]
    pub fn outcome_is_unknown(&self) -> bool {
        match self {
            Self::NotSent { .. } => false,
            Self::TimedOut { .. } | Self::Interrupted { .. } => true,
            _ => self.status().is_some_and(|status| status == 303 || !(300..500).contains(&status)),
        }
    }

    /// Refused with the given code. The specification has 422 for all of them; brokers vary.
    fn is_refused_with(&self, code: &ErrorCode) -> bool {
        matches!(self, Self::Rejected { status: 400..500, body, .. } if body.is(code))
    }
}

/// What the broker said, in one sentence.
fn rejection(status: u16, body: &ErrorBody) -> String {
    let code = body.error.as_ref().map(|code| format!(" ({})", code.as_str())).unwrap_or_default();
    let description = body.description.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
    Untrusted::new(&format!("the broker rejected the request with status {status}{code}{description}"))
        .into_string()
}

/// Where a redirect points to, as part of a sentence.
fn to(location: Option<&Untrusted>) -> String {
    location.map(|location| format!(" to {location}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(status: u16, code: Option<ErrorCode>) -> ClientError {
        let body = ErrorBody { error: code, ..ErrorBody::default() };
        ClientError::Rejected { status, body, retry_after: None }
    }

    fn malformed(status: u16) -> ClientError {
        ClientError::Malformed { status, what: Untrusted::new("x") }
    }

    #[test]
    fn a_refusal_leaves_no_doubt_and_silence_does() {
        for error in [
            ClientError::NotSent { source: "refused".into() },
            ClientError::Unauthorized,
            ClientError::Redirected { status: 308, location: None },
            rejected(400, None),
            rejected(408, None),
            rejected(422, Some(ErrorCode::ConcurrencyError)),
            malformed(404),
        ] {
            assert!(!error.outcome_is_unknown(), "{error}");
        }
        for error in [
            ClientError::TimedOut { limit: Duration::from_secs(60) },
            ClientError::Interrupted { source: "reset".into() },
            ClientError::TooLarge { status: 200, limit: 1 },
            ClientError::Redirected { status: 303, location: None },
            rejected(500, None),
            rejected(599, None),
            malformed(201),
            malformed(999),
        ] {
            assert!(error.outcome_is_unknown(), "{error}");
        }
    }

    #[test]
    fn reserved_codes_count_only_in_refusals() {
        assert!(rejected(422, Some(ErrorCode::ConcurrencyError)).is_concurrency_error());
        assert!(rejected(422, Some(ErrorCode::AsyncRequired)).is_async_required());
        assert!(!rejected(500, Some(ErrorCode::AsyncRequired)).is_async_required());
        assert!(!rejected(422, None).is_concurrency_error());
    }

    #[test]
    fn only_the_broker_itself_can_say_that_something_is_gone() {
        assert!(rejected(404, None).is_authentic_absence());
        assert!(rejected(410, None).is_authentic_absence());
        for error in [rejected(403, None), rejected(503, None), malformed(404), ClientError::Unauthorized] {
            assert!(!error.is_authentic_absence(), "{error}");
        }
    }

    #[test]
    fn an_error_says_what_the_broker_said() {
        let body = ErrorBody::coded(ErrorCode::AsyncRequired, "ask later");
        let error = ClientError::Rejected { status: 422, body, retry_after: None };
        assert_eq!(
            error.to_string(),
            "the broker rejected the request with status 422 (AsyncRequired): ask later"
        );
        let location = Some(Untrusted::new("https://evil.example/"));
        assert_eq!(
            ClientError::Redirected { status: 302, location }.to_string(),
            "the broker answered with a redirect (status 302 to https://evil.example/); redirects are not followed"
        );
    }
}
