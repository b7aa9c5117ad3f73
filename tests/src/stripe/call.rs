//! One call as it arrived, decoded.

use std::collections::BTreeMap;

use serde_json::Value;
use url::form_urlencoded;

use super::form;
use super::ledger::Entry;

/// One call as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    /// The path as sent.
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    /// The body as sent.
    pub(crate) text: String,
    /// The body as read: texts until the operation is known, typed from then on.
    pub(crate) body: Result<Value, String>,
    pub(crate) content_type: Option<String>,
    pub(crate) authorization: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) key: Option<String>,
    /// The variable parts of the path; filled in when the operation is known.
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Call {
    /// A call without headers; those are added by the one who has them.
    pub(crate) fn new(method: &str, path: &str, query: &str, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body).into_owned();
        let is_json = path.starts_with("/v2/") || path.starts_with("/__control/");
        let body = match text.as_str() {
            "" => Ok(Value::Null),
            text if is_json => serde_json::from_str(text).map_err(|_| "is not JSON".to_owned()),
            text => form::decode(text),
        };
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            text,
            body,
            content_type: None,
            authorization: None,
            version: None,
            key: None,
            parameters: BTreeMap::new(),
        }
    }

    /// The beginning of its line in the ledger.
    pub(crate) fn entry(&self) -> Entry {
        let request_body = self.body.clone().ok().filter(|body| !body.is_null());
        let key = self.key.clone();
        Entry { request_body, key, ..Entry::new(&self.method, &self.path, &self.query) }
    }

    /// Version 2 of the interface has other habits.
    pub(crate) fn is_v2(&self) -> bool {
        self.path.starts_with("/v2/")
    }

    /// The id in the path; empty when the operation has none.
    pub(crate) fn id(&self) -> &str {
        self.parameters.get("id").map_or("", String::as_str)
    }

    /// A field of the body; `Null` when absent.
    pub(crate) fn field(&self, name: &str) -> &Value {
        self.body.as_ref().ok().and_then(|body| body.get(name)).unwrap_or(&Value::Null)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.field(name).as_str()
    }

    pub(crate) fn query_value(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// The decoded parts of the path.
    pub(crate) fn segments(&self) -> Vec<String> {
        let parts = self.path.trim_start_matches('/').split('/');
        parts
            .map(|part| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned())
            .collect()
    }
}
