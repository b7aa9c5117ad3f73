//! `cloudflare-pages-domain`: a host name of a Pages project, with its certificate.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Asynchronous, Guid, NoParameters, Offering, Plan, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("8cba4447-f967-433a-845c-4eefa0a3cb4b");
/// The id of its only plan.
pub const STANDARD: Guid = Guid::new("de250442-2dbd-41ad-af65-d25bc55fcfde");
/// Its name.
pub const NAME: &str = "cloudflare-pages-domain";

/// Keys of outputs.
pub mod output {
    /// Attributes: the host name.
    pub const HOSTNAME: &str = "hostname";
    /// Attributes: the project.
    pub const PROJECT: &str = "project";
    /// Attributes: Cloudflare's word for how far the domain is.
    pub const STATUS: &str = "status";
}

/// Parameters of a Pages domain. None of them can change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The name of the Pages project, which must exist.
    #[schemars(regex(pattern = r"^[a-z0-9]([a-z0-9-]{0,56}[a-z0-9])?$"))]
    pub project: String,
    /// The host name, in lower case, without wildcard; international names in their ASCII form.
    #[schemars(
        length(max = 253),
        regex(pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$")
    )]
    pub hostname: String,
}

/// The offering.
#[must_use]
pub fn offering() -> Offering {
    let description = "A host name for a Cloudflare Pages project, with its certificate";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "Attaches a host name to a Pages project and waits until its certificate has been issued. The DNS record \
             that points to the project must exist or be made meanwhile. Nothing can be changed; deleting detaches.",
        )
        .tags(&["cloudflare", "pages", "domain", "certificate"])
        .bindable(false)
        .exclusive()
        .instances_retrievable(true)
        .output(output::HOSTNAME, "The host name", Sensitivity::Public)
        .output(output::PROJECT, "The project", Sensitivity::Public)
        .output(output::STATUS, "How far the domain is, in Cloudflare's word", Sensitivity::Public)
        .with_plan(standard());
    super::described(offering, "Cloudflare Pages domain", "pages/configuration/custom-domains/")
}

fn standard() -> Plan {
    Plan::new(STANDARD, "standard", "One host name; ready when its certificate has been issued")
        .display_name("Standard")
        .bullet("Certificate included")
        .bullet("Minutes as a rule; up to a day when DNS is slow")
        .asynchronous(Asynchronous::Always)
        .maximum_polling_duration(86_400)
        .provision::<Parameters>()
        .update::<NoParameters>()
}
