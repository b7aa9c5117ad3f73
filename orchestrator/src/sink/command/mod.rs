//! A command that keeps variables wherever it likes. It is given what changed as JSON on its standard input, and only
//! there: nothing secret is in its arguments or its environment, and no shell is between.
//!
//! ```json
//! { "kind": "sink", "format_version": 1, "stack": "shop", "sink": "vault",
//!   "put": { "TOKEN": "…" }, "remove": ["OLD"] }
//! ```
//!
//! Exit code 0 says that all of it is durable. The same may be given again: after a crash, and on a machine that does
//! not know what was given before. What was given is remembered as keyed digests in a file beside the state.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use sutler_secrets::{KeyRing, Masker, SecretString};
use zeroize::Zeroizing;

use super::mark::{Form, Spot};
use super::{Edits, Sink, SinkError};
use crate::config;
use crate::name::{StackName, VariableName};

mod ledger;
mod run;
#[cfg(test)]
mod tests;

use ledger::Ledger;
use run::Program;

/// A command.
#[derive(Debug)]
pub struct CommandSink {
    stack: StackName,
    name: String,
    program: Program,
    ledger: PathBuf,
    ring: Arc<KeyRing>,
}

impl CommandSink {
    /// The command, for a sink of this stack and name.
    #[must_use]
    pub fn new(
        (stack, name): (&StackName, &str),
        (words, folder, patience): (Vec<String>, PathBuf, Duration),
        ledger: PathBuf,
        ring: Arc<KeyRing>,
    ) -> Self {
        let (stack, name) = (stack.clone(), name.to_owned());
        Self { stack, name, program: Program { words, folder, patience }, ledger, ring }
    }

    fn spot(&self) -> Spot<'_> {
        Spot { ring: &self.ring, stack: self.stack.as_str(), sink: &self.name }
    }

    fn refuse(&self, variable: &VariableName) -> Result<(), SinkError> {
        match config::is_hostile(variable.as_str()) {
            true => Err(SinkError::Hostile { sink: self.name.clone(), variable: variable.to_string() }),
            false => Ok(()),
        }
    }

    /// What the command was not given yet; of several edits that name one variable, the last counts.
    fn news<'e>(&self, ledger: &Ledger, edits: &'e [Edits]) -> Result<News<'e>, SinkError> {
        let mut news = News::default();
        for (variable, value) in edits.iter().flat_map(Edits::in_order) {
            news.put.retain(|(other, _)| *other != variable);
            news.remove.remove(variable);
            let mark = ledger.marks.get(variable);
            match value {
                Some(value) => {
                    self.refuse(variable)?;
                    let says = |mark| self.spot().says(mark, variable, (Form::Clear, value.expose()));
                    if !mark.is_some_and(says) {
                        news.put.push((variable, value));
                    }
                }
                None if mark.is_some() => drop(news.remove.insert(variable)),
                None => {}
            }
        }
        Ok(news)
    }

    fn document(&self, news: &News<'_>) -> Zeroizing<Vec<u8>> {
        let put: Map<String, Value> = news
            .put
            .iter()
            .map(|(variable, value)| (variable.to_string(), value.expose().as_str().into()))
            .collect();
        let document = json!({
            "kind": "sink", "format_version": 1, "stack": self.stack.as_str(), "sink": self.name,
            "put": put, "remove": news.remove.iter().map(|variable| variable.as_str()).collect::<Vec<_>>(),
        });
        Zeroizing::new(format!("{document}\n").into_bytes())
    }
}

/// What a command is given.
#[derive(Debug, Default)]
struct News<'e> {
    put: Vec<(&'e VariableName, &'e SecretString)>,
    remove: BTreeSet<&'e VariableName>,
}

impl Sink for CommandSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn location(&self) -> String {
        format!("the command {}", self.program.words.first().map_or("", String::as_str))
    }

    fn check(&self, variables: &[VariableName]) -> Result<(), Vec<SinkError>> {
        let mut errors: Vec<_> =
            variables.iter().filter_map(|variable| self.refuse(variable).err()).collect();
        errors.extend(Ledger::read(&self.ledger).err());
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn write(&self, edits: &[Edits]) -> Result<(), SinkError> {
        let mut ledger = Ledger::read(&self.ledger)?;
        let news = self.news(&ledger, edits)?;
        if news.put.is_empty() && news.remove.is_empty() {
            return Ok(());
        }
        let masker = Masker::new(news.put.iter().map(|(_, value)| value.expose()));
        self.program.run(&self.document(&news)).map_err(|trouble| SinkError::Command {
            sink: self.name.clone(),
            program: self.program.words.first().cloned().unwrap_or_default(),
            what: masker.mask(&trouble).into_owned(),
        })?;
        for (variable, value) in news.put {
            let value = value.expose();
            ledger.marks.insert(variable.clone(), self.spot().mark(variable, (Form::Clear, value), value));
        }
        ledger.marks.retain(|variable, _| !news.remove.contains(variable));
        ledger.save(&self.ledger)
    }

    fn variables(&self) -> Result<BTreeSet<VariableName>, SinkError> {
        Ok(Ledger::read(&self.ledger)?.marks.into_keys().collect())
    }

    fn open(&self) -> Result<Vec<(VariableName, SecretString)>, SinkError> {
        Err(SinkError::NotKept { sink: self.name.clone() })
    }
}
