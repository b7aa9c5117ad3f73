//! `cloudflare-zone`: a domain whose DNS is at Cloudflare.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Asynchronous, Guid, Offering, Plan, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("09f379b3-ed27-4e74-b0a5-a627b8ebc069");
/// The id of its only plan.
pub const STANDARD: Guid = Guid::new("b5e1e97c-d705-4240-b7e2-11ac43ee9f53");
/// Its name.
pub const NAME: &str = "cloudflare-zone";

/// Keys of outputs.
pub mod output {
    /// Attributes: the zone's id.
    pub const ZONE_ID: &str = "zone_id";
    /// Attributes: the domain.
    pub const NAME: &str = "name";
    /// Attributes: Cloudflare's word for how far it is.
    pub const STATUS: &str = "status";
    /// Attributes: the name servers that the registrar has to be told.
    pub const NAME_SERVERS: &str = "name_servers";
    /// Attributes: what has to stand in the TXT record `cloudflare-verify` of a partial zone.
    pub const VERIFICATION_KEY: &str = "verification_key";
    /// Credentials: a token for the zone.
    pub const TOKEN: &str = "token";
    /// Credentials: names the token at Cloudflare; no secret.
    pub const TOKEN_ID: &str = "token_id";
}

/// Who answers for the domain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// Cloudflare's name servers do.
    #[default]
    Full,
    /// Others do, and point single names to Cloudflare. Not on every account.
    Partial,
}

/// Parameters of a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "name": "example.com" }]))]
pub struct Parameters {
    /// The domain, in lower case, fixed at creation; international names in their ASCII form.
    #[schemars(
        length(max = 253),
        regex(pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$"),
        extend("x-sutler-fixed" = true)
    )]
    pub name: String,
    /// Who answers for it, fixed at creation; `full` if left out.
    #[serde(default)]
    #[schemars(extend("x-sutler-fixed" = true))]
    pub r#type: Type,
    /// Whether the instance is ready only when Cloudflare has seen the registrar's delegation, for which it waits a day;
    /// `false` if left out: then it is ready at once, and the name servers are told.
    #[serde(default)]
    pub wait_for_activation: bool,
    /// Whether a zone that has DNS records is kept when the instance is to be deleted: the deletion is refused then.
    /// `true` if left out.
    #[serde(default = "yes")]
    pub protect: bool,
}

/// What a binding may be asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "ttl_hours": 720 }]))]
pub struct BindParameters {
    /// Addresses that may use the token, in CIDR form; any address if left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(regex(pattern = r"^[0-9A-Fa-f:.]{2,45}/[0-9]{1,3}$")))]
    pub allowed_ips: Vec<String>,
    /// Hours that the token lives; until the binding is deleted if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 8760))]
    pub ttl_hours: Option<u32>,
}

fn yes() -> bool {
    true
}

/// The offering.
#[must_use]
pub fn offering() -> Offering {
    let description = "A domain whose DNS is at Cloudflare";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "Adds a domain to the account. It becomes active when its registrar names the name servers that are told. \
             A free zone that stays pending is removed by Cloudflare after 28 days. Deleting the instance deletes the \
             zone with all its records, and adding it again gives other name servers; while there are records, it is \
             refused until protect is set to false. Each binding mints an API token that may change the records of this \
             zone and reaches nothing else; unbinding revokes it.",
        )
        .tags(&["cloudflare", "zone", "dns", "domain"])
        .bindable(true)
        .exclusive()
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .output(output::ZONE_ID, "The zone's id", Sensitivity::Public)
        .output(output::NAME, "The domain", Sensitivity::Public)
        .output(output::STATUS, "How far it is, in Cloudflare's word", Sensitivity::Public)
        .output(output::NAME_SERVERS, "The name servers to tell the registrar", Sensitivity::Public)
        .output(
            output::VERIFICATION_KEY,
            "What the TXT record cloudflare-verify of a partial zone has to say",
            Sensitivity::Public,
        )
        .output(output::TOKEN, "Changes the records of the zone", Sensitivity::Secret)
        .output(output::TOKEN_ID, "Names the token at Cloudflare", Sensitivity::Public)
        .with_plan(standard());
    super::described(offering, "Cloudflare zone", "dns/zone-setups/")
}

fn standard() -> Plan {
    Plan::new(STANDARD, "standard", "One domain on Cloudflare's free plan")
        .display_name("Standard")
        .bullet("DNS, certificate and proxy included")
        .bullet("Each binding is a token for the records of this zone alone")
        .asynchronous(Asynchronous::Possible)
        .maximum_polling_duration(86_400)
        .parameters::<Parameters>()
        .bind::<BindParameters>()
}
