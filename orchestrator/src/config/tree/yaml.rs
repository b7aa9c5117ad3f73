//! YAML as a tree: anchors are shared, merge keys are followed.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::{DEPTH, Entry, Kind, Tree};
use crate::config::problem::{At, Finding};

/// Reads YAML. Budgets are kept by the deserializer, which saw the text first.
pub(super) fn parse(text: &str) -> Result<Tree, Finding> {
    let mut build = Build::default();
    for next in Parser::new_from_str(text) {
        let (event, span) = next.map_err(|error| syntax(text, &error))?;
        build.event(event, &span);
        if build.open.len() > DEPTH {
            return Err(Finding::new("the file is nested too deep").at(At::Span(range(&span))));
        }
    }
    build.tree.root = match build.root {
        Some(root) => root,
        None => build.tree.add(0..0, Kind::Null),
    };
    Ok(build.tree)
}

/// A syntax error, where the parser saw it, and what is most likely meant.
fn syntax(text: &str, error: &ScanError) -> Finding {
    let at = error.marker().byte_offset().unwrap_or_default();
    let help = match text.get(at..).and_then(|rest| rest.chars().next()) {
        Some('@') => "put references in quotes: \"@ref.output\"",
        _ if error.info().contains("tab") => "indent with spaces",
        Some('`' | '%' | '*' | '&' | '!') => "put texts that start with a special character in quotes",
        _ => "look at the lines above: indentation, quotes, and brackets that are not closed",
    };
    let message = format!("this is not valid YAML: {}", error.info());
    Finding::new(message).at(At::Span(at..at + 1)).label("here").help(help)
}

#[derive(Default)]
struct Build {
    tree: Tree,
    open: Vec<Open>,
    anchors: HashMap<usize, usize>,
    root: Option<usize>,
}

/// A list or map that has begun and not ended.
struct Open {
    start: usize,
    anchor: usize,
    items: Vec<usize>,
    is_map: bool,
}

impl Build {
    fn event(&mut self, event: Event<'_>, span: &Span) {
        match event {
            Event::Alias(anchor) => {
                let number = self.anchors.get(&anchor).copied();
                let number = number.unwrap_or_else(|| self.tree.add(range(span), Kind::Null));
                self.done(number, 0);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let kind = match style {
                    ScalarStyle::Plain if tag.is_none() && is_null(&text) => Kind::Null,
                    ScalarStyle::Plain if tag.is_none() => Kind::Plain(text.into_owned()),
                    _ => Kind::Text(text.into_owned()),
                };
                let number = self.tree.add(range(span), kind);
                self.done(number, anchor);
            }
            Event::SequenceStart(_, anchor, _) => self.begin(span, anchor, false),
            Event::MappingStart(_, anchor, _) => self.begin(span, anchor, true),
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            _ => {}
        }
    }

    fn begin(&mut self, span: &Span, anchor: usize, is_map: bool) {
        self.open.push(Open { start: range(span).start, anchor, items: Vec::new(), is_map });
    }

    fn end(&mut self, span: &Span) {
        let Some(open) = self.open.pop() else { return };
        let kind = if open.is_map { self.map(&open.items) } else { Kind::List(open.items) };
        let number = self.tree.add(open.start..range(span).end.max(open.start), kind);
        self.done(number, open.anchor);
    }

    fn done(&mut self, number: usize, anchor: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, number);
        }
        match self.open.last_mut() {
            Some(open) => open.items.push(number),
            None => {
                self.root.get_or_insert(number);
            }
        }
    }

    /// Keys and values in turn; what `<<` names comes after what the map says itself.
    fn map(&self, items: &[usize]) -> Kind {
        let mut entries = Vec::with_capacity(items.len() / 2);
        let mut merged = Vec::new();
        for pair in items.chunks_exact(2) {
            let (key, value) = (self.tree.node(pair[0]), pair[1]);
            match &key.kind {
                Kind::Plain(text) if text == "<<" => match &self.tree.node(value).kind {
                    Kind::List(maps) => merged.extend(maps.iter().flat_map(|map| self.tree.entries(*map))),
                    _ => merged.extend(self.tree.entries(value)),
                },
                kind => {
                    entries.push(Entry { key: key_text(kind), key_span: key.span.clone(), value });
                }
            }
        }
        if !merged.is_empty() {
            let mut own: HashSet<String> = entries.iter().map(|entry: &Entry| entry.key.clone()).collect();
            for entry in merged.into_iter().filter(|entry| own.insert(entry.key.clone())) {
                let (key, key_span) = (entry.key.clone(), entry.key_span.clone());
                entries.push(Entry { key, key_span, value: entry.value });
            }
        }
        Kind::Map(entries)
    }
}

fn key_text(kind: &Kind) -> String {
    match kind {
        Kind::Text(text) | Kind::Plain(text) => text.clone(),
        _ => String::new(),
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn range(span: &Span) -> Range<usize> {
    span.byte_range().unwrap_or_default()
}
