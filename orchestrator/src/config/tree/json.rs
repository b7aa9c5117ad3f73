//! JSON as a tree.

use std::ops::Range;

use serde::de::IgnoredAny;

use super::{DEPTH, Entry, Kind, Tree};
use crate::config::problem::{At, Finding};

/// Reads JSON. What serde_json accepts, this reads; so it is asked first.
pub(super) fn parse(text: &str) -> Result<Tree, Finding> {
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| syntax(text, &error))?;
    let mut scan = Scan { text, at: 0, tree: Tree::default() };
    scan.tree.root = scan.value(0).ok_or_else(|| Finding::new("the file is nested too deep"))?;
    Ok(scan.tree)
}

/// A syntax error, where serde_json saw it.
pub(in crate::config) fn syntax(text: &str, error: &serde_json::Error) -> Finding {
    let line_start: usize =
        text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let at = line_start + error.column().saturating_sub(1);
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default().to_owned();
    Finding::new(format!("this is not valid JSON: {message}")).at(At::Span(at..at + 1)).label("here")
}

struct Scan<'t> {
    text: &'t str,
    at: usize,
    tree: Tree,
}

impl Scan<'_> {
    fn value(&mut self, depth: usize) -> Option<usize> {
        self.skip_space();
        let start = self.at;
        let kind = match self.peek()? {
            _ if depth > DEPTH => return None,
            b'{' => self.map(depth)?,
            b'[' => self.list(depth)?,
            b'"' => Kind::Text(self.text()?.0),
            _ => self.word(),
        };
        Some(self.tree.add(start..self.at, kind))
    }

    fn map(&mut self, depth: usize) -> Option<Kind> {
        let mut entries = Vec::new();
        self.at += 1;
        while self.next_item(b'}')? {
            let (key, key_span) = self.text()?;
            self.skip_space();
            self.at += 1; // the colon
            let value = self.value(depth + 1)?;
            entries.push(Entry { key, key_span, value });
        }
        Some(Kind::Map(entries))
    }

    fn list(&mut self, depth: usize) -> Option<Kind> {
        let mut items = Vec::new();
        self.at += 1;
        while self.next_item(b']')? {
            items.push(self.value(depth + 1)?);
        }
        Some(Kind::List(items))
    }

    /// Steps over a comma to the next item, or over the end.
    fn next_item(&mut self, end: u8) -> Option<bool> {
        self.skip_space();
        if self.peek()? == b',' {
            self.at += 1;
            self.skip_space();
        }
        let more = self.peek()? != end;
        self.at += usize::from(!more);
        Some(more)
    }

    fn text(&mut self) -> Option<(String, Range<usize>)> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let span = start..self.at;
        Some((serde_json::from_str(self.text.get(span.clone())?).ok()?, span))
    }

    fn word(&mut self) -> Kind {
        let rest = &self.text[self.at..];
        let length = rest.find([',', ']', '}', ' ', '\n', '\r', '\t']).unwrap_or(rest.len());
        self.at += length;
        match &rest[..length] {
            "null" => Kind::Null,
            "true" => Kind::Flag(true),
            "false" => Kind::Flag(false),
            number => Kind::Number(number.to_owned()),
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}
