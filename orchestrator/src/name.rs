//! Names that users write: checked once, cheap to copy.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// Why a text cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a valid {kind}: {rule}")]
pub struct NameError {
    /// What it was to be.
    pub kind: &'static str,
    /// The text, shortened.
    pub text: String,
    /// What is allowed.
    pub rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $check:expr, $rule:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and wraps a text.
            ///
            /// # Errors
            /// When it breaks the rule, which the error states.
            pub fn new(text: &str) -> Result<Self, NameError> {
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(NameError { kind: $kind, text: text.chars().take(80).collect(), rule: $rule })
                }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().into()
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

/// Letters, digits, `-` and `_`, starting with a letter or digit; 1..=128 bytes.
fn is_handle(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Lower-case letters, digits, `-` and `_`; 1..=64 bytes: safe as a file name (S-51).
fn is_path_safe(text: &str) -> bool {
    text.len() <= 64 && is_handle(text) && !text.bytes().any(|b| b.is_ascii_uppercase())
}

/// An environment variable that is safe to set (S-49); the deny list is the sink's.
fn is_variable(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// What a row of a state is about: a ref, or `ledger/KIND/ID`.
fn is_record_key(text: &str) -> bool {
    match text.strip_prefix("ledger/") {
        Some(entry) => entry.split_once('/').is_some_and(|(kind, id)| is_path_safe(kind) && is_path_safe(id)),
        None => is_handle(text),
    }
}

name!(
    /// An instance's handle in the configuration; the word before the dot in `@db.database_id`.
    InstanceRef,
    "ref",
    is_handle,
    "use letters, digits, '-' and '_', starting with a letter or digit, at most 128"
);
name!(
    /// A broker's handle in the configuration.
    BrokerName,
    "broker name",
    is_handle,
    "use letters, digits, '-' and '_', starting with a letter or digit, at most 128"
);
name!(
    /// The name of a stack: one configuration in one environment.
    StackName,
    "stack name",
    is_path_safe,
    "use lower-case letters, digits, '-' and '_', starting with a letter or digit, at most 64"
);
name!(
    /// An environment variable that a sink writes.
    VariableName,
    "variable name",
    is_variable,
    "use upper-case letters, digits and '_', not starting with a digit, at most 128"
);
name!(
    /// What a row of a state is about: an instance, or an entry of the ledger (`ledger/KIND/ID`), which is no ref.
    RecordKey,
    "key of a record",
    is_record_key,
    "a ref, or 'ledger/', a kind, '/' and an id of lower-case letters, digits, '-' and '_', each at most 64"
);
name!(
    /// What an entry of the ledger is about: the name of a migration, of a key. Safe as a file name (S-51).
    LedgerId,
    "id",
    is_path_safe,
    "use lower-case letters, digits, '-' and '_', starting with a letter or digit, at most 64"
);

impl RecordKey {
    /// The instance it is about, if it is about one.
    #[must_use]
    pub fn instance(&self) -> Option<InstanceRef> {
        is_handle(&self.0).then(|| InstanceRef(Arc::clone(&self.0)))
    }
}

impl From<&InstanceRef> for RecordKey {
    fn from(reference: &InstanceRef) -> Self {
        Self(Arc::clone(&reference.0))
    }
}

impl PartialEq<InstanceRef> for RecordKey {
    fn eq(&self, reference: &InstanceRef) -> bool {
        self.0 == reference.0
    }
}
