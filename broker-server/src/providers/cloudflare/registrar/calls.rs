//! The calls at the registrar and in its sandbox.

use http::Method;

use super::super::client::{Endpoint, Place, Probe, Product};

/// The calls at one of the two places.
#[derive(Debug)]
pub(super) struct Calls {
    pub(super) check: Endpoint,
    pub(super) list: Endpoint,
    pub(super) register: Endpoint,
    pub(super) read: Endpoint,
    pub(super) change: Endpoint,
    pub(super) status: Endpoint,
}

pub(super) static LIVE: Calls = Calls {
    check: Endpoint { method: Method::POST, template: "/accounts/{account}/registrar/domain-check" },
    list: Endpoint { method: Method::GET, template: "/accounts/{account}/registrar/registrations" },
    register: Endpoint { method: Method::POST, template: "/accounts/{account}/registrar/registrations" },
    read: Endpoint { method: Method::GET, template: "/accounts/{account}/registrar/registrations/{domain}" },
    change: Endpoint {
        method: Method::PATCH,
        template: "/accounts/{account}/registrar/registrations/{domain}",
    },
    status: Endpoint {
        method: Method::GET,
        template: "/accounts/{account}/registrar/registrations/{domain}/registration-status",
    },
};

pub(super) static SANDBOX: Calls = Calls {
    check: Endpoint { method: Method::POST, template: "/accounts/{account}/registrar-sandbox/domain-check" },
    list: Endpoint { method: Method::GET, template: "/accounts/{account}/registrar-sandbox/registrations" },
    register: Endpoint {
        method: Method::POST,
        template: "/accounts/{account}/registrar-sandbox/registrations",
    },
    read: Endpoint {
        method: Method::GET,
        template: "/accounts/{account}/registrar-sandbox/registrations/{domain}",
    },
    change: Endpoint {
        method: Method::PATCH,
        template: "/accounts/{account}/registrar-sandbox/registrations/{domain}",
    },
    status: Endpoint {
        method: Method::GET,
        template: "/accounts/{account}/registrar-sandbox/registrations/{domain}/registration-status",
    },
};

/// The numbers of the registrar's refusals are not published; what is not there is told by the status.
const UNNUMBERED: Product =
    Product { endpoints: &[], missing: &[], exists: &[], transient: &[], advice: &[] };
pub(super) static LIVE_PRODUCT: Product = Product {
    endpoints: &[&LIVE.check, &LIVE.list, &LIVE.register, &LIVE.read, &LIVE.change, &LIVE.status],
    ..UNNUMBERED
};
pub(super) static SANDBOX_PRODUCT: Product = Product {
    endpoints: &[
        &SANDBOX.check,
        &SANDBOX.list,
        &SANDBOX.register,
        &SANDBOX.read,
        &SANDBOX.change,
        &SANDBOX.status,
    ],
    ..UNNUMBERED
};

/// Shows whether the token may see what is registered.
pub(in super::super) static PROBE: Probe = Probe {
    product: &LIVE_PRODUCT,
    endpoint: &LIVE.list,
    place: Place::Account(&[]),
    query: &[("per_page", "10")],
    headers: &[],
    permissions: "Registrar Domains Write",
};

/// The same in the sandbox.
pub(in super::super) static SANDBOX_PROBE: Probe =
    Probe { product: &SANDBOX_PRODUCT, endpoint: &SANDBOX.list, ..PROBE };

/// What it may ask of Cloudflare, at both places.
pub(in super::super) fn products() -> [&'static Product; 2] {
    [&LIVE_PRODUCT, &SANDBOX_PRODUCT]
}
