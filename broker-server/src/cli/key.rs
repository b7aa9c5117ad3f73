//! `key`: the ring that everything secret is sealed with.

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use sutler_broker_server::store;
use sutler_secrets::{KeyId, KeyRing};

use super::{CommandError, load, print};

pub(super) fn new(path: &Path) -> Result<(), CommandError> {
    let keys = load(path)?.keys;
    let ring = KeyRing::create(&keys, Timestamp::now())?;
    print(&format!(
        "Made {} with the key {}. Keep a copy in a safe place: without it the store cannot be read.",
        keys.display(),
        ring.current()
    ))
}

pub(super) fn list(path: &Path) -> Result<(), CommandError> {
    let config = load(path)?;
    let ring = Arc::new(KeyRing::load(&config.keys)?);
    // a store that is not there yet has nothing sealed
    let in_use = store::keys_in_use(&config.store, ring.clone());
    for key in ring.keys() {
        let state = match key.retired() {
            None => "current".to_owned(),
            Some(retired) => format!("retired {retired}"),
        };
        let sealed = match &in_use {
            Ok(in_use) => in_use.get(&key.id().to_string()).copied().unwrap_or_default().to_string(),
            Err(_) => "unknown".to_owned(),
        };
        print(&format!("{}  created {}  {state}  sealed values: {sealed}", key.id(), key.created()))?;
    }
    Ok(())
}

pub(super) fn rotate(path: &Path) -> Result<(), CommandError> {
    let keys = load(path)?.keys;
    let mut ring = KeyRing::load(&keys)?;
    let current = ring.rotate(Timestamp::now());
    ring.save(&keys)?;
    print(&format!(
        "From its next start or SIGHUP on, the broker seals with {current}, and seals anew what is there. Replicas first \
         all get the file, then a SIGHUP each. `key list` tells when nothing needs the older keys any more."
    ))
}

/// Nothing may need the key: not even the canary, which is sealed anew when everything else is.
pub(super) fn forget(path: &Path, key: KeyId) -> Result<(), CommandError> {
    let config = load(path)?;
    let mut ring = KeyRing::load(&config.keys)?;
    let in_use = store::keys_in_use(&config.store, Arc::new(KeyRing::load(&config.keys)?))?;
    if let Some(values) = in_use.get(&key.to_string()).filter(|values| **values > 0) {
        return Err(CommandError::KeyInUse { key: key.to_string(), values: *values });
    }
    ring.forget(key)?;
    ring.save(&config.keys)?;
    print(&format!("{key} is forgotten."))
}
