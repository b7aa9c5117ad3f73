//! `stripe-event-destination`: an address that Stripe sends events to, by the second version of its API: JSON, keys that
//! are kept for a month, and values that are told only to those who ask for them.

use http::Method;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    stripe::{
        Mode,
        event_destination::{self, Parameters, Payload, output},
    },
};
use sutler_spec::PlanId;

use super::{
    client::{ACCOUNT, Endpoint, Table},
    object::{Adoption, Field, Identity, Kind, Known, Naming, Removal, Traits},
    public_url,
};

static CREATE: Endpoint = Endpoint { method: Method::POST, template: "/v2/core/event_destinations" };
static LIST: Endpoint = Endpoint { method: Method::GET, template: "/v2/core/event_destinations" };
static READ: Endpoint = Endpoint { method: Method::GET, template: "/v2/core/event_destinations/{id}" };
static UPDATE: Endpoint = Endpoint { method: Method::POST, template: "/v2/core/event_destinations/{id}" };
static DELETE: Endpoint = Endpoint { method: Method::DELETE, template: "/v2/core/event_destinations/{id}" };

/// What it may ask of Stripe.
pub(super) static TABLE: Table = Table {
    endpoints: &[&ACCOUNT, &CREATE, &LIST, &READ, &UPDATE, &DELETE],
    exists: &[],
    limits: &["reached the maximum", "limit of"],
    in_use: &[],
};

/// What a read has to ask for.
const URL: (&str, &str) = ("include[0]", "webhook_endpoint.url");

/// Event destinations.
#[derive(Debug)]
pub(super) struct Destinations;

impl Kind for Destinations {
    type Wanted = Parameters;

    const TRAITS: Traits = Traits {
        what: "event destination",
        permissions: "write on Event Destinations",
        table: &TABLE,
        create: &CREATE,
        list: &LIST,
        filters: &[&[]],
        read: &READ,
        told: &[URL],
        update: &UPDATE,
        identity: Identity::Marked,
        removal: Removal::Delete(&DELETE),
        shown_once: Some("/webhook_endpoint/signing_secret"),
        dashboard: "workbench/webhooks",
        adoption: Adoption::Never("its signing secret was shown once, to whoever made it"),
    };

    fn offering(modes: &[Mode]) -> Offering {
        event_destination::offering(modes)
    }

    fn mode(plan: &PlanId) -> Option<Mode> {
        super::mode(plan, event_destination::TEST, event_destination::LIVE)
    }

    fn fields(wanted: &Parameters, _naming: &Naming<'_>) -> Vec<Field> {
        let told = json!(["webhook_endpoint.signing_secret", "webhook_endpoint.url"]);
        vec![
            Field::new("label", "/name", wanted.label.as_str()),
            Field::new("type", "/type", "webhook_endpoint").fixed(),
            Field::new("url", "/webhook_endpoint/url", wanted.url.as_str()),
            Field::new("enabled_events", "/enabled_events", json!(wanted.enabled_events)),
            Field::new("event_payload", "/event_payload", json!(wanted.event_payload)).fixed(),
            Field::new(
                "snapshot_api_version",
                "/snapshot_api_version",
                wanted.snapshot_api_version.as_deref(),
            )
            .fixed(),
            Field::new("description", "/description", wanted.description.as_deref()),
            Field::new("include", "/include", told).fixed().unseen(),
        ]
    }

    fn attributes(shown: &Value, _family: &[Value]) -> Map<String, Value> {
        // a state that we do not know is shown as such, in our word
        let status = ["enabled", "disabled"].into_iter().find(|known| shown["status"] == *known);
        Map::from_iter([
            (output::DESTINATION_ID.to_owned(), shown["id"].clone()),
            (output::STATUS.to_owned(), json!(status.unwrap_or("unknown"))),
        ])
    }

    fn credentials(known: &Known, shown: &Value, _family: &[Value]) -> Map<String, Value> {
        Map::from_iter([
            (output::DESTINATION_ID.to_owned(), shown["id"].clone()),
            (output::SIGNING_SECRET.to_owned(), json!(known.secret)),
        ])
    }

    fn problems(wanted: &Parameters) -> Vec<String> {
        let version = wanted.event_payload == Payload::Thin && wanted.snapshot_api_version.is_some();
        let version = version.then(|| "snapshot_api_version: goes with the payload snapshot".to_owned());
        public_url("url", &wanted.url).into_iter().chain(version).collect()
    }
}
