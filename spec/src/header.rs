//! Header names, and the version header (B-VER).

use std::{fmt, str::FromStr};

/// Header names in the lower case that HTTP libraries expect.
pub mod name {
    /// `X-Broker-API-Version`, on every request (P-VER-01).
    pub const API_VERSION: &str = "x-broker-api-version";
    /// `X-Broker-API-Originating-Identity`, on requests caused by a user (B-OID-01).
    pub const ORIGINATING_IDENTITY: &str = "x-broker-api-originating-identity";
    /// `X-Broker-API-Request-Identity`, echoed by the broker (B-RID-02).
    pub const REQUEST_IDENTITY: &str = "x-broker-api-request-identity";
}

/// Why a version header cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// Not of the form `MAJOR.MINOR`.
    #[error("'{0}' is not a version of the form MAJOR.MINOR; send X-Broker-API-Version: 2.17")]
    Malformed(String),
    /// A major version other than 2 (B-VER-02).
    #[error("version {0} is not supported; send X-Broker-API-Version: 2.17")]
    Unsupported(ApiVersion),
}

/// A protocol version. Minor versions only add, so every 2.x is served (B-VER-01).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion {
    /// Incompatible changes.
    pub major: u16,
    /// Additions.
    pub minor: u16,
}

impl ApiVersion {
    /// The version these types speak.
    pub const CURRENT: Self = Self { major: 2, minor: 17 };

    /// Reads the header and refuses what a 2.17 broker cannot serve.
    ///
    /// # Errors
    /// When the text is malformed or the major version is not 2.
    pub fn negotiate(text: &str) -> Result<Self, VersionError> {
        let version = Self::from_str(text)?;
        if version.major == Self::CURRENT.major {
            Ok(version)
        } else {
            Err(VersionError::Unsupported(version))
        }
    }
}

impl FromStr for ApiVersion {
    type Err = VersionError;
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let number =
            |digits: &str| digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
        text.split_once('.')
            .and_then(|(major, minor)| Some(Self { major: number(major)?, minor: number(minor)? }))
            .ok_or_else(|| VersionError::Malformed(text.chars().take(40).collect()))
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_minor_version_of_major_two_is_served() {
        for text in ["2.0", "2.13", "2.14", "2.15", "2.17", "2.99"] {
            assert_eq!(ApiVersion::negotiate(text).expect(text).to_string(), text);
        }
    }

    #[test]
    fn other_versions_are_refused_by_name() {
        assert!(matches!(ApiVersion::negotiate("1.9"), Err(VersionError::Unsupported(_))));
        assert!(matches!(ApiVersion::negotiate("3.0"), Err(VersionError::Unsupported(_))));
        for text in ["", "2", "2.", ".17", "2.17.1", "+2.17", "two"] {
            assert!(matches!(ApiVersion::negotiate(text), Err(VersionError::Malformed(_))), "{text}");
        }
    }
}
