//! What can be asked of Cloudflare: a product's table of calls, and one call out of it.

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use sutler_secrets::SecretString;
use url::Url;

use super::CallError;
use crate::providers::Sent;

/// Everything that is not unreserved in a URL.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

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

/// One row of a table of calls.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The method.
    pub(crate) method: Method,
    /// The path behind the base URL; `{account}` is the account, any other part in braces comes from the call.
    pub(crate) template: &'static str,
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
        let mut text = base.to_owned();
        let mut segments = self.segments.iter();
        for part in self.endpoint.template.split('/').skip(1) {
            let part = match part {
                "{account}" => account,
                variable if variable.starts_with('{') => segments.next().ok_or(CallError::Unaddressable)?,
                constant => constant,
            };
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

    static READ: Endpoint = Endpoint { method: Method::GET, template: "/accounts/{account}/things/{thing}" };

    fn url(segments: &[&str]) -> Result<String, CallError> {
        Call::new(&READ, segments).url("https://host/v4", "acc").map(String::from)
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        for (segment, encoded) in [
            ("a-b_c.d~e", "a-b_c.d~e"),
            ("../../tokens", "..%2F..%2Ftokens"),
            ("a/b?c#d", "a%2Fb%3Fc%23d"),
            ("%2e%2e", "%252e%252e"),
            ("ü\\", "%C3%BC%5C"),
        ] {
            assert_eq!(url(&[segment]).unwrap(), format!("https://host/v4/accounts/acc/things/{encoded}"));
        }
    }

    #[test]
    fn an_address_with_a_hole_is_refused() {
        for bad in [&[][..], &[""], &["."], &[".."], &["a", "b"]] {
            assert_eq!(url(bad), Err(CallError::Unaddressable), "{bad:?}");
        }
    }

    #[test]
    fn the_query_is_encoded() {
        let call = Call::new(&READ, &["t"]).query("name", "a&b=c d").query("page", 2);
        let url = call.url("https://host/v4", "acc").unwrap();
        assert_eq!(url.query(), Some("name=a%26b%3Dc+d&page=2"));
    }
}
