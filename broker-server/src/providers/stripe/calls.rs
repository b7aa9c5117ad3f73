//! Every call that the providers of Stripe make: what their key must be allowed, and nothing else (S-62).

use http::Method;

use sutler_catalog::stripe as catalog;

use super::{
    client::Table, coupon, customer_portal, entitlement_feature, event_destination, meter, payment_link,
    product, tax_rate, webhook_endpoint,
};

/// One kind of call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VendorCall {
    /// The offering whose provider makes it.
    pub offering: &'static str,
    /// The method.
    pub method: Method,
    /// The path behind the base URL; what is in braces varies.
    pub template: &'static str,
}

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
    let of_table = |(offering, table): (&'static str, &'static Table)| {
        let endpoints = table.endpoints.iter();
        endpoints.map(move |endpoint| VendorCall {
            offering,
            method: endpoint.method.clone(),
            template: endpoint.template,
        })
    };
    tables.into_iter().flat_map(of_table).collect()
}
