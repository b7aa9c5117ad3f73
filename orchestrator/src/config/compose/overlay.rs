//! A stage laid over a configuration: maps are merged at any depth, `null` removes, everything else replaces.

use std::collections::HashSet;

use indexmap::IndexMap;

use super::Desk;
use crate::config::{
    problem::{At, Finding},
    tree::{Entry, Kind},
};

impl Desk {
    /// The one node with the other one over it.
    pub(super) fn overlay(&mut self, base: usize, over: usize) -> usize {
        if self.is_empty(over) {
            return base;
        }
        let (Kind::Map(own), Kind::Map(more)) = (&self.tree.node(base).kind, &self.tree.node(over).kind)
        else {
            return over;
        };
        let more = more.clone();
        let mut entries: IndexMap<String, Entry> =
            own.iter().map(|entry| (entry.key.clone(), entry.clone())).collect();
        let span = self.tree.node(base).span.clone();
        let mut removed = HashSet::new();
        for new in more {
            let is_removal =
                matches!(self.tree.node(new.value).kind, Kind::Null) && !self.is_empty(new.value);
            match (entries.get(&new.key).cloned(), is_removal) {
                (None, false) if self.is_empty(new.value) => {}
                (None, false) => _ = entries.insert(new.key.clone(), new),
                (None, true) => self.findings.push(nothing(&new)),
                (Some(_), true) => _ = removed.insert(new.key),
                (Some(own), false) => _ = entries.insert(new.key.clone(), self.over(&own, &new)),
            }
        }
        entries.retain(|key, _| !removed.contains(key));
        self.tree.grow(span, Kind::Map(entries.into_values().collect()))
    }

    /// What was replaced is pointed at where it is written now; what was added to, where it began.
    fn over(&mut self, own: &Entry, new: &Entry) -> Entry {
        let value = self.overlay(own.value, new.value);
        let from = if value == new.value { new } else { own };
        Entry { key: own.key.clone(), key_span: from.key_span.clone(), value }
    }

    /// Nothing after the colon: a section whose members are all commented out removes nothing.
    fn is_empty(&self, number: usize) -> bool {
        let node = self.tree.node(number);
        matches!(node.kind, Kind::Null)
            && self.files.slice(node.span.clone()).is_none_or(|text| text.trim().is_empty())
    }
}

fn nothing(entry: &Entry) -> Finding {
    Finding::new(format!("there is no '{}' to remove", entry.key))
        .at(At::Span(entry.key_span.clone()))
        .help("null removes what the configuration has at the same place; leave it out if there is nothing")
}
