//! Variables and what instances are repeated for, put where they are used.
//!
//! What a variable says is data: within parameters it is escaped, so that it never becomes a reference.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{
    Desk,
    each::{Each, Repeats, one_of_many},
    variable::{Meaning, Variables},
};
use crate::{
    config::{
        problem::{At, Finding},
        tree::{Entry, Kind},
    },
    nearest::{listed, nearest},
    reference::{
        self, Mention, Part, Template, member,
        written::{self, EACH, Index, Piece, VARIABLE, Written},
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

/// What a mention comes to.
enum Found<'v> {
    Value(std::borrow::Cow<'v, Value>),
    /// A secret: stays a reference.
    Secret,
    /// A problem, which was told.
    Nothing,
}

struct Expand<'d> {
    desk: &'d mut Desk,
    variables: &'d Variables,
    repeats: &'d Repeats,
    each: Option<&'d Each>,
    /// What was put in place already, for one `each`.
    done: HashMap<(usize, Where), usize>,
    /// Variables that nobody says anything of, and that was complained about.
    unsaid: HashSet<String>,
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
            Entry { key: one_of_many(&member.key, &each.key), value, key_span: member.key_span.clone() }
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

    fn misplaced(&mut self, number: usize, mention: Mention<'_>) -> usize {
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

    /// Whether something written becomes text or stays a reference; nothing when it is wrong, which is told.
    fn said(&mut self, number: usize, written: &Written<'_>) -> Option<Piece<'static>> {
        let Written { target, index, key } = *written;
        if written::is_reserved(target) && index.is_none() {
            return match self.find(number, Mention { target, key }) {
                Found::Value(_) => Some(Piece::Text("".into())),
                Found::Secret => Some(Piece::Output(format!("{target}.{key}"))),
                Found::Nothing => None,
            };
        }
        let repeats = self.repeats;
        let keys = |many: &[Each]| listed(many.iter().map(|each| each.key.as_str()));
        let one = match (index, repeats.get(target)) {
            (None, None) => return Some(Piece::Output(format!("{target}.{key}"))),
            (None, Some(many)) => {
                let message = format!("there is one '{target}' for each of {}", keys(many));
                let help = format!("say which: {target}[KEY].{key}, or {target}[each.key].{key}");
                self.complain(number, Finding::new(message).help(help));
                return None;
            }
            (Some(_), None) => {
                let message = format!("'{target}' is not repeated: it has no for_each");
                self.complain(number, Finding::new(message).help(format!("write {target}.{key}")));
                return None;
            }
            (Some(Index::Key(one)), Some(_)) => one.to_owned(),
            (Some(Index::Said(mention)), Some(_)) => self.render(number, mention)?,
        };
        let many = repeats.get(target).map(Vec::as_slice).unwrap_or_default();
        if many.iter().any(|each| each.key == one) {
            return Some(Piece::Output(format!("{}.{key}", one_of_many(target, &one))));
        }
        let help = match nearest(&one, many.iter().map(|each| each.key.as_str())) {
            Some(near) => format!("did you mean {target}[{near}]?"),
            None => format!("it is repeated for: {}", keys(many)),
        };
        self.complain(number, Finding::new(format!("there is no {target}[{one}]")).help(help));
        None
    }

    /// What a variable, or what is repeated for, comes to.
    fn find(&mut self, number: usize, mention: Mention<'_>) -> Found<'d> {
        let (name, path) = mention.key.split_once('.').unwrap_or((mention.key, ""));
        let found = match mention.target {
            VARIABLE => self.variable(number, name, path),
            EACH => self.repeated(number, name),
            _ => Found::Nothing,
        };
        let Found::Value(value) = found else { return found };
        if path.is_empty() {
            return Found::Value(value);
        }
        match member(&value, path) {
            Some(inside) => Found::Value(std::borrow::Cow::Owned(inside.clone())),
            None => {
                let message = format!("{}.{name} holds nothing at '{path}'", mention.target);
                self.complain(number, Finding::new(message));
                Found::Nothing
            }
        }
    }

    fn variable(&mut self, number: usize, name: &str, path: &str) -> Found<'d> {
        let variables = self.variables;
        match variables.get(name) {
            Some((_, Meaning::Value(value))) => return Found::Value(std::borrow::Cow::Borrowed(value)),
            Some((_, Meaning::Secret)) if path.is_empty() => return Found::Secret,
            Some((_, Meaning::Secret)) => {
                self.complain(
                    number,
                    Finding::new(format!("the variable '{name}' is a secret text: it has no parts")),
                );
            }
            Some((entry, Meaning::Unsaid)) => {
                if self.unsaid.insert(name.to_owned()) {
                    let finding = Finding::new(format!("nobody says what the variable '{name}' is"))
                        .related(At::Span(entry.key_span.clone()), "declared here, without a default");
                    self.complain(
                        number,
                        finding.help(format!("add --var {name}=VALUE, or give it a default")),
                    );
                }
            }
            None => {
                let help = match nearest(name, variables.names()) {
                    Some(near) => format!("did you mean '{near}'?"),
                    None => format!("declared variables: {}", listed(variables.names())),
                };
                self.complain(number, Finding::new(format!("there is no variable '{name}'")).help(help));
            }
        }
        Found::Nothing
    }

    fn repeated(&mut self, number: usize, name: &str) -> Found<'d> {
        let Some(each) = self.each else {
            let finding = Finding::new("'each' means something only in an instance with for_each");
            self.complain(number, finding.help("add for_each: [a, b] to the instance"));
            return Found::Nothing;
        };
        match name {
            "key" => Found::Value(std::borrow::Cow::Owned(Value::from(each.key.as_str()))),
            "value" => Found::Value(std::borrow::Cow::Borrowed(&each.value)),
            "variable" => {
                let upper = each.key.to_ascii_uppercase().replace('-', "_");
                Found::Value(std::borrow::Cow::Owned(Value::from(upper)))
            }
            _ => {
                let finding = Finding::new(format!("there is no 'each.{name}'"));
                self.complain(number, finding.help("there are: each.key, each.value, each.variable"));
                Found::Nothing
            }
        }
    }

    /// A value as part of a text.
    fn render(&mut self, number: usize, mention: Mention<'_>) -> Option<String> {
        let kind = match self.find(number, mention) {
            Found::Value(value) => match value.as_ref() {
                Value::String(text) => return Some(text.clone()),
                value @ (Value::Number(_) | Value::Bool(_)) => return Some(value.to_string()),
                Value::Null => "null",
                Value::Array(_) => "a list",
                Value::Object(_) => "a map",
            },
            Found::Secret => {
                self.misplaced(number, mention);
                return None;
            }
            Found::Nothing => return None,
        };
        let message =
            format!("{}.{} is {kind}, which cannot stand inside a text", mention.target, mention.key);
        self.complain(number, Finding::new(message).help("write it alone, as \"@NAME\", or a part of it"));
        None
    }

    fn complain(&mut self, number: usize, finding: Finding) {
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
