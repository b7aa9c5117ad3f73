//! `catalog` and `docs`: what would be served, for programs and for people.

use std::path::Path;

use sutler_broker_server::providers::{Registry, built_in};

use super::{CommandError, load};

/// Checks the offerings and prints their catalog. Neither keys nor store are needed.
pub(super) fn print(path: &Path) -> Result<(), CommandError> {
    let catalog = serde_json::to_string_pretty(registry(path)?.index().catalog())
        .map_err(|error| CommandError::Print(std::io::Error::other(error)))?;
    super::print(&catalog)
}

/// Checks the offerings and prints a page about each, in Markdown and in the order of the catalog.
pub(super) fn document(path: &Path) -> Result<(), CommandError> {
    let registry = registry(path)?;
    let services = &registry.index().catalog().services;
    let offerings = services.iter().filter_map(|service| registry.offering(&service.id));
    let pages: Vec<String> = offerings.map(|offering| offering.to_markdown()).collect();
    super::print(pages.join("\n").trim_end())
}

/// The offerings of a configuration, checked.
fn registry(path: &Path) -> Result<Registry, CommandError> {
    let config = load(path)?;
    // a second installation changes nothing
    let _ = rustls::crypto::ring::default_provider().install_default();
    let providers = built_in(&config.vendors, &config.tuning)?;
    let registry = Registry::with(providers, config.offerings.as_deref(), &config.extensions);
    Ok(registry.map_err(sutler_broker_server::ServerError::Registry)?)
}
