//! `key`: the ring that everything secret is sealed with.

use std::path::Path;

use jiff::Timestamp;
use sutler_secrets::KeyRing;

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
    let ring = KeyRing::load(load(path)?.keys)?;
    for key in ring.keys() {
        let state = match key.retired() {
            None => "current".to_owned(),
            Some(retired) => format!("retired {retired}"),
        };
        print(&format!("{}  created {}  {state}", key.id(), key.created()))?;
    }
    Ok(())
}

pub(super) fn rotate(path: &Path) -> Result<(), CommandError> {
    let keys = load(path)?.keys;
    let mut ring = KeyRing::load(&keys)?;
    let current = ring.rotate(Timestamp::now());
    ring.save(&keys)?;
    print(&format!(
        "From the next start on, everything new is sealed with {current}. The older keys stay in the ring."
    ))
}
