//! The two offerings that zones at Cloudflare are behind, and what they differ in.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    cloudflare::zone::{self, Parameters, Type},
    domain::zone::{self as domain, CloudflareParameters},
};

use super::super::zones::Zone;

/// The parameters of a zone, in the words of its offering.
pub(crate) trait Wishes: DeserializeOwned + Debug + Send + Sync + 'static {
    /// Stands in the names of the tokens of bindings: those of one offering are none of the other's.
    const WORD: &'static str;

    /// The offering, with the plans that Cloudflare is behind.
    fn offering() -> Offering;
    /// The domain.
    fn name(&self) -> &str;
    /// Who answers for it.
    fn r#type(&self) -> Type;
    /// Whether the registrar's delegation is waited for.
    fn waits(&self) -> bool;
    /// Whether a zone with records is kept.
    fn protects(&self) -> bool;
    /// Adds what only this offering tells.
    fn tell(found: &Zone, attributes: &mut Map<String, Value>);
}

impl Wishes for Parameters {
    const WORD: &'static str = "zone";

    fn offering() -> Offering {
        zone::offering()
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn r#type(&self) -> Type {
        self.r#type
    }

    fn waits(&self) -> bool {
        self.wait_for_activation
    }

    fn protects(&self) -> bool {
        self.protect
    }

    fn tell(found: &Zone, attributes: &mut Map<String, Value>) {
        if let Some(key) = &found.verification_key {
            attributes.insert(zone::output::VERIFICATION_KEY.to_owned(), json!(key));
        }
    }
}

impl Wishes for CloudflareParameters {
    const WORD: &'static str = "domainzone";

    fn offering() -> Offering {
        domain::offering([domain::cloudflare()])
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn r#type(&self) -> Type {
        Type::Full
    }

    fn waits(&self) -> bool {
        self.wait_for_delegation
    }

    fn protects(&self) -> bool {
        self.protect
    }

    fn tell(found: &Zone, attributes: &mut Map<String, Value>) {
        let is_delegated = found.status.as_deref() == Some("active");
        attributes.insert(domain::output::DELEGATED.to_owned(), json!(is_delegated));
    }
}
