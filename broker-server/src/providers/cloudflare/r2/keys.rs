//! Keys of a bucket: each binding's is an API token that reaches this bucket and nothing else.

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use sutler_catalog::cloudflare::{
    d1::Jurisdiction,
    r2::{Access, BindingParameters, output},
    token::{self, Bucket, BucketJurisdiction, Resources},
};
use sutler_secrets::SecretString;

use super::{
    super::{
        client::{CallError, Client},
        minting::{self, Grant, Purpose},
    },
    s3::Trial,
    signature,
};
use crate::providers::{ProviderError, Step};

/// What stands in the names of tokens that are keys of buckets.
pub(super) const WORD: &str = "r2";
/// The only region there is.
pub(super) const REGION: &str = "auto";

/// The key of one binding.
pub(super) struct Key<'a> {
    pub(super) client: &'a Client,
    pub(super) bucket: &'a str,
    pub(super) jurisdiction: Option<Jurisdiction>,
    /// Where the S3 interface is.
    pub(super) endpoint: String,
    pub(super) wanted: BindingParameters,
}

#[async_trait]
impl Purpose for Key<'_> {
    fn grant(&self, step: &Step<'_>) -> Result<Grant, ProviderError> {
        let jurisdiction = match self.jurisdiction {
            None => BucketJurisdiction::Default,
            Some(Jurisdiction::Eu) => BucketJurisdiction::Eu,
            Some(Jurisdiction::Us) => BucketJurisdiction::Us,
            Some(Jurisdiction::Fedramp) => BucketJurisdiction::Fedramp,
        };
        let access = match self.wanted.access {
            Access::Read => token::Access::Read,
            Access::ReadWrite => token::Access::Write,
        };
        let bucket = Some(Bucket { name: self.bucket.to_owned(), jurisdiction });
        Ok(Grant {
            name: minting::name(step.instance.name.as_deref(), WORD, step.marker),
            wanted: token::Parameters {
                resources: Resources { bucket, ..Resources::default() },
                access,
                ttl_hours: self.wanted.ttl_hours,
                ..token::Parameters::default()
            },
            policies: None,
        })
    }

    /// Lists the bucket with it.
    async fn is_useful(&self, token_id: &str, token: &SecretString) -> Result<bool, CallError> {
        let trial = Trial {
            client: self.client,
            endpoint: &self.endpoint,
            bucket: self.bucket,
            access_key_id: token_id,
            secret_access_key: &secret_access_key(token),
        };
        trial.list().await.map(|()| true)
    }

    fn credentials(&self, token_id: &str, token: &SecretString) -> Map<String, Value> {
        Map::from_iter([
            (output::ENDPOINT.to_owned(), json!(self.endpoint)),
            (output::REGION.to_owned(), json!(REGION)),
            (output::BUCKET.to_owned(), json!(self.bucket)),
            (output::ACCOUNT_ID.to_owned(), json!(self.client.account())),
            (output::ACCESS_KEY_ID.to_owned(), json!(token_id)),
            (output::SECRET_ACCESS_KEY.to_owned(), json!(secret_access_key(token).expose())),
        ])
    }
}

/// The S3 key that belongs to a token: Cloudflare derives it from the token's value.
fn secret_access_key(token: &SecretString) -> SecretString {
    SecretString::from(signature::hex(&Sha256::digest(token.expose().as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_s3_key_is_the_digest_of_the_token() {
        // the digest of `abc` stands in the standard of SHA-256
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(secret_access_key(&SecretString::from("abc")).expose(), digest);
    }
}
