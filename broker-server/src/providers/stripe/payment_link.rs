//! `stripe-payment-link`: a page on which customers pay, without any code.

use http::Method;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    stripe::{
        Mode,
        payment_link::{self, Parameters, output},
    },
};
use sutler_spec::PlanId;

use super::{
    client::{ACCOUNT, Endpoint, Table},
    object::{Adoption, Field, Flag, Identity, Kind, Naming, Removal, Traits},
    public_url,
};

static CREATE: Endpoint = Endpoint { method: Method::POST, template: "/v1/payment_links" };
static LIST: Endpoint = Endpoint { method: Method::GET, template: "/v1/payment_links" };
static READ: Endpoint = Endpoint { method: Method::GET, template: "/v1/payment_links/{id}" };
static UPDATE: Endpoint = Endpoint { method: Method::POST, template: "/v1/payment_links/{id}" };

/// What it may ask of Stripe.
pub(super) static TABLE: Table =
    Table { endpoints: &[&ACCOUNT, &CREATE, &LIST, &READ, &UPDATE], exists: &[], limits: &[], in_use: &[] };

/// Payment links.
#[derive(Debug)]
pub(super) struct PaymentLinks;

impl Kind for PaymentLinks {
    type Wanted = Parameters;

    const TRAITS: Traits = Traits {
        what: "payment link",
        permissions: "write on Payment Links, read on Prices",
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
        dashboard: "payment-links",
        adoption: Adoption::Never("Stripe does not list what a link sells"),
    };

    fn offering(modes: &[Mode]) -> Offering {
        payment_link::offering(modes)
    }

    fn mode(plan: &PlanId) -> Option<Mode> {
        super::mode(plan, payment_link::TEST, payment_link::LIVE)
    }

    fn fields(wanted: &Parameters, _naming: &Naming<'_>) -> Vec<Field> {
        let after = match &wanted.redirect_url {
            Some(url) => json!({ "type": "redirect", "redirect": { "url": url } }),
            None => json!({ "type": "hosted_confirmation" }),
        };
        let limit =
            wanted.completed_sessions_limit.map(|limit| json!({ "completed_sessions": { "limit": limit } }));
        vec![
            // Stripe tells them only to those who ask for them
            Field::new("items", "/line_items", json!(wanted.items)).fixed().unseen(),
            Field::new("redirect_url", "/after_completion", after),
            Field::new("allow_promotion_codes", "/allow_promotion_codes", wanted.allow_promotion_codes),
            Field::new("automatic_tax", "/automatic_tax/enabled", wanted.automatic_tax),
            Field::new("billing_address", "/billing_address_collection", json!(wanted.billing_address)),
            Field::new("inactive_message", "/inactive_message", wanted.inactive_message.as_deref()),
            Field::new("completed_sessions_limit", "/restrictions", limit),
        ]
    }

    fn attributes(shown: &Value, _family: &[Value]) -> Map<String, Value> {
        Map::from_iter([
            (output::PAYMENT_LINK_ID.to_owned(), shown["id"].clone()),
            (output::URL.to_owned(), shown["url"].clone()),
        ])
    }

    fn problems(wanted: &Parameters) -> Vec<String> {
        wanted.redirect_url.as_deref().and_then(|url| public_url("redirect_url", url)).into_iter().collect()
    }
}
