//! What a mention of a variable, of what is repeated for, or of one of many instances comes to.

use std::borrow::Cow;

use serde_json::Value;

use super::{
    each::{Many, one_of_many},
    expand::Expand,
    variable::Meaning,
};
use crate::{
    config::problem::{At, Finding},
    nearest::{listed, nearest},
    reference::{
        Mention, member,
        written::{self, EACH, Index, Piece, VARIABLE, Written},
    },
};

/// What a mention comes to.
pub(super) enum Found<'v> {
    Value(Cow<'v, Value>),
    /// A secret: stays a reference.
    Secret,
    /// A problem, which was told.
    Nothing,
}

impl<'d> Expand<'d> {
    /// Whether something written becomes text or stays a reference; nothing when it is wrong, which is told.
    pub(super) fn said(&mut self, number: usize, written: &Written<'_>) -> Option<Piece<'static>> {
        let Written { target, index, key } = *written;
        if written::is_reserved(target) && index.is_none() {
            return match self.find(number, Mention { target, key }) {
                Found::Value(_) => Some(Piece::Text("".into())),
                Found::Secret => Some(Piece::Output(format!("{target}.{key}"))),
                Found::Nothing => None,
            };
        }
        let repeats = self.repeats;
        let keys = |many: &Many| listed(many.keys().map(String::as_str));
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
        let many = repeats.get(target)?;
        if many.contains_key(&one) {
            return Some(Piece::Output(format!("{}.{key}", one_of_many(target, &one))));
        }
        let help = match nearest(&one, many.keys().map(String::as_str)) {
            Some(near) => format!("did you mean {target}[{near}]?"),
            None => format!("it is repeated for: {}", keys(many)),
        };
        self.complain(number, Finding::new(format!("there is no {target}[{one}]")).help(help));
        None
    }

    /// What a variable, or what is repeated for, comes to.
    pub(super) fn find(&mut self, number: usize, mention: Mention<'_>) -> Found<'d> {
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
            Some(inside) => Found::Value(Cow::Owned(inside.clone())),
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
            Some((_, Meaning::Value(value))) => return Found::Value(Cow::Borrowed(value)),
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
        let Some((key, value)) = self.each else {
            let finding = Finding::new("'each' means something only in an instance with for_each");
            self.complain(number, finding.help("add for_each: [a, b] to the instance"));
            return Found::Nothing;
        };
        match name {
            "key" => Found::Value(Cow::Owned(Value::from(key.as_str()))),
            "value" => Found::Value(Cow::Borrowed(value)),
            "variable" => {
                let upper = key.to_ascii_uppercase().replace('-', "_");
                Found::Value(Cow::Owned(Value::from(upper)))
            }
            _ => {
                let finding = Finding::new(format!("there is no 'each.{name}'"));
                self.complain(number, finding.help("there are: each.key, each.value, each.variable"));
                Found::Nothing
            }
        }
    }

    /// A value as part of a text.
    pub(super) fn render(&mut self, number: usize, mention: Mention<'_>) -> Option<String> {
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
}
