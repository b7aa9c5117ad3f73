//! One call as it arrived, decoded.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::form_urlencoded;

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    Nobody,
    Master,
    /// A token minted through the interface, by its id.
    Token(String),
    /// A test, past the vendor's front door.
    Somebody,
}

impl Caller {
    /// The caller as the ledger names it.
    pub(crate) fn label(&self) -> Option<String> {
        match self {
            Self::Nobody => None,
            Self::Master => Some("master".to_owned()),
            Self::Token(id) => Some(format!("token:{id}")),
            Self::Somebody => Some("somebody".to_owned()),
        }
    }
}

/// A request body.
#[derive(Debug, Clone)]
pub(crate) enum Payload {
    None,
    Json(Value),
    Unreadable(String),
}

impl Payload {
    fn decode(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::None;
        }
        serde_json::from_slice(bytes)
            .map_or_else(|_| Self::Unreadable(String::from_utf8_lossy(bytes).into_owned()), Self::Json)
    }

    /// The body as the ledger keeps it.
    pub(crate) fn recorded(&self) -> Option<Value> {
        match self {
            Self::None => None,
            Self::Json(value) => Some(value.clone()),
            Self::Unreadable(text) => Some(Value::String(text.clone())),
        }
    }
}

/// One call as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    /// The path as sent.
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) payload: Payload,
    pub(crate) content_type: Option<String>,
    pub(crate) authorization: Option<String>,
    pub(crate) if_match: Option<String>,
    /// Headers of the vendor's own, by their names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// The variable parts of the path; filled in when the operation is known.
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) caller: Caller,
}

impl Call {
    /// A call without headers; those are added by the one who has them.
    pub(crate) fn new(method: &str, path: &str, query: &str, body: &[u8]) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            payload: Payload::decode(body),
            content_type: None,
            authorization: None,
            if_match: None,
            headers: BTreeMap::new(),
            parameters: BTreeMap::new(),
            caller: Caller::Nobody,
        }
    }

    /// The decoded parts of the path behind `base`, when it lies there.
    pub(crate) fn segments(&self, base: &str) -> Option<Vec<String>> {
        let rest = self.path.strip_prefix(base)?.strip_prefix('/')?;
        Some(rest.split('/').map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect())
    }

    /// A variable part of the path; empty when the operation has none of that name.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// A header of the vendor's own.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn query_value(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// A field of the body; `Null` when absent.
    pub(crate) fn field(&self, name: &str) -> &Value {
        match &self.payload {
            Payload::Json(body) => body.get(name).unwrap_or(&Value::Null),
            _ => &Value::Null,
        }
    }

    /// A text field of the body.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.field(name).as_str()
    }
}
