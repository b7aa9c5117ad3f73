//! A dotenv file: one block of it is ours, between two marker lines; the rest belongs to whoever wrote it.
//!
//! ```text
//! # anyone's lines
//! OTHER=1
//! # >>> sutler shop/env: written by sutler; change the configuration instead
//! TOKEN="sutler:v1:…"
//! # <<< sutler shop/env
//! ```

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use sutler_secrets::{KeyRing, OpenError, Place, Sealed, SecretString};
use zeroize::Zeroizing;

use super::{Edits, Sink, SinkError};
use crate::config::{self, Sealing};
use crate::name::{StackName, VariableName};

mod disk;
mod parse;
mod quote;
#[cfg(test)]
mod tests;
mod write;

use parse::{File, Item, Markers};

/// A line that sets a variable, in clear: shells and dotenv readers read back the same. A value may run over several.
///
/// # Errors
/// When the value cannot be written so that all of them do.
pub fn line(variable: &VariableName, value: &SecretString) -> Result<SecretString, SinkError> {
    let quoted = quote::quote(value.expose())
        .map_err(|what| SinkError::Unprintable { variable: variable.to_string(), what })?;
    Ok(SecretString::new(format!("{variable}={}", quoted.expose())))
}

/// A dotenv file.
#[derive(Debug)]
pub struct Dotenv {
    name: String,
    stack: StackName,
    path: PathBuf,
    sealing: Sealing,
    ring: Arc<KeyRing>,
    markers: Markers,
}

impl Dotenv {
    /// The file at this path, for a sink of this stack and name.
    #[must_use]
    pub fn new(
        (stack, name): (&StackName, &str),
        path: PathBuf,
        sealing: Sealing,
        ring: Arc<KeyRing>,
    ) -> Self {
        let markers = Markers::new(stack, name);
        Self { name: name.to_owned(), stack: stack.clone(), path, sealing, ring, markers }
    }

    /// The variables that we wrote into this text, opened.
    ///
    /// # Errors
    /// When our block is not whole, or a value was sealed with another key, or for another place.
    pub fn open_text(&self, text: &[u8]) -> Result<Vec<(VariableName, SecretString)>, SinkError> {
        let file = self.parse(text)?;
        let open = |(variable, value): (VariableName, _)| {
            let opened = self.open_value(&variable, value)?;
            Ok((variable, opened))
        };
        file.ours.into_iter().map(open).collect()
    }

    fn open_value(&self, variable: &VariableName, value: &[u8]) -> Result<SecretString, SinkError> {
        let failed =
            |source| SinkError::Sealed { path: self.path.clone(), variable: variable.to_string(), source };
        let text = std::str::from_utf8(value).map_err(|_| failed(OpenError::Malformed))?;
        let opened = if text.starts_with("sutler:v") {
            let sealed = Sealed::from_text(text).map_err(failed);
            sealed.and_then(|sealed| self.ring.open(&self.place(variable), &sealed).map_err(failed))
        } else {
            return Ok(SecretString::from(text));
        };
        match (opened, self.sealing) {
            (Ok(opened), _) => opened.into_text().map_err(|_| failed(OpenError::Malformed)),
            (Err(_), Sealing::Clear) => Ok(SecretString::from(text)),
            (Err(error), Sealing::Sealed) => Err(error),
        }
    }

    fn parse<'t>(&self, text: &'t [u8]) -> Result<File<'t>, SinkError> {
        File::parse(text, &self.markers).map_err(|(line, what)| SinkError::Marker {
            path: self.path.clone(),
            line,
            what,
        })
    }

    fn place(&self, variable: &VariableName) -> Place {
        Place::new("sink").with(self.stack.as_str()).with(&self.name).with(variable.as_str())
    }

    /// How a value stands after the `=`.
    fn written(&self, variable: &VariableName, value: &SecretString) -> Result<SecretString, SinkError> {
        match self.sealing {
            Sealing::Sealed => {
                let sealed = self.ring.seal(&self.place(variable), value.expose().as_bytes());
                Ok(SecretString::from(format!("\"{}\"", sealed.to_text())))
            }
            Sealing::Clear => quote::quote(value.expose()).map_err(|what| SinkError::Unwritable {
                sink: self.name.clone(),
                variable: variable.to_string(),
                what,
            }),
        }
    }

    fn refuse_hostile(&self, variable: &VariableName) -> Result<(), SinkError> {
        if config::is_hostile(variable.as_str()) {
            return Err(SinkError::Hostile { sink: self.name.clone(), variable: variable.to_string() });
        }
        Ok(())
    }

    fn refuse_foreign(&self, file: &File<'_>, variable: &VariableName) -> Result<(), SinkError> {
        let foreign = file.foreign.get(variable.as_str().as_bytes()).copied();
        match foreign {
            None => Ok(()),
            Some(line) => {
                Err(SinkError::Conflict { path: self.path.clone(), line, variable: variable.to_string() })
            }
        }
    }

    /// The text after all edits; none when nothing changes.
    fn edited(&self, text: &[u8], edits: &[Edits]) -> Result<Option<Zeroizing<Vec<u8>>>, SinkError> {
        let file = self.parse(text)?;
        let mut wanted = write::Wanted::default();
        for (variable, value) in edits.iter().flat_map(Edits::in_order) {
            if let Some(value) = value {
                self.refuse_hostile(variable)?;
                self.refuse_foreign(&file, variable)?;
                let kept = file.ours.get(variable).is_some_and(|old| self.says(variable, old, value));
                wanted.put(variable, if kept { None } else { Some(self.written(variable, value)?) });
            } else {
                wanted.remove(variable);
            }
        }
        let Some(text) = write::render(&file, &self.markers, &wanted) else { return Ok(None) };
        self.refuse_swallowed(&text)?;
        Ok(Some(text))
    }

    /// A quote that somebody opened and never closed would close inside our block, and hide it from every reader.
    fn refuse_swallowed(&self, text: &[u8]) -> Result<(), SinkError> {
        let swallows = |item: &Item<'_>| match item {
            Item::Foreign { raw, key: Some(_), line } => self.markers.is_in(raw).then_some(*line),
            _ => None,
        };
        match self.parse(text).map(|file| file.items.iter().find_map(swallows)) {
            Ok(None) => Ok(()),
            Ok(Some(line)) => Err(SinkError::OpenQuote { path: self.path.clone(), line }),
            Err(SinkError::Marker { line, .. }) => {
                Err(SinkError::OpenQuote { path: self.path.clone(), line })
            }
            Err(error) => Err(error),
        }
    }

    /// Whether what stands there is this value in the form that it should have.
    fn says(&self, variable: &VariableName, old: &[u8], value: &SecretString) -> bool {
        let sealed = old.starts_with(b"sutler:v");
        let current = || self.ring.current();
        let fresh = || {
            let text = std::str::from_utf8(old).ok();
            text.and_then(|text| Sealed::from_text(text).ok()).is_some_and(|old| old.key_id() == current())
        };
        let form = match self.sealing {
            Sealing::Sealed => sealed && fresh(),
            Sealing::Clear => !sealed,
        };
        form && self.open_value(variable, old).is_ok_and(|old| old.expose() == value.expose())
    }
}

impl Edits {
    /// What is put, and then what is removed.
    fn in_order(&self) -> impl Iterator<Item = (&VariableName, Option<&SecretString>)> {
        let put = self.put.iter().map(|(variable, value)| (variable, Some(value)));
        put.chain(self.remove.iter().map(|variable| (variable, None)))
    }
}

impl Sink for Dotenv {
    fn name(&self) -> &str {
        &self.name
    }

    fn location(&self) -> String {
        self.path.display().to_string()
    }

    fn check(&self, variables: &[VariableName]) -> Result<(), Vec<SinkError>> {
        let text = disk::read(&self.path).map_err(|error| vec![error])?;
        let file = self.parse(&text).map_err(|error| vec![error])?;
        let trouble = |variable| {
            self.refuse_hostile(variable).and_then(|()| self.refuse_foreign(&file, variable)).err()
        };
        let errors: Vec<_> = variables.iter().filter_map(trouble).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn write(&self, edits: &[Edits]) -> Result<(), SinkError> {
        disk::edit(&self.path, |text| self.edited(text, edits))
    }

    fn variables(&self) -> Result<BTreeSet<VariableName>, SinkError> {
        let text = disk::read(&self.path)?;
        Ok(self.parse(&text)?.ours.into_keys().collect())
    }

    fn open(&self) -> Result<Vec<(VariableName, SecretString)>, SinkError> {
        self.open_text(&disk::read(&self.path)?)
    }
}
