//! The mark on every vendor object we make: derived, so that it can be found again without having been recorded.

use std::fmt;

use sha2::{Digest, Sha256};
use sutler_spec::{BindingId, InstanceId};

/// How much of a hint becomes part of a name.
const HINT_LENGTH: usize = 30;

/// Tells our objects from others: a hash of the installation, the instance and, for a binding's object, the binding.
///
/// It is not secret. The same three always give the same mark; any other three another one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Marker {
    hash: [u8; 32],
}

impl Marker {
    /// The mark of an instance's objects.
    #[must_use]
    pub fn for_instance(installation: &str, instance: &InstanceId) -> Self {
        Self::of(&[b"instance", installation.as_bytes(), instance.as_str().as_bytes()])
    }

    /// The mark of the objects of one of the instance's bindings.
    #[must_use]
    pub fn for_binding(&self, binding: &BindingId) -> Self {
        Self::of(&[b"binding", &self.hash, binding.as_str().as_bytes()])
    }

    /// Hashes the parts, each after its length: no two lists of parts run together.
    fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self { hash: hash.finalize().into() }
    }

    /// The first `digits` (at most 64) hexadecimal digits, lower case.
    #[must_use]
    pub fn hex(&self, digits: usize) -> String {
        let mut text: String = self.hash.iter().map(|byte| format!("{byte:02x}")).collect();
        text.truncate(digits);
        text
    }

    /// A name of at most `max_length` characters of `[a-z0-9-]`: the hint made into a slug and 24 digits of the
    /// mark, or `osb-` and 32 digits without a usable hint. Give at least 36; a shorter limit cuts digits off.
    #[must_use]
    pub fn name(&self, hint: Option<&str>, max_length: usize) -> String {
        let slug = hint.map(|hint| slug(hint, HINT_LENGTH.min(max_length.saturating_sub(25))));
        let mut name = match slug.filter(|slug| !slug.is_empty()) {
            Some(slug) => format!("{slug}-{}", self.hex(24)),
            None => format!("osb-{}", self.hex(32)),
        };
        name.truncate(max_length);
        name
    }
}

impl fmt::Debug for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Marker({})", self.hex(12))
    }
}

/// The digits of a mark that a name made by [`Marker::name`] ends with: 24 behind a slug, 32 behind `osb`.
#[must_use]
pub fn mark_of_name(name: &str) -> Option<&str> {
    let (slug, digits) = name.rsplit_once('-')?;
    let expected = if slug == "osb" && digits.len() == 32 { 32 } else { 24 };
    let are_digits = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (digits.len() == expected && are_digits && !slug.is_empty()).then_some(digits)
}

/// Lower-case letters, digits and single hyphens, none at either end.
fn slug(text: &str, max_length: usize) -> String {
    let mut slug = String::new();
    for character in text.chars() {
        match character.to_ascii_lowercase() {
            kept @ ('a'..='z' | '0'..='9') => slug.push(kept),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    slug.truncate(max_length);
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(installation: &str, instance: &str) -> Marker {
        Marker::for_instance(installation, &InstanceId::new(instance).unwrap())
    }

    #[test]
    fn each_instance_and_binding_has_its_own_mark() {
        let one = marker("a", "bc");
        let binding = BindingId::new("x").unwrap();
        assert_eq!(one, marker("a", "bc"));
        assert_ne!(one, marker("ab", "c"));
        assert_ne!(one.for_binding(&binding), one);
        assert_ne!(one.for_binding(&binding), marker("a", "bd").for_binding(&binding));
        assert_eq!(one.hex(64).len(), 64);
        assert!(one.hex(64).starts_with(&one.hex(12)));
    }

    #[test]
    fn a_mark_is_read_from_a_name_and_from_nothing_else() {
        let marker = marker("a", "b");
        for hint in [None, Some("shop"), Some("osb"), Some("a-b-c")] {
            let name = marker.name(hint, 63);
            let mark = mark_of_name(&name).unwrap();
            assert!(marker.hex(64).starts_with(mark) && mark.len() >= 24, "{name}");
        }
        let digits = marker.hex(24);
        for foreign in [
            "shop".to_owned(),
            digits.clone(),
            format!("-{digits}"),
            format!("shop-{}", digits.to_uppercase()),
            format!("shop-{}", &digits[1..]),
            format!("shop-{}", marker.hex(32)),
        ] {
            assert_eq!(mark_of_name(&foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_name_is_a_slug_and_the_mark() {
        let marker = marker("a", "b");
        let tail = marker.hex(24);
        for (hint, slug) in [
            ("shop-db", "shop-db"),
            ("  Shöp DB!! ", "sh-p-db"),
            ("a_very_long_name_that_never_ends_at_all", "a-very-long-name-that-never-en"),
        ] {
            assert_eq!(marker.name(Some(hint), 63), format!("{slug}-{tail}"), "{hint}");
        }
        for none in [None, Some(""), Some("--"), Some("日本")] {
            assert_eq!(marker.name(none, 63), format!("osb-{}", marker.hex(32)));
        }
        assert_eq!(marker.name(Some("abcdefghijklmnopqrstuvwxyz"), 36), format!("abcdefghijk-{tail}"));
    }
}
