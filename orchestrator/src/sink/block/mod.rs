//! Files of lines: one block of them is ours, between two marker lines; the rest belongs to whoever wrote it.
//!
//! ```text
//! # anyone's lines
//! OTHER=1
//! # >>> sutler shop/env: written by sutler; change the configuration instead
//! # sutler-mark TOKEN …
//! TOKEN="sutler:xwing1:…"
//! # <<< sutler shop/env
//! ```
//!
//! How a line is written is the grammar's; which lines are ours, and that all others stay as they are, is decided here.

use std::fmt;
use std::path::Path;

use sutler_secrets::SecretString;
use zeroize::Zeroizing;

use super::SinkError;
use super::decide::{Changes, Found};
use super::file::Format;
use super::scribe::Standing;
use crate::name::{StackName, VariableName};

mod parse;
mod write;

pub(super) use parse::{Entry, line_end};

use parse::{File, Item, Markers};

/// How the lines of a file are written.
pub(super) trait Grammar: Send + Sync + fmt::Debug + Sized {
    /// Tells the marker line which of several forms our block has.
    fn form(&self) -> &'static str;

    /// The grammar of the form that a marker line tells.
    fn as_written(&self, begin: &[u8]) -> Self;

    /// The lines that our block begins with.
    fn head(&self) -> String;

    /// Whether a line of our block is one of those.
    fn is_head(&self, line: &[u8]) -> bool;

    /// What stands before a mark.
    fn indent(&self) -> &'static str;

    /// What begins at the start of a line of ours.
    fn ours<'t>(&self, text: &'t [u8]) -> Entry<'t>;

    /// What begins at the start of anybody's line.
    fn foreign<'t>(&self, text: &'t [u8]) -> Entry<'t>;

    /// A line that sets a variable to a text that can be said.
    fn line(&self, variable: &VariableName, text: &str) -> SecretString;

    /// The text that stands behind what such a line has for its value. What cannot be ours may come out as anything.
    fn read(&self, value: &str) -> Zeroizing<String>;

    /// What of a text no line can say.
    fn unsayable(&self, text: &str) -> Option<&'static str>;

    /// Refuses what others wrote when our block cannot stand beside it.
    ///
    /// # Errors
    /// Why.
    fn refuse(&self, path: &Path, others: &[u8]) -> Result<(), SinkError>;
}

/// A file of lines with a block of ours.
#[derive(Debug)]
pub struct Block<G> {
    markers: Markers,
    grammar: G,
}

#[expect(private_bounds, reason = "the grammars are those of this module")]
impl<G: Grammar> Block<G> {
    pub(super) fn new((stack, sink): (&StackName, &str), grammar: G) -> Self {
        Self { markers: Markers::new(stack, sink), grammar }
    }

    fn parse<'t>(&self, path: &Path, text: &'t [u8]) -> Result<File<'t, G>, SinkError> {
        File::parse(text, &self.markers, &self.grammar).map_err(|(line, what)| SinkError::Marker {
            path: path.to_owned(),
            line,
            what,
        })
    }

    /// A quote that somebody opened and never closed would close inside our block, and hide it from every reader.
    fn refuse_swallowed(&self, path: &Path, text: &[u8]) -> Result<(), SinkError> {
        let swallows = |item: &Item<'_>| match item {
            Item::Foreign { raw, key: Some(_), line } => self.markers.is_in(raw).then_some(*line),
            _ => None,
        };
        let open = |line| Err(SinkError::OpenQuote { path: path.to_owned(), line });
        match self.parse(path, text).map(|file| file.items.iter().find_map(swallows)) {
            Ok(None) => Ok(()),
            Ok(Some(line)) | Err(SinkError::Marker { line, .. }) => open(line),
            Err(error) => Err(error),
        }
    }
}

impl<G: Grammar> Format for Block<G> {
    fn find(&self, path: &Path, text: &[u8]) -> Result<Found, SinkError> {
        let file = self.parse(path, text)?;
        let others = file.items.iter().scan(false, |inside, item| {
            match item {
                Item::Begin(_) => *inside = true,
                Item::End(_) => *inside = false,
                Item::Foreign { raw, .. } if !*inside => return Some(*raw),
                _ => {}
            }
            Some(&[][..])
        });
        self.grammar.refuse(path, &others.collect::<Vec<_>>().concat())?;
        let form = self.markers.begin_line(self.grammar.form());
        let other_form =
            file.begin().is_some_and(|begin| begin.trim_ascii_end() != form.trim_end().as_bytes());
        let unmarked = !file.ours.is_empty() && file.marks.is_empty();
        let mut found = Found { outdated: unmarked || other_form, ..Found::default() };
        for (key, line) in &file.foreign {
            if let Some(variable) = std::str::from_utf8(key).ok().and_then(|key| VariableName::new(key).ok())
            {
                found.foreign.insert(variable, *line);
            }
        }
        let grammar = file.grammar.as_ref().unwrap_or(&self.grammar);
        for (variable, (value, line)) in &file.ours {
            let mark = file.marks.get(variable).copied();
            match std::str::from_utf8(value) {
                Ok(value) if mark.is_some() || unmarked => {
                    let standing = Standing { text: grammar.read(value), mark, line: *line };
                    found.ours.insert(variable.clone(), standing);
                }
                // Somebody put it between ours.
                _ => drop(found.foreign.entry(variable.clone()).or_insert(*line)),
            }
        }
        Ok(found)
    }

    fn render(&self, path: &Path, text: &[u8], changes: &Changes) -> Result<Zeroizing<Vec<u8>>, SinkError> {
        let file = self.parse(path, text)?;
        let text = write::render(&file, (&self.markers, &self.grammar), changes);
        self.refuse_swallowed(path, &text)?;
        Ok(text)
    }

    fn unsayable(&self, text: &str) -> Option<&'static str> {
        self.grammar.unsayable(text)
    }
}
