//! Successful answers as enums, one variant per status code; the same type on both sides of the wire.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Accepted, BindingBody, BodyError, Bound, Deprovisioned, InstanceBody, Provisioned, Unbound, Updated,
};

/// Whether the platform accepts that work goes on after the answer (`accepts_incomplete`, P-ASY-01).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asynchrony {
    /// `accepts_incomplete=true`.
    Allowed,
    /// Absent or `false`.
    Refused,
}

/// Why an answer is not one of the outcomes its request can have.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The status is none that means success for this request (App. B).
    #[error("status {status} is not a successful answer to this request")]
    UnexpectedStatus {
        /// The status.
        status: u16,
    },
    /// The status means success but the body is not the one that belongs to it (App. C "malformed").
    #[error("status {status} came with a body that does not belong to it")]
    MalformedBody {
        /// The status.
        status: u16,
        /// What is wrong with the body.
        #[source]
        source: BodyError,
    },
}

impl DecodeError {
    /// The status that came.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::UnexpectedStatus { status } | Self::MalformedBody { status, .. } => *status,
        }
    }
}

/// What the broker writes and the platform reads; a property test proves `decode` inverse to `status` and `body`.
pub trait Outcome: Sized {
    /// The HTTP status that says this outcome.
    fn status(&self) -> u16;

    /// The JSON object that says this outcome; never anything but an object (quirk 1).
    fn body(&self) -> Value;

    /// The body of a 202, if that is the outcome.
    fn accepted(&self) -> Option<&Accepted>;

    /// Reads an outcome.
    ///
    /// # Errors
    /// When the status is no success for this request, or the body is not a JSON object of the right form.
    fn decode(status: u16, body: &[u8]) -> Result<Self, DecodeError>;
}

/// Reads a body that must be a JSON object of the given form.
fn object<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, DecodeError> {
    let malformed =
        |error: serde_json::Error| DecodeError::MalformedBody { status, source: BodyError::of(&error) };
    let object: serde_json::Map<String, Value> = serde_json::from_slice(body).map_err(malformed)?;
    serde_json::from_value(Value::Object(object)).map_err(malformed)
}

/// Writes a body whose type cannot fail to be an object.
fn written<T: Serialize>(body: &T) -> Value {
    serde_json::to_value(body).unwrap_or_else(|_| Value::Object(serde_json::Map::new()))
}

/// The empty object.
fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}

/// Provision and bind answer alike (B-PROV-09 to 11, B-BIND-17 to 19).
macro_rules! creation_outcome {
    ($name:ident, $body:ident) => {
        impl Outcome for $name {
            fn status(&self) -> u16 {
                match self {
                    Self::Created(_) => 201,
                    Self::Unchanged(_) => 200,
                    Self::Accepted(_) => 202,
                }
            }

            fn body(&self) -> Value {
                match self {
                    Self::Created(body) | Self::Unchanged(body) => written(body),
                    Self::Accepted(accepted) => written(accepted),
                }
            }

            fn accepted(&self) -> Option<&Accepted> {
                if let Self::Accepted(accepted) = self { Some(accepted) } else { None }
            }

            fn decode(status: u16, body: &[u8]) -> Result<Self, DecodeError> {
                match status {
                    201 => object::<$body>(status, body).map(Self::Created),
                    200 => object::<$body>(status, body).map(Self::Unchanged),
                    202 => object::<Accepted>(status, body).map(Self::Accepted),
                    _ => Err(DecodeError::UnexpectedStatus { status }),
                }
            }
        }
    };
}

creation_outcome!(Provisioned, InstanceBody);
creation_outcome!(Bound, BindingBody);

impl Outcome for Updated {
    fn status(&self) -> u16 {
        match self {
            Self::Applied(_) => 200,
            Self::Accepted(_) => 202,
        }
    }

    fn body(&self) -> Value {
        match self {
            Self::Applied(body) => written(body),
            Self::Accepted(accepted) => written(accepted),
        }
    }

    fn accepted(&self) -> Option<&Accepted> {
        if let Self::Accepted(accepted) = self { Some(accepted) } else { None }
    }

    fn decode(status: u16, body: &[u8]) -> Result<Self, DecodeError> {
        match status {
            200 => object::<InstanceBody>(status, body).map(Self::Applied),
            202 => object::<Accepted>(status, body).map(Self::Accepted),
            _ => Err(DecodeError::UnexpectedStatus { status }),
        }
    }
}

/// Deprovision and unbind answer alike (B-DEP-06, B-DEP-07, B-UNB-05, B-UNB-06).
macro_rules! deletion_outcome {
    ($name:ident) => {
        impl Outcome for $name {
            fn status(&self) -> u16 {
                match self {
                    Self::Deleted => 200,
                    Self::Accepted(_) => 202,
                    Self::Gone => 410,
                }
            }

            fn body(&self) -> Value {
                match self {
                    Self::Deleted | Self::Gone => empty(),
                    Self::Accepted(accepted) => written(accepted),
                }
            }

            fn accepted(&self) -> Option<&Accepted> {
                if let Self::Accepted(accepted) = self { Some(accepted) } else { None }
            }

            fn decode(status: u16, body: &[u8]) -> Result<Self, DecodeError> {
                match status {
                    200 => object::<serde_json::Map<String, Value>>(status, body).map(|_| Self::Deleted),
                    202 => object::<Accepted>(status, body).map(Self::Accepted),
                    // 410 is success whatever its body says: the thing is gone (P-POL-07).
                    410 => Ok(Self::Gone),
                    _ => Err(DecodeError::UnexpectedStatus { status }),
                }
            }
        }
    };
}

deletion_outcome!(Deprovisioned);
deletion_outcome!(Unbound);
