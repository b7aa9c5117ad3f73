//! `stripe-customer-portal`: what customers can do for themselves on Stripe's pages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Mode;
use crate::{Guid, NoParameters, Offering, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("8cdb95f4-dfdd-442e-8f8d-76514a303fd6");
/// The id of the plan of test mode.
pub const TEST: Guid = Guid::new("e867e0cb-997e-43a9-80b2-757e51e15d8e");
/// The id of the plan of live mode.
pub const LIVE: Guid = Guid::new("71acaf61-1ced-4f72-a161-0b2b32e0826d");
/// Its name.
pub const NAME: &str = "stripe-customer-portal";

/// Keys of outputs.
pub mod output {
    /// Names the configuration at Stripe, for portal sessions.
    pub const CONFIGURATION_ID: &str = "configuration_id";
    /// The address of the login page, if there is one.
    pub const LOGIN_URL: &str = "login_url";
}

/// What customers can change about themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "Stripe's own words")]
pub enum CustomerField {
    Address,
    Email,
    Name,
    Phone,
    Shipping,
    TaxId,
}

/// When a subscription that is cancelled ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cancellation {
    /// When what was paid for is over.
    AtPeriodEnd,
    /// At once.
    Immediately,
}

/// Parameters of a portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// What people call it; customers do not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 250))]
    pub label: Option<String>,
    /// What customers can change about themselves; nothing if left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 6))]
    pub customer_update: Vec<CustomerField>,
    /// Whether customers see their invoices.
    #[serde(default)]
    pub invoice_history: bool,
    /// Whether customers can change how they pay.
    #[serde(default)]
    pub payment_method_update: bool,
    /// When a subscription that customers cancel ends; they cannot cancel if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_cancel: Option<Cancellation>,
    /// What stands above the portal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 60))]
    pub headline: Option<String>,
    /// Your privacy policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2000), regex(pattern = r"^https://[^\s]+$"))]
    pub privacy_policy_url: Option<String>,
    /// Your terms of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2000), regex(pattern = r"^https://[^\s]+$"))]
    pub terms_of_service_url: Option<String>,
    /// Where customers come from, and go back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2000), regex(pattern = r"^https://[^\s]+$"))]
    pub default_return_url: Option<String>,
    /// Whether customers can log in on a page of Stripe's, without a session made by you.
    #[serde(default)]
    pub login_page: bool,
}

/// The offering, with the plans of these modes.
#[must_use]
pub fn offering(modes: &[Mode]) -> Offering {
    let description = "What customers can do for themselves on Stripe's pages";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "An instance is a configuration of the customer portal, which your code names when it makes a portal session. \
             Stripe keeps configurations for ever: deleting puts it out of use. The account's default configuration is \
             not touched, and cannot be put out of use.",
        )
        .tags(&["stripe", "billing", "portal"])
        .bindable(true)
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .output(output::CONFIGURATION_ID, "Names the configuration at Stripe", Sensitivity::Public)
        .output(output::LOGIN_URL, "The address of the login page, if there is one", Sensitivity::Public);
    let plan = |mode: &Mode| {
        let id = if mode.is_live() { LIVE } else { TEST };
        super::plan(*mode, id, "One configuration").parameters::<Parameters>().bind::<NoParameters>()
    };
    let offering = modes.iter().map(plan).fold(offering, Offering::with_plan);
    super::described(offering, "Stripe customer portal", "customer-management")
}
