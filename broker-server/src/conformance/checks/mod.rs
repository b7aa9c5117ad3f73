//! The checks, by topic, in the order of the specification.

mod bind;
mod binding_body;
mod catalog;
mod chaos;
mod concurrency;
mod deprovision;
mod errors;
mod fetch;
mod flight;
mod identity;
mod last_operation;
mod offerings;
mod plans;
mod profile;
mod provision;
mod quirks;
mod rotation;
mod schemas;
mod synchrony;
mod unbind;
mod update;
mod version;

use super::Check;

/// Every check.
pub fn all() -> impl Iterator<Item = &'static Check> {
    [
        version::CHECKS,
        identity::CHECKS,
        errors::CHECKS,
        catalog::CHECKS,
        offerings::CHECKS,
        plans::CHECKS,
        schemas::CHECKS,
        synchrony::CHECKS,
        concurrency::CHECKS,
        last_operation::CHECKS,
        provision::CHECKS,
        fetch::CHECKS,
        update::CHECKS,
        bind::CHECKS,
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
