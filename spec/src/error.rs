//! Error bodies and the reserved error codes (B-ERR, App. D).

use serde::{Deserialize, Serialize};

/// English descriptions that a widely used client compares letter by letter (App. D).
pub mod description {
    /// With [`super::ErrorCode::AsyncRequired`].
    pub const ASYNC_REQUIRED: &str =
        "This service plan requires client support for asynchronous service operations.";
    /// With [`super::ErrorCode::ConcurrencyError`].
    pub const CONCURRENCY_ERROR: &str =
        "The Service Broker does not support concurrent requests that mutate the same resource.";
    /// With [`super::ErrorCode::RequiresApp`].
    pub const REQUIRES_APP: &str =
        "This service supports generation of credentials through binding an application only.";
}

/// The word that names an error condition: one of the four reserved ones, or a broker's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ErrorCode {
    /// The work is only possible asynchronously; repeat with `accepts_incomplete=true`.
    AsyncRequired,
    /// Another request for the same resource is pending; wait.
    ConcurrencyError,
    /// The binding needs an `app_guid`.
    RequiresApp,
    /// `maintenance_info.version` differs from the catalog's; fetch the catalog again.
    MaintenanceInfoConflict,
    /// Any other word.
    Other(String),
}

impl ErrorCode {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::AsyncRequired => "AsyncRequired",
            Self::ConcurrencyError => "ConcurrencyError",
            Self::RequiresApp => "RequiresApp",
            Self::MaintenanceInfoConflict => "MaintenanceInfoConflict",
            Self::Other(word) => word,
        }
    }
}

impl From<String> for ErrorCode {
    fn from(word: String) -> Self {
        match word.as_str() {
            "AsyncRequired" => Self::AsyncRequired,
            "ConcurrencyError" => Self::ConcurrencyError,
            "RequiresApp" => Self::RequiresApp,
            "MaintenanceInfoConflict" => Self::MaintenanceInfoConflict,
            _ => Self::Other(word),
        }
    }
}

impl From<ErrorCode> for String {
    fn from(code: ErrorCode) -> Self {
        code.as_str().to_owned()
    }
}

/// The body of every failure (App. A.1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Names the condition in one word (B-ERR-03).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorCode>,
    /// For the end user (B-ERR-04).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Only for update and deprovision; absent means usable (B-ERR-05).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_usable: Option<bool>,
    /// Only for update; absent means repeatable (B-ERR-06).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_repeatable: Option<bool>,
}

impl ErrorBody {
    /// A body with a description and no code.
    #[must_use]
    pub fn described(description: impl Into<String>) -> Self {
        Self { description: Some(description.into()), ..Self::default() }
    }

    /// A body with a code and a description.
    #[must_use]
    pub fn coded(code: ErrorCode, description: impl Into<String>) -> Self {
        Self { error: Some(code), description: Some(description.into()), ..Self::default() }
    }

    /// Whether the code is the given one.
    #[must_use]
    pub fn is(&self, code: &ErrorCode) -> bool {
        self.error.as_ref() == Some(code)
    }
}
