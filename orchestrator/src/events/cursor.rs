//! How far the file of events of this machine is: the sequence number of the last entry in it, for each life of a state.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::private_file;
use crate::state::Lineage;

const FORMAT: u64 = 1;

/// How far the file is.
#[derive(Debug)]
pub(super) struct Cursors {
    path: PathBuf,
    told: BTreeMap<String, BTreeMap<String, u64>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u64,
    told: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Cursors {
    /// Reads them. Where there are none, or nothing that was written here, everybody is told everything again.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        let file = serde_json::from_slice(&text).ok().filter(|file: &File| file.format == FORMAT);
        Ok(Self { path: path.to_owned(), told: file.map(|file| file.told).unwrap_or_default() })
    }

    /// The last entry that a listener was told.
    pub(super) fn of(&self, lineage: Lineage, listener: &str) -> u64 {
        let told = self.told.get(&lineage.to_string()).and_then(|told| told.get(listener));
        told.copied().unwrap_or_default()
    }

    /// A listener was told everything up to this entry; durable when this returns.
    pub(super) fn advance(&mut self, lineage: Lineage, listener: &str, sequence: u64) -> io::Result<()> {
        self.told.entry(lineage.to_string()).or_default().insert(listener.to_owned(), sequence);
        let file = File { format: FORMAT, told: self.told.clone() };
        private_file::write(&self.path, &serde_json::to_vec(&file)?)
    }
}
