//! The offerings of Cloudflare that we ship: ids, plans, parameters and outputs. The work is done elsewhere.

pub mod custom_hostname;
pub mod d1;
pub mod dns_record;
pub mod hyperdrive;
pub mod kv;
pub mod pages_domain;
pub mod queue;
pub mod r2;
pub mod secrets;
pub mod token;
pub mod turnstile;
pub mod vectorize;
pub mod worker_domain;
pub mod www_redirect;
pub mod zone;

use crate::Offering;

/// All of them, in the order of the catalog.
#[must_use]
pub fn offerings() -> Vec<Offering> {
    vec![
        d1::offering(),
        token::offering(),
        secrets::offering(),
        pages_domain::offering(),
        kv::offering(),
        queue::offering(),
        r2::offering(),
        turnstile::offering(),
        hyperdrive::offering(),
        vectorize::offering(),
        dns_record::offering(),
        zone::offering(),
        worker_domain::offering(),
        www_redirect::offering(),
        custom_hostname::offering(),
    ]
}

/// What all of them say about where they come from.
fn described(offering: Offering, display_name: &str, documentation: &str) -> Offering {
    offering
        .display_name(display_name)
        .provider_display_name("Cloudflare")
        .documentation_url(&format!("https://developers.cloudflare.com/{documentation}"))
        .support_url("https://developers.cloudflare.com/support/contacting-cloudflare-support/")
}
