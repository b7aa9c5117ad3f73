//! R2's S3 interface: who is let in by a signature, and what a bucket lists then.

mod signature;

use serde_json::{Value, json};

use super::{Account, policies};
use crate::cloudflare::call::{Call, Caller};
use signature::{Claim, Mismatch};

/// A failure, in the words of S3.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
}

const fn refused(status: u16, code: &'static str, message: &'static str) -> Refused {
    Refused { status, code, message }
}

const UNAUTHORIZED: Refused = refused(401, "Unauthorized", "the key is not known");
const NO_BUCKET: Refused = refused(404, "NoSuchBucket", "the specified bucket does not exist");

/// Lets in whoever has signed with the key of a token that reaches the bucket with one of these permission groups. The
/// key's secret is the digest of the token's value: the signature is made anew with it.
pub(crate) fn authenticate(account: &Account, call: &Call, groups: &[String]) -> Result<Caller, Refused> {
    if call.parameter("account_id") != account.id {
        return Err(UNAUTHORIZED);
    }
    let claim = call.header("authorization").and_then(Claim::read).ok_or(UNAUTHORIZED)?;
    let token = account.tokens.by_id(claim.access_key_id).ok_or(UNAUTHORIZED)?;
    if token.status() != "active" {
        return Err(UNAUTHORIZED);
    }
    claim.verify(call, token.value()).map_err(|mismatch| match mismatch {
        Mismatch::Time => refused(
            403,
            "RequestTimeTooSkewed",
            "the difference between the request time and ours is too large",
        ),
        Mismatch::Signature => refused(
            403,
            "SignatureDoesNotMatch",
            "the signature we calculated does not match the one provided",
        ),
    })?;
    let (jurisdiction, name) = (call.parameter("jurisdiction"), call.parameter("bucket_name"));
    if policies::reach_bucket(&token.wish.policies, (&account.id, jurisdiction, name), groups) {
        Ok(Caller::Token(token.id.clone()))
    } else {
        Err(refused(403, "AccessDenied", "access denied"))
    }
}

/// The objects of a bucket, the first of them.
pub(crate) fn list_objects(account: &Account, call: &Call) -> Result<Value, Refused> {
    let (jurisdiction, name) = (call.parameter("jurisdiction"), call.parameter("bucket_name"));
    let found = account.buckets.get(&format!("{jurisdiction}/{name}")).ok_or(NO_BUCKET)?;
    let most = call.query_value("max-keys").and_then(|text| text.parse().ok()).unwrap_or(1_000_usize);
    let prefix = call.query_value("prefix").unwrap_or_default();
    let objects = found.hidden["objects"].as_object().into_iter().flatten();
    let mut objects: Vec<&Value> =
        objects.filter(|(key, _)| key.starts_with(prefix)).map(|(_, object)| object).collect();
    objects.sort_by_key(|object| object["key"].as_str());
    let is_truncated = objects.len() > most;
    let contents: Vec<Value> = objects
        .into_iter()
        .take(most)
        .map(|object| {
            json!({
                "Key": object["key"], "ETag": object["etag"], "LastModified": object["last_modified"],
                "Size": object["size"], "StorageClass": "STANDARD",
            })
        })
        .collect();
    Ok(json!({ "ListBucketResult": {
        "Name": name, "Prefix": prefix, "MaxKeys": most, "KeyCount": contents.len(), "IsTruncated": is_truncated,
        "Contents": contents,
    }}))
}
