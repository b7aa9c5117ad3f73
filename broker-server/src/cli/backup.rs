//! `backup`: a copy of the store while it is served.

use std::path::Path;

use sutler_broker_server::store;
use sutler_secrets::KeyRing;

use super::{CommandError, load, print};

pub(super) fn backup(path: &Path, to: &Path) -> Result<(), CommandError> {
    let config = load(path)?;
    let ring = KeyRing::load(&config.keys)?;
    let bytes = store::backup(&config.store, ring.into(), to)?;
    print(&format!(
        "Copied the store to {} ({bytes} bytes). It is of no use without the keys of {}: keep a copy of those, elsewhere.",
        to.display(),
        config.keys.display()
    ))
}
