//! `cloudflare-secrets`: a set of secrets of one Worker.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Asynchronous, Guid, Offering, Plan, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("7e218a5d-5826-44a1-9d3f-312e17dd6fad");
/// The id of its only plan.
pub const STANDARD: Guid = Guid::new("e0180e30-8709-4fa3-a3db-b561a1e99b63");
/// Its name.
pub const NAME: &str = "cloudflare-secrets";

/// Keys of outputs.
pub mod output {
    /// Attributes: the Worker.
    pub const SCRIPT: &str = "script";
    /// Attributes: the names of the secrets, sorted.
    pub const SECRET_NAMES: &str = "secret_names";
}

/// Bytes of one secret. The schema counts characters, the provider bytes.
pub const SECRET_BYTES: usize = 5_120;

/// The value of a secret. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, description = "The value of a secret.", extend("writeOnly" = true))]
pub struct SecretText(#[schemars(length(max = SECRET_BYTES))] String);

impl SecretText {
    /// The value. Call it only to send it, never to print or log.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// Parameters of a set of secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The name of the Worker, which must exist and be deployed.
    #[schemars(regex(pattern = r"^[a-z0-9_][a-z0-9_-]{0,62}$"))]
    pub script: String,
    /// Name and value of each secret. Names that the Worker has already, and that are not of this instance, are
    /// refused.
    #[schemars(transform = with_names)]
    pub secrets: BTreeMap<String, SecretText>,
}

/// What can change in a set of secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateParameters {
    /// The whole set: what is missing here is removed from the Worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "BTreeMap<String, SecretText>", transform = with_names)]
    pub secrets: Option<BTreeMap<String, SecretText>>,
}

/// Names look like identifiers; the map as a whole is never shown again.
fn with_names(schema: &mut schemars::Schema) {
    schema.insert(
        "propertyNames".to_owned(),
        serde_json::json!({ "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,127}$" }),
    );
    schema.insert("writeOnly".to_owned(), serde_json::Value::Bool(true));
}

/// The offering.
#[must_use]
pub fn offering() -> Offering {
    let offering = Offering::new(ID, NAME, "Secrets of a Cloudflare Worker, kept in step as one set")
        .long_description(
            "An instance is a set of secrets of one Worker. Secrets are added, changed and removed so that the Worker has \
             what the parameters say; secrets of others are left alone. Each change deploys a new version of the Worker. \
             Cloudflare never shows a value again, so only names can be compared.",
        )
        .tags(&["cloudflare", "workers", "secrets"])
        .bindable(false)
        .exclusive()
        .instances_retrievable(true)
        .output(output::SCRIPT, "The Worker", Sensitivity::Public)
        .output(output::SECRET_NAMES, "The names of the secrets", Sensitivity::Public)
        .with_plan(standard());
    super::described(offering, "Cloudflare Worker secrets", "workers/configuration/secrets/")
}

fn standard() -> Plan {
    Plan::new(STANDARD, "standard", "A set of secrets of one Worker")
        .display_name("Standard")
        .bullet("Values of up to 5 KB, never readable again")
        .bullet("Changed together, in one deployment where Cloudflare allows")
        .asynchronous(Asynchronous::Possible)
        .maximum_polling_duration(600)
        .provision::<Parameters>()
        .update::<UpdateParameters>()
}
