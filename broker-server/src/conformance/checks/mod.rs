//! The checks, by topic, in the order of the specification.

mod bind;
mod bind_refused;
mod binding_body;
mod catalog;
mod chaos;
mod concurrency;
mod deprovision;
mod errors;
mod extensions;
mod fetch;
mod flight;
mod identity;
mod last_operation;
mod offerings;
mod plans;
mod polls;
mod profile;
mod provision;
mod provision_refused;
mod quirks;
mod rotation;
mod schemas;
mod synchrony;
mod unbind;
mod update;
mod update_refused;
mod version;

use super::Check;

/// Every check.
pub fn all() -> impl Iterator<Item = &'static Check> {
    [
        version::CHECKS,
        identity::CHECKS,
        errors::CHECKS,
        extensions::CHECKS,
        catalog::CHECKS,
        offerings::CHECKS,
        plans::CHECKS,
        schemas::CHECKS,
        synchrony::CHECKS,
        concurrency::CHECKS,
        last_operation::CHECKS,
        polls::CHECKS,
        provision::CHECKS,
        provision_refused::CHECKS,
        fetch::CHECKS,
        update::CHECKS,
        update_refused::CHECKS,
        bind::CHECKS,
        bind_refused::CHECKS,
        binding_body::CHECKS,
        rotation::CHECKS,
        unbind::CHECKS,
        deprovision::CHECKS,
        profile::CHECKS,
        quirks::CHECKS,
        chaos::CHECKS,
    ]
    .into_iter()
    .flatten()
}
