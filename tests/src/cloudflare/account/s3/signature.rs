//! AWS Signature Version 4 as a server sees it: what a request claims, and whether it is true.

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::cloudflare::call::Call;

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// How far the caller's clock may be off.
const SKEW: SignedDuration = SignedDuration::from_mins(15);
/// What has to be signed, whatever else is.
const REQUIRED: [&str; 3] = ["host", "x-amz-content-sha256", "x-amz-date"];

/// What the header `Authorization` claims.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    pub(super) access_key_id: &'a str,
    day: &'a str,
    region: &'a str,
    signed: Vec<&'a str>,
    signature: &'a str,
}

/// Why a claim is not true.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mismatch {
    Time,
    Signature,
}

impl<'a> Claim<'a> {
    /// None when the header has another form.
    pub(super) fn read(header: &'a str) -> Option<Self> {
        let fields = header.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let field = |name: &str| {
            fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
        };
        let mut credential = field("Credential")?.split('/');
        let (access_key_id, day, region) = (credential.next()?, credential.next()?, credential.next()?);
        if (credential.next()?, credential.next()?, credential.next()) != ("s3", "aws4_request", None) {
            return None;
        }
        let signed = field("SignedHeaders")?.split(';').collect();
        Some(Self { access_key_id, day, region, signed, signature: field("Signature")? })
    }

    /// Makes the signature anew with the token's value, and compares.
    pub(super) fn verify(&self, call: &Call, token: &str) -> Result<(), Mismatch> {
        let date = call.header("x-amz-date").unwrap_or_default();
        let sent = DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok();
        let sent = sent.and_then(|sent| sent.to_zoned(TimeZone::UTC).ok()).ok_or(Mismatch::Time)?.timestamp();
        if Timestamp::now().duration_since(sent).abs() > SKEW {
            return Err(Mismatch::Time);
        }
        let is_whole = REQUIRED.iter().all(|name| self.signed.contains(name));
        let is_bare = call.header("x-amz-content-sha256") == Some(digest("").as_str());
        if is_whole
            && is_bare
            && date.starts_with(self.day)
            && self.expected(call, date, token) == self.signature
        {
            Ok(())
        } else {
            Err(Mismatch::Signature)
        }
    }

    fn expected(&self, call: &Call, date: &str, token: &str) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
        let mut query: Vec<String> =
            call.query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        query.sort();
        let headers: String = self
            .signed
            .iter()
            .map(|name| format!("{name}:{}\n", call.header(name).unwrap_or_default().trim()))
            .collect();
        let request =
            [&call.method, &call.path, &query.join("&"), &headers, &self.signed.join(";"), &digest("")];
        let request: Vec<&str> = request.into_iter().map(String::as_str).collect();
        let scope = format!("{}/{}/s3/aws4_request", self.day, self.region);
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", digest(&request.join("\n")));
        let secret = format!("AWS4{}", digest(token));
        let key = [self.day, self.region, "s3", "aws4_request"]
            .into_iter()
            .fold(secret.into_bytes(), |key, part| mac(&key, part));
        hex(&mac(&key, &text))
    }
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    hmac.update(text.as_bytes());
    hmac.finalize().into_bytes().to_vec()
}
