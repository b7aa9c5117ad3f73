//! A tree as JSON, for checking what is right in a file that is partly wrong.

use std::collections::HashSet;

use serde_json::Value;

use super::{DEPTH, Kind, Tree};

/// Values made at most, aliases counted each time: a guess about broken files need not be complete.
const VALUES: usize = 2_000_000;

impl Tree {
    /// The tree without some nodes. A key that stands there twice counts once.
    pub(in crate::config) fn lenient(&self, without: &HashSet<usize>) -> Value {
        Lenient { tree: self, without, budget: VALUES }.json(self.root, 0).unwrap_or_default()
    }
}

struct Lenient<'t> {
    tree: &'t Tree,
    without: &'t HashSet<usize>,
    budget: usize,
}

impl Lenient<'_> {
    fn json(&mut self, number: usize, depth: usize) -> Option<Value> {
        if self.without.contains(&number) || self.budget == 0 || depth > DEPTH {
            return None;
        }
        self.budget -= 1;
        Some(match &self.tree.node(number).kind {
            Kind::Text(text) | Kind::Date(text) => Value::from(text.as_str()),
            Kind::Plain(text) => plain(text),
            Kind::Number(text) => plain(text),
            Kind::Flag(flag) => Value::from(*flag),
            Kind::Null => Value::Null,
            Kind::List(items) => items.iter().filter_map(|item| self.json(*item, depth + 1)).collect(),
            Kind::Map(entries) => Value::Object(
                entries
                    .iter()
                    .filter_map(|entry| Some((entry.key.clone(), self.json(entry.value, depth + 1)?)))
                    .collect(),
            ),
        })
    }
}

/// YAML decides by what is wanted; where that is a text, a number or truth value will not do here, which only means
/// that less of a broken file is checked.
fn plain(text: &str) -> Value {
    match text {
        "true" => Value::from(true),
        "false" => Value::from(false),
        _ => {
            serde_json::from_str::<serde_json::Number>(text).map_or_else(|_| Value::from(text), Value::Number)
        }
    }
}
