//! The offerings of Stripe that we ship: ids, plans, parameters and outputs. The work is done elsewhere.

pub mod coupon;
pub mod customer_portal;
pub mod entitlement_feature;
pub mod event_destination;
pub mod meter;
mod mode;
pub mod payment_link;
pub mod product;
pub mod tax_rate;
pub mod webhook_endpoint;

use crate::{Asynchronous, Guid, Offering, Plan};

pub use mode::Mode;

/// All of them with the plans of these modes, in the order of the catalog.
#[must_use]
pub fn offerings(modes: &[Mode]) -> Vec<Offering> {
    vec![
        product::offering(modes),
        webhook_endpoint::offering(modes),
        event_destination::offering(modes),
        customer_portal::offering(modes),
        meter::offering(modes),
        coupon::offering(modes),
        tax_rate::offering(modes),
        payment_link::offering(modes),
        entitlement_feature::offering(modes),
    ]
}

/// What all of them say about where they come from.
fn described(offering: Offering, display_name: &str, documentation: &str) -> Offering {
    offering
        .display_name(display_name)
        .provider_display_name("Stripe")
        .documentation_url(&format!("https://docs.stripe.com/{documentation}"))
        .support_url("https://support.stripe.com/")
}

/// The plan of a mode. In live mode nothing is charged for the object itself, yet it takes part in what moves money.
fn plan(mode: Mode, id: Guid, what: &str) -> Plan {
    let plan = Plan::new(id, mode.name(), &format!("{what} in {mode} mode"))
        .asynchronous(Asynchronous::Possible)
        .maximum_polling_duration(600);
    match mode {
        Mode::Test => plan.display_name("Test").bullet("No real money; invisible to live mode"),
        Mode::Live => plan
            .display_name("Live")
            .bullet("Real customers and real money; Stripe's fees for payments apply")
            .cost("usd", 0.0, "OBJECT"),
    }
}
