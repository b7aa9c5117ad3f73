//! `catalog`: what would be served.

use std::path::Path;

use sutler_broker_server::providers::{Registry, built_in};

use super::{CommandError, load};

/// Checks the offerings and prints their catalog. Neither keys nor store are needed.
pub(super) fn print(path: &Path) -> Result<(), CommandError> {
    let config = load(path)?;
    // a second installation changes nothing
    let _ = rustls::crypto::ring::default_provider().install_default();
    let providers = built_in(&config.vendors, &config.tuning)?;
    let registry = Registry::new(providers, config.offerings.as_deref())
        .map_err(sutler_broker_server::ServerError::Registry)?;
    let catalog = serde_json::to_string_pretty(registry.index().catalog())
        .map_err(|error| CommandError::Print(std::io::Error::other(error)))?;
    super::print(&catalog)
}
