//! A configuration's text as a tree that knows where everything stands. Built only to point at problems.

mod grow;
mod json;
mod lenient;
mod read;
mod toml;
mod yaml;

use std::ops::Range;

use super::{Format, Source, problem::Finding};
pub(super) use read::plain;

/// Levels followed at most; deeper text is refused before it comes here.
const DEPTH: usize = 200;

/// The tree. Nodes are held flat, so that an alias costs nothing.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    root: usize,
}

/// A value and its bytes.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) kind: Kind,
}

/// What a value is.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A text.
    Text(String),
    /// A YAML scalar without quotes: what it is depends on what is wanted.
    Plain(String),
    /// A number, as written.
    Number(String),
    /// A date, as written.
    Date(String),
    /// A truth value.
    Flag(bool),
    /// Nothing.
    Null,
    /// A list of nodes.
    List(Vec<usize>),
    /// Keys and nodes, in the order written; a key may stand there twice.
    Map(Vec<Entry>),
}

/// One member of a map.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: usize,
}

impl Tree {
    /// Reads a text as a tree.
    pub(crate) fn parse(source: &Source) -> Result<Self, Vec<Finding>> {
        match source.format {
            Format::Yaml => yaml::parse(&source.text).map_err(|finding| vec![finding]),
            Format::Toml => toml::parse(&source.text),
            Format::Json => json::parse(&source.text).map_err(|finding| vec![finding]),
        }
    }

    fn add(&mut self, span: Range<usize>, kind: Kind) -> usize {
        self.nodes.push(Node { span, kind });
        self.nodes.len() - 1
    }

    /// The number of the outermost node.
    pub(crate) fn root(&self) -> usize {
        self.root
    }

    /// A node; there is one for every number that the tree holds.
    pub(crate) fn node(&self, number: usize) -> &Node {
        &self.nodes[number]
    }

    /// Every node.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The members of a map.
    pub(crate) fn entries(&self, number: usize) -> &[Entry] {
        match &self.node(number).kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Where the key at a pointer stands, or the nearest thing around it.
    pub(crate) fn key_span(&self, pointer: &str) -> Range<usize> {
        let (key, value) = self.find(pointer);
        key.unwrap_or_else(|| self.short(value))
    }

    /// Where the value at a pointer stands; for maps and lists their key, which is shorter.
    pub(crate) fn value_span(&self, pointer: &str) -> Range<usize> {
        let (key, value) = self.find(pointer);
        match (&self.node(value).kind, key) {
            (Kind::List(_) | Kind::Map(_) | Kind::Null, Some(key)) => key,
            _ => self.short(value),
        }
    }

    /// Where a piece of the text at a pointer stands, in a text that `slice` gives parts of.
    pub(crate) fn piece_span<'t>(
        &self,
        pointer: &str,
        piece: &str,
        slice: impl FnOnce(Range<usize>) -> Option<&'t str>,
    ) -> Range<usize> {
        let whole = self.value_span(pointer);
        let found = slice(whole.clone()).and_then(|inside| inside.find(piece));
        found.map_or(whole.clone(), |at| whole.start + at..whole.start + at + piece.len())
    }

    /// The key span and node at a pointer, or the nearest around it.
    fn find(&self, pointer: &str) -> (Option<Range<usize>>, usize) {
        let mut found = (None, self.root);
        for segment in pointer.split('/').skip(1) {
            let segment = segment.replace("~1", "/").replace("~0", "~");
            let next = match &self.node(found.1).kind {
                Kind::List(items) => {
                    segment.parse::<usize>().ok().and_then(|at| items.get(at)).map(|item| (None, *item))
                }
                Kind::Map(_) => self.member(found.1, &segment),
                _ => None,
            };
            let Some(next) = next else { break };
            found = next;
        }
        found
    }

    fn member(&self, map: usize, key: &str) -> Option<(Option<Range<usize>>, usize)> {
        let named = |name: &str| self.entries(map).iter().rev().find(|entry| entry.key == name);
        let entry = named(key).or_else(|| (key == "params").then(|| named("parameters")).flatten())?;
        Some((Some(entry.key_span.clone()), entry.value))
    }

    /// The first line of a node is enough to point at.
    fn short(&self, number: usize) -> Range<usize> {
        let node = self.node(number);
        match node.kind {
            Kind::List(_) | Kind::Map(_) => node.span.start..node.span.start,
            _ => node.span.clone(),
        }
    }
}

/// What a syntax error of the JSON reader points at.
pub(super) fn json_error(text: &str, error: &serde_json::Error) -> Finding {
    json::syntax(text, error)
}
