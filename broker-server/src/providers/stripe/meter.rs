//! `stripe-meter`: counts what customers use, for prices that depend on it.
//!
//! A meter has no metadata: the mark stands at the end of its event name, or of its display name where the event name is
//! somebody's choice.

use http::Method;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    stripe::{
        Mode,
        meter::{self, Parameters, output},
    },
};
use sutler_spec::PlanId;

use super::{
    client::{ACCOUNT, Endpoint, Table},
    object::{Adoption, Field, Flag, Identity, Kind, Naming, Origin, Removal, Traits, Users},
};
use crate::providers::{Marker, mark_of_name};

static CREATE: Endpoint = Endpoint { method: Method::POST, template: "/v1/billing/meters" };
static LIST: Endpoint = Endpoint { method: Method::GET, template: "/v1/billing/meters" };
static READ: Endpoint = Endpoint { method: Method::GET, template: "/v1/billing/meters/{id}" };
static UPDATE: Endpoint = Endpoint { method: Method::POST, template: "/v1/billing/meters/{id}" };
static DEACTIVATE: Endpoint =
    Endpoint { method: Method::POST, template: "/v1/billing/meters/{id}/deactivate" };
static REACTIVATE: Endpoint =
    Endpoint { method: Method::POST, template: "/v1/billing/meters/{id}/reactivate" };
static LIST_PRICES: Endpoint = Endpoint { method: Method::GET, template: "/v1/prices" };

/// What it may ask of Stripe.
pub(super) static TABLE: Table = Table {
    endpoints: &[&ACCOUNT, &CREATE, &LIST, &READ, &UPDATE, &DEACTIVATE, &REACTIVATE, &LIST_PRICES],
    exists: &["an active meter already exists"],
    limits: &[],
    in_use: &[],
};

/// How many digits of the mark a name ends with.
const DIGITS: usize = 24;

/// Meters.
#[derive(Debug)]
pub(super) struct Meters;

impl Kind for Meters {
    type Wanted = Parameters;

    const TRAITS: Traits = Traits {
        what: "meter",
        permissions: "write on Meters, read on Prices",
        table: &TABLE,
        create: &CREATE,
        list: &LIST,
        filters: &[&[]],
        read: &READ,
        told: &[],
        update: &UPDATE,
        identity: Identity::Unique,
        removal: Removal::Archive { archive: (&DEACTIVATE, Flag::None), revive: (&REACTIVATE, Flag::None) },
        shown_once: None,
        dashboard: "meters",
        adoption: Adoption::By(&[
            ("display_name", "/display_name"),
            ("event_name", "/event_name"),
            ("formula", "/default_aggregation/formula"),
            ("customer_key", "/customer_mapping/event_payload_key"),
            ("value_key", "/value_settings/event_payload_key"),
            ("event_time_window", "/event_time_window"),
        ]),
    };

    const USERS: Option<Users> = Some(Users {
        what: "active prices",
        list: &LIST_PRICES,
        filter: &[("active", "true"), ("type", "recurring")],
        at: "/recurring/meter",
    });

    fn offering(modes: &[Mode]) -> Offering {
        meter::offering(modes)
    }

    fn mode(plan: &PlanId) -> Option<Mode> {
        super::mode(plan, meter::TEST, meter::LIVE)
    }

    fn fields(wanted: &Parameters, naming: &Naming<'_>) -> Vec<Field> {
        let digits = naming.marker.hex(DIGITS);
        let (event_name, display_name) = match &wanted.event_name {
            // what was there before is called as it is
            Some(chosen) if naming.origin == Origin::Adopted => (chosen.clone(), wanted.display_name.clone()),
            Some(chosen) => (chosen.clone(), format!("{} [{digits}]", wanted.display_name)),
            None => (event_name(naming), wanted.display_name.clone()),
        };
        vec![
            Field::new("display_name", "/display_name", display_name),
            Field::new("event_name", "/event_name", event_name).fixed(),
            Field::new("formula", "/default_aggregation/formula", json!(wanted.formula)).fixed(),
            // Stripe knows no other way
            Field::new("customer_key", "/customer_mapping/type", "by_id").fixed(),
            Field::new("customer_key", "/customer_mapping/event_payload_key", wanted.customer_key.as_str())
                .fixed(),
            Field::new("value_key", "/value_settings/event_payload_key", wanted.value_key.as_str()).fixed(),
            Field::new("event_time_window", "/event_time_window", json!(wanted.event_time_window)).fixed(),
        ]
    }

    fn attributes(shown: &Value, _family: &[Value]) -> Map<String, Value> {
        Map::from_iter([
            (output::METER_ID.to_owned(), shown["id"].clone()),
            (output::EVENT_NAME.to_owned(), shown["event_name"].clone()),
        ])
    }

    fn mark_field(_marker: &Marker) -> Option<Field> {
        None
    }

    fn carries(shown: &Value, marker: &Marker) -> bool {
        Self::mark_of(shown).is_some_and(|mark| marker.hex(64).starts_with(&mark))
    }

    fn mark_of(shown: &Value) -> Option<String> {
        let bracketed = shown["display_name"].as_str().and_then(|name| {
            let (_, mark) = name.strip_suffix(']')?.rsplit_once(" [")?;
            let is_mark =
                mark.len() == DIGITS && mark.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            is_mark.then(|| mark.to_owned())
        });
        bracketed.or_else(|| shown["event_name"].as_str().and_then(mark_of_name).map(str::to_owned))
    }
}

/// The name for events where nobody chose one. It is derived anew each time, so what people call the instance must not be
/// part of it: they may rename it.
fn event_name(naming: &Naming<'_>) -> String {
    naming.marker.name(None, 100)
}
