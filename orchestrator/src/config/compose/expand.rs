//! Variables and what instances are repeated for, put where they are used.
//!
//! What a variable says is data: within parameters it is escaped, so that it never becomes a reference.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{
    Desk,
    each::{Repeats, one_of_many},
    mention::Found,
    variable::Variables,
};
use crate::{
    config::{
        problem::{At, Finding},
        tree::{Entry, Kind},
    },
    reference::{
        self, Mention, Part, Template,
        written::{self, Piece},
    },
};

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Where {
    /// Within parameters, where texts may hold references.
    Parameters,
    /// Anywhere else.
    Elsewhere,
}

/// What is known while values are put in place.
pub(super) struct Expand<'d> {
    pub(super) desk: &'d mut Desk,
    pub(super) variables: &'d Variables,
    pub(super) repeats: &'d Repeats,
    pub(super) each: Option<(&'d String, &'d Value)>,
    /// What was put in place already, for one `each`.
    done: HashMap<(usize, Where), usize>,
    /// Variables that nobody says anything of, and that was complained about.
    pub(super) unsaid: HashSet<String>,
    /// What was complained about, and where.
    told: HashSet<(usize, String)>,
}

/// Complaints at most; nobody reads more.
const TOLD: usize = 10_000;

impl Desk {
    /// The configuration in its plain form.
    pub(super) fn expand(&mut self, root: usize, variables: &Variables) -> usize {
        let mut repeats = Repeats::new();
        let instances = self.tree.entry(root, "instances").cloned();
        let members =
            instances.as_ref().map(|entry| self.tree.entries(entry.value).to_vec()).unwrap_or_default();
        let none = Repeats::new();
        for entry in &members {
            let Some(said) = self.tree.entry(entry.value, "for_each").cloned() else { continue };
            if matches!(self.tree.node(said.value).kind, Kind::Null) {
                continue;
            }
            let value = Expand::new(self, variables, &none).put(said.value, Where::Elsewhere);
            let found = self.repeated(&entry.key, &Entry { value, ..said });
            repeats.insert(entry.key.clone(), found);
        }
        let mut expand = Expand::new(self, variables, &repeats);
        let mut entries = Vec::new();
        for section in expand.desk.tree.entries(root).to_vec() {
            match section.key.as_str() {
                "variables" | "include" => {}
                "instances" if !members.is_empty() => {
                    let value = expand.instances(section.value, &members);
                    entries.push(Entry { value, ..section });
                }
                _ => {
                    let value = expand.put(section.value, Where::Elsewhere);
                    entries.push(Entry { value, ..section });
                }
            }
        }
        let span = self.tree.node(root).span.clone();
        self.tree.grow(span, Kind::Map(entries))
    }
}

impl<'d> Expand<'d> {
    fn new(desk: &'d mut Desk, variables: &'d Variables, repeats: &'d Repeats) -> Self {
        let (done, unsaid, told) = (HashMap::new(), HashSet::new(), HashSet::new());
        Self { desk, variables, repeats, each: None, done, unsaid, told }
    }

    fn instances(&mut self, section: usize, members: &[Entry]) -> usize {
        let mut entries: Vec<Entry> = Vec::with_capacity(members.len());
        let mut places: HashMap<String, std::ops::Range<usize>> = HashMap::with_capacity(members.len());
        for member in members {
            for entry in self.copies(member) {
                match places.get(&entry.key) {
                    Some(first) if *first != member.key_span || self.repeats.contains_key(&member.key) => {
                        let finding = Finding::new(format!("'{}' is declared twice", entry.key))
                            .at(At::Span(member.key_span.clone()))
                            .label("again here")
                            .related(At::Span(first.clone()), "first here");
                        let help = "one of many instances is called ref-key; give one of the two another ref";
                        self.desk.findings.push(finding.help(help));
                    }
                    _ => {
                        places.insert(entry.key.clone(), member.key_span.clone());
                        entries.push(entry);
                    }
                }
            }
        }
        let span = self.desk.tree.node(section).span.clone();
        self.desk.tree.grow(span, Kind::Map(entries))
    }

    /// An instance, or one for each that it is repeated for.
    fn copies(&mut self, member: &Entry) -> Vec<Entry> {
        let repeats = self.repeats;
        let Some(many) = repeats.get(&member.key) else {
            let value = self.instance(member.value);
            return vec![Entry { value, ..member.clone() }];
        };
        let template = self.desk.without(member.value, &["for_each"]);
        let copies = many.iter().map(|each| {
            self.each = Some(each);
            self.done.clear();
            let value = self.instance(template);
            Entry { key: one_of_many(&member.key, each.0), value, key_span: member.key_span.clone() }
        });
        let copies = copies.collect();
        self.each = None;
        self.done.clear();
        copies
    }

    fn instance(&mut self, number: usize) -> usize {
        let Kind::Map(fields) = &self.desk.tree.node(number).kind else { return number };
        self.members(number, fields.clone(), |field| match field {
            "params" | "parameters" => Where::Parameters,
            _ => Where::Elsewhere,
        })
    }

    /// A map with every member in place; the same one when nothing in it changes.
    fn members(&mut self, number: usize, mut entries: Vec<Entry>, place: impl Fn(&str) -> Where) -> usize {
        let mut changed = false;
        for entry in &mut entries {
            let value = self.put(entry.value, place(&entry.key));
            changed |= value != entry.value;
            entry.value = value;
        }
        if !changed {
            return number;
        }
        let span = self.desk.tree.node(number).span.clone();
        self.desk.tree.grow(span, Kind::Map(entries))
    }

    fn put(&mut self, number: usize, place: Where) -> usize {
        let node = self.desk.tree.node(number);
        match &node.kind {
            Kind::Text(text) | Kind::Plain(text) if !reference::is_plain(text) => {
                let text = text.clone();
                match place {
                    Where::Parameters => self.parameter(number, &text),
                    Where::Elsewhere => self.elsewhere(number, &text),
                }
            }
            Kind::Map(_) | Kind::List(_) => {
                if let Some(done) = self.done.get(&(number, place)) {
                    return *done;
                }
                let put = match &node.kind {
                    Kind::Map(entries) => self.members(number, entries.clone(), |_| place),
                    Kind::List(items) => self.items(number, items.clone(), place),
                    _ => number,
                };
                self.done.insert((number, place), put);
                put
            }
            _ => number,
        }
    }

    fn items(&mut self, number: usize, items: Vec<usize>, place: Where) -> usize {
        let put: Vec<usize> = items.iter().map(|item| self.put(*item, place)).collect();
        if put == items {
            return number;
        }
        let span = self.desk.tree.node(number).span.clone();
        self.desk.tree.grow(span, Kind::List(put))
    }

    /// A text outside of parameters, where references mean nothing.
    fn elsewhere(&mut self, number: usize, text: &str) -> usize {
        let span = self.desk.tree.node(number).span.clone();
        let put = match written::parse_elsewhere(text) {
            None => return number,
            Some(Template::Literal(text)) => text.into_owned(),
            Some(Template::Whole(mention)) => match self.find(number, mention) {
                Found::Value(value) => {
                    let value = value.into_owned();
                    return self.desk.tree.grow_value(&span, &value);
                }
                Found::Secret => return self.misplaced(number, mention),
                Found::Nothing => return number,
            },
            Some(Template::Embedded(parts)) => {
                let mut whole = String::new();
                for part in parts {
                    match part {
                        Part::Text(text) => whole.push_str(&text),
                        Part::Output(mention) => match self.render(number, mention) {
                            Some(text) => whole.push_str(&text),
                            None => return number,
                        },
                    }
                }
                whole
            }
        };
        self.desk.tree.grow(span, Kind::Text(put))
    }

    pub(super) fn misplaced(&mut self, number: usize, mention: Mention<'_>) -> usize {
        let message = format!("the variable '{}' is a secret, and secrets are for params only", mention.key);
        let help = "brokers and webhooks take their secrets from { env: NAME } or { file: PATH }";
        self.complain(number, Finding::new(message).help(help));
        number
    }

    /// A text within parameters: what is not put in place stays a reference.
    fn parameter(&mut self, number: usize, text: &str) -> usize {
        // What is no reference at all is told later, as in any configuration.
        let Ok(template) = written::parse(text) else { return number };
        let span = self.desk.tree.node(number).span.clone();
        let put = match template {
            Template::Literal(_) => return number,
            Template::Whole(written) => match self.said(number, &written) {
                Some(Piece::Output(mention)) => format!("@{mention}"),
                Some(Piece::Text(_)) => {
                    let mention = Mention { target: written.target, key: written.key };
                    let Found::Value(value) = self.find(number, mention) else { return number };
                    let value = escaped(&value);
                    return self.desk.tree.grow_value(&span, &value);
                }
                None => return number,
            },
            Template::Embedded(parts) => {
                let mut pieces = Vec::new();
                for part in parts {
                    let piece = match part {
                        Part::Text(text) => Piece::Text(text),
                        Part::Output(written) => match self.said(number, &written) {
                            Some(Piece::Text(_)) => {
                                let mention = Mention { target: written.target, key: written.key };
                                match self.render(number, mention) {
                                    Some(text) => Piece::Text(text.into()),
                                    None => return number,
                                }
                            }
                            Some(Piece::Output(mention)) => Piece::Output(mention),
                            None => return number,
                        },
                    };
                    pieces.push(piece);
                }
                written::join(&pieces)
            }
        };
        if put == text { number } else { self.desk.tree.grow(span, Kind::Text(put)) }
    }

    pub(super) fn complain(&mut self, number: usize, finding: Finding) {
        let span = self.desk.tree.node(number).span.clone();
        // An instance that is repeated is wrong once.
        if self.told.len() < TOLD && self.told.insert((span.start, finding.message.clone())) {
            self.desk.findings.push(finding.at(At::Span(span)));
        }
    }
}

/// A value within parameters, none of its texts a reference.
fn escaped(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(reference::escape(text)),
        Value::Array(items) => items.iter().map(escaped).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(key, member)| (key.clone(), escaped(member))).collect())
        }
        other => other.clone(),
    }
}
