//! `stripe-product`: something that is sold, with its prices.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Mode;
use crate::{Guid, NoParameters, Offering, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("9502019f-8efb-48a5-9abd-e654d4f84bf2");
/// The id of the plan of test mode.
pub const TEST: Guid = Guid::new("eb8ef415-c66d-4466-828b-b08e810b1882");
/// The id of the plan of live mode.
pub const LIVE: Guid = Guid::new("a03f4939-4a4a-44f1-b74f-020f6b5f059d");
/// Its name.
pub const NAME: &str = "stripe-product";

/// Keys of outputs.
pub mod output {
    /// Names the product at Stripe.
    pub const PRODUCT_ID: &str = "product_id";
    /// The ids of its prices, by their keys.
    pub const PRICES: &str = "prices";
    /// Their lookup keys, by their keys.
    pub const LOOKUP_KEYS: &str = "lookup_keys";
}

/// How often a price is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "Stripe's own words")]
pub enum Interval {
    Day,
    Week,
    Month,
    Year,
}

/// Whether a price contains its tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TaxBehavior {
    /// It does.
    Inclusive,
    /// Tax is added.
    Exclusive,
}

/// A price. Another amount, currency or interval is another price at Stripe, which takes over the lookup key; what was
/// subscribed to before keeps the earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The currency, as three small letters.
    #[schemars(regex(pattern = r"^[a-z]{3}$"))]
    pub currency: String,
    /// The amount in the smallest unit of the currency, such as cents. Either this or `unit_amount_decimal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 99_999_999))]
    pub unit_amount: Option<u32>,
    /// The same with fractions, as a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]{1,12}(\.[0-9]{1,12})?$"))]
    pub unit_amount_decimal: Option<String>,
    /// How often it is charged; once if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// Charged every so many intervals; 1 if left out. Three years at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1095))]
    pub interval_count: Option<u32>,
    /// The id of the meter that counts what is charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub meter: Option<String>,
    /// What people call it; customers do not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 250))]
    pub nickname: Option<String>,
    /// Whether it contains its tax; what the account says if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_behavior: Option<TaxBehavior>,
}

/// Parameters of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// What customers see.
    #[schemars(length(min = 1, max = 250), example = &"Pro")]
    pub name: String,
    /// What customers read about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 5000))]
    pub description: Option<String>,
    /// What stands on a customer's bank statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 5, max = 22))]
    pub statement_descriptor: Option<String>,
    /// Stripe's code of how it is taxed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^txcd_[0-9]+$"))]
    pub tax_code: Option<String>,
    /// What one of it is called on receipts, such as `seat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 12))]
    pub unit_label: Option<String>,
    /// A page about it that the public can reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2000), regex(pattern = r"^https://[^\s]+$"))]
    pub url: Option<String>,
    /// Its prices, each by a key of your choice, which names it in the outputs. A price whose key goes is archived.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 20), with = "BTreeMap<String, Price>")]
    pub prices: BTreeMap<String, Price>,
    /// The key of the price that is shown first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    pub default_price: Option<String>,
}

/// The offering, with the plans of these modes.
#[must_use]
pub fn offering(modes: &[Mode]) -> Offering {
    let description = "Something that is sold, with its prices";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "An instance is a product and its prices. A price never changes at Stripe: another amount makes another \
             price, which takes over the lookup key, and the earlier one is archived. Subscriptions keep the price that \
             they began with. Deleting archives the prices and the product, since Stripe keeps what may have been sold; \
             a product that never had a price is deleted.",
        )
        .tags(&["stripe", "product", "price"])
        .bindable(true)
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .output(output::PRODUCT_ID, "Names the product at Stripe", Sensitivity::Public)
        .output(output::PRICES, "The ids of its prices, by their keys", Sensitivity::Public)
        .output(output::LOOKUP_KEYS, "The lookup keys of its prices, by their keys", Sensitivity::Public);
    let plan = |mode: &Mode| {
        let id = if mode.is_live() { LIVE } else { TEST };
        super::plan(*mode, id, "One product with up to 20 prices")
            .parameters::<Parameters>()
            .bind::<NoParameters>()
    };
    let offering = modes.iter().map(plan).fold(offering, Offering::with_plan);
    super::described(offering, "Stripe product", "products-prices/overview")
}
