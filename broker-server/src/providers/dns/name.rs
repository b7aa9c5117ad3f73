//! Names, in the one form that is compared and shown: lower case, without the dot at the end.

use std::{fmt, str::FromStr};

use domain::base::{Name, ToName};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// An absolute name. Equal names are equal whatever the case they came in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DnsName(Name<Vec<u8>>);

/// A text is not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no name of DNS: labels of at most 63 bytes, 255 in all")]
pub struct NameError;

impl DnsName {
    pub(super) fn of(name: &impl ToName) -> Self {
        let mut name: Name<Vec<u8>> = name.to_vec();
        name.make_canonical();
        Self(name)
    }

    pub(super) fn as_name(&self) -> &Name<Vec<u8>> {
        &self.0
    }

    /// Whether the other name is this one or lies below it.
    #[must_use]
    pub fn holds(&self, other: &Self) -> bool {
        other.0.ends_with(&self.0)
    }

    /// The name without its first label; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.parent().map(|parent| Self::of(&parent))
    }

    /// The name with one label more in front.
    ///
    /// # Errors
    /// When the label or the whole would be too long, or the label holds what a text form does not.
    pub fn child(&self, label: &str) -> Result<Self, NameError> {
        format!("{label}.{self}").parse()
    }

    /// The first label, as text; empty for the root.
    #[must_use]
    pub fn first_label(&self) -> String {
        self.0.first().to_string()
    }

    /// How many labels it has, the root's not counted.
    #[must_use]
    pub fn labels(&self) -> usize {
        self.0.label_count() - 1
    }
}

impl FromStr for DnsName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if !text.is_ascii() || (text.is_empty()) {
            return Err(NameError);
        }
        Name::<Vec<u8>>::from_str(text).map(|name| Self::of(&name)).map_err(|_| NameError)
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_root() { f.write_str(".") } else { write!(f, "{}", self.0) }
    }
}

impl Serialize for DnsName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DnsName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DnsName {
        text.parse().unwrap()
    }

    #[test]
    fn case_and_the_last_dot_do_not_tell_names_apart() {
        assert_eq!(name("WWW.Example.com."), name("www.example.com"));
        assert_eq!(name("WWW.Example.com.").to_string(), "www.example.com");
        assert_eq!(serde_json::to_string(&name("A.example")).unwrap(), "\"a.example\"");
    }

    #[test]
    fn a_zone_holds_what_lies_below_it_and_nothing_that_only_ends_alike() {
        let zone = name("example.com");
        for (other, is_held) in
            [("example.com", true), ("a.b.example.com", true), ("notexample.com", false), ("com", false)]
        {
            assert_eq!(zone.holds(&name(other)), is_held, "{other}");
        }
        assert_eq!(name("a.example.com").parent(), Some(zone.clone()));
        assert_eq!(zone.child("_acme-challenge").unwrap(), name("_acme-challenge.example.com"));
        assert_eq!((zone.labels(), zone.first_label().as_str()), (2, "example"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for bad in ["", "a..b", "ü.example", &"a".repeat(64), &"a.".repeat(130)] {
            assert!(bad.parse::<DnsName>().is_err(), "{bad}");
        }
    }
}
