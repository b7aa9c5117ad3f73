//! Every call that the providers of Stripe make: what their key must be allowed, and nothing else (S-62).

use sutler_catalog::stripe as catalog;

use super::{
    client::Table, coupon, customer_portal, entitlement_feature, event_destination, meter, payment_link,
    product, tax_rate, webhook_endpoint,
};
use crate::providers::vendor::{VendorCall, calls_of};

/// The tables of all providers, one after the other. A provider cannot make a call that is not in its table.
#[must_use]
pub fn calls() -> Vec<VendorCall> {
    let tables: [(&'static str, &'static Table); 9] = [
        (catalog::product::NAME, &product::TABLE),
        (catalog::event_destination::NAME, &event_destination::TABLE),
        (catalog::customer_portal::NAME, &customer_portal::TABLE),
        (catalog::meter::NAME, &meter::TABLE),
        (catalog::coupon::NAME, &coupon::TABLE),
        (catalog::payment_link::NAME, &payment_link::TABLE),
        (catalog::webhook_endpoint::NAME, &webhook_endpoint::TABLE),
        (catalog::tax_rate::NAME, &tax_rate::TABLE),
        (catalog::entitlement_feature::NAME, &entitlement_feature::TABLE),
    ];
    tables.into_iter().flat_map(|(offering, table)| calls_of(offering, table.endpoints)).collect()
}
