//! `stripe-event-destination`: an address that Stripe sends thin or whole events to, by the second version of its API.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Mode;
use crate::{Guid, NoParameters, Offering, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("55137862-85b9-498b-83a9-5599a8fde233");
/// The id of the plan of test mode.
pub const TEST: Guid = Guid::new("d3254657-2448-4360-a493-90eb889dadc8");
/// The id of the plan of live mode.
pub const LIVE: Guid = Guid::new("be22a825-6c42-429c-897a-d91347753ef2");
/// Its name.
pub const NAME: &str = "stripe-event-destination";

/// Keys of outputs.
pub mod output {
    /// Credentials and attributes: names the destination at Stripe.
    pub const DESTINATION_ID: &str = "destination_id";
    /// Credentials: what Stripe signs events with.
    pub const SIGNING_SECRET: &str = "signing_secret";
    /// Attributes: `enabled` or `disabled`.
    pub const STATUS: &str = "status";
}

/// What an event carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Payload {
    /// What happened to which object; the object is asked for.
    Thin,
    /// The object as it was.
    Snapshot,
}

/// Parameters of an event destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// What people call it.
    #[schemars(length(min = 1, max = 250), example = &"shop")]
    pub label: String,
    /// Where events are sent: an https address that the public can reach.
    #[schemars(length(max = 2000), regex(pattern = r"^https://[^\s]+$"))]
    pub url: String,
    /// The types of events that are sent.
    #[schemars(
        length(min = 1, max = 300),
        inner(length(max = 120), regex(pattern = r"^(\*|[a-z0-9_]+(\.[a-z0-9_]+)+)$"))
    )]
    pub enabled_events: Vec<String>,
    /// What an event carries. Fixed when it is made.
    #[schemars(extend("x-sutler-fixed" = true))]
    pub event_payload: Payload,
    /// The version of Stripe's API that whole events are written in. Fixed when it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(\.[a-z]+)?$"), extend("x-sutler-fixed" = true))]
    pub snapshot_api_version: Option<String>,
    /// A note for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 500))]
    pub description: Option<String>,
}

/// The offering, with the plans of these modes.
#[must_use]
pub fn offering(modes: &[Mode]) -> Offering {
    let description = "An address that Stripe sends thin or whole events to";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "An instance is an event destination of the type webhook endpoint. Stripe shows its signing secret once; it is \
             kept sealed, and every binding gives the same one: unbinding does not revoke it. Deleting deletes it.",
        )
        .tags(&["stripe", "webhook", "events"])
        .bindable(true)
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .output(output::DESTINATION_ID, "Names the destination at Stripe", Sensitivity::Public)
        .output(output::SIGNING_SECRET, "Verifies the header Stripe-Signature", Sensitivity::Secret)
        .output(output::STATUS, "Whether events are sent: enabled or disabled", Sensitivity::Public);
    let plan = |mode: &Mode| {
        let id = if mode.is_live() { LIVE } else { TEST };
        super::plan(*mode, id, "One destination").parameters::<Parameters>().bind::<NoParameters>()
    };
    let offering = modes.iter().map(plan).fold(offering, Offering::with_plan);
    super::described(offering, "Stripe event destination", "event-destinations")
}
