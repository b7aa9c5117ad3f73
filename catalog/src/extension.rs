//! Our extensions that an offering has (`metadata.sutler.extensions`). Platforms that do not know them lose nothing.

use serde_json::Value;
use sutler_spec::ServiceOffering;

use crate::output::METADATA_KEY;

/// An extension of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Extension {
    /// What the vendor has that nobody tracks can be listed.
    Discover,
    /// An object that exists can be brought under management.
    Adopt,
}

impl Extension {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Discover, Self::Adopt];

    /// Its word, in metadata and configurations.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Discover => "discover",
            Self::Adopt => "adopt",
        }
    }

    /// The extension of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|extension| extension.word() == word)
    }
}

/// The extensions that an offering of any broker says it has; words that are not known are none of ours.
#[must_use]
pub fn declared_extensions(offering: &ServiceOffering) -> Vec<Extension> {
    let words = offering.metadata.get(METADATA_KEY).and_then(|ours| ours.get("extensions"));
    let words = words.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Extension::ALL
        .into_iter()
        .filter(|extension| words.iter().any(|word| word.as_str() == Some(extension.word())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Guid, Offering};

    #[test]
    fn an_offering_says_which_extensions_it_has() {
        let offering = Offering::new(Guid::new("3b0c8a54-1f7d-4a86-9a51-c1d0ff0e6a01"), "clock", "A clock");
        assert!(declared_extensions(offering.service()).is_empty());
        let mut offering =
            offering.extensions(&[Extension::Adopt]).output("x", "y", crate::Sensitivity::Public);
        assert_eq!(declared_extensions(offering.service()), [Extension::Adopt]);
        offering = offering.extensions(&Extension::ALL);
        assert_eq!(declared_extensions(offering.service()), Extension::ALL);
        for extension in Extension::ALL {
            assert_eq!(Extension::parse(extension.word()), Some(extension));
        }
    }
}
