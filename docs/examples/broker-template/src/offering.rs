//! What can be asked for: the catalog entry, the schemas, the validation and the page follow from these types.

use serde::{Deserialize, Serialize};
use sutler_catalog::{
    Guid, Offering, Plan,
    schemars::{self, JsonSchema},
};
use sutler_secrets::SecretString;

// ANCHOR: parameters
/// Where a mailbox is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// In Europe.
    Eu,
    /// In North America.
    Us,
}

/// A mailbox.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mailbox {
    /// Where mail is kept. Fixed when the mailbox is made.
    #[schemars(extend("x-sutler-fixed" = true))]
    pub region: Region,
    /// How many megabytes of mail it holds.
    #[serde(default = "hundred")]
    #[schemars(range(min = 10, max = 10_000))]
    pub quota: u32,
}

fn hundred() -> u32 {
    100
}
// ANCHOR_END: parameters

// ANCHOR: outputs
/// What a binding gives: the right to read one mailbox.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Access {
    /// The mailbox's address.
    pub address: String,
    /// Opens it. Every binding has its own.
    #[serde(serialize_with = "sutler_secrets::exposed")]
    pub password: SecretString,
}
// ANCHOR_END: outputs

// ANCHOR: offering
/// Written once and never changed: platforms know the offering by it.
const SERVICE: Guid = Guid::new("3f0a6b52-7c1d-4d8e-9a2b-51c0de5e0001");
const STANDARD: Guid = Guid::new("3f0a6b52-7c1d-4d8e-9a2b-51c0de5e0002");

/// The offering.
#[must_use]
pub fn offering() -> Offering {
    Offering::new(SERVICE, "acme-mailbox", "A mailbox at ACME")
        .long_description(
            "Each instance is a mailbox, each binding a password for it. Deleting it deletes its mail.",
        )
        .bindable(true)
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .outputs_of::<Access>()
        .with_plan(
            Plan::new(STANDARD, "standard", "One mailbox")
                .cost("eur", 0.5, "MONTHLY")
                .maximum_polling_duration(600)
                .parameters::<Mailbox>(),
        )
}
// ANCHOR_END: offering
