//! `stripe-payment-link`: a page on which customers pay, without any code.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Mode;
use crate::{Guid, NoParameters, Offering, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("38d54849-fa97-41a5-9ce6-d2a3a0bdc0f5");
/// The id of the plan of test mode.
pub const TEST: Guid = Guid::new("07fe3c88-5450-4db0-8f3d-90f809807d2f");
/// The id of the plan of live mode.
pub const LIVE: Guid = Guid::new("5d41dd2c-88c1-48df-a067-1c3124039bc7");
/// Its name.
pub const NAME: &str = "stripe-payment-link";

/// Keys of outputs.
pub mod output {
    /// Names the link at Stripe.
    pub const PAYMENT_LINK_ID: &str = "payment_link_id";
    /// The address of the page.
    pub const URL: &str = "url";
}

/// Something that is sold on the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The id of its price.
    #[schemars(length(min = 1, max = 255))]
    pub price: String,
    /// How many.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 999_999))]
    pub quantity: u32,
}

fn one() -> u32 {
    1
}

/// Whether customers are asked for their billing address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Address {
    /// When it is needed.
    #[default]
    Auto,
    /// Always.
    Required,
}

/// Parameters of a payment link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// What is sold. Fixed when it is made: another price is another link.
    #[schemars(length(min = 1, max = 20), extend("x-sutler-fixed" = true))]
    pub items: Vec<Item>,
    /// Where customers are sent after they paid; to a page of Stripe's if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2000), regex(pattern = r"^https://[^\s]+$"))]
    pub redirect_url: Option<String>,
    /// Whether customers can type in promotion codes.
    #[serde(default)]
    pub allow_promotion_codes: bool,
    /// Whether Stripe computes the tax.
    #[serde(default)]
    pub automatic_tax: bool,
    /// Whether customers are asked for their billing address.
    #[serde(default)]
    pub billing_address: Address,
    /// What customers read once the link is out of use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 500))]
    pub inactive_message: Option<String>,
    /// How often it can be used; without limit if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub completed_sessions_limit: Option<u32>,
}

/// The offering, with the plans of these modes.
#[must_use]
pub fn offering(modes: &[Mode]) -> Offering {
    let description = "A page on which customers pay, without any code";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "An instance is a payment link. What it sells never changes. Stripe keeps payment links for ever: deleting \
             puts it out of use, and whoever has its address is told so.",
        )
        .tags(&["stripe", "payment", "checkout"])
        .bindable(true)
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .output(output::PAYMENT_LINK_ID, "Names the link at Stripe", Sensitivity::Public)
        .output(output::URL, "The address of the page", Sensitivity::Public);
    let plan = |mode: &Mode| {
        let id = if mode.is_live() { LIVE } else { TEST };
        super::plan(*mode, id, "One payment link").parameters::<Parameters>().bind::<NoParameters>()
    };
    let offering = modes.iter().map(plan).fold(offering, Offering::with_plan);
    super::described(offering, "Stripe payment link", "payment-links")
}
