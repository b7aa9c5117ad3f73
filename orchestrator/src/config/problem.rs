//! What is wrong with a configuration: what, where, and what to do about it.

use std::{fmt, ops::Range, path::PathBuf, sync::Arc};

use super::{Source, files::Files, tree::Tree};
use crate::reference::push;

/// Problems shown at most; the rest is counted.
const SHOWN: usize = 100;

/// Everything that is wrong, in the order of the file. The texts hold no secret, but may hold text of peers.
#[derive(Debug, Clone, thiserror::Error)]
pub struct Problems {
    /// All of it; never empty.
    pub list: Vec<Problem>,
    /// What the places point into, file by file. Secrets in it are blanked; offsets are those of the file.
    pub texts: Vec<(PathBuf, Arc<str>)>,
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

    /// The same about a file whose first byte has this offset among several.
    pub(crate) fn shifted(mut self, offset: usize) -> Self {
        let shift = |at: &mut At| {
            if let At::Span(span) = at {
                *span = span.start + offset..span.end + offset;
            }
        };
        if let Some(at) = &mut self.at {
            shift(at);
        }
        self.related.iter_mut().for_each(|(at, _)| shift(at));
        self
    }
}

impl Problems {
    /// Problems that have no place in a file.
    pub(crate) fn without_source(findings: Vec<Finding>) -> Self {
        let list = findings.into_iter().map(|finding| placed(finding, &|_| None)).collect();
        Self { list, texts: Vec::new() }
    }

    /// Finds the places. The text is read once more for this, and only now.
    pub(crate) fn locate(findings: Vec<Finding>, source: &Source) -> Self {
        let tree = Tree::parse(source).ok();
        Self::locate_in(findings, source, tree.as_ref())
    }

    /// As [`locate`](Self::locate), with a tree that is there already, or none when the text cannot be read as one.
    pub(crate) fn locate_in(findings: Vec<Finding>, source: &Source, tree: Option<&Tree>) -> Self {
        let texts = vec![(source.path.clone(), super::mask::masked(source, tree))];
        Self::among(findings, &Files::one(source.clone()), tree).with(texts)
    }

    /// The same for a tree that was composed from several files.
    pub(crate) fn locate_among(findings: Vec<Finding>, files: &Files, tree: &Tree) -> Self {
        let masked = |source: &Source| super::mask::masked(source, Tree::parse(source).ok().as_ref());
        let texts = files.sources().map(|source| (source.path.clone(), masked(source))).collect();
        Self::among(findings, files, Some(tree)).with(texts)
    }

    /// The same with more of the texts blanked.
    pub(crate) fn veiled(mut self, files: &Files, spans: &[Range<usize>]) -> Self {
        for span in spans {
            let Some((start, source)) = files.at(span.start) else { continue };
            let text = self.texts.iter_mut().find(|(path, _)| *path == source.path);
            if let Some((_, text)) = text {
                let here = span.start - start..span.end - start;
                *text = super::mask::blanked(text, std::slice::from_ref(&here));
            }
        }
        self
    }

    fn with(self, texts: Vec<(PathBuf, Arc<str>)>) -> Self {
        Self { texts, ..self }
    }

    fn among(findings: Vec<Finding>, files: &Files, tree: Option<&Tree>) -> Self {
        let lines = files.lines();
        let place = |at: &At| {
            let span = match at {
                At::Span(span) => span.clone(),
                At::Key(pointer) => tree?.key_span(pointer),
                At::Value(pointer) => tree?.value_span(pointer),
                At::Piece(pointer, piece) => tree?.piece_span(pointer, piece, |span| files.slice(span)),
            };
            lines.place(span)
        };
        let mut list: Vec<Problem> = findings.into_iter().map(|finding| placed(finding, &place)).collect();
        list.sort_by_key(|problem| {
            problem.place.as_ref().map(|place| (files.position(place), place.span.start))
        });
        list.dedup();
        if list.len() > SHOWN {
            let message = format!("and {} more problems", list.len() - SHOWN);
            list.truncate(SHOWN);
            list.push(placed(Finding::new(message), &|_| None));
        }
        Self { list, texts: Vec::new() }
    }

    /// The text that a place points into, secrets blanked.
    #[must_use]
    pub fn text_of(&self, place: &Place) -> Option<&str> {
        self.texts.iter().find(|(path, _)| *path == place.path).map(|(_, text)| text.as_ref())
    }
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
