//! What is wrong with a configuration: what, where, and what to do about it.

use std::{fmt, ops::Range, path::PathBuf, sync::Arc};

use super::{Config, Source, tree::Tree};
use crate::reference::push;

/// Problems shown at most; the rest is counted.
const SHOWN: usize = 100;

/// Everything that is wrong, in the order of the file. The texts hold no secret, but may hold text of peers.
#[derive(Debug, Clone, thiserror::Error)]
pub struct Problems {
    /// All of it; never empty.
    pub list: Vec<Problem>,
    /// What the places point into. Secrets in it are blanked; offsets are those of the file.
    pub text: Option<Arc<str>>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// What to write at the place itself; may be empty.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
    /// Other places that belong to it, each with its label.
    pub related: Vec<(Place, String)>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// Bytes of the file's text.
    pub span: Range<usize>,
}

/// A problem that names what it is about by path; looked up in the text only when there is something to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) message: String,
    /// Boxed, since findings travel as errors.
    pub(crate) at: Option<Box<At>>,
    pub(crate) label: String,
    pub(crate) help: Option<String>,
    pub(crate) related: Vec<(At, String)>,
}

/// A part of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum At {
    /// The key at a JSON pointer.
    Key(String),
    /// The value at a JSON pointer.
    Value(String),
    /// A piece of the text at a JSON pointer.
    Piece(String, String),
    /// Bytes of the text.
    Span(Range<usize>),
}

impl At {
    /// The value below these keys.
    pub(crate) fn value(keys: &[&str]) -> Self {
        Self::Value(pointer(keys))
    }

    /// The last of these keys.
    pub(crate) fn key(keys: &[&str]) -> Self {
        Self::Key(pointer(keys))
    }
}

/// The JSON pointer of these keys.
pub(crate) fn pointer(keys: &[&str]) -> String {
    let mut pointer = String::new();
    keys.iter().for_each(|key| push(&mut pointer, key));
    pointer
}

impl Finding {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        let message = message.into();
        Self { message, at: None, label: String::new(), help: None, related: Vec::new() }
    }

    pub(crate) fn at(mut self, at: At) -> Self {
        self.at = Some(Box::new(at));
        self
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn related(mut self, at: At, label: impl Into<String>) -> Self {
        self.related.push((at, label.into()));
        self
    }
}

impl Problems {
    /// Problems that have no place in a file.
    pub(crate) fn without_source(findings: Vec<Finding>) -> Self {
        Self { list: findings.into_iter().map(|finding| placed(finding, &|_| None)).collect(), text: None }
    }

    /// Finds the places. The text is read once more for this, and only now.
    pub(crate) fn locate(findings: Vec<Finding>, source: &Source) -> Self {
        let tree = Tree::parse(source).ok();
        Self::locate_in(findings, source, tree.as_ref())
    }

    /// As [`locate`](Self::locate), with a tree that is there already, or none when the text cannot be read as one.
    pub(crate) fn locate_in(findings: Vec<Finding>, source: &Source, tree: Option<&Tree>) -> Self {
        let place = locator(source, tree);
        let mut list: Vec<Problem> = findings.into_iter().map(|finding| placed(finding, &place)).collect();
        list.sort_by_key(|problem| problem.place.as_ref().map(|place| place.span.start));
        list.dedup();
        if list.len() > SHOWN {
            let message = format!("and {} more problems", list.len() - SHOWN);
            list.truncate(SHOWN);
            list.push(placed(Finding::new(message), &|_| None));
        }
        Self { list, text: Some(super::mask::masked(source, tree)) }
    }
}

/// Finds the places of parts of a text.
fn locator<'s>(source: &'s Source, tree: Option<&'s Tree>) -> impl Fn(&At) -> Option<Place> + 's {
    let lines: Vec<usize> =
        std::iter::once(0).chain(source.text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    move |at: &At| {
        let span = match at {
            At::Span(span) => span.clone(),
            At::Key(pointer) => tree?.key_span(pointer),
            At::Value(pointer) => tree?.value_span(pointer),
            At::Piece(pointer, piece) => tree?.piece_span(pointer, piece, &source.text),
        };
        let start = floor(&source.text, span.start);
        let end = floor(&source.text, span.end.max(start));
        let line = lines.partition_point(|first| *first <= start);
        let first = lines[line - 1];
        let column = source.text[first..start].chars().count() + 1;
        Some(Place { path: source.path.clone(), line, column, span: start..end })
    }
}

/// Where each of these instances is declared; nothing for those that are not.
pub(crate) fn places_of(config: &Config, references: &[&str]) -> Vec<Option<Place>> {
    let tree = Tree::parse(&config.source).ok();
    let place = locator(&config.source, tree.as_ref());
    let declared = |reference: &&str| config.instances.contains_key(*reference);
    let found = |reference: &&str| {
        Some(reference).filter(|it| declared(it)).and_then(|it| place(&At::key(&["instances", it])))
    };
    references.iter().map(found).collect()
}

fn placed(finding: Finding, place: &impl Fn(&At) -> Option<Place>) -> Problem {
    Problem {
        place: finding.at.as_deref().and_then(place),
        related: finding.related.into_iter().filter_map(|(at, label)| Some((place(&at)?, label))).collect(),
        message: finding.message,
        label: finding.label,
        help: finding.help,
    }
}

/// The nearest character boundary at or before an offset.
fn floor(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl Problem {
    /// The bytes it is about.
    #[must_use]
    pub fn span(&self) -> Option<Range<usize>> {
        Some(self.place.as_ref()?.span.clone())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path.display(), self.line, self.column)
    }
}

/// One problem in plain lines: place and message, then what belongs to it, indented.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)?;
        for (place, label) in &self.related {
            write!(f, "\n    {place}: {label}")?;
        }
        match &self.help {
            Some(help) => write!(f, "\n    help: {help}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.list.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}
