//! The S3 interface of R2: a new key is tried there before it is handed out, by a list of one object at most. Nothing
//! else is asked there, and nothing is written.

use http::Method;
use jiff::Timestamp;
use sutler_secrets::SecretString;

use super::{
    super::client::{CallError, Client, Endpoint, Unclear},
    calls::NO_BUCKET,
    keys::REGION,
    signature::{self, Signer},
};
use crate::providers::{
    Sent,
    vendor::{self, Received},
};

static LIST_OBJECTS: Endpoint = Endpoint { method: Method::GET, template: "/{bucket}" };

/// Everything that is asked of the S3 interface.
pub(in super::super) static CALLS: [&Endpoint; 1] = [&LIST_OBJECTS];

/// The longest answer that is read: one object's key, and what belongs to it.
const MAX_ANSWER: usize = 64 * 1024;
const CLOCK: &str = "the clock of the broker's machine is wrong; have it set by the network";

/// A key, and what it is to open.
pub(super) struct Trial<'a> {
    pub(super) client: &'a Client,
    pub(super) endpoint: &'a str,
    pub(super) bucket: &'a str,
    pub(super) access_key_id: &'a str,
    pub(super) secret_access_key: &'a SecretString,
}

impl Trial<'_> {
    /// Lists the bucket with the key.
    ///
    /// # Errors
    /// [`CallError::Credentials`] and [`CallError::Missing`] while key or bucket are not known there, as a fresh key is
    /// for a moment.
    pub(super) async fn list(&self) -> Result<(), CallError> {
        let query = [("list-type", "2".to_owned()), ("max-keys", "1".to_owned())];
        let url = vendor::url(self.endpoint, LIST_OBJECTS.template, "", &[self.bucket], &query);
        let url = url.ok_or(CallError::Unaddressable)?;
        let signer = Signer {
            access_key_id: self.access_key_id,
            secret_access_key: self.secret_access_key,
            region: REGION,
        };
        let signature = signer.get(&url, Timestamp::now()).ok_or(CallError::Unaddressable)?;
        let request = self
            .client
            .s3_http()
            .get(url.clone())
            .header("authorization", signature.authorization)
            .header("x-amz-content-sha256", signature::EMPTY)
            .header("x-amz-date", signature.date);
        let received = vendor::exchange(&LIST_OBJECTS, request, (&url, MAX_ANSWER), Sent::No).await;
        let received = received.map_err(|lost| CallError::Unavailable {
            unclear: lost.unclear,
            retry_after: None,
            sent: Sent::No,
        })?;
        judge(&received)
    }
}

/// What an answer says: a list in S3's form, an error in S3's form, or neither.
fn judge(received: &Received) -> Result<(), CallError> {
    let (status, retry_after) = (received.status.as_u16(), received.retry_after());
    let text = String::from_utf8_lossy(&received.body);
    let unclear = |unclear| CallError::Unavailable { unclear, retry_after, sent: Sent::No };
    let refused = |advice| CallError::Refused { status, code: None, advice, limit: false };
    match (status, code(&text)) {
        (200, _) if text.contains("<ListBucketResult") => Ok(()),
        (400..=499, Some("RequestTimeTooSkewed" | "ExpiredRequest")) => Err(refused(Some(CLOCK))),
        (401 | 403, _) => Err(CallError::Credentials { status, code: None }),
        (404, Some("NoSuchBucket")) => Err(CallError::Missing { code: NO_BUCKET }),
        (429, _) | (503, Some("SlowDown")) => Err(CallError::RateLimited { retry_after }),
        (408 | 500.., _) => Err(unclear(Unclear::Failing(status))),
        (400..=499, Some(_)) => Err(refused(None)),
        _ => Err(unclear(Unclear::Foreign(status))),
    }
}

/// The code of an error.
fn code(text: &str) -> Option<&str> {
    let error = text.split_once("<Error>")?.1;
    let (code, _) = error.split_once("<Code>")?.1.split_once("</Code>")?;
    Some(code)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn judged(status: u16, body: &str) -> Result<(), CallError> {
        let status = StatusCode::from_u16(status).unwrap();
        judge(&Received { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec().into() })
    }

    fn error(code: &str) -> String {
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>m</Message></Error>")
    }

    #[test]
    fn only_a_list_in_the_form_of_s3_is_a_list() {
        assert_eq!(judged(200, "<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>"), Ok(()));
        for foreign in ["", "<html>welcome</html>", "{\"success\":true}", &error("AccessDenied")] {
            let told = judged(200, foreign);
            assert!(matches!(told, Err(CallError::Unavailable { .. })), "{foreign}: {told:?}");
        }
    }

    #[test]
    fn a_key_that_is_not_known_yet_is_told_from_one_that_never_will_be() {
        let waits = |told: &Result<(), CallError>| {
            matches!(told, Err(CallError::Credentials { .. } | CallError::Missing { .. }))
        };
        for (status, code) in [
            (401, "Unauthorized"),
            (403, "AccessDenied"),
            (403, "SignatureDoesNotMatch"),
            (404, "NoSuchBucket"),
        ] {
            assert!(waits(&judged(status, &error(code))), "{code}");
        }
        assert!(waits(&judged(403, "<html>no</html>")));
        for (status, code) in [(404, "NoSuchKey"), (400, "InvalidArgument"), (403, "RequestTimeTooSkewed")] {
            let told = judged(status, &error(code));
            assert!(matches!(told, Err(CallError::Refused { .. })), "{code}: {told:?}");
        }
        assert!(matches!(judged(503, &error("SlowDown")), Err(CallError::RateLimited { .. })));
        for status in [404, 500, 503] {
            let told = judged(status, "<html>oops</html>");
            assert!(matches!(told, Err(CallError::Unavailable { .. })), "{status}: {told:?}");
        }
        let skewed = judged(403, &error("RequestTimeTooSkewed")).unwrap_err();
        assert!(skewed.describe("try the new token").contains("clock"));
    }
}
