//! What segments and archives are made of: lines of JSON, an entry of the journal each; in a segment with the record that
//! was written.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::objects::Objects;
use crate::state::StateError;
use crate::state::journal::Entry;

/// An entry and the record it wrote, letter by letter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) entry: Entry,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Box<RawValue>>,
}

impl Step {
    /// Nothing when the record is no JSON, which it always is.
    pub(super) fn new((entry, body): (Entry, Option<String>)) -> Option<Self> {
        let body = body.map(RawValue::from_string).transpose().ok()?;
        Some(Self { entry, body })
    }
}

/// One line for each.
pub(super) fn write<T: Serialize>(items: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for item in items {
        // Every part of an entry is JSON to begin with.
        if serde_json::to_writer(&mut bytes, item).is_ok() {
            bytes.push(b'\n');
        }
    }
    bytes
}

/// Each line again.
pub(super) fn read<T: for<'t> Deserialize<'t>>(
    bytes: &[u8],
    (objects, name): (&Objects, &str),
) -> Result<Vec<T>, StateError> {
    let bad = || objects.damaged(format!("{name} is not what was written"));
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(|_| bad())).collect()
}
