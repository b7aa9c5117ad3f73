//! What can be asked of Stripe: a provider's table of calls, and one call out of it.

use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use super::{CallError, Endpoint};
use crate::providers::{Sent, Step, vendor};

/// What one provider may ask of Stripe, and what it needs to understand refusals.
#[derive(Debug)]
pub(crate) struct Table {
    /// All calls the provider may make.
    pub(crate) endpoints: &'static [&'static Endpoint],
    /// What Stripe's messages say, in lower case, when the only reason is that such a thing exists.
    pub(crate) exists: &'static [&'static str],
    /// What its messages say when a limit of the account is reached.
    pub(crate) limits: &'static [&'static str],
    /// What its messages say of what is still in use.
    pub(crate) in_use: &'static [&'static str],
}

/// Version 2 of the interface speaks JSON, version 1 takes forms.
pub(super) fn is_json(endpoint: &Endpoint) -> bool {
    endpoint.template.starts_with("/v2/")
}

/// Makes a repetition of a call harmless: Stripe answers it as it answered the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key(String);

impl Key {
    /// The key of a step: of the installation and instance (its mark), the operation, the step and its turn. The same in
    /// every attempt of the step. What is sent is no part of it: should it differ, Stripe refuses, and nothing is made
    /// twice.
    pub(crate) fn of(step: &Step<'_>) -> Self {
        let mut hash = Sha256::new();
        hash.update(step.marker.hex(64));
        hash.update(step.key.as_str());
        Self(hash.finalize().iter().fold("sutler-".to_owned(), |text, byte| format!("{text}{byte:02x}")))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// One call: an endpoint with everything that varies. Not printable: the body may hold what nobody else should read.
pub(crate) struct Call<'a> {
    pub(super) endpoint: &'static Endpoint,
    pub(super) segments: Vec<&'a str>,
    pub(super) query: Vec<(&'a str, String)>,
    pub(super) body: Option<Value>,
    pub(super) key: Option<Key>,
}

impl<'a> Call<'a> {
    /// A call that changes nothing.
    pub(crate) fn read(endpoint: &'static Endpoint, segments: &[&'a str]) -> Self {
        Self { endpoint, segments: segments.to_vec(), query: Vec::new(), body: None, key: None }
    }

    /// A call that makes or changes something.
    pub(crate) fn write(endpoint: &'static Endpoint, segments: &[&'a str], body: Value, key: Key) -> Self {
        Self { body: Some(body), key: Some(key), ..Self::read(endpoint, segments) }
    }

    /// A call that deletes something; it may be repeated as it is.
    pub(crate) fn delete(endpoint: &'static Endpoint, segments: &[&'a str], key: Key) -> Self {
        // version 1 takes no key for deletions
        let key = is_json(endpoint).then_some(key);
        Self { key, ..Self::read(endpoint, segments) }
    }

    /// Adds a part of the query.
    pub(crate) fn query(mut self, name: &'a str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Whether it may have changed something, once it was sent and not answered.
    pub(super) fn sent(&self) -> Sent {
        if self.endpoint.method.is_safe() { Sent::No } else { Sent::Perhaps }
    }

    /// The address: constants and encoded segments, nothing else (S-26). No path of Stripe names the account.
    pub(super) fn url(&self, base: &str) -> Result<Url, CallError> {
        vendor::url(base, self.endpoint.template, "", &self.segments, &self.query)
            .ok_or(CallError::Unaddressable)
    }
}
