//! `cloudflare-custom-hostname`: a customer's host name that a zone of ours serves (Cloudflare for SaaS).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Asynchronous, Guid, Offering, Plan, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("213501c2-db1f-48ef-b805-96ed4e294fc7");
/// The id of its only plan.
pub const STANDARD: Guid = Guid::new("df8e29ed-5427-4831-9eb5-b44df3de6008");
/// Its name.
pub const NAME: &str = "cloudflare-custom-hostname";

/// Keys of outputs.
pub mod output {
    /// Attributes: Cloudflare's id of the custom hostname.
    pub const CUSTOM_HOSTNAME_ID: &str = "custom_hostname_id";
    /// Attributes: the customer's host name.
    pub const HOSTNAME: &str = "hostname";
    /// Attributes: Cloudflare's word for how far the host name is.
    pub const STATUS: &str = "status";
    /// Attributes: Cloudflare's word for how far its certificate is.
    pub const SSL_STATUS: &str = "ssl_status";
    /// Attributes: what the customer has to publish, as a list.
    pub const RECORDS: &str = "records";
}

/// How the certificate authority sees that the customer agrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// A file that Cloudflare serves once the host name points to the zone.
    Http,
    /// A TXT record, which can be published before the host name is moved.
    Txt,
}

/// Who issues the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "Cloudflare's own words")]
pub enum CertificateAuthority {
    Google,
    LetsEncrypt,
    SslCom,
}

/// The oldest TLS that visitors may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "Cloudflare's own words")]
pub enum MinTls {
    #[serde(rename = "1.0")]
    OneZero,
    #[serde(rename = "1.1")]
    OneOne,
    #[serde(rename = "1.2")]
    OneTwo,
    #[serde(rename = "1.3")]
    OneThree,
}

/// Parameters of a custom hostname.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "zone_id": "0123456789abcdef0123456789abcdef", "hostname": "shop.customer.example", "method": "txt"
}]))]
pub struct Parameters {
    /// The id of the zone that serves the host name, fixed at creation. Its fallback origin is set in Cloudflare's dashboard;
    /// the broker does not touch it.
    #[schemars(regex(pattern = r"^[0-9a-f]{32}$"), extend("x-sutler-fixed" = true))]
    pub zone_id: String,
    /// The customer's host name, in lower case, fixed at creation; international names in their ASCII form.
    #[schemars(
        length(max = 253),
        regex(pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$"),
        extend("x-sutler-fixed" = true)
    )]
    pub hostname: String,
    /// How the certificate authority sees that the customer agrees, fixed at creation.
    #[schemars(extend("x-sutler-fixed" = true))]
    pub method: Method,
    /// Who issues the certificate, fixed at creation; Cloudflare chooses if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-sutler-fixed" = true))]
    pub certificate_authority: Option<CertificateAuthority>,
    /// Whether the certificate is for every name below the host name too, fixed at creation; `false` if left out. Needs the
    /// method `txt`.
    #[serde(default)]
    #[schemars(extend("x-sutler-fixed" = true))]
    pub wildcard: bool,
    /// The oldest TLS that visitors may use; as the zone says if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_tls_version: Option<MinTls>,
    /// A host name of the zone that requests go to instead of the fallback origin. What is left out in an update stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 253),
        regex(pattern = r"^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$")
    )]
    pub custom_origin_server: Option<String>,
    /// Names and values that a Worker of the zone sees with each request; only on accounts that have bought it. What is left
    /// out in an update stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 50))]
    pub custom_metadata: Option<BTreeMap<String, String>>,
    /// Whether the instance is ready only when host name and certificate are active, for which it waits seven days; `true` if
    /// left out. Otherwise it is ready as soon as it is known what the customer has to publish.
    #[serde(default = "yes")]
    pub wait_for_activation: bool,
}

fn yes() -> bool {
    true
}

/// The offering.
#[must_use]
pub fn offering() -> Offering {
    let description = "A customer's host name that a Cloudflare zone serves";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "Cloudflare for SaaS: the customer points a host name to your zone, and Cloudflare gets a certificate for it. \
             While it waits for the customer, the operation says which DNS records have to be published; afterwards the \
             attribute records does. A check that has timed out is begun again, less and less often. A host name that \
             another zone has is refused. Minimum TLS, origin and metadata can be changed; deleting the instance \
             deletes the host name with its certificate.",
        )
        .tags(&["cloudflare", "saas", "domain", "certificate"])
        .bindable(false)
        .exclusive()
        .instances_retrievable(true)
        .output(output::CUSTOM_HOSTNAME_ID, "Cloudflare's id of it", Sensitivity::Public)
        .output(output::HOSTNAME, "The customer's host name", Sensitivity::Public)
        .output(output::STATUS, "How far the host name is, in Cloudflare's word", Sensitivity::Public)
        .output(output::SSL_STATUS, "How far its certificate is, in Cloudflare's word", Sensitivity::Public)
        .output(output::RECORDS, "What the customer has to publish, as a list", Sensitivity::Public)
        .with_plan(standard());
    super::described(offering, "Cloudflare custom hostname", "cloudflare-for-platforms/cloudflare-for-saas/")
}

fn standard() -> Plan {
    Plan::new(
        STANDARD,
        "standard",
        "One host name of a customer; Cloudflare charges for those beyond the zone's quota",
    )
    .display_name("Standard")
    .bullet("Certificate included and renewed")
    .bullet("Says which DNS records the customer has to publish")
    .free(false)
    .asynchronous(Asynchronous::Possible)
    .maximum_polling_duration(604_800)
    .parameters::<Parameters>()
}
