//! `cloudflare-token`: a policy, of which every binding is an API token.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Asynchronous, Guid, NoParameters, Offering, Plan, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("c3a4d491-a1bd-4be5-a5b2-b5f1472ac7b3");
/// The id of its only plan.
pub const STANDARD: Guid = Guid::new("fb15f378-e453-442e-a90c-22bf5935bc5a");
/// Its name.
pub const NAME: &str = "cloudflare-token";

/// Keys of outputs.
pub mod output {
    /// Credentials: the token itself.
    pub const TOKEN: &str = "token";
    /// Credentials: names the token at Cloudflare; no secret.
    pub const TOKEN_ID: &str = "token_id";
}

/// Permission groups that no token gets, whatever an operator allows: with them, a token makes itself mightier.
pub const FORBIDDEN_PERMISSIONS: [&str; 2] = ["Account API Tokens Write", "API Tokens Write"];

/// Whether the token may change anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// It reads.
    Read,
    /// It reads and writes.
    #[default]
    Write,
}

/// Where a bucket's data must stay; part of its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "Cloudflare's own words")]
pub enum BucketJurisdiction {
    #[default]
    Default,
    Eu,
    Us,
    Fedramp,
}

/// An R2 bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Its name.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$"))]
    pub name: String,
    /// Its jurisdiction, `default` if left out.
    #[serde(default)]
    pub jurisdiction: BucketJurisdiction,
}

/// What the token reaches; at least one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct Resources {
    /// The UUID of a D1 database. Cloudflare has no scope for one database: the token reaches EVERY D1 database of the
    /// account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"))]
    pub database: Option<String>,
    /// The id of a zone: its DNS records.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9a-f]{32}$"))]
    pub zone: Option<String>,
    /// One R2 bucket: its objects, and no other bucket's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Bucket>,
    /// The whole account; what may be done there is said by `permissions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [true]))]
    pub account: Option<bool>,
}

/// Parameters of a token policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// What tokens reach. A D1 database is named for clarity only: a token for one reaches every D1 database of the
    /// account.
    pub resources: Resources,
    /// Whether tokens may change anything; `write` if left out.
    #[serde(default)]
    pub access: Access,
    /// Permission groups by Cloudflare's names, such as `D1 Read`, instead of those that follow from `resources` and
    /// `access`. The operator decides which are allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 120)), transform = without_forbidden)]
    pub permissions: Option<Vec<String>>,
    /// Addresses that may use tokens, in CIDR form; any address if left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(regex(pattern = r"^[0-9A-Fa-f:.]{2,45}/[0-9]{1,3}$")))]
    pub allowed_ips: Vec<String>,
    /// Hours that a token lives; for ever if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 8760))]
    pub ttl_hours: Option<u32>,
}

/// What can change in a token policy. Tokens that exist get the new policy too; `ttl_hours` counts for later ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateParameters {
    /// What tokens reach, as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Resources")]
    pub resources: Option<Resources>,
    /// Whether tokens may change anything; null returns to `write`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// Permission groups, as a whole list; null returns to those that follow from `resources` and `access`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 120)), transform = without_forbidden)]
    pub permissions: Option<Vec<String>>,
    /// Addresses that may use tokens, as a whole list; null returns to any address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100), inner(regex(pattern = r"^[0-9A-Fa-f:.]{2,45}/[0-9]{1,3}$")))]
    pub allowed_ips: Option<Vec<String>>,
    /// Hours that tokens made from now on live; null returns to for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 8760))]
    pub ttl_hours: Option<u32>,
}

/// The schema itself refuses [`FORBIDDEN_PERMISSIONS`].
fn without_forbidden(schema: &mut schemars::Schema) {
    if let Some(items) = schema.get_mut("items").and_then(serde_json::Value::as_object_mut) {
        items.insert("not".to_owned(), serde_json::json!({ "enum": FORBIDDEN_PERMISSIONS }));
    }
}

/// The offering.
#[must_use]
pub fn offering() -> Offering {
    let description = "API tokens for Cloudflare, each made by a binding and revoked with it";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "An instance is a policy: resources, access, addresses, lifetime. Each binding mints a token of that \
             policy, shown to the platform only; unbinding revokes it. Cloudflare has no scope below the account for D1: \
             a token for a database reaches every D1 database of the account. An account holds at most 500 tokens.",
        )
        .tags(&["cloudflare", "token", "credentials"])
        .bindable(true)
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .output(output::TOKEN, "The token, for the header Authorization: Bearer", Sensitivity::Secret)
        .output(output::TOKEN_ID, "Names the token at Cloudflare", Sensitivity::Public)
        .with_plan(standard());
    super::described(offering, "Cloudflare API token", "fundamentals/api/get-started/create-token/")
}

fn standard() -> Plan {
    let description = "A token policy; each of its bindings is a token. A token for a D1 database reaches every D1 \
                       database of the account";
    Plan::new(STANDARD, "standard", description)
        .display_name("Standard")
        .bullet("Scoped to a zone, an R2 bucket, the D1 databases of the account, or named permissions")
        .bullet("Shown once, kept sealed, revoked on unbind")
        .bullet("Restricted to addresses and to a lifetime, if asked for")
        .asynchronous(Asynchronous::Possible)
        .maximum_polling_duration(600)
        .provision::<Parameters>()
        .update::<UpdateParameters>()
        .bind::<NoParameters>()
}
