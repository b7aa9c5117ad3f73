//! Whether a store honours conditional writes: tried, not believed. One that ignores a condition would let two runs
//! overwrite each other.

use bytes::Bytes;
use uuid::Uuid;

use super::objects::{Objects, Put};
use crate::state::StateError;

/// Tries both conditions on an object of its own, which is deleted again.
///
/// # Errors
/// [`StateError::Unsuitable`] says which condition is not honoured.
pub(super) async fn probe(objects: &Objects) -> Result<(), StateError> {
    let name = format!("probe/{}", Uuid::new_v4().simple());
    let verdict = attempt(objects, &name).await;
    objects.discard(vec![name]).await;
    verdict
}

async fn attempt(objects: &Objects, name: &str) -> Result<(), StateError> {
    let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
    let first = done(objects, objects.create(name, bytes("first")).await, "If-None-Match: *")?;
    refused(objects, objects.create(name, bytes("second")).await, "If-None-Match: *")?;
    let second = done(objects, objects.replace(name, bytes("third"), &first).await, "If-Match")?;
    if second == first {
        return Err(unsuitable(objects, "two different objects have the same ETag"));
    }
    refused(objects, objects.replace(name, bytes("fourth"), &first).await, "If-Match")?;
    match objects.get(name).await? {
        Some(found) if found.bytes == bytes("third") && found.etag == second => Ok(()),
        _ => Err(unsuitable(objects, "it does not read what was just written")),
    }
}

fn done(objects: &Objects, put: Put, condition: &str) -> Result<String, StateError> {
    match put {
        Put::Done(etag) => Ok(etag),
        Put::Refused => {
            Err(unsuitable(objects, &format!("it refuses a write whose condition ({condition}) holds")))
        }
        Put::Unknown(object_store::Error::NotImplemented { .. }) => {
            Err(unsuitable(objects, &format!("it does not know conditional writes ({condition})")))
        }
        Put::Unknown(error) => Err(objects.failed("write to")(error)),
    }
}

fn refused(objects: &Objects, put: Put, condition: &str) -> Result<(), StateError> {
    match put {
        Put::Refused => Ok(()),
        Put::Done(_) => Err(unsuitable(
            objects,
            &format!(
                "it ignores the condition of a write ({condition}), and two runs could overwrite each other"
            ),
        )),
        Put::Unknown(error) => Err(objects.failed("write to")(error)),
    }
}

fn unsuitable(objects: &Objects, what: &str) -> StateError {
    StateError::Unsuitable { location: objects.location(), what: what.to_owned() }
}
