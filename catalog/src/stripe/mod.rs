//! The offerings of Stripe that we ship: ids, plans, parameters and outputs. The work is done elsewhere.

pub mod entitlement_feature;
mod mode;
pub mod tax_rate;
pub mod webhook_endpoint;

use crate::{Asynchronous, Guid, Offering, Plan};

pub use mode::Mode;

/// All of them with the plans of these modes, in the order of the catalog.
#[must_use]
pub fn offerings(modes: &[Mode]) -> Vec<Offering> {
    let offering = [webhook_endpoint::offering, tax_rate::offering, entitlement_feature::offering];
    offering.iter().map(|offering| offering(modes)).collect()
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
