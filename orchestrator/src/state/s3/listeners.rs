//! How far listeners of events were told: one small object for each, replaced under the condition that it is the one that
//! was read.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::commit::ATTEMPTS;
use super::objects::{Objects, Put};
use crate::state::StateError;
use crate::state::journal::of_text;

const FOLDER: &str = "listeners";

/// What such an object holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listener {
    name: String,
    told: u64,
}

/// The object of a listener: names may hold what a name of an object cannot.
fn object(listener: &str) -> String {
    format!("{FOLDER}/{}.json", of_text(listener))
}

fn read(objects: &Objects, bytes: &[u8]) -> Result<Listener, StateError> {
    serde_json::from_slice(bytes).map_err(|_| objects.damaged("how far a listener was told cannot be read"))
}

pub(super) async fn told(objects: &Objects) -> Result<BTreeMap<String, u64>, StateError> {
    let names = objects.list(FOLDER).await?;
    let found = objects.get_all(names.into_iter().map(|name| format!("{FOLDER}/{name}")).collect()).await?;
    let mut told = BTreeMap::new();
    for bytes in found.into_iter().flatten() {
        let Listener { name, told: sequence } = read(objects, &bytes)?;
        told.insert(name, sequence);
    }
    Ok(told)
}

pub(super) async fn tell(objects: &Objects, (listener, sequence): (&str, u64)) -> Result<(), StateError> {
    let name = object(listener);
    let next = Listener { name: listener.to_owned(), told: sequence };
    let next = Bytes::from(serde_json::to_vec(&next).unwrap_or_default());
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let put = match objects.get(&name).await? {
            Some(found) if read(objects, &found.bytes)?.told >= sequence => return Ok(()),
            Some(found) => objects.replace(&name, next.clone(), &found.etag).await,
            None => objects.create(&name, next.clone()).await,
        };
        match put {
            Put::Done(_) => return Ok(()),
            // somebody was first, or nobody answered: what is there now says which
            Put::Refused => last = None,
            Put::Unknown(error) => last = Some(error),
        }
    }
    Err(match last {
        Some(error) => objects.failed("note who was told in")(error),
        None => StateError::Busy { location: objects.location() },
    })
}
