//! `cloudflare-worker-domain`: a host name that a Worker answers for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Asynchronous, Guid, Offering, Plan, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("b8e65cd8-8d1f-4bce-becd-e9f9a08ed4de");
/// The id of its only plan.
pub const STANDARD: Guid = Guid::new("8caa69d3-d516-4260-848a-d2cef60c9872");
/// Its name.
pub const NAME: &str = "cloudflare-worker-domain";

/// Keys of outputs.
pub mod output {
    /// Attributes: the domain's id.
    pub const DOMAIN_ID: &str = "domain_id";
    /// Attributes: the host name.
    pub const HOSTNAME: &str = "hostname";
    /// Attributes: the Worker.
    pub const SCRIPT: &str = "script";
}

/// Parameters of a Worker's domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "hostname": "api.example.com", "script": "api", "zone_id": "0123456789abcdef0123456789abcdef"
}]))]
pub struct Parameters {
    /// The host name, in lower case, inside the zone, without wildcard; fixed at creation.
    #[schemars(
        length(max = 253),
        regex(pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$"),
        extend("x-sutler-fixed" = true)
    )]
    pub hostname: String,
    /// The name of the Worker, which must exist.
    #[schemars(regex(pattern = r"^[a-z0-9_][a-z0-9_-]{0,62}$"))]
    pub script: String,
    /// The id of the zone, which must be in the same account; fixed at creation.
    #[schemars(regex(pattern = r"^[0-9a-f]{32}$"), extend("x-sutler-fixed" = true))]
    pub zone_id: String,
}

/// The offering.
#[must_use]
pub fn offering() -> Offering {
    let description = "A host name that a Cloudflare Worker answers for";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "Gives a Worker a host name of a zone of the account; Cloudflare makes its DNS record and certificate, \
             which takes some minutes. A host name that another Worker or a DNS record has is refused. The Worker can be \
             changed; deleting the instance detaches the host name.",
        )
        .tags(&["cloudflare", "workers", "domain"])
        .bindable(false)
        .exclusive()
        .instances_retrievable(true)
        .output(output::DOMAIN_ID, "The domain's id", Sensitivity::Public)
        .output(output::HOSTNAME, "The host name", Sensitivity::Public)
        .output(output::SCRIPT, "The Worker", Sensitivity::Public)
        .with_plan(standard());
    super::described(offering, "Cloudflare Worker domain", "workers/configuration/routing/custom-domains/")
}

fn standard() -> Plan {
    Plan::new(STANDARD, "standard", "One host name of a Worker, free of charge")
        .display_name("Standard")
        .bullet("DNS record and certificate included")
        .asynchronous(Asynchronous::Possible)
        .maximum_polling_duration(600)
        .parameters::<Parameters>()
}
