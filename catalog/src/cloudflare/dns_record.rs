//! `cloudflare-dns-record`: a set of DNS records of one zone, changed together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Asynchronous, Guid, Offering, Plan, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("550da3dc-4f5c-41ab-a763-64f7e1a6fd45");
/// The id of its only plan.
pub const STANDARD: Guid = Guid::new("10404580-a978-4ca4-a753-119c74700099");
/// Its name.
pub const NAME: &str = "cloudflare-dns-record";

/// Keys of outputs.
pub mod output {
    /// Attributes: the zone.
    pub const ZONE_ID: &str = "zone_id";
    /// Attributes: the full names, sorted, each once.
    pub const NAMES: &str = "names";
}

/// The types of records whose content is one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the words of DNS")]
pub enum RecordType {
    A,
    Aaaa,
    Cname,
    Mx,
    Ns,
    Ptr,
    Txt,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its full name, in lower case, inside the zone; international names in their ASCII form.
    #[schemars(
        length(max = 253),
        regex(pattern = r"^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$"),
        extend("examples" = ["www.example.com"])
    )]
    pub name: String,
    /// Its type.
    pub r#type: RecordType,
    /// What it says: an address, a host name, or a text without quotes around it.
    #[schemars(length(min = 1, max = 4096), extend("examples" = ["192.0.2.1"]))]
    pub content: String,
    /// Seconds that it may be remembered; 1, which leaves it to Cloudflare, if left out. Records that are proxied always
    /// have 1.
    #[serde(default = "automatic")]
    #[schemars(range(min = 1, max = 86_400))]
    pub ttl: u32,
    /// Whether visitors come through Cloudflare; `false` if left out. Only for A, AAAA and CNAME.
    #[serde(default)]
    pub proxied: bool,
    /// The preference of an MX record, which has to have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u16>,
}

fn automatic() -> u32 {
    1
}

/// Parameters of a set of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "zone_id": "0123456789abcdef0123456789abcdef",
    "records": [{ "name": "www.example.com", "type": "CNAME", "content": "shop.pages.dev", "proxied": true }]
}]))]
pub struct Parameters {
    /// The id of the zone, fixed at creation.
    #[schemars(regex(pattern = r"^[0-9a-f]{32}$"), extend("x-sutler-fixed" = true))]
    pub zone_id: String,
    /// The whole set. Records of others are left alone; one that is there already, and is not of this set, is refused.
    #[schemars(length(min = 1, max = 200))]
    pub records: Vec<Record>,
}

/// The offering.
#[must_use]
pub fn offering() -> Offering {
    let description = "DNS records of a Cloudflare zone, kept in step as one set";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "An instance is a set of DNS records of one zone. They are added, changed and removed together, or not at \
             all; each carries the set's mark in its comment, and records without it are left alone. A record that \
             exists already is refused. Deleting the instance deletes its records and no others.",
        )
        .tags(&["cloudflare", "dns", "domain"])
        .bindable(false)
        .instances_retrievable(true)
        .output(output::ZONE_ID, "The zone", Sensitivity::Public)
        .output(output::NAMES, "The full names", Sensitivity::Public)
        .with_plan(standard());
    super::described(offering, "Cloudflare DNS records", "dns/")
}

fn standard() -> Plan {
    Plan::new(STANDARD, "standard", "A set of records of one zone, free of charge")
        .display_name("Standard")
        .bullet("A, AAAA, CNAME, MX, NS, PTR and TXT")
        .bullet("A free zone has 200 records at most")
        .asynchronous(Asynchronous::Possible)
        .maximum_polling_duration(600)
        .parameters::<Parameters>()
}
