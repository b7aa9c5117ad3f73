//! Where a tree does not have the shape of a configuration: every place, in words.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use super::{
    problem::{At, Finding},
    shape::{Choice, FILE, Form, Presence, Record, Shape},
    tree::{Entry, Kind, Tree},
};
use crate::nearest::{listed, nearest};

/// Everything that does not fit, and the nodes that a lenient reader must leave out.
#[derive(Default)]
pub(super) struct Misfits {
    pub(super) findings: Vec<Finding>,
    pub(super) nodes: HashSet<usize>,
}

/// Holds a tree against the shape of the file.
pub(super) fn misfits(tree: &Tree) -> Misfits {
    let found = Misfits { findings: duplicates(tree), ..Misfits::default() };
    let mut fit = Fit { tree, found };
    match tree.node(tree.root()).kind {
        Kind::Null => {
            let help = "start with: stack: NAME, then brokers and instances; sutler init writes an example";
            fit.found.findings.push(Finding::new("the file is empty").at(At::Span(0..0)).help(help));
        }
        _ => fit.value(tree.root(), &FILE, &Place { name: String::new(), at: At::Span(0..0) }),
    }
    fit.found
}

/// Holds a part of a tree against a shape of its own.
pub(super) fn misfits_of(tree: &Tree, entry: &Entry, shape: &Shape) -> Vec<Finding> {
    let mut fit = Fit { tree, found: Misfits::default() };
    fit.value(entry.value, shape, &Place { name: entry.key.clone(), at: At::Span(entry.key_span.clone()) });
    fit.found.findings
}

/// Every key that stands in its map twice. The readers of YAML and TOML refuse those too, but do not tell where the
/// first one is.
pub(super) fn duplicates(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for node in tree.nodes() {
        let Kind::Map(entries) = &node.kind else { continue };
        let mut first: HashMap<&str, &Entry> = HashMap::with_capacity(entries.len());
        for entry in entries {
            let Some(earlier) = first.insert(&entry.key, entry) else { continue };
            findings.push(twice(&entry.key, entry.key_span.clone(), Some(earlier.key_span.clone())));
        }
    }
    findings
}

/// A key that stands in its map twice.
pub(super) fn twice(key: &str, again: Range<usize>, first: Option<Range<usize>>) -> Finding {
    let finding = Finding::new(format!("'{key}' is declared twice"))
        .at(At::Span(again))
        .label("again here")
        .help("keep one of them, or give one another name");
    match first {
        Some(first) => finding.related(At::Span(first), "first here"),
        None => finding,
    }
}

struct Fit<'t> {
    tree: &'t Tree,
    found: Misfits,
}

/// Where a value stands, for people and for pointing.
struct Place {
    /// Such as `instances.db.params`; empty for the file.
    name: String,
    at: At,
}

impl Place {
    fn of(&self, entry: &Entry) -> Self {
        let name =
            if self.name.is_empty() { entry.key.clone() } else { format!("{}.{}", self.name, entry.key) };
        Self { name, at: At::Span(entry.key_span.clone()) }
    }

    fn items(&self) -> Self {
        Self { name: format!("each item of {}", self.name), at: self.at.clone() }
    }

    fn words(&self) -> &str {
        if self.name.is_empty() { "the file" } else { &self.name }
    }
}

impl Fit<'_> {
    fn value(&mut self, number: usize, shape: &Shape, place: &Place) {
        let kind = &self.tree.node(number).kind;
        let wanted = match (shape, kind) {
            (Shape::Record(record) | Shape::TextOr(record), Kind::Map(entries)) => {
                return self.record(entries, record, place);
            }
            (Shape::Kinds(kinds), Kind::Map(entries)) => return self.one_of_kinds(entries, kinds, place),
            (Shape::Words(form), Kind::List(items)) if !items.is_empty() => {
                let (text, place) = (Shape::Text(Form { ..*form }), place.items());
                return items.iter().for_each(|item| self.value(*item, &text, &place));
            }
            (Shape::Each(_, each), Kind::Map(entries)) => {
                return entries.iter().for_each(|entry| self.value(entry.value, each, &place.of(entry)));
            }
            (Shape::Value, _)
            | (Shape::Many, Kind::List(_) | Kind::Map(_) | Kind::Null)
            | (Shape::Anything | Shape::Each(..), Kind::Map(_) | Kind::Null)
            | (Shape::Text(_) | Shape::TextOr(_), Kind::Text(_) | Kind::Plain(_))
            | (Shape::Flag, Kind::Flag(_))
            | (Shape::Off, Kind::Flag(false))
            | (_, Kind::Date(_)) => return,
            (Shape::Flag, Kind::Plain(text)) if matches!(text.as_str(), "true" | "false") => return,
            (Shape::Off, Kind::Plain(text)) if text == "false" => return,
            (Shape::Count, Kind::Plain(text) | Kind::Number(text)) if text.parse::<u64>().is_ok() => return,
            (Shape::Text(form), _) => format!("a text, such as {}", form.example),
            (Shape::Flag, _) => "true or false".to_owned(),
            (Shape::Off, _) => "false, since it is to be had in clear only".to_owned(),
            (Shape::Words(form), _) => format!("a list of texts, such as [{}]", form.example),
            (Shape::Kinds(kinds), _) => {
                format!("a map with one of the keys {}", listed(kinds.iter().map(tell)))
            }
            (Shape::Count, _) => "a whole number".to_owned(),
            (Shape::Anything | Shape::Each(..), _) => "a map".to_owned(),
            (Shape::Many, _) => "a list of texts or a map".to_owned(),
            (Shape::Record(record) | Shape::TextOr(record), _) => {
                format!("a map with the keys {}", listed(record.fields.iter().map(|field| field.name)))
            }
        };
        self.found.nodes.insert(number);
        let message = match (shape, kind) {
            (Shape::Off, Kind::Flag(_) | Kind::Plain(_)) => format!("{} has to be {wanted}", place.words()),
            _ => format!("{} has to be {wanted}, not {}", place.words(), described(kind)),
        };
        self.found.findings.push(Finding::new(message).at(place.at.clone()));
    }

    /// The key that is there tells which keys may be there beside it.
    fn one_of_kinds(&mut self, entries: &[Entry], kinds: &'static [Record], place: &Place) {
        let is_there = |kind: &&Record| entries.iter().any(|entry| entry.key == tell(kind));
        if let Some(kind) = kinds.iter().find(is_there) {
            return self.record(entries, kind, place);
        }
        let tells = || kinds.iter().map(tell);
        let near = entries.iter().find_map(|entry| Some((entry, nearest(&entry.key, tells())?)));
        let finding = match near {
            Some((entry, near)) => {
                let message = format!("unknown key '{}' in {}", entry.key, place.words());
                let finding = Finding::new(message).at(At::Span(entry.key_span.clone()));
                finding.label("not known here").help(format!("did you mean '{near}'?"))
            }
            None => {
                let message = format!("{} does not say what it is", place.words());
                let help = format!("exactly one of these is wanted: {}", listed(tells()));
                Finding::new(message).at(place.at.clone()).help(help)
            }
        };
        self.found.findings.push(finding);
        self.found.nodes.extend(entries.iter().map(|entry| entry.value));
    }

    fn record(&mut self, entries: &[Entry], record: &Record, place: &Place) {
        for entry in entries {
            let field = record
                .fields
                .iter()
                .find(|field| field.name == entry.key || field.alias == Some(entry.key.as_str()));
            match field {
                // What is optional may be written and left empty.
                Some(field)
                    if field.presence == Presence::Optional
                        && matches!(self.tree.node(entry.value).kind, Kind::Null) => {}
                Some(field) => self.value(entry.value, &field.shape, &place.of(entry)),
                None => self.unknown(entry, record, place),
            }
        }
        for field in record.fields {
            let written = |name: &str| entries.iter().find(|entry| entry.key == name);
            let own = written(field.name);
            let other = field.alias.and_then(written);
            if let (Some(_), Some(other)) = (own, other) {
                self.found.nodes.insert(other.value);
                let message = format!("'{}' and '{}' are the same thing", field.name, other.key);
                let at = At::Span(other.key_span.clone());
                self.found.findings.push(Finding::new(message).at(at).help("write only one of them"));
            }
            if field.presence == Presence::Required && own.or(other).is_none() {
                let message = match place.name.as_str() {
                    "" => format!("'{}' is missing", field.name),
                    name => format!("{name} has no '{}'", field.name),
                };
                let finding = Finding::new(message).at(place.at.clone());
                self.found.findings.push(finding.help(format!("{}: {}", field.name, field.about)));
            }
        }
    }

    fn unknown(&mut self, entry: &Entry, record: &Record, place: &Place) {
        self.found.nodes.insert(entry.value);
        let known = record.fields.iter().map(|field| field.name);
        let message = match place.name.as_str() {
            "" => format!("unknown key '{}'", entry.key),
            name => format!("unknown key '{}' in {name}", entry.key),
        };
        let one_of =
            if record.choice == Choice::One { "exactly one of these is wanted" } else { "known keys" };
        let help = match nearest(&entry.key, known.clone()) {
            Some(near) => format!("did you mean '{near}'?"),
            None => format!("{one_of}: {}", listed(known)),
        };
        let at = At::Span(entry.key_span.clone());
        self.found.findings.push(Finding::new(message).at(at).label("not known here").help(help));
    }
}

/// The key that tells a kind.
fn tell(kind: &Record) -> &'static str {
    kind.fields.first().map_or("", |field| field.name)
}

fn described(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text(_) => "a text",
        Kind::Plain(text) if text.parse::<f64>().is_ok() => "a number",
        Kind::Plain(text) if matches!(text.as_str(), "true" | "false") => "true or false",
        Kind::Plain(_) => "a text",
        Kind::Number(_) => "a number",
        Kind::Date(_) => "a date",
        Kind::Flag(_) => "true or false",
        Kind::Null => "empty",
        Kind::List(items) if items.is_empty() => "an empty one",
        Kind::List(_) => "a list",
        Kind::Map(_) => "a map",
    }
}
