//! Every call that the providers of DNSimple make: what their token must be allowed, and nothing else (S-62).

use sutler_catalog::domain;

use super::{client::Table, domain_zone::Domains, record, registrar};
use crate::providers::{
    object::Kind,
    vendor::{VendorCall, calls_of},
};

/// The tables of all providers, one after the other. A provider cannot make a call that is not in its table.
#[must_use]
pub fn calls() -> Vec<VendorCall> {
    let tables: [(&'static str, &'static Table); 3] = [
        (domain::zone::NAME, Domains::PRODUCT),
        (domain::record::NAME, &record::TABLE),
        (domain::registration::NAME, &registrar::TABLE),
    ];
    tables.into_iter().flat_map(|(offering, table)| calls_of(offering, table.endpoints)).collect()
}
