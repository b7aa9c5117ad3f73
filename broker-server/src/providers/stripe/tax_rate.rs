//! `stripe-tax-rate`: a rate that invoices and subscriptions are taxed with.

use http::Method;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    stripe::{
        Mode,
        tax_rate::{self, Parameters, output},
    },
};
use sutler_spec::PlanId;

use super::{
    client::{ACCOUNT, Endpoint, Table},
    object::{Adoption, Field, Flag, Identity, Kind, Naming, Removal, Traits},
};

static CREATE: Endpoint = Endpoint { method: Method::POST, template: "/v1/tax_rates" };
static LIST: Endpoint = Endpoint { method: Method::GET, template: "/v1/tax_rates" };
static READ: Endpoint = Endpoint { method: Method::GET, template: "/v1/tax_rates/{id}" };
static UPDATE: Endpoint = Endpoint { method: Method::POST, template: "/v1/tax_rates/{id}" };

/// What it may ask of Stripe.
pub(super) static TABLE: Table =
    Table { endpoints: &[&ACCOUNT, &CREATE, &LIST, &READ, &UPDATE], exists: &[], limits: &[], in_use: &[] };

/// Tax rates.
#[derive(Debug)]
pub(super) struct TaxRates;

impl Kind for TaxRates {
    type Wanted = Parameters;

    const TRAITS: Traits = Traits {
        what: "tax rate",
        permissions: "write on Tax Rates",
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
        dashboard: "tax-rates",
        adoption: Adoption::By(&[
            ("display_name", "/display_name"),
            ("percentage", "/percentage"),
            ("inclusive", "/inclusive"),
            ("country", "/country"),
            ("state", "/state"),
            ("jurisdiction", "/jurisdiction"),
            ("description", "/description"),
            ("tax_type", "/tax_type"),
        ]),
    };

    fn offering(modes: &[Mode]) -> Offering {
        tax_rate::offering(modes)
    }

    fn mode(plan: &PlanId) -> Option<Mode> {
        super::mode(plan, tax_rate::TEST, tax_rate::LIVE)
    }

    fn fields(wanted: &Parameters, _naming: &Naming<'_>) -> Vec<Field> {
        vec![
            Field::new("display_name", "/display_name", wanted.display_name.as_str()),
            Field::new("percentage", "/percentage", json!(wanted.percentage)).fixed(),
            Field::new("inclusive", "/inclusive", wanted.inclusive).fixed(),
            Field::new("country", "/country", wanted.country.as_deref()),
            Field::new("state", "/state", wanted.state.as_deref()),
            Field::new("jurisdiction", "/jurisdiction", wanted.jurisdiction.as_deref()),
            Field::new("description", "/description", wanted.description.as_deref()),
            Field::new("tax_type", "/tax_type", json!(wanted.tax_type)),
        ]
    }

    fn attributes(shown: &Value, _family: &[Value]) -> Map<String, Value> {
        Map::from_iter([
            (output::TAX_RATE_ID.to_owned(), shown["id"].clone()),
            (output::PERCENTAGE.to_owned(), shown["percentage"].clone()),
        ])
    }

    fn problems(wanted: &Parameters) -> Vec<String> {
        let scaled = wanted.percentage * 10_000.0;
        // four decimals, as exact as a number can hold them
        let is_exact = (scaled - scaled.round()).abs() < 1e-6;
        let too_fine = (!is_exact).then(|| "percentage: has more than four decimals".to_owned());
        too_fine.into_iter().collect()
    }
}
