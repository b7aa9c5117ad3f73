//! Every call that the providers of Cloudflare make: what their token must be allowed, and nothing else (S-62).

use http::Method;

use super::{
    client::Product, d1, dns_record, hyperdrive, kv, minting, object::Kind, pages_domain, queue, r2,
    registrar, secrets, token, turnstile, vectorize, worker_domain, www_redirect, zone,
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
    let of_table = |(offering, product): (&'static str, &'static Product)| {
        let call = |endpoint: &&'static super::client::Endpoint| VendorCall {
            offering,
            method: endpoint.method.clone(),
            template: endpoint.template,
        };
        product.endpoints.iter().map(call).collect::<Vec<_>>()
    };
    tables().into_iter().flat_map(of_table).collect()
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
        (sutler_catalog::cloudflare::zone::NAME, zone::Zones::PRODUCT),
        (sutler_catalog::cloudflare::zone::NAME, minting::product()),
        (sutler_catalog::cloudflare::worker_domain::NAME, worker_domain::Domains::PRODUCT),
        (sutler_catalog::cloudflare::www_redirect::NAME, www_redirect::Redirects::PRODUCT),
    ]
}
