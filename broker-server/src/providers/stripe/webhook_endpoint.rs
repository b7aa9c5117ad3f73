//! `stripe-webhook-endpoint`: an address that Stripe sends events to.

use http::Method;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    stripe::{
        Mode,
        webhook_endpoint::{self, Parameters, output},
    },
};
use sutler_spec::PlanId;

use super::{
    client::{ACCOUNT, Endpoint, Table},
    object::{Adoption, Field, Identity, Kind, Known, Naming, Removal, Traits},
    public_url,
};

static CREATE: Endpoint = Endpoint { method: Method::POST, template: "/v1/webhook_endpoints" };
static LIST: Endpoint = Endpoint { method: Method::GET, template: "/v1/webhook_endpoints" };
static READ: Endpoint = Endpoint { method: Method::GET, template: "/v1/webhook_endpoints/{id}" };
static UPDATE: Endpoint = Endpoint { method: Method::POST, template: "/v1/webhook_endpoints/{id}" };
static DELETE: Endpoint = Endpoint { method: Method::DELETE, template: "/v1/webhook_endpoints/{id}" };

/// What it may ask of Stripe.
pub(super) static TABLE: Table = Table {
    endpoints: &[&ACCOUNT, &CREATE, &LIST, &READ, &UPDATE, &DELETE],
    exists: &[],
    limits: &["reached the maximum of"],
    in_use: &[],
};

/// Webhook endpoints.
#[derive(Debug)]
pub(super) struct Endpoints;

impl Kind for Endpoints {
    type Wanted = Parameters;

    const TRAITS: Traits = Traits {
        what: "webhook endpoint",
        permissions: "write on Webhook Endpoints",
        table: &TABLE,
        create: &CREATE,
        list: &LIST,
        filters: &[&[]],
        read: &READ,
        told: &[],
        update: &UPDATE,
        identity: Identity::Marked,
        removal: Removal::Delete(&DELETE),
        shown_once: Some("/secret"),
        dashboard: "webhooks",
        adoption: Adoption::Never("its signing secret was shown once, to whoever made it"),
    };

    fn offering(modes: &[Mode]) -> Offering {
        webhook_endpoint::offering(modes)
    }

    fn mode(plan: &PlanId) -> Option<Mode> {
        super::mode(plan, webhook_endpoint::TEST, webhook_endpoint::LIVE)
    }

    fn fields(wanted: &Parameters, _naming: &Naming<'_>) -> Vec<Field> {
        vec![
            Field::new("url", "/url", wanted.url.as_str()),
            Field::new("enabled_events", "/enabled_events", json!(wanted.enabled_events)),
            Field::new("api_version", "/api_version", wanted.api_version.as_deref()).fixed(),
            // Stripe does not tell this one in what it shows
            Field::new("connect", "/connect", wanted.connect.then_some(true)).fixed().unseen(),
            Field::new("description", "/description", wanted.description.as_deref()),
            Field::new("disabled", "/disabled", wanted.disabled)
                .not_in_creation()
                .seen(|shown| json!(shown["status"] == "disabled")),
        ]
    }

    fn attributes(shown: &Value, _family: &[Value]) -> Map<String, Value> {
        Map::from_iter([
            (output::ENDPOINT_ID.to_owned(), shown["id"].clone()),
            (output::URL.to_owned(), shown["url"].clone()),
            (output::STATUS.to_owned(), status(shown)),
        ])
    }

    fn credentials(known: &Known, shown: &Value, _family: &[Value]) -> Map<String, Value> {
        Map::from_iter([
            (output::ENDPOINT_ID.to_owned(), shown["id"].clone()),
            (output::SIGNING_SECRET.to_owned(), json!(known.secret)),
        ])
    }

    fn problems(wanted: &Parameters) -> Vec<String> {
        let everything = wanted.enabled_events.iter().any(|event| event == "*");
        let mixed = everything && wanted.enabled_events.len() > 1;
        let mixed = mixed.then(|| "enabled_events: '*' stands alone".to_owned());
        public_url("url", &wanted.url).into_iter().chain(mixed).collect()
    }
}

/// A state that we do not know is shown as such, in our word.
fn status(shown: &Value) -> Value {
    let known = ["enabled", "disabled"].into_iter().find(|known| shown["status"] == *known);
    json!(known.unwrap_or("unknown"))
}
