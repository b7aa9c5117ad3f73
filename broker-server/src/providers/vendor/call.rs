//! The rows of a table of calls: what a vendor may be asked, and nothing else (S-62).

use http::Method;

/// One row of a table of calls.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The method.
    pub(crate) method: Method,
    /// The path behind the base URL; `{account}` is the account, any other part in braces comes from the call.
    pub(crate) template: &'static str,
}

/// One kind of call that a provider makes.
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

/// The rows of one offering's table.
pub(crate) fn calls_of(
    offering: &'static str,
    endpoints: &[&'static Endpoint],
) -> impl Iterator<Item = VendorCall> {
    let call = move |endpoint: &&'static Endpoint| VendorCall {
        offering,
        method: endpoint.method.clone(),
        template: endpoint.template,
    };
    endpoints.iter().map(call)
}
