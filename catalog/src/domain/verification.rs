//! `domain-verification`: the proof that whoever asks controls a domain.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Asynchronous, Guid, Offering, Plan, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("b65e0f56-b1ed-44b3-925c-15000fffecbf");
/// The id of its only plan.
pub const DNS: Guid = Guid::new("79949687-6bba-416f-ae80-b295c7cf844b");
/// Its name.
pub const NAME: &str = "domain-verification";

/// How long the record is awaited.
pub const DAYS: u64 = 7;

/// Keys of attributes.
pub mod attribute {
    /// The domain.
    pub const DOMAIN: &str = "domain";
    /// Where the TXT record has to stand.
    pub const RECORD_NAME: &str = "record_name";
    /// What it has to say.
    pub const RECORD_VALUE: &str = "record_value";
    /// `verified`, `missing`, or `unknown` while the domain's name servers give no clear answer.
    pub const VERIFICATION: &str = "verification";
    /// What the record stands on: `secure` where the domain's signatures (DNSSEC) prove it, `insecure` where the domain is not
    /// signed, `bogus` where it is and what its name servers show is not rightly signed, `unknown` where it is not shown.
    pub const DNSSEC: &str = "dnssec";
    /// When the record was first seen.
    pub const VERIFIED_AT: &str = "verified_at";
}

/// Parameters of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "domain": "example.com" }]))]
pub struct Parameters {
    /// The domain, in lower case, fixed at creation; international names in their ASCII form.
    #[schemars(
        length(max = 239),
        regex(pattern = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"),
        extend("x-sutler-fixed" = true)
    )]
    pub domain: String,
}

/// The offering.
#[must_use]
pub fn offering() -> Offering {
    Offering::new(ID, NAME, "The proof that whoever asks controls a domain")
        .display_name("Domain verification")
        .long_description(
            "Tells a TXT record at once; the instance is ready when the domain's own name servers show it: two of them, or \
             all if there are fewer. It is looked for less and less often, for seven days. The name of the record may be \
             an alias (CNAME) for one elsewhere. Where the domain is signed (DNSSEC), the record has to be signed rightly. Fetching looks again; name servers that do not answer make the \
             verification unknown, and a record that is gone a difference. Deleting the instance forgets it, and the \
             record can go.",
        )
        .tags(&["domain", "dns", "verification"])
        .bindable(false)
        .instances_retrievable(true)
        .output(attribute::DOMAIN, "The domain, once it is verified", Sensitivity::Public)
        .output(attribute::VERIFIED_AT, "When the record was first seen (RFC 3339)", Sensitivity::Public)
        .with_plan(dns())
}

fn dns() -> Plan {
    Plan::new(DNS, "dns", "The domain's DNS shows a TXT record")
        .free(true)
        .bullet("Its own name servers are asked, not a cache")
        .bullet("Two of them have to agree")
        .asynchronous(Asynchronous::Possible)
        .maximum_polling_duration(DAYS * 24 * 60 * 60)
        .parameters::<Parameters>()
}
