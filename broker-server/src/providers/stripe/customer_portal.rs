//! `stripe-customer-portal`: what customers can do for themselves on Stripe's pages.

use http::Method;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    stripe::{
        Mode,
        customer_portal::{self, Parameters, output},
    },
};
use sutler_spec::PlanId;

use super::{
    client::{ACCOUNT, Endpoint, Table},
    object::{Adoption, Field, Flag, Identity, Kind, Naming, Removal, Traits, at_places},
    public_url,
};

static CREATE: Endpoint = Endpoint { method: Method::POST, template: "/v1/billing_portal/configurations" };
static LIST: Endpoint = Endpoint { method: Method::GET, template: "/v1/billing_portal/configurations" };
static READ: Endpoint = Endpoint { method: Method::GET, template: "/v1/billing_portal/configurations/{id}" };
static UPDATE: Endpoint =
    Endpoint { method: Method::POST, template: "/v1/billing_portal/configurations/{id}" };

/// What it may ask of Stripe.
pub(super) static TABLE: Table = Table {
    endpoints: &[&ACCOUNT, &CREATE, &LIST, &READ, &UPDATE],
    exists: &[],
    limits: &[],
    in_use: &["default configuration"],
};

/// Configurations of the portal.
#[derive(Debug)]
pub(super) struct Portals;

impl Kind for Portals {
    type Wanted = Parameters;

    const TRAITS: Traits = Traits {
        what: "portal configuration",
        permissions: "write on Customer portal",
        table: &TABLE,
        create: &CREATE,
        list: &LIST,
        filters: &[&[("active", "true")]],
        read: &READ,
        told: &[],
        update: &UPDATE,
        identity: Identity::Marked,
        removal: Removal::Archive {
            archive: (&UPDATE, Flag::Active(false)),
            revive: (&UPDATE, Flag::Active(true)),
        },
        shown_once: None,
        dashboard: "settings/billing/portal",
        adoption: Adoption::By(&[
            ("label", "/name"),
            ("invoice_history", "/features/invoice_history/enabled"),
            ("payment_method_update", "/features/payment_method_update/enabled"),
            ("headline", "/business_profile/headline"),
            ("privacy_policy_url", "/business_profile/privacy_policy_url"),
            ("terms_of_service_url", "/business_profile/terms_of_service_url"),
            ("default_return_url", "/default_return_url"),
            ("login_page", "/login_page/enabled"),
        ]),
    };

    fn offering(modes: &[Mode]) -> Offering {
        customer_portal::offering(modes)
    }

    fn mode(plan: &PlanId) -> Option<Mode> {
        super::mode(plan, customer_portal::TEST, customer_portal::LIVE)
    }

    fn fields(wanted: &Parameters, _naming: &Naming<'_>) -> Vec<Field> {
        let updates = match wanted.customer_update.as_slice() {
            [] => json!({ "enabled": false }),
            fields => json!({ "enabled": true, "allowed_updates": fields }),
        };
        let cancel = match wanted.subscription_cancel {
            None => json!({ "enabled": false }),
            Some(mode) => json!({ "enabled": true, "mode": mode }),
        };
        vec![
            Field::new("label", "/name", wanted.label.as_deref()),
            Field::new("customer_update", "/features/customer_update", updates),
            Field::new("invoice_history", "/features/invoice_history/enabled", wanted.invoice_history),
            Field::new(
                "payment_method_update",
                "/features/payment_method_update/enabled",
                wanted.payment_method_update,
            ),
            Field::new("subscription_cancel", "/features/subscription_cancel", cancel),
            Field::new("headline", "/business_profile/headline", wanted.headline.as_deref()),
            Field::new(
                "privacy_policy_url",
                "/business_profile/privacy_policy_url",
                wanted.privacy_policy_url.as_deref(),
            ),
            Field::new(
                "terms_of_service_url",
                "/business_profile/terms_of_service_url",
                wanted.terms_of_service_url.as_deref(),
            ),
            Field::new("default_return_url", "/default_return_url", wanted.default_return_url.as_deref()),
            Field::new("login_page", "/login_page/enabled", wanted.login_page),
        ]
    }

    fn described(shown: &Value, places: &[(&str, &str)]) -> Map<String, Value> {
        let mut told = at_places(shown, places);
        let features = &shown["features"];
        if features["customer_update"]["enabled"] == true {
            told.insert("customer_update".to_owned(), features["customer_update"]["allowed_updates"].clone());
        }
        if features["subscription_cancel"]["enabled"] == true {
            told.insert("subscription_cancel".to_owned(), features["subscription_cancel"]["mode"].clone());
        }
        told
    }

    fn not_adoptable(shown: &Value) -> Option<String> {
        let is_default = shown["is_default"] == true;
        is_default.then(|| "it is the default of the account, which always has one".to_owned())
    }

    fn attributes(shown: &Value, _family: &[Value]) -> Map<String, Value> {
        Map::from_iter([
            (output::CONFIGURATION_ID.to_owned(), shown["id"].clone()),
            (output::LOGIN_URL.to_owned(), shown["login_page"]["url"].clone()),
        ])
    }

    fn problems(wanted: &Parameters) -> Vec<String> {
        let urls = [
            ("privacy_policy_url", &wanted.privacy_policy_url),
            ("terms_of_service_url", &wanted.terms_of_service_url),
            ("default_return_url", &wanted.default_return_url),
        ];
        let given = urls.into_iter().filter_map(|(name, url)| Some((name, url.as_deref()?)));
        given.filter_map(|(name, url)| public_url(name, url)).collect()
    }
}
