//! `domain-certificate`: a certificate for host names, from an authority that speaks ACME.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Asynchronous, Guid, NoParameters, Offering, Plan, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("d728bbd7-2bb0-4cd6-9ebf-fb9ea80beb75");
/// The plan whose names have their DNS at Cloudflare.
pub const CLOUDFLARE: Guid = Guid::new("a51fa22e-be99-44bc-a6df-38db35fd4553");
/// The plan whose names have their DNS at DNSimple.
pub const DNSIMPLE: Guid = Guid::new("b473c6be-8ace-4d25-8eb9-6477ab9023af");
/// The plan whose names have their DNS at a server that takes signed updates.
pub const RFC2136: Guid = Guid::new("db34e5e7-bbb9-4cb4-9e52-10de7eedaf28");
/// Its name.
pub const NAME: &str = "domain-certificate";

/// Keys of credentials.
pub mod output {
    /// The certificate and those that lead to the authority's root.
    pub const CERTIFICATE_CHAIN: &str = "certificate_chain";
    /// The private key.
    pub const PRIVATE_KEY: &str = "private_key";
    /// Until when the certificate counts.
    pub const EXPIRES_AT: &str = "expires_at";
}

/// Keys of attributes.
pub mod attribute {
    /// The names that the certificate is for.
    pub const NAMES: &str = "names";
    /// Its serial number, in hexadecimal.
    pub const SERIAL: &str = "serial";
    /// The digest of the certificate (SHA-256, hexadecimal).
    pub const FINGERPRINT: &str = "fingerprint_sha256";
    /// From when it counts.
    pub const VALID_FROM: &str = "valid_from";
    /// Until when it counts.
    pub const EXPIRES_AT: &str = "expires_at";
    /// From when an update renews it.
    pub const RENEW_AFTER: &str = "renew_after";
}

/// Where the proof that the names are the user's is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Zones {
    /// Zones of the Cloudflare account.
    Cloudflare,
    /// Zones of the DNSimple account.
    Dnsimple,
    /// The zone of a server that takes signed updates (RFC 2136).
    Rfc2136,
}

impl Zones {
    /// All of them, in the order of the catalog.
    pub const ALL: [Self; 3] = [Self::Cloudflare, Self::Dnsimple, Self::Rfc2136];

    /// The name of the plan.
    #[must_use]
    pub fn plan(self) -> &'static str {
        match self {
            Self::Cloudflare => "cloudflare",
            Self::Dnsimple => "dnsimple",
            Self::Rfc2136 => "rfc2136",
        }
    }
}

/// What the private key is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum KeyType {
    /// On the curve P-256: small, fast, known everywhere.
    #[default]
    #[serde(rename = "ecdsa-p256")]
    EcdsaP256,
    /// On the curve P-384.
    #[serde(rename = "ecdsa-p384")]
    EcdsaP384,
}

/// Parameters of a certificate. What is left out of an update stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "names": ["example.com", "*.example.com"] }]))]
pub struct Parameters {
    /// The host names, in lower case; `*.` in front stands for every name one level below. International names in their
    /// ASCII form. Another list is another certificate.
    #[schemars(
        length(min = 1, max = 100),
        extend("uniqueItems" = true),
        inner(
            length(max = 253),
            regex(pattern = r"^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$")
        )
    )]
    pub names: Vec<String>,
    /// What the private key is. Another one is another certificate.
    #[serde(default)]
    pub key_type: KeyType,
    /// How many days before it expires the certificate is due for renewal; never before half of its life is over.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 90))]
    pub renew_before_days: u16,
    /// Whether certificates of the instance that have not expired are revoked when it is deleted.
    #[serde(default)]
    pub revoke_on_delete: bool,
    /// Any text. Another one issues a new certificate with a new key, though nothing else changes: after a key has leaked,
    /// for example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), extend("examples" = ["2026-12-01"]))]
    pub edition: Option<String>,
}

fn thirty() -> u16 {
    30
}

/// The offering, with a plan for each place that zones can be at.
#[must_use]
pub fn offering(zones: &[Zones]) -> Offering {
    let offering = Offering::new(ID, NAME, "A certificate for host names, from an authority that speaks ACME")
        .display_name("Certificate")
        .long_description(
            "Proves by TXT records that the names are yours, has a certificate issued, and removes the records again. \
             Each issuance makes a new private key. A binding gives the chain and the key as they are then, and says \
             when it expires; make a new binding after a renewal. The instance is due from renew_after on, which fetching \
             it tells as a difference: an update that wishes for repair then renews it, and so does any other edition. \
             Authorities limit how many certificates they issue for a domain in a week.",
        )
        .documentation_url("https://www.rfc-editor.org/rfc/rfc8555")
        .tags(&["domain", "certificate", "tls", "acme"])
        .bindable(true)
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .output(
            output::CERTIFICATE_CHAIN,
            "The certificate and those that lead to the authority's root, as PEM: what a server is given",
            Sensitivity::Public,
        )
        .output(output::PRIVATE_KEY, "Its private key, PKCS#8 as PEM", Sensitivity::Secret)
        .output(output::EXPIRES_AT, "Until when it counts (RFC 3339)", Sensitivity::Public);
    zones.iter().fold(offering, |offering, zones| offering.with_plan(plan(*zones)))
}

fn plan(zones: Zones) -> Plan {
    let (id, description) = match zones {
        Zones::Cloudflare => (CLOUDFLARE, "A certificate for names whose DNS is at Cloudflare"),
        Zones::Dnsimple => (DNSIMPLE, "A certificate for names whose DNS is at DNSimple"),
        Zones::Rfc2136 => {
            (RFC2136, "A certificate for names whose DNS server takes signed updates (RFC 2136)")
        }
    };
    Plan::new(id, zones.plan(), description)
        .free(true)
        .bullet("Wildcards and up to 100 names")
        .bullet("A new private key each time, kept sealed")
        .asynchronous(Asynchronous::Possible)
        .asynchronous_bindings(Asynchronous::Never)
        .maximum_polling_duration(7_200)
        .parameters::<Parameters>()
        .bind::<NoParameters>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_stands_for_each_place_of_zones() {
        let offering = offering(&Zones::ALL);
        let plans: Vec<&str> = offering.plans().iter().map(Plan::name).collect();
        assert_eq!(plans, ["cloudflare", "dnsimple", "rfc2136"]);
    }
}
