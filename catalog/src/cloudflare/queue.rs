//! `cloudflare-queue`: messages from Workers to Workers, kept until they are taken.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::d1::Jurisdiction;
use crate::{Asynchronous, Guid, NoParameters, Offering, Plan, Sensitivity};

/// The offering's id.
pub const ID: Guid = Guid::new("8d68816b-275c-4c6a-b763-21d9787f7a7f");
/// The id of its only plan.
pub const STANDARD: Guid = Guid::new("0ef931f4-97cc-476d-a28d-f006c452ebb5");
/// Its name.
pub const NAME: &str = "cloudflare-queue";

/// Keys of outputs.
pub mod output {
    /// Credentials and attributes: the queue's id.
    pub const QUEUE_ID: &str = "queue_id";
    /// Credentials and attributes: its name at Cloudflare.
    pub const QUEUE_NAME: &str = "queue_name";
    /// Credentials: the account it lives in.
    pub const ACCOUNT_ID: &str = "account_id";
    /// Attributes: where its data must stay, if that was asked for.
    pub const JURISDICTION: &str = "jurisdiction";
}

/// Parameters of a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{}, { "delivery_delay": 60, "message_retention_period": 86_400 }]))]
pub struct Parameters {
    /// Where all data must stay, fixed at creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-sutler-fixed" = true, "examples" = ["eu"]))]
    pub jurisdiction: Option<Jurisdiction>,
    /// Seconds that every message waits before it is delivered; 0 if left out.
    #[serde(default)]
    #[schemars(range(min = 0, max = 86_400))]
    pub delivery_delay: u32,
    /// Whether messages are taken in and not delivered; `false` if left out.
    #[serde(default)]
    pub delivery_paused: bool,
    /// Seconds that a message is kept. Left as it is at Cloudflare if left out: four days on a paid account, one day on
    /// a free one, where it cannot be chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 1_209_600))]
    pub message_retention_period: Option<u32>,
    /// Whether a queue that has messages, or that a Worker sends to or takes from, is kept when the instance is to be
    /// deleted: the deletion is refused then. `true` if left out.
    #[serde(default = "yes")]
    pub protect: bool,
}

fn yes() -> bool {
    true
}

/// The offering.
#[must_use]
pub fn offering() -> Offering {
    let description = "A queue of messages between Workers (Cloudflare Queues)";
    let offering = Offering::new(ID, NAME, description)
        .long_description(
            "Messages that Workers send, and that one Worker or whoever pulls over HTTP takes. Who takes them is said \
             where that Worker is configured. A binding gives ids and no token: Cloudflare has no scope for one queue; \
             make a token that reaches all of them with cloudflare-token. Deleting the instance loses what is in the \
             queue; while there is something, or a Worker uses it, it is refused until protect is set to false.",
        )
        .tags(&["cloudflare", "queue", "messages"])
        .bindable(true)
        .instances_retrievable(true)
        .bindings_retrievable(true)
        .output(output::QUEUE_ID, "The queue's id, for the API", Sensitivity::Public)
        .output(output::QUEUE_NAME, "The queue's name at Cloudflare, for Worker bindings", Sensitivity::Public)
        .output(output::ACCOUNT_ID, "The account it lives in", Sensitivity::Public)
        .output(output::JURISDICTION, "Where its data must stay, if asked for", Sensitivity::Public)
        .with_plan(standard());
    super::described(offering, "Cloudflare Queue", "queues/")
}

fn standard() -> Plan {
    let description = "One queue. Free within the limits of a free account; a paid account pays per use";
    Plan::new(STANDARD, "standard", description)
        .display_name("Standard")
        .bullet("Free account: 10,000 operations a day, messages kept for a day")
        .bullet("Paid account: a million operations a month included, messages kept for up to 14 days")
        .asynchronous(Asynchronous::Possible)
        .maximum_polling_duration(600)
        .parameters::<Parameters>()
        .bind::<NoParameters>()
}
