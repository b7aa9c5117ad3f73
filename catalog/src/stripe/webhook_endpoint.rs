//! `stripe-webhook-endpoint`: an address that Stripe sends events to, signed with a secret of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Mode;
use crate::{Guid, NoParameters, Offering, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("b74558ff-1dfe-457e-a580-f3f9ad7f94c3");
/// The id of the plan of test mode.
pub const TEST: Guid = Guid::new("ec3dccb2-9948-420b-b85c-57c6fca459e9");
/// The id of the plan of live mode.
pub const LIVE: Guid = Guid::new("61532313-f0fc-49f5-8c7a-b2c2a3fcf99f");
/// Its name.
pub const NAME: &str = "stripe-webhook-endpoint";

/// Keys of outputs.
pub mod output {
    /// Credentials and attributes: names the endpoint at Stripe.
    pub const ENDPOINT_ID: &str = "endpoint_id";
    /// Credentials: what Stripe signs events with.
    pub const SIGNING_SECRET: &str = "signing_secret";
    /// Attributes: where events go.
    pub const URL: &str = "url";
    /// Attributes: `enabled` or `disabled`.
    pub const STATUS: &str = "status";
}

/// Parameters of a webhook endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Where events are sent: an https address that the public can reach.
    #[schemars(
        length(max = 2000),
        regex(pattern = r"^https://[^\s]+$"),
        example = &"https://shop.example/stripe"
    )]
    pub url: String,
    /// The types of events that are sent, or `*` for all that need no selection of their own.
    #[schemars(
        length(min = 1, max = 300),
        inner(length(max = 120), regex(pattern = r"^(\*|[a-z0-9_]+(\.[a-z0-9_]+)+)$")),
        example = events()
    )]
    pub enabled_events: Vec<String>,
    /// The version of Stripe's API that events are written in; the account's own if left out. Fixed when it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(\.[a-z]+)?$"), extend("x-sutler-fixed" = true))]
    pub api_version: Option<String>,
    /// Whether events of connected accounts are sent instead of those of the account itself. Fixed when it is made.
    #[serde(default)]
    #[schemars(extend("x-sutler-fixed" = true))]
    pub connect: bool,
    /// A note for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 5000))]
    pub description: Option<String>,
    /// Whether nothing is sent for the time being.
    #[serde(default)]
    pub disabled: bool,
}

fn events() -> [&'static str; 2] {
    ["invoice.paid", "customer.subscription.deleted"]
}

/// The offering, with the plans of these modes.
#[must_use]
pub fn offering(modes: &[Mode]) -> Offering {
    let description = "An address that Stripe sends events to, with the secret that signs them";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "An instance is a webhook endpoint. Stripe shows its signing secret once; it is kept sealed, and every \
             binding gives the same one: Stripe has one for each endpoint, and unbinding does not revoke it. For another \
             secret make another instance. An account has at most 16 endpoints in each mode. Deleting deletes it.",
        )
        .tags(&["stripe", "webhook", "events"])
        .bindable(true)
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .output(output::ENDPOINT_ID, "Names the endpoint at Stripe", Sensitivity::Public)
        .output(output::SIGNING_SECRET, "Verifies the header Stripe-Signature", Sensitivity::Secret)
        .output(output::URL, "Where events are sent", Sensitivity::Public)
        .output(output::STATUS, "Whether events are sent: enabled or disabled", Sensitivity::Public);
    let plan = |mode: &Mode| {
        let id = if mode.is_live() { LIVE } else { TEST };
        super::plan(*mode, id, "One endpoint").parameters::<Parameters>().bind::<NoParameters>()
    };
    let offering = modes.iter().map(plan).fold(offering, Offering::with_plan);
    super::described(offering, "Stripe webhook endpoint", "webhooks")
}
