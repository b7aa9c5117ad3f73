//! What a binding of a zone gives: a token that changes this zone's records, and reaches nothing else.

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use sutler_catalog::cloudflare::{
    token::{self, Resources},
    zone::{BindParameters, output},
};
use sutler_secrets::SecretString;

use super::{
    super::{
        client::{Api, Call, CallError},
        minting::{self, Grant, Purpose},
    },
    RECORDS,
};
use crate::providers::{ProviderError, Step};

/// What a token may do, by Cloudflare's names.
const PERMISSIONS: [&str; 2] = ["DNS Write", "Zone Read"];

/// The token of one binding.
pub(super) struct ZoneAccess<'a> {
    pub(super) api: &'a Api,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) asked: BindParameters,
    /// Stands in the token's name.
    pub(super) word: &'static str,
}

#[async_trait]
impl Purpose for ZoneAccess<'_> {
    fn grant(&self, step: &Step<'_>) -> Result<Grant, ProviderError> {
        let wanted = token::Parameters {
            resources: Resources { zone: Some(self.id.clone()), ..Resources::default() },
            permissions: Some(PERMISSIONS.map(str::to_owned).to_vec()),
            allowed_ips: self.asked.allowed_ips.clone(),
            ttl_hours: self.asked.ttl_hours,
            ..token::Parameters::default()
        };
        let name = minting::name(step.instance.name.as_deref(), self.word, step.marker);
        Ok(Grant { name, wanted, policies: None })
    }

    /// Looks at the zone's records with it.
    async fn is_useful(&self, _token_id: &str, token: &SecretString) -> Result<bool, CallError> {
        let segments = [self.id.as_str()];
        let call = Call::new(&RECORDS, &segments).query("page", 1).query("per_page", 5).with_token(token);
        let records: Vec<Value> = self.api.send(&call).await?.into()?;
        Ok(records.len() <= 5)
    }

    fn credentials(&self, token_id: &str, token: &SecretString) -> Map<String, Value> {
        Map::from_iter([
            (output::ZONE_ID.to_owned(), json!(self.id)),
            (output::NAME.to_owned(), json!(self.name)),
            (output::TOKEN.to_owned(), json!(token.expose())),
            (output::TOKEN_ID.to_owned(), json!(token_id)),
        ])
    }
}
