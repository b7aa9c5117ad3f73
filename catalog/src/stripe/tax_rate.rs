//! `stripe-tax-rate`: a rate that invoices and subscriptions are taxed with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Mode;
use crate::{Guid, NoParameters, Offering, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("69cb881b-5195-446e-a826-09f442ef3c5f");
/// The id of the plan of test mode.
pub const TEST: Guid = Guid::new("616d072e-8e1a-4c51-ad28-b4868f886a7d");
/// The id of the plan of live mode.
pub const LIVE: Guid = Guid::new("0abecc26-5392-449f-98bd-3b3f5b9afda4");
/// Its name.
pub const NAME: &str = "stripe-tax-rate";

/// Keys of outputs.
pub mod output {
    /// Names the rate at Stripe.
    pub const TAX_RATE_ID: &str = "tax_rate_id";
    /// How many percent it is.
    pub const PERCENTAGE: &str = "percentage";
}

/// What kind of tax it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "Stripe's own words")]
pub enum TaxType {
    AmusementTax,
    CommunicationsTax,
    Gst,
    Hst,
    Igst,
    Jct,
    LeaseTax,
    Pst,
    Qst,
    RetailDeliveryFee,
    Rst,
    SalesTax,
    Vat,
}

/// Parameters of a tax rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// What customers see.
    #[schemars(length(min = 1, max = 50), example = &"VAT")]
    pub display_name: String,
    /// How many percent, with up to four decimals. Fixed when it is made: another rate is another instance.
    #[schemars(range(min = 0, max = 100), example = 19, extend("x-sutler-fixed" = true))]
    pub percentage: f64,
    /// Whether prices contain the tax already. Fixed when it is made.
    #[schemars(extend("x-sutler-fixed" = true))]
    pub inclusive: bool,
    /// The country, as two capital letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Z]{2}$"))]
    pub country: Option<String>,
    /// The state or province within the country, such as `CA`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Z0-9]{1,3}$"))]
    pub state: Option<String>,
    /// Whose tax it is; stands on invoices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 50))]
    pub jurisdiction: Option<String>,
    /// A note that customers do not see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 500))]
    pub description: Option<String>,
    /// What kind of tax it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_type: Option<TaxType>,
}

/// The offering, with the plans of these modes.
#[must_use]
pub fn offering(modes: &[Mode]) -> Offering {
    let description = "A rate that invoices and subscriptions are taxed with";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "An instance is a tax rate. Percentage and inclusiveness never change. Stripe keeps tax rates for ever: \
             deleting archives it, so that nothing new can use it; what uses it already goes on.",
        )
        .tags(&["stripe", "tax"])
        .bindable(true)
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .output(output::TAX_RATE_ID, "Names the rate at Stripe", Sensitivity::Public)
        .output(output::PERCENTAGE, "How many percent it is", Sensitivity::Public);
    let plan = |mode: &Mode| {
        let id = if mode.is_live() { LIVE } else { TEST };
        super::plan(*mode, id, "One tax rate").parameters::<Parameters>().bind::<NoParameters>()
    };
    let offering = modes.iter().map(plan).fold(offering, Offering::with_plan);
    super::described(offering, "Stripe tax rate", "billing/taxes/tax-rates")
}
