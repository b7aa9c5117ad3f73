//! Where a vendor is: its root, the header that lets us in, and the address of one call.

use std::time::Duration;

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

use crate::providers::egress::{self, EgressError};

/// Everything that is not unreserved in a URL.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why a root cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BaseProblem {
    /// It is not an absolute http(s) URL, or has user, query or fragment.
    Form,
    /// The token would travel in clear.
    Unencrypted,
}

/// The root of an interface, without a slash at the end.
pub(crate) fn base(text: &str) -> Result<String, BaseProblem> {
    let url = Url::parse(text).map_err(|_| BaseProblem::Form)?;
    let bare = url.username().is_empty() && url.password().is_none();
    if !bare || url.query().is_some() || url.fragment().is_some() {
        return Err(BaseProblem::Form);
    }
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(BaseProblem::Form),
    };
    match url.scheme() {
        "https" => {}
        "http" if is_here => {}
        "http" => return Err(BaseProblem::Unencrypted),
        _ => return Err(BaseProblem::Form),
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// The header that goes with a token, unless no token looks like that. Printing it shows nothing.
pub(crate) fn bearer(token: &str) -> Option<HeaderValue> {
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let bearer = zeroize::Zeroizing::new(format!("Bearer {token}"));
    let mut value = HeaderValue::from_str(&bearer).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Makes the HTTP client for a root that [`base`] has let through. An answer may take the whole of a call's time.
pub(crate) fn http_client(base: &Url, call_timeout: Duration) -> Result<reqwest::ClientBuilder, EgressError> {
    // reqwest is built without cipher suites of its own; if somebody chose some already, those are used
    let _ = rustls::crypto::ring::default_provider().install_default();
    egress::client(base, call_timeout)
}

/// The address of one call: constants and encoded segments, nothing else (S-26). `{account}` in the template is the
/// account, any other part in braces the next segment. None when a part is missing, left over, or would lead elsewhere.
pub(crate) fn url(
    base: &str,
    template: &str,
    account: &str,
    segments: &[&str],
    query: &[(&str, String)],
) -> Option<Url> {
    let mut text = base.to_owned();
    let mut segments = segments.iter();
    for part in template.split('/').skip(1) {
        let part = match part {
            "{account}" => account,
            variable if variable.starts_with('{') => segments.next()?,
            constant => constant,
        };
        // an encoded dot segment is still one to whoever resolves the path
        if matches!(part, "" | "." | "..") {
            return None;
        }
        text.push('/');
        text.extend(utf8_percent_encode(part, RESERVED));
    }
    if segments.next().is_some() {
        return None;
    }
    let mut url = Url::parse(&text).ok()?;
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query.iter().map(|(name, value)| (*name, value.as_str())));
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "/accounts/{account}/things/{thing}";

    fn address(segments: &[&str], query: &[(&str, String)]) -> Option<String> {
        url("https://host/v4", TEMPLATE, "acc", segments, query).map(String::from)
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
            let expected = format!("https://host/v4/accounts/acc/things/{encoded}");
            assert_eq!(address(&[segment], &[]).unwrap(), expected);
        }
    }

    #[test]
    fn an_address_with_a_hole_is_refused() {
        for bad in [&[][..], &[""], &["."], &[".."], &["a", "b"]] {
            assert_eq!(address(bad, &[]), None, "{bad:?}");
        }
    }

    #[test]
    fn the_query_is_encoded() {
        let query = [("name", "a&b=c d".to_owned()), ("page", "2".to_owned())];
        let url = address(&["t"], &query).unwrap();
        assert!(url.ends_with("/t?name=a%26b%3Dc+d&page=2"), "{url}");
    }

    #[test]
    fn a_token_travels_encrypted_or_not_at_all() {
        for good in
            ["https://api.example.com/v2", "http://127.0.0.1:1/x/", "http://[::1]", "http://localhost:1"]
        {
            base(good).expect(good);
        }
        for bad in ["http://api.example.com", "http://127.0.0.1.example.com", "http://10.0.0.1"] {
            assert_eq!(base(bad), Err(BaseProblem::Unencrypted), "{bad}");
        }
        for bad in ["", "api.example.com", "ftp://127.0.0.1", "https://a:b@c", "https://c/?d", "https://c/#d"]
        {
            assert_eq!(base(bad), Err(BaseProblem::Form), "{bad}");
        }
    }

    #[test]
    fn a_header_does_not_show_the_token() {
        let header = bearer("hunter2").unwrap();
        assert!(!format!("{header:?}").contains("hunter2"));
        for bad in ["", "a b", "a\nb", "ü"] {
            assert!(bearer(bad).is_none(), "{bad}");
        }
    }
}
