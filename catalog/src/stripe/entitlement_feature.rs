//! `stripe-entitlement-feature`: something that customers of a product may do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Mode;
use crate::{Guid, NoParameters, Offering, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("b74659d9-a15f-43cb-9d0b-c836f25a9d26");
/// The id of the plan of test mode.
pub const TEST: Guid = Guid::new("53a97960-4243-46ea-a088-7031d618a15b");
/// The id of the plan of live mode.
pub const LIVE: Guid = Guid::new("e0c16a06-5e32-40b1-8333-c9c1ec0d6a4b");
/// Its name.
pub const NAME: &str = "stripe-entitlement-feature";

/// Keys of outputs.
pub mod output {
    /// Names the feature at Stripe.
    pub const FEATURE_ID: &str = "feature_id";
    /// Names it in your code.
    pub const LOOKUP_KEY: &str = "lookup_key";
}

/// Parameters of a feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// What your code asks for; no other feature of the account may have it, not even an archived one. Fixed when it is
    /// made.
    #[schemars(
        length(min = 1, max = 80),
        regex(pattern = r"^[A-Za-z0-9_.:-]+$"),
        example = &"api-access",
        extend("x-sutler-fixed" = true)
    )]
    pub lookup_key: String,
    /// What people call it; customers do not see it.
    #[schemars(length(min = 1, max = 80))]
    pub name: String,
}

/// The offering, with the plans of these modes.
#[must_use]
pub fn offering(modes: &[Mode]) -> Offering {
    let description = "Something that customers of a product may do, asked for by a key";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "An instance is an entitlement feature. A product names the features that its customers get. Stripe keeps \
             features for ever: deleting archives it. An archived feature keeps its lookup key; a new instance cannot \
             have the same one.",
        )
        .tags(&["stripe", "entitlements"])
        .bindable(true)
        .exclusive()
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .output(output::FEATURE_ID, "Names the feature at Stripe", Sensitivity::Public)
        .output(output::LOOKUP_KEY, "Names it in your code", Sensitivity::Public);
    let plan = |mode: &Mode| {
        let id = if mode.is_live() { LIVE } else { TEST };
        super::plan(*mode, id, "One feature").parameters::<Parameters>().bind::<NoParameters>()
    };
    let offering = modes.iter().map(plan).fold(offering, Offering::with_plan);
    super::described(offering, "Stripe entitlement feature", "billing/entitlements")
}
