//! Trees that are made of other trees.

use std::ops::Range;

use serde_json::Value;

use super::{Entry, Kind, Node, Tree};

impl Tree {
    /// Takes over another tree, whose text begins at this offset; returns its outermost node.
    pub(in crate::config) fn adopt(&mut self, other: Self, offset: usize) -> usize {
        let base = self.nodes.len();
        let shifted = |span: Range<usize>| span.start + offset..span.end + offset;
        self.nodes.extend(other.nodes.into_iter().map(|node| {
            let kind = match node.kind {
                Kind::List(items) => Kind::List(items.into_iter().map(|item| item + base).collect()),
                Kind::Map(entries) => Kind::Map(
                    entries
                        .into_iter()
                        .map(|entry| Entry {
                            key: entry.key,
                            key_span: shifted(entry.key_span),
                            value: entry.value + base,
                        })
                        .collect(),
                ),
                other => other,
            };
            Node { span: shifted(node.span), kind }
        }));
        other.root + base
    }

    /// Adds a node.
    pub(in crate::config) fn grow(&mut self, span: Range<usize>, kind: Kind) -> usize {
        self.add(span, kind)
    }

    /// Adds a value, all of which is said to stand at the same place.
    pub(in crate::config) fn grow_value(&mut self, span: &Range<usize>, value: &Value) -> usize {
        let kind = match value {
            Value::Null => Kind::Null,
            Value::Bool(flag) => Kind::Flag(*flag),
            Value::Number(number) => Kind::Number(number.to_string()),
            Value::String(text) => Kind::Text(text.clone()),
            Value::Array(items) => Kind::List(items.iter().map(|item| self.grow_value(span, item)).collect()),
            Value::Object(members) => Kind::Map(
                members
                    .iter()
                    .map(|(key, member)| Entry {
                        key: key.clone(),
                        key_span: span.clone(),
                        value: self.grow_value(span, member),
                    })
                    .collect(),
            ),
        };
        self.add(span.clone(), kind)
    }

    /// Puts another text in place of a node.
    pub(in crate::config) fn set_text(&mut self, number: usize, text: String) {
        self.nodes[number].kind = Kind::Text(text);
    }

    /// Makes a node the outermost one.
    pub(in crate::config) fn set_root(&mut self, number: usize) {
        self.root = number;
    }

    /// The member of a map with this key.
    pub(in crate::config) fn entry(&self, map: usize, key: &str) -> Option<&Entry> {
        self.entries(map).iter().find(|entry| entry.key == key)
    }

    /// The text that a node is, where one is wanted.
    pub(in crate::config) fn text(&self, number: usize) -> Option<&str> {
        match &self.node(number).kind {
            Kind::Text(text) | Kind::Plain(text) => Some(text),
            _ => None,
        }
    }
}
