//! `domain-record`: the records of one name and type, wherever the zone is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Asynchronous, Guid, Offering, Plan, Sensitivity, cloudflare::dns_record};

/// The offering's id.
pub const ID: Guid = Guid::new("b9f03613-d43a-4cbe-9a56-74a61c2e8790");
/// The id of the plan at Cloudflare.
pub const CLOUDFLARE: Guid = Guid::new("641c8991-5f99-4323-a269-4ce4ca7f0c92");
/// The id of the plan at DNSimple.
pub const DNSIMPLE: Guid = Guid::new("771ff67f-a1e8-431d-9d43-07fca5819506");
/// The id of the plan at a name server of the operator's own.
pub const RFC2136: Guid = Guid::new("67b8ed8a-e1ad-45d4-842c-cf1b4190f4f7");
/// Its name.
pub const NAME: &str = "domain-record";

/// Keys of outputs.
pub mod output {
    /// Attributes: the full name.
    pub const NAME: &str = "name";
    /// Attributes: the type.
    pub const TYPE: &str = "type";
    /// Attributes: the zone that it lies in.
    pub const ZONE: &str = "zone";
}

/// The form of names: lower case, inside a zone.
const FORM: &str = r"^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$";
/// The form of zones.
const ZONE: &str = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$";

/// Who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Cloudflare.
    Cloudflare,
    /// DNSimple.
    Dnsimple,
    /// A name server that takes signed changes.
    Rfc2136,
}

impl Backend {
    /// All of them, in the order of the catalog.
    pub const ALL: [Self; 3] = [Self::Cloudflare, Self::Dnsimple, Self::Rfc2136];

    fn plan(self) -> Plan {
        match self {
            Self::Cloudflare => {
                Plan::new(CLOUDFLARE, "cloudflare", "In a zone at Cloudflare, free of charge")
                    .display_name("Cloudflare")
                    .bullet("A, AAAA, CNAME, MX, NS, PTR and TXT; ready at once")
                    .bullet("May be proxied")
                    .asynchronous(Asynchronous::Possible)
                    .maximum_polling_duration(600)
                    .parameters::<CloudflareParameters>()
            }
            Self::Dnsimple => Plan::new(
                DNSIMPLE,
                "dnsimple",
                "In a zone at DNSimple, free of charge within its subscription",
            )
            .display_name("DNSimple")
            .bullet("A, AAAA, CAA, CNAME, MX, NS, PTR, SRV and TXT")
            .bullet("Ready when all name servers of DNSimple have it")
            .asynchronous(Asynchronous::Possible)
            .maximum_polling_duration(3_600)
            .parameters::<DnsimpleParameters>(),
            Self::Rfc2136 => {
                Plan::new(RFC2136, "rfc2136", "In the zone of the operator's own name server, free of charge")
                    .display_name("Own name server")
                    .bullet("A, AAAA, CAA, CNAME, MX, NS, PTR, SRV and TXT")
                    .bullet("Ready when all name servers of the zone have it")
                    .asynchronous(Asynchronous::Possible)
                    .maximum_polling_duration(3_600)
                    .parameters::<Rfc2136Parameters>()
            }
        }
    }
}

/// The types of records that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the words of DNS")]
pub enum RecordType {
    A,
    Aaaa,
    Caa,
    Cname,
    Mx,
    Ns,
    Ptr,
    Srv,
    Txt,
}

/// Parameters of the plan `rfc2136`. The zone is the operator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "name": "www.example.com", "type": "A", "values": ["192.0.2.1"] }]))]
pub struct Rfc2136Parameters {
    /// The full name, in lower case, inside the operator's zone, fixed at creation; international names in their ASCII
    /// form.
    #[schemars(length(max = 215), regex(pattern = FORM), extend("examples" = ["www.example.com"]), extend("x-sutler-fixed" = true))]
    pub name: String,
    /// The type, fixed at creation.
    #[schemars(extend("x-sutler-fixed" = true))]
    pub r#type: RecordType,
    /// Seconds that it may be remembered; 300 if left out.
    #[serde(default = "five_minutes")]
    #[schemars(range(min = 30, max = 86_400))]
    pub ttl: u32,
    /// What it says, a value for each record: `192.0.2.1`, `10 mail.example.com`, `1 2 443 host.example.com`,
    /// `0 issue "ca.example.net"`, or a text without quotes around it.
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 4096)), extend("uniqueItems" = true))]
    pub values: Vec<String>,
}

/// Parameters of the plan `cloudflare`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "zone": "example.com", "name": "www.example.com", "type": "A", "values": ["192.0.2.1"], "proxied": true
}]))]
pub struct CloudflareParameters {
    /// The zone, fixed at creation. It has to be in the account.
    #[schemars(length(max = 253), regex(pattern = ZONE), extend("examples" = ["example.com"]), extend("x-sutler-fixed" = true))]
    pub zone: String,
    /// The full name, in lower case, inside the zone, fixed at creation; international names in their ASCII form.
    #[schemars(length(max = 253), regex(pattern = FORM), extend("examples" = ["www.example.com"]), extend("x-sutler-fixed" = true))]
    pub name: String,
    /// The type, fixed at creation.
    #[schemars(extend("x-sutler-fixed" = true))]
    pub r#type: dns_record::RecordType,
    /// Seconds that it may be remembered; 1, which leaves it to Cloudflare, if left out. Records that are proxied always
    /// have 1.
    #[serde(default = "automatic")]
    #[schemars(range(min = 1, max = 86_400))]
    pub ttl: u32,
    /// What it says, a value for each record: `192.0.2.1`, `10 mail.example.com`, or a text without quotes around it.
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 4096)), extend("uniqueItems" = true))]
    pub values: Vec<String>,
    /// Whether visitors come through Cloudflare; `false` if left out. Only for A, AAAA and CNAME.
    #[serde(default)]
    pub proxied: bool,
}

/// Parameters of the plan `dnsimple`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "zone": "example.com", "name": "www.example.com", "type": "A", "values": ["192.0.2.1"]
}]))]
pub struct DnsimpleParameters {
    /// The zone, fixed at creation. It has to be in the account.
    #[schemars(length(max = 253), regex(pattern = ZONE), extend("examples" = ["example.com"]), extend("x-sutler-fixed" = true))]
    pub zone: String,
    /// The full name, in lower case, inside the zone, fixed at creation; international names in their ASCII form.
    #[schemars(length(max = 253), regex(pattern = FORM), extend("examples" = ["www.example.com"]), extend("x-sutler-fixed" = true))]
    pub name: String,
    /// The type, fixed at creation.
    #[schemars(extend("x-sutler-fixed" = true))]
    pub r#type: RecordType,
    /// Seconds that it may be remembered; 300 if left out.
    #[serde(default = "five_minutes")]
    #[schemars(range(min = 60, max = 86_400))]
    pub ttl: u32,
    /// What it says, a value for each record: `192.0.2.1`, `10 mail.example.com`, `1 2 443 host.example.com`,
    /// `0 issue "ca.example.net"`, or a text without quotes around it.
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 4096)), extend("uniqueItems" = true))]
    pub values: Vec<String>,
}

fn five_minutes() -> u32 {
    300
}

fn automatic() -> u32 {
    1
}

/// The offering, with a plan for each of those who do it.
#[must_use]
pub fn offering(backends: &[Backend]) -> Offering {
    let offering = Offering::new(ID, NAME, "The records of one name and type in a zone of DNS")
        .display_name("DNS record")
        .long_description(
            "An instance is all records of one type that a name has. A name that has some already, which are not of this \
             instance, is refused and left alone; so are proofs of ACME (_acme-challenge), and what makes the zone \
             itself: NS and CNAME records at its top. Values, time to live and proxy can change later. What somebody else \
             changed shows as drift. Deleting the instance deletes its own records and no others.",
        )
        .tags(&["dns", "domain"])
        .bindable(false)
        .instances_retrievable(true)
        .output(output::NAME, "The full name", Sensitivity::Public)
        .output(output::TYPE, "The type", Sensitivity::Public)
        .output(output::ZONE, "The zone that it lies in", Sensitivity::Public);
    backends.iter().fold(offering, |offering, backend| offering.with_plan(backend.plan()))
}
