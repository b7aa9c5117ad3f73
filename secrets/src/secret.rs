//! A value that can be held and passed on, but not printed, compared, copied or serialized by accident.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use zeroize::Zeroize;

/// A secret text.
pub type SecretString = Secret<String>;

/// Secret bytes.
pub type SecretBytes = Secret<Vec<u8>>;

/// A value that leaves only through [`expose`](Self::expose) or [`into_inner`](Self::into_inner), and is wiped from
/// memory when dropped.
///
/// ```
/// use sutler_secrets::{Secret, SecretString};
/// use zeroize::Zeroize;
///
/// let password = SecretString::from("hunter2".to_owned());
/// assert_eq!(format!("{password:?}"), "Secret(…)");
/// assert_eq!(password.expose(), "hunter2");
///
/// struct Undebuggable(u8); // the value's own Debug is never asked for
/// impl Zeroize for Undebuggable {
///     fn zeroize(&mut self) {
///         self.0.zeroize();
///     }
/// }
/// assert_eq!(format!("{:?}", Secret::new(Undebuggable(1))), "Secret(…)");
/// ```
///
/// It cannot be displayed:
///
/// ```compile_fail,E0277
/// let password = sutler_secrets::SecretString::from("hunter2".to_owned());
/// let _ = format!("{password}");
/// ```
///
/// nor serialized:
///
/// ```compile_fail,E0277
/// let password = sutler_secrets::SecretString::from("hunter2".to_owned());
/// let _ = serde_json::to_string(&password);
/// ```
///
/// nor cloned ([`duplicate`](Self::duplicate) says so where a copy is needed):
///
/// ```compile_fail,E0599
/// let password = sutler_secrets::SecretString::from("hunter2".to_owned());
/// let _: sutler_secrets::SecretString = password.clone();
/// ```
///
/// nor compared, which would take a time that depends on the value (compare [`Tag`](crate::Tag)s):
///
/// ```compile_fail,E0369
/// let password = sutler_secrets::SecretString::from("hunter2".to_owned());
/// let _ = password == sutler_secrets::SecretString::from("hunter2".to_owned());
/// ```
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes the value in.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. What the caller does with it is no longer guarded.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// Gives the value away; from here on nobody wipes it.
    pub fn into_inner(mut self) -> T
    where
        T: Default,
    {
        std::mem::take(&mut self.0)
    }

    /// A second secret with the same value.
    pub fn duplicate(&self) -> Self
    where
        T: Clone,
    {
        Self(self.0.clone())
    }
}

impl SecretBytes {
    /// The same secret as text.
    ///
    /// # Errors
    /// When the bytes are not UTF-8; they are wiped.
    pub fn into_text(self) -> Result<SecretString, NotText> {
        String::from_utf8(self.into_inner()).map(Secret::new).map_err(|error| {
            error.into_bytes().zeroize();
            NotText
        })
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> zeroize::ZeroizeOnDrop for Secret<T> {}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl From<&str> for SecretString {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

impl From<&[u8]> for SecretBytes {
    fn from(value: &[u8]) -> Self {
        Self(value.to_vec())
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de, T: Zeroize + Deserialize<'de>> Deserialize<'de> for Secret<T> {
    /// Reads the value; an error never quotes it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer)
            .map(Self)
            .map_err(|_| D::Error::custom("this secret is not of the expected type"))
    }
}

/// Writes the value itself: for a field of what is sealed, or sent to whom the secret is for, and nothing else.
///
/// ```
/// use sutler_secrets::SecretString;
///
/// #[derive(serde::Serialize)]
/// struct Credentials {
///     #[serde(serialize_with = "sutler_secrets::exposed")]
///     password: SecretString,
/// }
/// let credentials = Credentials { password: "hunter2".into() };
/// assert_eq!(serde_json::to_string(&credentials).unwrap(), r#"{"password":"hunter2"}"#);
/// ```
///
/// # Errors
/// When the value cannot be written.
pub fn exposed<T: Zeroize + Serialize, S: Serializer>(
    secret: &Secret<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    secret.0.serialize(serializer)
}

/// Secret bytes were asked for as text, but are not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret is not text (UTF-8)")]
pub struct NotText;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropping_a_secret_wipes_its_value() {
        struct Watched<'a>(&'a std::cell::Cell<bool>);
        impl Zeroize for Watched<'_> {
            fn zeroize(&mut self) {
                self.0.set(true);
            }
        }
        let wiped = std::cell::Cell::new(false);
        drop(Secret::new(Watched(&wiped)));
        assert!(wiped.get());
    }

    #[test]
    fn the_value_comes_back_out_only_when_asked_for() {
        let secret = SecretBytes::from(&b"hunter2"[..]);
        assert_eq!(secret.duplicate().into_inner(), b"hunter2");
        assert_eq!(secret.into_text().unwrap().expose(), "hunter2");
        assert_eq!(SecretBytes::from(vec![0xff]).into_text().unwrap_err(), NotText);
    }

    #[test]
    fn a_secret_of_the_wrong_type_is_not_quoted_in_the_error() {
        assert_eq!(serde_json::from_str::<SecretString>("\"hunter2\"").unwrap().expose(), "hunter2");
        let error = serde_json::from_str::<SecretString>("12345678").unwrap_err().to_string();
        assert!(!error.contains("1234"), "{error}");
    }
}
