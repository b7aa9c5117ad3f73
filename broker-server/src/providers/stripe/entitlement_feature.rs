//! `stripe-entitlement-feature`: something that customers of a product may do.

use http::Method;
use serde_json::{Map, Value};
use sutler_catalog::{
    Offering,
    stripe::{
        Mode,
        entitlement_feature::{self, Parameters, output},
    },
};
use sutler_spec::PlanId;

use super::{
    client::{ACCOUNT, Endpoint, Table},
    object::{Adoption, Field, Flag, Identity, Kind, Naming, Removal, Traits},
};

static CREATE: Endpoint = Endpoint { method: Method::POST, template: "/v1/entitlements/features" };
static LIST: Endpoint = Endpoint { method: Method::GET, template: "/v1/entitlements/features" };
static READ: Endpoint = Endpoint { method: Method::GET, template: "/v1/entitlements/features/{id}" };
static UPDATE: Endpoint = Endpoint { method: Method::POST, template: "/v1/entitlements/features/{id}" };

/// What it may ask of Stripe.
pub(super) static TABLE: Table = Table {
    endpoints: &[&ACCOUNT, &CREATE, &LIST, &READ, &UPDATE],
    exists: &["lookup key"],
    limits: &[],
    in_use: &[],
};

/// Entitlement features.
#[derive(Debug)]
pub(super) struct Features;

impl Kind for Features {
    type Wanted = Parameters;

    const TRAITS: Traits = Traits {
        what: "entitlement feature",
        permissions: "write on Entitlements",
        table: &TABLE,
        create: &CREATE,
        list: &LIST,
        // an archived feature keeps its key
        filters: &[&[("archived", "false")], &[("archived", "true")]],
        read: &READ,
        told: &[],
        update: &UPDATE,
        identity: Identity::Unique,
        removal: Removal::Archive {
            archive: (&UPDATE, Flag::Release),
            revive: (&UPDATE, Flag::Active(true)),
        },
        shown_once: None,
        dashboard: "features",
        adoption: Adoption::By(&[("lookup_key", "/lookup_key"), ("name", "/name")]),
    };

    fn offering(modes: &[Mode]) -> Offering {
        entitlement_feature::offering(modes)
    }

    fn mode(plan: &PlanId) -> Option<Mode> {
        super::mode(plan, entitlement_feature::TEST, entitlement_feature::LIVE)
    }

    fn fields(wanted: &Parameters, _naming: &Naming<'_>) -> Vec<Field> {
        vec![
            Field::new("lookup_key", "/lookup_key", wanted.lookup_key.as_str()).fixed(),
            Field::new("name", "/name", wanted.name.as_str()),
        ]
    }

    fn has_same_key(wanted: &Parameters, shown: &Value) -> bool {
        shown["lookup_key"] == wanted.lookup_key.as_str()
    }

    fn attributes(shown: &Value, _family: &[Value]) -> Map<String, Value> {
        Map::from_iter([
            (output::FEATURE_ID.to_owned(), shown["id"].clone()),
            (output::LOOKUP_KEY.to_owned(), shown["lookup_key"].clone()),
        ])
    }
}
