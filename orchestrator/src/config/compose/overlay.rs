//! A stage laid over a configuration: maps are merged at any depth, `null` removes, everything else replaces.

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
        let (mut entries, more) = (own.clone(), more.clone());
        let span = self.tree.node(base).span.clone();
        for new in more {
            let at = entries.iter().position(|entry| entry.key == new.key);
            let is_removal =
                matches!(self.tree.node(new.value).kind, Kind::Null) && !self.is_empty(new.value);
            match (at, is_removal) {
                (None, false) => entries.push(new),
                (None, true) => self.findings.push(nothing(&new)),
                (Some(at), true) => {
                    entries.remove(at);
                }
                (Some(at), false) => entries[at] = self.over(&entries[at].clone(), &new),
            }
        }
        self.tree.grow(span, Kind::Map(entries))
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
