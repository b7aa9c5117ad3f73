//! `domain-zone`: a domain whose DNS is hosted, at one vendor or another.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Asynchronous, Guid, Offering, Plan, Sensitivity, cloudflare::zone::BindParameters};

/// The offering's id.
pub const ID: Guid = Guid::new("3fbda6db-e467-4933-9bc3-2cbe2c1ad06e");
/// The id of the plan at Cloudflare.
pub const CLOUDFLARE: Guid = Guid::new("2e3f8bc4-8524-46e4-aa74-dc453e700388");
/// The id of the plan at DNSimple.
pub const DNSIMPLE: Guid = Guid::new("c4bc432f-9e2e-4401-8585-2418cea95e50");
/// Its name.
pub const NAME: &str = "domain-zone";

/// Keys of outputs.
pub mod output {
    /// Attributes: what the vendor calls the zone by.
    pub const ZONE_ID: &str = "zone_id";
    /// Attributes: the domain.
    pub const NAME: &str = "name";
    /// Attributes: the vendor's word for how far it is.
    pub const STATUS: &str = "status";
    /// Attributes: the name servers that the registrar has to be told.
    pub const NAME_SERVERS: &str = "name_servers";
    /// Attributes: whether the registrar names these name servers, as far as the vendor knows it.
    pub const DELEGATED: &str = "delegated";
    /// Credentials, plan `cloudflare`: a token for the zone.
    pub const TOKEN: &str = "token";
    /// Credentials, plan `cloudflare`: names the token; no secret.
    pub const TOKEN_ID: &str = "token_id";
}

/// Parameters of a zone at Cloudflare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "name": "example.com" }]))]
pub struct CloudflareParameters {
    /// The domain, in lower case, fixed at creation; international names in their ASCII form.
    #[schemars(
        length(max = 253),
        regex(pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$"),
        extend("x-sutler-fixed" = true)
    )]
    pub name: String,
    /// Whether the instance is ready only when Cloudflare has seen the registrar's delegation, for which it waits a day;
    /// `false` if left out: then it is ready at once, and the name servers are told.
    #[serde(default)]
    pub wait_for_delegation: bool,
    /// Whether a zone that has DNS records is kept when the instance is to be deleted: the deletion is refused then.
    /// `true` if left out.
    #[serde(default = "yes")]
    pub protect: bool,
}

/// Parameters of a zone at DNSimple.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "name": "example.com" }]))]
pub struct DnsimpleParameters {
    /// The domain, in lower case, fixed at creation; international names in their ASCII form.
    #[schemars(
        length(max = 253),
        regex(pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$"),
        extend("x-sutler-fixed" = true)
    )]
    pub name: String,
    /// Whether a zone that has DNS records is kept when the instance is to be deleted: the deletion is refused then.
    /// `true` if left out.
    #[serde(default = "yes")]
    pub protect: bool,
}

fn yes() -> bool {
    true
}

/// The plan at Cloudflare.
#[must_use]
pub fn cloudflare() -> Plan {
    Plan::new(CLOUDFLARE, "cloudflare", "At Cloudflare, on its free plan")
        .display_name("Cloudflare")
        .bullet("DNS, certificate and proxy included")
        .bullet("Each binding is a token for the records of this zone alone")
        .asynchronous(Asynchronous::Possible)
        .maximum_polling_duration(86_400)
        .parameters::<CloudflareParameters>()
        .bind::<BindParameters>()
}

/// The plan at DNSimple.
#[must_use]
pub fn dnsimple() -> Plan {
    Plan::new(DNSIMPLE, "dnsimple", "At DNSimple, as a hosted zone of the account's subscription")
        .display_name("DNSimple")
        .free(false)
        .bullet("Nothing is registered or transferred")
        .bullet("Some subscriptions charge for each hosted zone")
        .bindable(false)
        .parameters::<DnsimpleParameters>()
}

/// The offering, with the plans that there is a vendor for.
#[must_use]
pub fn offering(plans: impl IntoIterator<Item = Plan>) -> Offering {
    let offering = Offering::new(ID, NAME, "A domain whose DNS is hosted")
        .long_description(
            "Adds a domain to the vendor's name servers. It works once its registrar names the name servers that are told; \
             nothing is registered. A domain that the vendor's account has already is left alone. Deleting the instance \
             deletes the zone with all its records; while there are records, it is refused until protect is set to false, \
             and a domain that is registered with the same vendor is never deleted. At Cloudflare, each binding mints an API \
             token that may change the records of this zone and reaches nothing else; unbinding revokes it.",
        )
        .tags(&["domain", "zone", "dns"])
        .display_name("Domain zone")
        .bindable(true)
        .exclusive()
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .output(output::ZONE_ID, "What the vendor calls the zone by", Sensitivity::Public)
        .output(output::NAME, "The domain", Sensitivity::Public)
        .output(output::STATUS, "How far it is, in the vendor's word", Sensitivity::Public)
        .output(output::NAME_SERVERS, "The name servers to tell the registrar", Sensitivity::Public)
        .output(
            output::DELEGATED,
            "Whether the registrar names them; absent where the vendor does not know",
            Sensitivity::Public,
        )
        .output(output::TOKEN, "Changes the records of the zone (plan cloudflare)", Sensitivity::Secret)
        .output(output::TOKEN_ID, "Names the token (plan cloudflare)", Sensitivity::Public);
    plans.into_iter().fold(offering, Offering::with_plan)
}

/// All offerings and plans, for documentation.
#[must_use]
pub fn whole() -> Offering {
    offering([cloudflare(), dnsimple()])
}
