//! What can be asked of Cloudflare: a product's table of calls, and one call out of it.

use serde_json::Value;
use sutler_secrets::SecretString;
use url::Url;

use super::{CallError, Endpoint};
use crate::providers::{Sent, vendor};

/// A product of Cloudflare as one provider uses it. Codes mean something only within their product.
#[derive(Debug)]
pub(crate) struct Product {
    /// All calls the provider may make.
    pub(crate) endpoints: &'static [&'static Endpoint],
    /// The codes that say authentically: what was asked for is not there.
    pub(crate) missing: &'static [i64],
    /// The codes that say: it is there already.
    pub(crate) exists: &'static [i64],
    /// What vendor messages say when the code alone does not tell that trying again may help.
    pub(crate) transient: &'static [&'static str],
    /// What users are told about a code, in our words; read as the end of a sentence.
    pub(crate) advice: &'static [(i64, &'static str)],
}

/// One call: an endpoint with everything that varies. Not printable: the body may hold secrets.
pub(crate) struct Call<'a> {
    pub(super) endpoint: &'static Endpoint,
    pub(super) segments: &'a [&'a str],
    pub(super) query: Vec<(&'a str, String)>,
    pub(super) headers: Vec<(&'static str, &'static str)>,
    pub(super) body: Option<Value>,
    /// Instead of the broker's own token.
    pub(super) token: Option<&'a SecretString>,
    reads: bool,
}

impl<'a> Call<'a> {
    /// A call with the variable parts of its path, in order, without the account.
    pub(crate) fn new(endpoint: &'static Endpoint, segments: &'a [&'a str]) -> Self {
        Self {
            endpoint,
            segments,
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            token: None,
            reads: endpoint.method.is_safe(),
        }
    }

    /// Adds a part of the query.
    pub(crate) fn query(mut self, name: &'a str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Adds a header of the product's. Its value is one of ours, never a user's.
    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Sets the body.
    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Makes the call with another token than the broker's own.
    pub(crate) fn with_token(mut self, token: &'a SecretString) -> Self {
        self.token = Some(token);
        self
    }

    /// Says that it changes nothing, though its method could.
    pub(crate) fn reading(mut self) -> Self {
        self.reads = true;
        self
    }

    /// Whether it may have changed something, once it was sent and not answered.
    pub(super) fn sent(&self) -> Sent {
        if self.reads { Sent::No } else { Sent::Perhaps }
    }

    /// The address: constants and encoded segments, nothing else (S-26).
    pub(super) fn url(&self, base: &str, account: &str) -> Result<Url, CallError> {
        vendor::url(base, self.endpoint.template, account, self.segments, &self.query)
            .ok_or(CallError::Unaddressable)
    }
}
