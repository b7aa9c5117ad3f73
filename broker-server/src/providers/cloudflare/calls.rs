//! Every call that the providers of Cloudflare make: what their token must be allowed, and nothing else (S-62).

use super::{
    client::Product, custom_hostname, d1, dns_record, hyperdrive, kv, minting, object::Kind, pages_domain,
    queue, r2, registrar, secrets, token, turnstile, vectorize, worker_domain, www_redirect, zone,
};
use crate::providers::vendor::{VendorCall, calls_of};

/// The tables of all providers, one after the other. A provider cannot make a call that is not in its table.
#[must_use]
pub fn calls() -> Vec<VendorCall> {
    tables().into_iter().flat_map(|(offering, table)| calls_of(offering, table.endpoints)).collect()
}

/// Every call at R2's S3 interface: made with the key of a binding alone, to try it.
#[must_use]
pub fn s3_calls() -> Vec<VendorCall> {
    calls_of(sutler_catalog::cloudflare::r2::NAME, &r2::CALLS).collect()
}

/// The tables, each with the offering whose provider calls by it.
pub(super) fn tables() -> Vec<(&'static str, &'static Product)> {
    let [registrar, sandbox] = registrar::products();
    vec![
        (sutler_catalog::domain::registration::NAME, registrar),
        (sutler_catalog::domain::registration::NAME, sandbox),
        (sutler_catalog::cloudflare::d1::NAME, d1::product()),
        (sutler_catalog::cloudflare::token::NAME, token::product()),
        (sutler_catalog::cloudflare::secrets::NAME, secrets::product()),
        (sutler_catalog::cloudflare::pages_domain::NAME, pages_domain::product()),
        (sutler_catalog::cloudflare::kv::NAME, kv::Namespaces::PRODUCT),
        (sutler_catalog::cloudflare::queue::NAME, queue::Queues::PRODUCT),
        (sutler_catalog::cloudflare::r2::NAME, r2::AllBuckets::PRODUCT),
        (sutler_catalog::cloudflare::r2::NAME, minting::product()),
        (sutler_catalog::cloudflare::turnstile::NAME, turnstile::Widgets::PRODUCT),
        (sutler_catalog::cloudflare::hyperdrive::NAME, hyperdrive::Configurations::PRODUCT),
        (sutler_catalog::cloudflare::vectorize::NAME, vectorize::Indexes::PRODUCT),
        (sutler_catalog::cloudflare::dns_record::NAME, dns_record::product()),
        (sutler_catalog::domain::record::NAME, dns_record::product()),
        (sutler_catalog::cloudflare::zone::NAME, zone::product()),
        (sutler_catalog::cloudflare::zone::NAME, minting::product()),
        (sutler_catalog::cloudflare::worker_domain::NAME, worker_domain::Domains::PRODUCT),
        (sutler_catalog::cloudflare::custom_hostname::NAME, custom_hostname::Hostnames::PRODUCT),
        (sutler_catalog::cloudflare::www_redirect::NAME, www_redirect::Redirects::PRODUCT),
        (sutler_catalog::domain::zone::NAME, zone::product()),
        (sutler_catalog::domain::zone::NAME, minting::product()),
    ]
}
