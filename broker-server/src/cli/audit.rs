//! `audit`: whether what was told is still what was told.

use std::path::Path;

use sutler_broker_server::store;
use sutler_secrets::KeyRing;

use super::{CommandError, load, print};

/// Follows the chain, also while the broker runs.
pub(super) fn verify(path: &Path) -> Result<(), CommandError> {
    let config = load(path)?;
    let ring = KeyRing::load(&config.keys)?;
    let report = store::verify_audit(&config.store, ring.into())?;
    print(&format!("{} rows are as they were written; the last digest is {}", report.rows, report.last))?;
    if report.waiting > 0 {
        print(&format!("{} events wait to be chained", report.waiting))?;
    }
    report.broken.map_or(Ok(()), |broken| Err(CommandError::Audit(broken)))
}
