//! Signature Version 4 of AWS, for requests that read and have no body: R2's S3 interface takes nothing else.

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderValue;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};
use sutler_secrets::SecretString;
use url::Url;

/// What may stand in a canonical query as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The digest of no body.
pub(super) const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// The headers that are signed, in their order.
const SIGNED: &str = "host;x-amz-content-sha256;x-amz-date";

/// A key, and where it counts.
pub(super) struct Signer<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) secret_access_key: &'a SecretString,
    pub(super) region: &'a str,
}

/// The headers that go with a request, besides `Host` and [`EMPTY`] as `x-amz-content-sha256`.
pub(super) struct Signature {
    pub(super) date: String,
    pub(super) authorization: HeaderValue,
}

impl Signer<'_> {
    /// Signs a GET at a time. None when the address or the key are none.
    pub(super) fn get(&self, url: &Url, at: Timestamp) -> Option<Signature> {
        let date = at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = date.get(..8)?;
        let host = host(url)?;
        let request = format!(
            "GET\n{}\n{}\nhost:{host}\nx-amz-content-sha256:{EMPTY}\nx-amz-date:{date}\n\n{SIGNED}\n{EMPTY}",
            url.path(),
            query(url),
        );
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(request)));
        let signature = hex(&hmac(&self.key(day)?, &text)?);
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope},SignedHeaders={SIGNED},Signature={signature}",
            self.access_key_id
        );
        let mut authorization = HeaderValue::from_str(&authorization).ok()?;
        authorization.set_sensitive(true);
        Some(Signature { date, authorization })
    }

    /// The key that counts on one day, in one region, for S3.
    fn key(&self, day: &str) -> Option<[u8; 32]> {
        let secret = zeroize::Zeroizing::new(format!("AWS4{}", self.secret_access_key.expose()));
        let key = hmac(secret.as_bytes(), day)?;
        [self.region, "s3", "aws4_request"].into_iter().try_fold(key, |key, text| hmac(&key, text))
    }
}

/// As HTTP clients write it into `Host`: with a port only where it is not the usual one.
fn host(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

fn query(url: &Url) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    let mut pairs: Vec<String> =
        url.query_pairs().map(|(name, value)| format!("{}={}", encoded(&name), encoded(&value))).collect();
    pairs.sort();
    pairs.join("&")
}

/// None never: keys may have any length.
fn hmac(key: &[u8], text: &str) -> Option<[u8; 32]> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    hmac.update(text.as_bytes());
    Some(hmac.finalize().into_bytes().into())
}

/// In lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of AWS's manual, "Signature Calculations for the Authorization Header".
    #[test]
    fn requests_are_signed_as_in_the_examples_of_aws() {
        let signer = Signer {
            access_key_id: "AKIAIOSFODNN7EXAMPLE",
            secret_access_key: &SecretString::from("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            region: "us-east-1",
        };
        let at: Timestamp = "2013-05-24T00:00:00Z".parse().unwrap();
        for (query, signature) in [
            ("lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
            ("prefix=J&max-keys=2", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
        ] {
            let url = format!("https://examplebucket.s3.amazonaws.com/?{query}").parse().unwrap();
            let signed = signer.get(&url, at).unwrap();
            assert_eq!(signed.date, "20130524T000000Z");
            assert_eq!(
                signed.authorization,
                format!(
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
                     SignedHeaders={SIGNED},Signature={signature}"
                )
            );
        }
    }

    #[test]
    fn a_port_is_signed_where_it_is_sent() {
        for (url, expected) in
            [("https://a.example/b", "a.example"), ("http://127.0.0.1:8787/b", "127.0.0.1:8787")]
        {
            assert_eq!(host(&url.parse().unwrap()).as_deref(), Some(expected));
        }
    }
}
