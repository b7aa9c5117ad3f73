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

/// One of those that an instance is repeated for.
#[derive(Debug, Clone)]
pub(super) struct Each {
    /// What tells it from the others.
    pub(super) key: String,
    /// What it is.
    pub(super) value: Value,
}

/// What each instance is repeated for, by ref; not those that are not repeated.
pub(super) type Repeats = IndexMap<String, Vec<Each>>;

/// The ref of one of many instances.
pub(super) fn one_of_many(reference: &str, key: &str) -> String {
    format!("{reference}-{key}")
}

impl Desk {
    /// What a list or a map says to repeat an instance for; variables are in place already.
    pub(super) fn repeated(&mut self, reference: &str, entry: &Entry) -> Vec<Each> {
        let at = At::Span(entry.key_span.clone());
        let refuse = |message: &str, help: &str| {
            Finding::new(format!("{reference}: {message}")).at(at.clone()).help(help)
        };
        let mut found: Vec<Each> = Vec::new();
        match &self.tree.node(entry.value).kind {
            Kind::List(items) => {
                for item in items {
                    let key = match &self.tree.node(*item).kind {
                        Kind::Text(text) | Kind::Plain(text) | Kind::Number(text) => text.clone(),
                        _ => {
                            let help = "write a map from keys to whatever each of them is";
                            self.findings.push(refuse("a list to repeat it for holds texts only", help));
                            return Vec::new();
                        }
                    };
                    found.push(Each { value: Value::from(key.as_str()), key });
                }
            }
            Kind::Map(entries) => {
                for entry in entries {
                    match self.tree.json(entry.value) {
                        Ok(value) => found.push(Each { key: entry.key.clone(), value }),
                        Err(error) => self.findings.push(refuse(&error.to_string(), "look at for_each")),
                    }
                }
            }
            _ => {
                let message = "for_each is neither a list nor a map";
                self.findings.push(refuse(message, "write for_each: [a, b], or a map, or \"@var.NAME\""));
            }
        }
        let mut seen = std::collections::HashSet::new();
        found.retain(|each| {
            if !is_index(&each.key) {
                let message =
                    format!("'{}' cannot be part of a ref", each.key.chars().take(40).collect::<String>());
                self.findings
                    .push(refuse(&message, "use letters, digits, '-' and '_' for what it is repeated for"));
            }
            let is_new = seen.insert(each.key.clone());
            if !is_new {
                let message = format!("it is repeated for '{}' twice", each.key);
                self.findings.push(refuse(&message, "keep one of them"));
            }
            is_new
        });
        found
    }
}
