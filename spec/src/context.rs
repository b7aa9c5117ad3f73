//! What a platform says about itself and about whom it acts for (B-OID, B-RID, App. A.9).

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Platform-specific context of a request. `platform` is always there; everything else is kept as sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// The platform's word for itself, such as `cloudfoundry`, `kubernetes` or `sutler`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub platform: String,
    /// All other properties, known to the profile or not (B-PROF-01).
    #[serde(flatten)]
    pub properties: Map<String, Value>,
}

impl Context {
    /// The name that people know the instance by, where the platform tells it (`instance_name`).
    #[must_use]
    pub fn instance_name(&self) -> Option<&str> {
        self.properties.get("instance_name").and_then(Value::as_str).filter(|name| !name.is_empty())
    }

    /// Whether an update is to put right what was changed at the vendor, although what it asks for is what the broker
    /// remembers ([`REPAIR`](Self::REPAIR)).
    #[must_use]
    pub fn wants_repair(&self) -> bool {
        self.properties.get(Self::REPAIR) == Some(&Value::Bool(true))
    }

    /// The vendor's id of the object that a provision is to make its instance from, instead of making one
    /// ([`ADOPT`](Self::ADOPT)).
    #[must_use]
    pub fn adopts(&self) -> Option<&str> {
        self.properties.get(Self::ADOPT).and_then(Value::as_str).filter(|object| !object.is_empty())
    }

    /// The context without what is a wish for one request only.
    #[must_use]
    pub fn lasting(mut self) -> Self {
        self.properties.shift_remove(Self::REPAIR);
        self
    }

    /// Our word for [`wants_repair`](Self::wants_repair). Brokers that do not know it lose nothing.
    pub const REPAIR: &'static str = "x-sutler-repair";

    /// Our word for [`adopts`](Self::adopts). It is for offerings alone that say `adopt` among their extensions: any other
    /// broker would ignore it, and make something new.
    pub const ADOPT: &'static str = "x-sutler-adopt";
}

/// Why an originating identity cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Not of the form `platform value`.
    #[error("the originating identity is not of the form 'platform value'")]
    Shape,
    /// The value is not Base64.
    #[error("the value of the originating identity is not Base64")]
    Base64,
    /// The decoded value is not a JSON object.
    #[error("the value of the originating identity is not a JSON object")]
    Json,
    /// A request identity is empty or holds characters that a header cannot carry.
    #[error("the request identity is empty, longer than 1,024 bytes, or holds control characters")]
    RequestIdentity,
}

/// For whom a request is made: claimed by the platform, not proven (B-OID-01).
#[derive(Debug, Clone, PartialEq)]
pub struct OriginatingIdentity {
    /// The platform; equals `context.platform` when both are sent (B-OID-02).
    pub platform: String,
    /// What the platform says about the user.
    pub value: Map<String, Value>,
}

impl OriginatingIdentity {
    /// Reads the header.
    ///
    /// # Errors
    /// When it is not `platform SP base64(JSON object)`.
    pub fn from_header(text: &str) -> Result<Self, IdentityError> {
        let (platform, encoded) = text.split_once(' ').ok_or(IdentityError::Shape)?;
        if platform.is_empty() {
            return Err(IdentityError::Shape);
        }
        let bytes = STANDARD.decode(encoded.trim()).map_err(|_| IdentityError::Base64)?;
        let value = serde_json::from_slice(&bytes).map_err(|_| IdentityError::Json)?;
        Ok(Self { platform: platform.to_owned(), value })
    }

    /// Writes the header.
    #[must_use]
    pub fn to_header(&self) -> String {
        let json = Value::Object(self.value.clone()).to_string();
        format!("{} {}", self.platform, STANDARD.encode(json))
    }
}

/// Names one request in the logs of both sides (B-RID). Visible ASCII, 1..=1,024 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestIdentity(String);

impl RequestIdentity {
    /// Checks and wraps a text.
    ///
    /// # Errors
    /// When it is empty, too long, or could not be echoed in a header (S-24).
    pub fn new(text: impl Into<String>) -> Result<Self, IdentityError> {
        let text = text.into();
        let carried =
            (1..=1024).contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if carried { Ok(Self(text)) } else { Err(IdentityError::RequestIdentity) }
    }

    /// The text as sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_identity_of_the_specification_is_read_and_written() {
        let header =
            "cloudfoundry eyANCiAgInVzZXJfaWQiOiAiNjgzZWE3NDgtMzA5Mi00ZmY0LWI2NTYtMzljYWNjNGQ1MzYwIg0KfQ==";
        let identity = OriginatingIdentity::from_header(header).unwrap();
        assert_eq!(identity.platform, "cloudfoundry");
        assert_eq!(identity.value["user_id"], "683ea748-3092-4ff4-b656-39cacc4d5360");
        assert_eq!(OriginatingIdentity::from_header(&identity.to_header()).unwrap(), identity);
    }

    #[test]
    fn a_malformed_identity_says_what_is_wrong() {
        for (text, error) in [
            ("cloudfoundry", IdentityError::Shape),
            (" e30=", IdentityError::Shape),
            ("cf ***", IdentityError::Base64),
            ("cf MTI=", IdentityError::Json),
        ] {
            assert_eq!(OriginatingIdentity::from_header(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_request_identity_can_always_be_echoed() {
        assert!(RequestIdentity::new("e26cee84-6b38-4456-b34e-d1a9f002c956").is_ok());
        for bad in ["", "a\nb", "ü", &"x".repeat(1025)] {
            assert!(RequestIdentity::new(bad).is_err(), "{bad:?}");
        }
    }
}
