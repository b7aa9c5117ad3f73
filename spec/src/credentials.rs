//! Objects that carry secrets: printing them shows their keys, never a value.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroize;

/// Overwrites every string below a value.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

macro_rules! guarded_object {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Map<String, Value>);

        impl $name {
            /// Wraps an object.
            #[must_use]
            pub fn new(object: Map<String, Value>) -> Self {
                Self(object)
            }

            /// The object itself. Call it only where the values are needed, never to print or log.
            #[must_use]
            pub fn expose(&self) -> &Map<String, Value> {
                &self.0
            }

            /// The keys, which are safe to print.
            pub fn keys(&self) -> impl Iterator<Item = &str> {
                self.0.keys().map(String::as_str)
            }

            /// Whether there is no key.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl FromIterator<(String, Value)> for $name {
            fn from_iter<I: IntoIterator<Item = (String, Value)>>(pairs: I) -> Self {
                Self(pairs.into_iter().collect())
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                self.0.values_mut().for_each(wipe);
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), " "))?;
                f.debug_set().entries(self.0.keys()).finish()
            }
        }
    };
}

guarded_object!(
    /// What a binding yields (B-BIND-25). `Debug` prints keys only; there is no `Display`.
    Credentials
);
guarded_object!(
    /// What a user asks for in a provision, update or bind request; may hold secrets, so `Debug` prints keys only.
    Parameters
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_credentials_shows_keys_and_no_value() {
        let credentials: Credentials =
            [("token".to_owned(), Value::from("c4n4ry-s3cret"))].into_iter().collect();
        let printed = format!("{credentials:?} {credentials:#?}");
        assert!(printed.contains("token"));
        assert!(!printed.contains("c4n4ry"));
    }
}
