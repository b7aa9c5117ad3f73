//! Finds many byte strings in one pass.

use std::{cmp::Reverse, collections::HashMap};

use crate::secret::SecretBytes;

/// Byte strings, each with a note, found by their first two bytes. They may be secret, and are wiped when dropped.
pub(super) struct Index<N> {
    /// Longest first under each head.
    patterns: HashMap<Head, Vec<(SecretBytes, N)>>,
    /// Which heads there are; most positions of a text are passed by on this alone.
    heads: Vec<bool>,
}

type Head = [u8; 2];

impl<N> Default for Index<N> {
    fn default() -> Self {
        Self { patterns: HashMap::new(), heads: Vec::new() }
    }
}

impl<N> Index<N> {
    /// Adds a pattern; less than two bytes cannot be found.
    pub(super) fn insert(&mut self, pattern: Vec<u8>, note: N) {
        if let Some(&head) = pattern.first_chunk() {
            self.heads.resize(1 << 16, false);
            self.heads[slot(head)] = true;
            let patterns = self.patterns.entry(head).or_default();
            patterns.push((pattern.into(), note));
            patterns.sort_by_key(|(pattern, _)| Reverse(pattern.expose().len()));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The longest pattern at each position where there is one. They may overlap.
    pub(super) fn longest<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = (usize, &'a [u8])> {
        self.candidates(text).filter_map(move |(position, patterns)| {
            let (found, _) =
                patterns.iter().find(|(pattern, _)| text[position..].starts_with(pattern.expose()))?;
            Some((position, found.expose().as_slice()))
        })
    }

    /// Every pattern at every position, by its note.
    pub(super) fn all<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = (usize, &'a N)> {
        self.candidates(text).flat_map(move |(position, patterns)| {
            patterns
                .iter()
                .filter(move |(pattern, _)| text[position..].starts_with(pattern.expose()))
                .map(move |(_, note)| (position, note))
        })
    }

    fn candidates<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = (usize, &'a [(SecretBytes, N)])> {
        let text = if self.is_empty() { &[] } else { text };
        text.array_windows::<2>().enumerate().filter_map(|(position, head)| {
            let patterns = if self.heads[slot(*head)] { self.patterns.get(head)? } else { return None };
            Some((position, patterns.as_slice()))
        })
    }
}

impl Index<()> {
    /// Adds a pattern unless it is there.
    pub(super) fn insert_once(&mut self, pattern: Vec<u8>) {
        let there = pattern.first_chunk::<2>().and_then(|head| self.patterns.get(head));
        if !there.is_some_and(|there| there.iter().any(|(other, ())| *other.expose() == pattern)) {
            self.insert(pattern, ());
        }
    }
}

fn slot(head: Head) -> usize {
    u16::from_be_bytes(head).into()
}
