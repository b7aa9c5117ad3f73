//! `stripe-meter`: counts what customers use, for prices that depend on it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Mode;
use crate::{Guid, NoParameters, Offering, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("de4ee1a7-aa44-47fd-bc43-97f8c61f3709");
/// The id of the plan of test mode.
pub const TEST: Guid = Guid::new("441510d8-ac95-4eb5-b19f-44aa26e153a6");
/// The id of the plan of live mode.
pub const LIVE: Guid = Guid::new("eefbdbba-d01c-46d4-97c7-37ef1f6924cf");
/// Its name.
pub const NAME: &str = "stripe-meter";

/// Keys of outputs.
pub mod output {
    /// Names the meter at Stripe, for prices.
    pub const METER_ID: &str = "meter_id";
    /// What events say that they count for it.
    pub const EVENT_NAME: &str = "event_name";
}

/// How the events of a period become a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Formula {
    /// How many there are.
    Count,
    /// The value of the last one.
    Last,
    /// Their values, added up.
    Sum,
}

/// Within which time events are added up before they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "Stripe's own words")]
pub enum Window {
    Day,
    Hour,
}

/// Parameters of a meter. Only its display name can change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// What people call it; customers do not see it. With an `event_name` of your own, the instance's mark is added.
    #[schemars(length(min = 1, max = 200), example = &"API calls")]
    pub display_name: String,
    /// What events say that they count for it, made from the instance's mark if left out. No other active meter may have
    /// it. Fixed when it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100), regex(pattern = r"^[A-Za-z0-9_.:-]+$"), extend("x-sutler-fixed" = true))]
    pub event_name: Option<String>,
    /// How the events of a period become a number. Fixed when it is made.
    #[schemars(extend("x-sutler-fixed" = true))]
    pub formula: Formula,
    /// The key in an event under which the customer stands. Fixed when it is made.
    #[serde(default = "customer")]
    #[schemars(length(min = 1, max = 100), extend("x-sutler-fixed" = true))]
    pub customer_key: String,
    /// The key in an event under which the value stands. Fixed when it is made.
    #[serde(default = "value")]
    #[schemars(length(min = 1, max = 100), extend("x-sutler-fixed" = true))]
    pub value_key: String,
    /// Within which time events are added up; not at all if left out. Fixed when it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-sutler-fixed" = true))]
    pub event_time_window: Option<Window>,
}

fn customer() -> String {
    "stripe_customer_id".to_owned()
}

fn value() -> String {
    "value".to_owned()
}

/// The offering, with the plans of these modes.
#[must_use]
pub fn offering(modes: &[Mode]) -> Offering {
    let description = "Counts what customers use, for prices that depend on it";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "An instance is a billing meter. Only its display name can change. Stripe keeps meters for ever: deleting \
             deactivates it, which is refused while an active price uses it.",
        )
        .tags(&["stripe", "meter", "usage"])
        .bindable(true)
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .output(output::METER_ID, "Names the meter at Stripe, for prices", Sensitivity::Public)
        .output(output::EVENT_NAME, "What events say that they count for it", Sensitivity::Public);
    let plan = |mode: &Mode| {
        let id = if mode.is_live() { LIVE } else { TEST };
        super::plan(*mode, id, "One meter").parameters::<Parameters>().bind::<NoParameters>()
    };
    let offering = modes.iter().map(plan).fold(offering, Offering::with_plan);
    super::described(offering, "Stripe meter", "billing/subscriptions/usage-based")
}
