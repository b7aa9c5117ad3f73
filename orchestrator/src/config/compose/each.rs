//! What instances are repeated for.

use indexmap::IndexMap;
use serde_json::Value;

use super::Desk;
use crate::{
    config::{
        problem::{At, Finding},
        tree::{Entry, Kind},
    },
    reference::written::is_index,
};

/// What an instance is repeated for: what each is, by the key that tells it from the others.
pub(super) type Many = IndexMap<String, Value>;

/// What each instance is repeated for, by ref; not those that are not repeated.
pub(super) type Repeats = IndexMap<String, Many>;

/// The ref of one of many instances.
pub(super) fn one_of_many(reference: &str, key: &str) -> String {
    format!("{reference}-{key}")
}

impl Desk {
    /// What a list or a map says to repeat an instance for; variables are in place already.
    pub(super) fn repeated(&mut self, reference: &str, entry: &Entry) -> Many {
        let at = At::Span(entry.key_span.clone());
        let refuse = |message: &str, help: &str| {
            Finding::new(format!("{reference}: {message}")).at(at.clone()).help(help)
        };
        let mut found: Vec<(String, Value)> = Vec::new();
        match &self.tree.node(entry.value).kind {
            Kind::List(items) => {
                for item in items {
                    match &self.tree.node(*item).kind {
                        Kind::Text(text) | Kind::Plain(text) | Kind::Number(text) => {
                            found.push((text.clone(), Value::from(text.as_str())));
                        }
                        _ => {
                            let help = "write a map from keys to whatever each of them is";
                            self.findings.push(refuse("a list to repeat it for holds texts only", help));
                            return Many::new();
                        }
                    }
                }
            }
            Kind::Map(entries) => {
                for entry in entries {
                    match self.tree.json(entry.value) {
                        Ok(value) => found.push((entry.key.clone(), value)),
                        Err(error) => self.findings.push(refuse(&error.to_string(), "look at for_each")),
                    }
                }
            }
            _ => {
                let message = "for_each is neither a list nor a map";
                self.findings.push(refuse(message, "write for_each: [a, b], or a map, or \"@var.NAME\""));
            }
        }
        let mut many = Many::with_capacity(found.len());
        for (key, value) in found {
            if !is_index(&key) {
                let shown: String = key.chars().take(40).collect();
                let help = "use letters, digits, '-' and '_' for what it is repeated for";
                self.findings.push(refuse(&format!("'{shown}' cannot be part of a ref"), help));
            }
            match many.entry(key) {
                indexmap::map::Entry::Vacant(entry) => _ = entry.insert(value),
                indexmap::map::Entry::Occupied(entry) => {
                    let message = format!("it is repeated for '{}' twice", entry.key());
                    self.findings.push(refuse(&message, "keep one of them"));
                }
            }
        }
        many
    }
}
