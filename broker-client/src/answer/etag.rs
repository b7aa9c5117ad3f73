//! The validator of a catalog (B-CAT-07).

use std::fmt;

use http::HeaderValue;

/// An entity tag as a broker sent it: visible ASCII, 1 to 1,024 bytes, so that it can be sent back (S-24).
#[derive(Clone, PartialEq, Eq)]
pub struct ETag(HeaderValue);

impl ETag {
    /// Checks and wraps a text; `None` if no header could carry it back.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let carried =
            (1..=1024).contains(&text.len()) && text.bytes().all(|byte| (0x21..0x7f).contains(&byte));
        if carried { HeaderValue::from_str(text).ok().map(Self) } else { None }
    }

    /// The text as sent, quotes included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The header to ask with.
    pub(crate) fn header_value(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_that_no_header_carries_is_no_tag() {
        for good in ["\"7\"", "W/\"a-b\"", "unquoted"] {
            assert_eq!(ETag::new(good).expect(good).as_str(), good);
        }
        for bad in ["", "a b", "a\nb", "ü", &"x".repeat(1025)] {
            assert!(ETag::new(bad).is_none(), "{bad:?}");
        }
    }
}
