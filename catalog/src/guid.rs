//! Fixed identifiers of offerings and plans, checked while compiling.

use sutler_spec::{PlanId, ServiceId};

/// A lower-case GUID written into the source, once and for ever (B-CAT-04).
///
/// ```
/// # use sutler_catalog::Guid;
/// const ID: Guid = Guid::new("0f3a52a2-6d0b-4b7e-9d5c-2f1f4a3c9b10");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guid(&'static str);

impl Guid {
    /// Checks the form: 36 characters, lower-case hexadecimal digits and hyphens.
    ///
    /// # Panics
    /// When the form is wrong; in a `const`, that is an error of the compiler.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        let bytes = text.as_bytes();
        assert!(bytes.len() == 36, "a GUID has 36 characters");
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            if matches!(at, 8 | 13 | 18 | 23) {
                assert!(byte == b'-', "a GUID has hyphens after 8, 4, 4 and 4 digits");
            } else {
                assert!(
                    matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
                    "a GUID has lower-case hexadecimal digits"
                );
            }
            at += 1;
        }
        Self(text)
    }

    /// The text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl From<Guid> for ServiceId {
    fn from(guid: Guid) -> Self {
        Self::new(guid.0).expect("a GUID is an identifier")
    }
}

impl From<Guid> for PlanId {
    fn from(guid: Guid) -> Self {
        Self::new(guid.0).expect("a GUID is an identifier")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lower_case_guids_are_accepted() {
        assert_eq!(ServiceId::from(Guid::new("0f3a52a2-6d0b-4b7e-9d5c-2f1f4a3c9b10")).as_str().len(), 36);
        for bad in ["", "0F3A52A2-6d0b-4b7e-9d5c-2f1f4a3c9b10", "0f3a52a2x6d0b-4b7e-9d5c-2f1f4a3c9b10"] {
            assert!(std::panic::catch_unwind(|| Guid::new(bad)).is_err(), "{bad}");
        }
    }
}
