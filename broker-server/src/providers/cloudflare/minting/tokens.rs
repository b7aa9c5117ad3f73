//! The calls about account tokens.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sutler_catalog::cloudflare::token::Parameters;
use sutler_secrets::SecretString;

use super::super::{
    client::{Api, Call, CallError, Client, Cursor, Endpoint, Place, Probe, Product},
    recorded::is_hexadecimal,
};
use super::policy;
use crate::providers::{ProviderError, Refusal, Sent};

static LIST: Endpoint = Endpoint { method: Method::GET, template: "/accounts/{account}/tokens" };
static CREATE: Endpoint = Endpoint { method: Method::POST, template: LIST.template };
static READ: Endpoint = Endpoint { method: Method::GET, template: "/accounts/{account}/tokens/{token}" };
static REPLACE: Endpoint = Endpoint { method: Method::PUT, template: READ.template };
static DELETE: Endpoint = Endpoint { method: Method::DELETE, template: READ.template };
static VERIFY: Endpoint = Endpoint { method: Method::GET, template: "/accounts/{account}/tokens/verify" };
static GROUPS: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/tokens/permission_groups" };

/// Tokens: 1003 no such token.
pub(super) static TOKENS: Product = Product {
    endpoints: &[&LIST, &CREATE, &READ, &REPLACE, &DELETE, &VERIFY, &GROUPS],
    missing: &[1003],
    exists: &[],
    transient: &[],
    advice: &[
        (400, "it does not accept the name, the policies or the addresses"),
        (1001, "it does not know a permission group, or manages the token itself"),
    ],
};

/// Tokens of bindings: the same, and none of them is changed.
pub(in super::super) static MINTING: Product =
    Product { endpoints: &[&LIST, &CREATE, &READ, &DELETE, &VERIFY, &GROUPS], ..TOKENS };

/// Shows whether the token may see them.
pub(in super::super) static PROBE: Probe = Probe {
    product: &MINTING,
    endpoint: &GROUPS,
    place: Place::Account(&[]),
    query: &[],
    headers: &[],
    permissions: "Account API Tokens Write",
};

/// Shows whether the token may see them.
pub(in super::super) static OF_TOKENS: Probe = Probe {
    product: &TOKENS,
    endpoint: &GROUPS,
    place: Place::Account(&[]),
    query: &[],
    headers: &[],
    permissions: "Account API Tokens Write",
};

/// What tells about a token, asked with the token itself.
pub(in super::super) const VERIFICATION: (&Product, &Endpoint) = (&MINTING, &VERIFY);

/// The most rows of a list in one answer.
const PER_PAGE: u32 = 50;

/// What decides what a token may do, and until when: all of it is replaced at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in super::super) struct Terms {
    pub(in super::super) name: String,
    pub(in super::super) policies: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) condition: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) expires_on: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) not_before: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) status: Option<String>,
}

/// A token as it is listed.
#[derive(Debug, Deserialize)]
pub(in super::super) struct Listed {
    pub(in super::super) id: String,
    pub(in super::super) name: String,
}

/// A token that was just made.
pub(super) struct Minted {
    pub(super) id: String,
    /// Shown this once.
    pub(super) value: Option<SecretString>,
}

/// A permission group.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) scopes: Vec<String>,
}

/// All tokens of the account.
#[derive(Debug)]
pub(in super::super) struct Tokens {
    api: Api,
}

impl Tokens {
    /// The tokens of the account, to be made, changed and revoked.
    pub(in super::super) fn new(client: &Client) -> Self {
        Self { api: client.of(&TOKENS) }
    }

    /// The same, to be made and revoked.
    pub(super) fn for_minting(client: &Client) -> Self {
        Self { api: client.of(&MINTING) }
    }

    pub(in super::super) fn client(&self) -> &Client {
        self.api.client()
    }

    /// The ids of the tokens whose name is accepted, oldest first; those that have expired too.
    pub(in super::super) async fn find(
        &self,
        is_it: impl Fn(&str) -> bool + Send,
    ) -> Result<Vec<String>, CallError> {
        let ours: Vec<String> =
            self.all().await?.into_iter().filter(|token| is_it(&token.name)).map(|token| token.id).collect();
        if ours.iter().all(|id| is_hexadecimal(id, 32)) {
            Ok(ours)
        } else {
            Err(CallError::incomplete(Sent::No))
        }
    }

    /// A page of all tokens, whoever made them.
    pub(in super::super) async fn page(
        &self,
        cursor: Cursor,
    ) -> Result<(Vec<Listed>, Option<Cursor>), CallError> {
        let call = Call::new(&LIST, &[]).query("direction", "asc").query("include_expired", true);
        let (rows, next) = self.api.page(call, cursor, PER_PAGE).await?;
        let tokens: Result<Vec<Listed>, _> = rows.into_iter().map(serde_json::from_value).collect();
        Ok((tokens.map_err(|_| CallError::incomplete(Sent::No))?, next))
    }

    /// All tokens, whoever made them.
    pub(in super::super) async fn all(&self) -> Result<Vec<Listed>, CallError> {
        let all = || Call::new(&LIST, &[]).query("direction", "asc").query("include_expired", true);
        let rows = self.api.all(all, PER_PAGE).await?;
        let tokens: Result<Vec<Listed>, _> = rows.into_iter().map(serde_json::from_value).collect();
        tokens.map_err(|_| CallError::incomplete(Sent::No))
    }

    /// Makes a token.
    pub(super) async fn mint(&self, terms: &Terms) -> Result<Minted, CallError> {
        #[derive(Deserialize)]
        struct Answer {
            id: String,
            #[serde(default)]
            value: Option<SecretString>,
        }
        let body = serde_json::to_value(terms).map_err(|_| CallError::Unaddressable)?;
        let Answer { id, value } = self.api.send(&Call::new(&CREATE, &[]).body(body)).await?.into()?;
        if !is_hexadecimal(&id, 32) {
            return Err(CallError::incomplete(Sent::Perhaps));
        }
        Ok(Minted { id, value: value.filter(|value| !value.expose().is_empty()) })
    }

    pub(in super::super) async fn read(&self, id: &str) -> Result<Terms, CallError> {
        self.api.send(&Call::new(&READ, &[id])).await?.into()
    }

    /// Replaces everything about a token but its value; says what became of it.
    pub(in super::super) async fn replace(&self, id: &str, terms: &Terms) -> Result<Terms, CallError> {
        let body = serde_json::to_value(terms).map_err(|_| CallError::Unaddressable)?;
        self.api.send(&Call::new(&REPLACE, &[id]).body(body)).await?.into()
    }

    /// Revokes a token. That it is not there is success.
    pub(super) async fn delete(&self, id: &str) -> Result<(), CallError> {
        match self.api.send(&Call::new(&DELETE, &[id])).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_gone() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether a token is accepted, asked with the token itself.
    pub(super) async fn is_active(&self, token: &SecretString) -> Result<bool, CallError> {
        let answer = self.api.send(&Call::new(&VERIFY, &[]).with_token(token)).await?;
        Ok(answer.result["status"] == "active")
    }

    /// The policies that follow from what is wanted, with the permission groups that Cloudflare has now.
    pub(in super::super) async fn policies(&self, wanted: &Parameters) -> Result<Value, ProviderError> {
        let groups = self.groups().await;
        let groups = groups.map_err(|error| error.while_trying_to("list the permission groups"))?;
        policy::policies(wanted, self.client().account(), &groups)
            .map_err(|problem| ProviderError::refused(Refusal::Unsupported, problem))
    }

    /// All permission groups there are.
    async fn groups(&self) -> Result<Vec<Group>, CallError> {
        self.api.send(&Call::new(&GROUPS, &[])).await?.into()
    }
}
