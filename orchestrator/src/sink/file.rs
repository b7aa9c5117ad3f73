//! A sink that is a file, whatever its format: read, decided, written again in one step.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use sutler_secrets::SecretString;
use zeroize::Zeroizing;

use super::decide::{self, Change, Changes, Found};
use super::scribe::{Scribe, Verdict};
use super::{Edits, Sink, SinkError, disk};
use crate::name::VariableName;

/// How a file is written. What it does not know about, it keeps byte for byte.
pub(super) trait Format: Send + Sync + fmt::Debug {
    /// What the file holds.
    ///
    /// # Errors
    /// When our part of it is not whole, or the rest is not of this format.
    fn find(&self, path: &Path, text: &[u8]) -> Result<Found, SinkError>;

    /// The file after the changes.
    ///
    /// # Errors
    /// When what others wrote would hide our part from readers.
    fn render(&self, path: &Path, text: &[u8], changes: &Changes) -> Result<Zeroizing<Vec<u8>>, SinkError>;

    /// What of a text it has no way to say.
    fn unsayable(&self, text: &str) -> Option<&'static str>;
}

/// A file that variables are kept in.
#[derive(Debug)]
pub struct FileSink<F> {
    scribe: Scribe,
    format: F,
}

#[expect(private_bounds, reason = "the formats are those of this module")]
impl<F: Format> FileSink<F> {
    pub(super) fn with(scribe: Scribe, format: F) -> Self {
        Self { scribe, format }
    }

    /// The variables that we wrote into this text, opened.
    ///
    /// # Errors
    /// When our part is not whole, or a value was sealed with another key, or for another place, or was changed.
    pub fn open_text(&self, text: &[u8]) -> Result<Vec<(VariableName, SecretString)>, SinkError> {
        let found = self.format.find(self.scribe.path(), text)?;
        let open = |(variable, standing)| {
            let opened = self.scribe.open(&variable, &standing)?;
            Ok((variable, opened))
        };
        found.ours.into_iter().map(open).collect()
    }

    fn found(&self) -> Result<Found, SinkError> {
        self.format.find(self.scribe.path(), &disk::read(self.scribe.path())?)
    }

    /// The text after all edits; none when nothing changes.
    fn edited(&self, text: &[u8], edits: &[Edits]) -> Result<Option<Zeroizing<Vec<u8>>>, SinkError> {
        let path = self.scribe.path();
        let changes = decide::changes(&self.scribe, &self.format.find(path, text)?, edits)?;
        for (variable, change) in &changes {
            if let Change::Put(written) = change
                && let Some(what) = self.format.unsayable(written.text.expose())
            {
                let (sink, variable) = (self.scribe.sink().to_owned(), variable.to_string());
                return Err(SinkError::Unwritable { sink, variable, what });
            }
        }
        if changes.is_empty() {
            return Ok(None);
        }
        self.format.render(path, text, &changes).map(Some)
    }
}

impl<F: Format> Sink for FileSink<F> {
    fn name(&self) -> &str {
        self.scribe.sink()
    }

    fn location(&self) -> String {
        self.scribe.path().display().to_string()
    }

    fn is_sealed(&self) -> bool {
        self.scribe.is_sealed()
    }

    fn check(&self, variables: &[VariableName]) -> Result<(), Vec<SinkError>> {
        let found = self.found().map_err(|error| vec![error])?;
        let trouble = |variable| decide::refuse(&self.scribe, &found, variable).err();
        let errors: Vec<_> = variables.iter().filter_map(trouble).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn write(&self, edits: &[Edits]) -> Result<(), SinkError> {
        disk::edit(self.scribe.path(), |text| self.edited(text, edits))
    }

    fn variables(&self) -> Result<BTreeSet<VariableName>, SinkError> {
        let mut ours = BTreeSet::new();
        for (variable, standing) in self.found()?.ours {
            if self.scribe.judge((&variable, &standing), None)? != Verdict::Edited {
                ours.insert(variable);
            }
        }
        Ok(ours)
    }

    fn current(&self) -> Result<BTreeSet<VariableName>, SinkError> {
        let found = self.found()?;
        let mut current = BTreeSet::new();
        for (variable, standing) in &found.ours {
            let ours = self.scribe.judge((variable, standing), None)? != Verdict::Edited;
            let outdated = found.outdated && standing.mark.is_some();
            if ours && !outdated && self.scribe.is_current(variable, standing)? {
                current.insert(variable.clone());
            }
        }
        Ok(current)
    }

    fn open(&self) -> Result<Vec<(VariableName, SecretString)>, SinkError> {
        self.open_text(&disk::read(self.scribe.path())?)
    }
}
