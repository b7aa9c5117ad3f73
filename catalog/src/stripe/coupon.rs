//! `stripe-coupon`: a discount, with the codes that customers type in for it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Mode;
use crate::{Guid, NoParameters, Offering, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("11b9173d-c93d-4315-a64c-be58a77501c6");
/// The id of the plan of test mode.
pub const TEST: Guid = Guid::new("3f7b1f37-e8c0-4684-bf13-c762ea64c73f");
/// The id of the plan of live mode.
pub const LIVE: Guid = Guid::new("e0112d46-9455-4e75-ba4a-75d85dba0859");
/// Its name.
pub const NAME: &str = "stripe-coupon";

/// Keys of outputs.
pub mod output {
    /// Names the coupon at Stripe.
    pub const COUPON_ID: &str = "coupon_id";
    /// The ids of its promotion codes, by their codes.
    pub const PROMOTION_CODES: &str = "promotion_codes";
}

/// For how long a subscription gets the discount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Duration {
    /// For its first charge.
    Once,
    /// For `duration_in_months`.
    Repeating,
    /// For ever.
    Forever,
}

/// What restricts a promotion code. None of it can change: another restriction makes another code of the same text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromotionCode {
    /// How often it can be used, all customers together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub max_redemptions: Option<u32>,
    /// When it ends, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 9_999_999_999_i64))]
    pub expires_at: Option<i64>,
    /// Whether only customers who never paid before can use it.
    #[serde(default)]
    pub first_time_transaction: bool,
    /// The least amount that it is good for, in the smallest unit of `minimum_amount_currency`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 99_999_999))]
    pub minimum_amount: Option<u32>,
    /// The currency of `minimum_amount`, as three small letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[a-z]{3}$"))]
    pub minimum_amount_currency: Option<String>,
}

/// Parameters of a coupon. Only its name and its codes can change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// What customers see on invoices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 40))]
    pub name: Option<String>,
    /// How many percent it takes off. Either this or `amount_off`. Fixed when it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.01, max = 100), example = 20, extend("x-sutler-fixed" = true))]
    pub percent_off: Option<f64>,
    /// What it takes off, in the smallest unit of `currency`. Fixed when it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 99_999_999), extend("x-sutler-fixed" = true))]
    pub amount_off: Option<u32>,
    /// The currency of `amount_off`, as three small letters. Fixed when it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[a-z]{3}$"), extend("x-sutler-fixed" = true))]
    pub currency: Option<String>,
    /// For how long a subscription gets the discount. Fixed when it is made.
    #[schemars(extend("x-sutler-fixed" = true))]
    pub duration: Duration,
    /// For how many months, if it is repeating. Fixed when it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 60), extend("x-sutler-fixed" = true))]
    pub duration_in_months: Option<u32>,
    /// How often it can be used, all customers together. Fixed when it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000), extend("x-sutler-fixed" = true))]
    pub max_redemptions: Option<u32>,
    /// When it ends, in seconds since 1970; five years ahead at most. Fixed when it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 9_999_999_999_i64), extend("x-sutler-fixed" = true))]
    pub redeem_by: Option<i64>,
    /// The ids of the products that it is good for; all if left out. Fixed when it is made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(min = 1, max = 255)), extend("x-sutler-fixed" = true))]
    pub products: Vec<String>,
    /// The codes that customers type in, each with what restricts it. A code that goes is put out of use.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 50))]
    pub promotion_codes: BTreeMap<String, PromotionCode>,
}

/// The offering, with the plans of these modes.
#[must_use]
pub fn offering(modes: &[Mode]) -> Offering {
    let description = "A discount, with the codes that customers type in for it";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "An instance is a coupon and its promotion codes. Only the name and the codes can change. Deleting puts the \
             codes out of use and deletes the coupon; discounts that were given already stay. A promotion code is unique \
             among the active ones of the account, whatever its case.",
        )
        .tags(&["stripe", "coupon", "discount"])
        .bindable(true)
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .output(output::COUPON_ID, "Names the coupon at Stripe", Sensitivity::Public)
        .output(output::PROMOTION_CODES, "The ids of its promotion codes, by their codes", Sensitivity::Public);
    let plan = |mode: &Mode| {
        let id = if mode.is_live() { LIVE } else { TEST };
        super::plan(*mode, id, "One coupon with up to 50 codes")
            .parameters::<Parameters>()
            .bind::<NoParameters>()
    };
    let offering = modes.iter().map(plan).fold(offering, Offering::with_plan);
    super::described(offering, "Stripe coupon", "billing/subscriptions/coupons")
}
