//! What can be asked of Stripe: a provider's table of calls, and one call out of it.

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use super::CallError;
use crate::providers::{Sent, Step};

/// Everything that is not unreserved in a URL.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

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

/// One row of a table of calls.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The method.
    pub(crate) method: Method,
    /// The path behind the base URL; parts in braces come from the call.
    pub(crate) template: &'static str,
}

impl Endpoint {
    /// Version 2 of the interface speaks JSON, version 1 takes forms.
    pub(super) fn is_json(&self) -> bool {
        self.template.starts_with("/v2/")
    }
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
        let key = endpoint.is_json().then_some(key);
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

    /// The address: constants and encoded segments, nothing else (S-26).
    pub(super) fn url(&self, base: &str) -> Result<Url, CallError> {
        let mut text = base.to_owned();
        let mut segments = self.segments.iter();
        for part in self.endpoint.template.split('/').skip(1) {
            let part =
                if part.starts_with('{') { segments.next().ok_or(CallError::Unaddressable)? } else { part };
            // an encoded dot segment is still one to whoever resolves the path
            if matches!(part, "" | "." | "..") {
                return Err(CallError::Unaddressable);
            }
            text.push('/');
            text.extend(utf8_percent_encode(part, RESERVED));
        }
        if segments.next().is_some() {
            return Err(CallError::Unaddressable);
        }
        let mut url = Url::parse(&text).map_err(|_| CallError::Unaddressable)?;
        if !self.query.is_empty() {
            url.query_pairs_mut()
                .extend_pairs(self.query.iter().map(|(name, value)| (*name, value.as_str())));
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static READ: Endpoint = Endpoint { method: Method::GET, template: "/v1/things/{thing}" };

    fn url(segments: &[&str]) -> Result<String, CallError> {
        Call::read(&READ, segments).url("https://host").map(String::from)
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        for (segment, encoded) in [("we_1", "we_1"), ("../x", "..%2Fx"), ("a?b#c", "a%3Fb%23c")] {
            assert_eq!(url(&[segment]).unwrap(), format!("https://host/v1/things/{encoded}"));
        }
        for bad in [&[][..], &[""], &["."], &[".."], &["a", "b"]] {
            assert_eq!(url(bad), Err(CallError::Unaddressable), "{bad:?}");
        }
    }
}
