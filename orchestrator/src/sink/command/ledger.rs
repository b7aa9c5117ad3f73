//! What a command was given, as keyed digests: enough to see what is new, nothing to learn a value from.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::name::VariableName;
use crate::sink::mark::Mark;
use crate::sink::{SinkError, disk};

const FORMAT: u64 = 1;

/// The marks of what was given.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) marks: BTreeMap<VariableName, Mark>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u64,
    marks: BTreeMap<VariableName, String>,
}

impl Ledger {
    /// Reads it; nothing was given when there is none.
    pub(super) fn read(path: &Path) -> Result<Self, SinkError> {
        let text = disk::read(path)?;
        if text.is_empty() {
            return Ok(Self::default());
        }
        let damaged = || SinkError::Ledger { path: path.to_owned() };
        let file: File = serde_json::from_slice(&text).map_err(|_| damaged())?;
        let marks = file.marks.into_iter().map(|(variable, mark)| Some((variable, Mark::parse(&mark)?)));
        let marks = marks.collect::<Option<_>>().filter(|_| file.format == FORMAT);
        Ok(Self { marks: marks.ok_or_else(damaged)? })
    }

    /// Writes it in one step.
    pub(super) fn save(&self, path: &Path) -> Result<(), SinkError> {
        let failed = |source| SinkError::Write { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        }
        let marks = self.marks.iter().map(|(variable, mark)| (variable.clone(), mark.to_string())).collect();
        let mut text = serde_json::to_vec_pretty(&File { format: FORMAT, marks })
            .map_err(|error| failed(std::io::Error::other(error)))?;
        text.push(b'\n');
        disk::edit(path, |_| Ok(Some(Zeroizing::new(text.clone()))))
    }
}
