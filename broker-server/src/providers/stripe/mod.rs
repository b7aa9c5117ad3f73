//! Stripe: one account, in test mode, in live mode, or in both, and what can be made in it.

mod calls;
mod client;
mod coupon;
mod customer_portal;
mod entitlement_feature;
mod event_destination;
mod meter;
mod object;
mod payment_link;
mod product;
mod tax_rate;
mod webhook_endpoint;

use std::sync::Arc;

use sutler_catalog::{Guid, stripe::Mode};
use sutler_spec::PlanId;
use url::{Host, Url};

pub use calls::calls;
pub use client::{Client, ConfigError, StripeConfig};

use object::Object;

use super::Provider;

/// A provider for every service, in the order of the catalog. What is not offered costs nothing but its place here.
#[must_use]
pub fn providers(client: &Client) -> Vec<Arc<dyn Provider>> {
    vec![
        Arc::new(Object::<product::Products>::new(client)),
        Arc::new(Object::<webhook_endpoint::Endpoints>::new(client)),
        Arc::new(Object::<event_destination::Destinations>::new(client)),
        Arc::new(Object::<customer_portal::Portals>::new(client)),
        Arc::new(Object::<meter::Meters>::new(client)),
        Arc::new(Object::<coupon::Coupons>::new(client)),
        Arc::new(Object::<tax_rate::TaxRates>::new(client)),
        Arc::new(Object::<payment_link::PaymentLinks>::new(client)),
        Arc::new(Object::<entitlement_feature::Features>::new(client)),
    ]
}

/// The mode of a plan that is one of two.
fn mode(plan: &PlanId, test: Guid, live: Guid) -> Option<Mode> {
    if *plan == PlanId::from(test) {
        Some(Mode::Test)
    } else {
        (*plan == PlanId::from(live)).then_some(Mode::Live)
    }
}

/// Why an address is none that Stripe could reach over the public network, if so. Names are not looked up: what they
/// lead to is Stripe's to judge.
fn public_url(parameter: &str, text: &str) -> Option<String> {
    let url = Url::parse(text).ok();
    let is_public = match url.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => {
            let private = ["localhost", "local", "internal", "lan", "home.arpa"];
            let below = |ending: &str| name == ending || name.ends_with(&format!(".{ending}"));
            name.contains('.') && !private.iter().any(|ending| below(ending))
        }
        Some(Host::Ipv4(ip)) => crate::providers::egress::is_public(ip.into()),
        Some(Host::Ipv6(ip)) => crate::providers::egress::is_public(ip.into()),
        None => false,
    };
    (!is_public).then(|| format!("{parameter}: the host is none that the public can reach"))
}
