//! `cloudflare-www-redirect`: one host name leads to another.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Asynchronous, Guid, Offering, Plan, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("579cbd52-c098-4281-84d0-6c4746ae3de9");
/// The id of its only plan.
pub const STANDARD: Guid = Guid::new("f8440d34-55f7-41be-9226-39549fa310a3");
/// Its name.
pub const NAME: &str = "cloudflare-www-redirect";

/// Keys of outputs.
pub mod output {
    /// Attributes: the rule's id.
    pub const RULE_ID: &str = "rule_id";
    /// Attributes: where visitors come.
    pub const FROM_HOST: &str = "from_host";
    /// Attributes: where they are led.
    pub const TO_HOST: &str = "to_host";
}

/// Parameters of a redirect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "zone_id": "0123456789abcdef0123456789abcdef", "from_host": "www.example.com", "to_host": "example.com"
}]))]
pub struct Parameters {
    /// The id of the zone of `from_host`, fixed at creation.
    #[schemars(regex(pattern = r"^[0-9a-f]{32}$"), extend("x-sutler-fixed" = true))]
    pub zone_id: String,
    /// The host name that is left, in lower case. Its DNS record has to be proxied, or no visitor meets the rule.
    #[schemars(
        length(max = 253),
        regex(pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$")
    )]
    pub from_host: String,
    /// The host name that visitors are led to, in lower case.
    #[schemars(
        length(max = 253),
        regex(pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$")
    )]
    pub to_host: String,
    /// The HTTP status; 301, for good, if left out.
    #[serde(default = "permanently")]
    #[schemars(extend("enum" = [301, 302, 303, 307, 308]))]
    pub status: u16,
    /// Whether the path is kept; `true` if left out.
    #[serde(default = "yes")]
    pub preserve_path: bool,
    /// Whether the query is kept; `true` if left out.
    #[serde(default = "yes")]
    pub preserve_query: bool,
}

fn permanently() -> u16 {
    301
}

fn yes() -> bool {
    true
}

/// The offering.
#[must_use]
pub fn offering() -> Offering {
    let description = "Leads visitors of one host name to another (Cloudflare redirect rule)";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "A redirect rule of a zone, such as from www to the bare domain. Rules of others in the zone are left \
             alone. Everything but the zone can be changed; deleting the instance deletes the rule.",
        )
        .tags(&["cloudflare", "redirect", "domain"])
        .bindable(false)
        .instances_retrievable(true)
        .output(output::RULE_ID, "The rule's id", Sensitivity::Public)
        .output(output::FROM_HOST, "Where visitors come", Sensitivity::Public)
        .output(output::TO_HOST, "Where they are led", Sensitivity::Public)
        .with_plan(standard());
    super::described(offering, "Cloudflare redirect", "rules/url-forwarding/single-redirects/")
}

fn standard() -> Plan {
    Plan::new(STANDARD, "standard", "One redirect rule, free of charge")
        .display_name("Standard")
        .bullet("A free zone has 10 redirect rules")
        .asynchronous(Asynchronous::Possible)
        .maximum_polling_duration(600)
        .parameters::<Parameters>()
}
