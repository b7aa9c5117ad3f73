//! Identifiers: opaque, checked once, compared as bytes.
//!
//! The specification allows any non-empty string (S#url-properties); we refuse what cannot be carried safely in a
//! path, a log line or a terminal, and what no platform accepts (S-19).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text cannot be an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The identifier is empty.
    #[error("the {kind} is empty")]
    Empty {
        /// Which identifier.
        kind: &'static str,
    },
    /// The identifier is longer than 255 bytes.
    #[error("the {kind} is {length} bytes long; 255 are allowed")]
    TooLong {
        /// Which identifier.
        kind: &'static str,
        /// Its length in bytes.
        length: usize,
    },
    /// The identifier holds a control character, `/` or `\`, or is `.` or `..`.
    #[error("the {kind} holds {what}, which no path can carry safely")]
    Unsafe {
        /// Which identifier.
        kind: &'static str,
        /// What was found.
        what: &'static str,
    },
}

/// Checks `text` as an identifier of the given kind: 1..=255 bytes, no control characters, no separators.
fn check(kind: &'static str, text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty { kind });
    }
    if text.len() > 255 {
        return Err(IdError::TooLong { kind, length: text.len() });
    }
    if text == "." || text == ".." {
        return Err(IdError::Unsafe { kind, what: "only dots" });
    }
    if text.contains(['/', '\\']) {
        return Err(IdError::Unsafe { kind, what: "a slash or backslash" });
    }
    if text.chars().any(char::is_control) {
        return Err(IdError::Unsafe { kind, what: "a control character" });
    }
    Ok(())
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks and wraps a text.
            ///
            /// # Errors
            /// When it is empty, longer than 255 bytes, or holds what a path cannot carry (S-19).
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                check($kind, &text)?;
                Ok(Self(text.into_boxed_str()))
            }

            /// The identifier exactly as it was received.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

identifier!(
    /// Identifies a service offering across all brokers (B-CSV-02).
    ServiceId,
    "service id"
);
identifier!(
    /// Identifies a service plan across all brokers (B-CPL-01).
    PlanId,
    "plan id"
);
identifier!(
    /// Identifies a service instance; minted by the platform (B-PROV-02).
    InstanceId,
    "instance id"
);
identifier!(
    /// Identifies a service binding; minted by the platform (B-BIND-11).
    BindingId,
    "binding id"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_any_text_that_a_path_can_carry() {
        for good in ["a", "3f2a", "ünïcödé", "a b", "~.-_", "a%2fb", &"x".repeat(255)] {
            assert_eq!(InstanceId::new(good).expect(good).as_str(), good);
        }
    }

    #[test]
    fn what_a_path_cannot_carry_is_refused() {
        for bad in ["", ".", "..", "a/b", "a\\b", "a\nb", "a\u{0}b", "\u{7f}", &"x".repeat(256)] {
            assert!(InstanceId::new(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn an_empty_identifier_in_a_message_is_an_error() {
        assert!(serde_json::from_str::<PlanId>("\"\"").is_err());
        assert_eq!(serde_json::from_str::<PlanId>("\"p\"").unwrap().as_str(), "p");
    }
}
