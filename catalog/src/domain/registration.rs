//! `domain-registration`: a domain at a registrar, bought once and never given back.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amount::{self, Amount};
use crate::{Asynchronous, Guid, Offering, Plan, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("e02fdd80-b21b-49b3-9317-911887cdd9c5");
/// The id of the plan at Cloudflare Registrar.
pub const CLOUDFLARE: Guid = Guid::new("2c5edc37-ef43-4d69-bf37-797534be0a5b");
/// The id of the plan in the sandbox of Cloudflare Registrar.
pub const CLOUDFLARE_SANDBOX: Guid = Guid::new("fe8f9170-28ef-445c-a83d-de72aa64a7df");
/// The id of the plan at DNSimple.
pub const DNSIMPLE: Guid = Guid::new("e1cf64c7-ecf0-4e0f-ac64-60a0b936bd95");
/// Its name.
pub const NAME: &str = "domain-registration";

/// Keys of outputs.
pub mod output {
    /// Attributes: the domain.
    pub const DOMAIN: &str = "domain";
    /// Attributes: how the registration is, in our word.
    pub const STATUS: &str = "status";
    /// Attributes: until when it is paid.
    pub const EXPIRES_AT: &str = "expires_at";
    /// Attributes: whether it renews itself.
    pub const AUTO_RENEW: &str = "auto_renew";
    /// Attributes: whether the public is shown who registered it.
    pub const PRIVACY: &str = "privacy";
    /// Attributes: the name servers that the registry names.
    pub const NAME_SERVERS: &str = "name_servers";
}

/// Domains of one label below an extension, in lower case and ASCII.
const DOMAIN: &str = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?){1,3}$";

/// Who registers a domain. This is about a person: `Debug` does not show it, and nobody is told it again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Registrant {
    /// The full name of a person.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// The organization, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub organization: Option<String>,
    /// An address that is read: registries ask for confirmations there.
    #[schemars(length(max = 254), regex(pattern = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"))]
    pub email: String,
    /// With the country's number and a dot behind it.
    #[schemars(regex(pattern = r"^\+[0-9]{1,3}\.[0-9]{4,14}$"), extend("examples" = ["+1.5555551234"]))]
    pub phone: String,
    /// Street and house number.
    #[schemars(length(min = 1, max = 255))]
    pub street: String,
    /// The city.
    #[schemars(length(min = 1, max = 255))]
    pub city: String,
    /// The state or province.
    #[schemars(length(min = 1, max = 255))]
    pub state: String,
    /// The postal code.
    #[schemars(length(min = 1, max = 32))]
    pub postal_code: String,
    /// The country, in two letters.
    #[schemars(regex(pattern = r"^[A-Z]{2}$"), extend("examples" = ["DE"]))]
    pub country_code: String,
}

impl fmt::Debug for Registrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registrant(…)")
    }
}

/// Whether the public is shown who registered a domain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PrivacyMode {
    /// It is.
    Off,
    /// It is not, as far as the registry allows.
    #[default]
    Redaction,
}

/// Parameters of a registration at Cloudflare, and in its sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "domain": "example.com", "max_registration_cost": "12.00", "currency": "USD", "accept_charges": true
}]))]
pub struct Parameters {
    /// The domain, in lower case, fixed; international names in their ASCII form.
    #[schemars(length(max = 253), regex(pattern = DOMAIN), extend("x-sutler-fixed" = true))]
    pub domain: String,
    /// For how many years it is paid at first, fixed; `1` if left out.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10), extend("x-sutler-fixed" = true))]
    pub years: u8,
    /// Who registers it, fixed; the default contact of the Cloudflare account if left out. The sandbox always wants it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true, "x-sutler-fixed" = true))]
    pub registrant: Option<Registrant>,
    /// Whether the public is shown who registered it, fixed; `redaction` if left out.
    #[serde(default)]
    #[schemars(extend("x-sutler-fixed" = true))]
    pub privacy_mode: PrivacyMode,
    /// Whether it renews itself, which costs money every year; `false` if left out.
    #[serde(default)]
    pub auto_renew: bool,
    /// The first confirmation, fixed: the most that the whole registration may cost. The registrar is asked for its price
    /// immediately before the order; if that is higher, nothing is ordered.
    #[schemars(with = "String", regex(pattern = amount::PATTERN), extend("x-sutler-fixed" = true))]
    pub max_registration_cost: Amount,
    /// The currency of that amount, fixed. A price in another one is not compared; nothing is ordered then.
    #[schemars(regex(pattern = r"^[A-Z]{3}$"), extend("x-sutler-fixed" = true))]
    pub currency: String,
    /// The second confirmation, fixed: has to be `true`. What is paid is not paid back.
    #[schemars(extend("enum" = [true], "x-sutler-fixed" = true))]
    pub accept_charges: bool,
    /// Whether the instance may be deleted. Deleting it turns automatic renewal off and forgets the domain, which stays
    /// registered until it expires. `false` if left out: then deleting is refused.
    #[serde(default)]
    pub release: bool,
}

/// Parameters of a registration at DNSimple.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "domain": "example.com", "registrant_id": 12, "max_registration_cost": "20.00", "currency": "USD",
    "accept_charges": true
}]))]
pub struct DnsimpleParameters {
    /// The domain, in lower case, fixed; international names in their ASCII form.
    #[schemars(length(max = 253), regex(pattern = DOMAIN), extend("x-sutler-fixed" = true))]
    pub domain: String,
    /// The number of a contact in the DNSimple account, which is who registers it, fixed.
    #[schemars(range(min = 1), extend("x-sutler-fixed" = true))]
    pub registrant_id: u64,
    /// Whether it renews itself, which costs money every year; `false` if left out.
    #[serde(default)]
    pub auto_renew: bool,
    /// The first confirmation, fixed: the most that the registration may cost. DNSimple is asked for its price immediately
    /// before the order; if that is higher, nothing is ordered.
    #[schemars(with = "String", regex(pattern = amount::PATTERN), extend("x-sutler-fixed" = true))]
    pub max_registration_cost: Amount,
    /// The currency of that amount, fixed: `USD`, which is what DNSimple charges in.
    #[schemars(regex(pattern = r"^[A-Z]{3}$"), extend("x-sutler-fixed" = true))]
    pub currency: String,
    /// The second confirmation, fixed: has to be `true`. What is paid is not paid back.
    #[schemars(extend("enum" = [true], "x-sutler-fixed" = true))]
    pub accept_charges: bool,
    /// Whether the instance may be deleted. Deleting it turns automatic renewal off and forgets the domain, which stays
    /// registered until it expires. `false` if left out: then deleting is refused.
    #[serde(default)]
    pub release: bool,
}

fn one() -> u8 {
    1
}

/// Where a domain can be registered: each a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registrar {
    /// Cloudflare Registrar.
    Cloudflare,
    /// Its sandbox, where nothing is real.
    CloudflareSandbox,
    /// DNSimple.
    Dnsimple,
}

impl Registrar {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cloudflare, Self::CloudflareSandbox, Self::Dnsimple];

    fn plan(self) -> Plan {
        let plan = match self {
            Self::Cloudflare => {
                Plan::new(CLOUDFLARE, "cloudflare", "One domain at Cloudflare Registrar, which costs money")
                    .display_name("Cloudflare")
                    .free(false)
                    .bullet("Priced by extension, per year; the price is asked for before every order")
                    .bullet("Nothing is paid back")
                    .parameters::<Parameters>()
            }
            Self::CloudflareSandbox => Plan::new(
                CLOUDFLARE_SANDBOX,
                "cloudflare-sandbox",
                "A rehearsal at Cloudflare Registrar's sandbox: nothing is paid, and nothing is registered",
            )
            .display_name("Cloudflare sandbox")
            .bullet("Takes the same parameters, and asks for the same confirmations")
            .bullet("Only com and net")
            .parameters::<Parameters>(),
            Self::Dnsimple => Plan::new(DNSIMPLE, "dnsimple", "One domain at DNSimple, which costs money")
                .display_name("DNSimple")
                .free(false)
                .bullet("Priced by extension, per year; the price is asked for before every order")
                .bullet("Nothing is paid back")
                .parameters::<DnsimpleParameters>(),
        };
        plan.asynchronous(Asynchronous::Possible).maximum_polling_duration(604_800)
    }
}

/// The offering, with the plans of these registrars.
#[must_use]
pub fn offering(registrars: &[Registrar]) -> Offering {
    let offering = Offering::new(ID, NAME, "A domain at a registrar")
        .display_name("Domain registration")
        .long_description(
            "Registers a domain that nobody has. This moves money, and nothing takes it back, so two confirmations are \
             asked for: accept_charges, and max_registration_cost, which is compared with the registrar's price \
             immediately before the order. An order whose answer was lost is never repeated before the registrar has \
             said that there is none. A domain that is registered already is refused; bring one that the account has \
             under management by adopting it, which costs nothing. Only automatic renewal can be changed. A registrar \
             deletes nothing: deleting the instance is refused until release is set to true; then it turns automatic \
             renewal off and forgets the domain, which stays registered and paid until it expires.",
        )
        .tags(&["domain", "registrar", "cloudflare", "dnsimple"])
        .bindable(false)
        .exclusive()
        .instances_retrievable(true)
        .output(output::DOMAIN, "The domain", Sensitivity::Public)
        .output(
            output::STATUS,
            "How the registration is: active, pending, expired, suspended, redemption, deleting, or unknown",
            Sensitivity::Public,
        )
        .output(output::EXPIRES_AT, "Until when it is paid", Sensitivity::Public)
        .output(output::AUTO_RENEW, "Whether it renews itself", Sensitivity::Public)
        .output(output::PRIVACY, "Whether the public is not shown who registered it", Sensitivity::Public)
        .output(
            output::NAME_SERVERS,
            "The name servers that the registry names for it, where the registrar tells them: DNSimple does",
            Sensitivity::Public,
        );
    registrars.iter().map(|registrar| registrar.plan()).fold(offering, Offering::with_plan)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn schema(registrar: Registrar, of: impl Fn(&Plan) -> Option<&Value>) -> Value {
        let offering = offering(&[registrar]);
        of(&offering.plans()[0]).cloned().unwrap()
    }

    fn update(plan: &Plan) -> Option<&Value> {
        plan.service_plan().update_schema()
    }

    #[test]
    fn only_renewal_and_release_can_be_changed() {
        for registrar in Registrar::ALL {
            let fields = schema(registrar, update)["properties"].as_object().unwrap().clone();
            let names: Vec<&str> = fields.keys().map(String::as_str).collect();
            assert_eq!(names, ["auto_renew", "release"]);
        }
    }

    #[test]
    fn only_the_sandbox_is_free() {
        let free = |registrar| offering(&[registrar]).plans()[0].service_plan().free;
        assert_eq!(Registrar::ALL.map(free), [Some(false), Some(true), Some(false)]);
    }

    #[test]
    fn whoever_registers_is_not_shown() {
        let registrant: Registrant = serde_json::from_value(json!({
            "name": "Ada", "email": "ada@example.com", "phone": "+1.5555551234", "street": "1 Main Street",
            "city": "Springfield", "state": "OR", "postal_code": "97477", "country_code": "US",
        }))
        .unwrap();
        assert_eq!(format!("{registrant:?}"), "Registrant(…)");
    }
}
