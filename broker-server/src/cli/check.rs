//! `check`: everything `serve` would stumble over, without serving.

use std::path::Path;

use super::{CommandError, load, print, server};

/// Checks configuration, keys, store, certificates and offerings. The store is opened, so it must not be in use.
pub(super) fn check(path: &Path) -> Result<(), CommandError> {
    let config = load(path)?;
    // a missing key ring is an operator's mistake here, not something to make
    sutler_secrets::KeyRing::load(&config.keys)?;
    for warning in &config.warnings {
        print(&format!("warning: {warning}"))?;
    }
    let server = server(config)?;
    for service in &server.catalog().services {
        let plans: Vec<&str> = service.plans.iter().map(|plan| plan.name.as_str()).collect();
        print(&format!("{}: {}", service.name, plans.join(", ")))?;
    }
    print("The configuration can be served.")
}
