//! What can be asked of DNSimple: a provider's table of calls, and one call out of it.

use serde_json::Value;
use url::Url;

use super::{CallError, Endpoint};
use crate::providers::{Sent, vendor};

/// What one provider may ask of DNSimple, and what it needs to understand refusals.
#[derive(Debug)]
pub(crate) struct Table {
    /// All calls the provider may make.
    pub(crate) endpoints: &'static [&'static Endpoint],
    /// What DNSimple's messages say, in lower case, when the only reason is that such a thing exists.
    pub(crate) exists: &'static [&'static str],
    /// What its messages say of what is still in use.
    pub(crate) in_use: &'static [&'static str],
    /// What users are told about an HTTP status, in our words; read as the end of a sentence.
    pub(crate) advice: &'static [(u16, &'static str)],
}

/// One call: an endpoint with everything that varies. Not printable: the body may hold what nobody else should read.
pub(crate) struct Call<'a> {
    pub(super) endpoint: &'static Endpoint,
    pub(super) segments: &'a [&'a str],
    pub(super) query: Vec<(&'a str, String)>,
    pub(super) body: Option<Value>,
}

impl<'a> Call<'a> {
    /// A call with the variable parts of its path, in order, without the account.
    pub(crate) fn new(endpoint: &'static Endpoint, segments: &'a [&'a str]) -> Self {
        Self { endpoint, segments, query: Vec::new(), body: None }
    }

    /// Adds a part of the query.
    pub(crate) fn query(mut self, name: &'a str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Sets the body.
    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Whether it may have changed something, once it was sent and not answered.
    pub(super) fn sent(&self) -> Sent {
        if self.endpoint.method.is_safe() { Sent::No } else { Sent::Perhaps }
    }

    /// The address: constants and encoded segments, nothing else (S-26).
    pub(super) fn url(&self, base: &str, account: &str) -> Result<Url, CallError> {
        vendor::url(base, self.endpoint.template, account, self.segments, &self.query)
            .ok_or(CallError::Unaddressable)
    }
}
