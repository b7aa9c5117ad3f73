//! TOML as a tree.

use std::ops::Range;

use toml::de::{DeTable, DeValue, Error};

use super::{DEPTH, Entry, Kind, Node, Tree};
use crate::config::{
    fit,
    problem::{At, Finding},
};

/// Reads TOML. All syntax errors are told, not only the first.
pub(super) fn parse(text: &str) -> Result<Tree, Vec<Finding>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut tree = Tree::default();
    let kind = members(&mut tree, table.get_ref(), 0);
    tree.root = tree.add(table.span(), kind);
    if errors.is_empty() {
        return Ok(tree);
    }
    // After a key that stands there twice, what belongs to it is reported again and again.
    let is_duplicate = |error: &&Error| error.message() == "duplicate key";
    let duplicate = errors.iter().find(is_duplicate).map(|error| twice(&tree, error, text));
    let others = errors.iter().filter(|error| !is_duplicate(error)).map(syntax);
    Err(duplicate.into_iter().chain(others).collect())
}

/// Where the key stands the first time is told when there is only one such place.
fn twice(tree: &Tree, error: &Error, text: &str) -> Finding {
    let span = error.span().unwrap_or_default();
    let key = text.get(span.clone()).unwrap_or_default().trim_matches(['"', '\'']);
    let earlier = |node: &Node| match &node.kind {
        Kind::Map(entries) => {
            let same = |entry: &&Entry| entry.key == key && entry.key_span.start < span.start;
            entries.iter().filter(same).map(|entry| entry.key_span.clone()).collect()
        }
        _ => Vec::new(),
    };
    let places: Vec<Range<usize>> = tree.nodes().iter().flat_map(earlier).collect();
    let [only] = places.as_slice() else { return fit::twice(key, span, None) };
    fit::twice(key, span, Some(only.clone()))
}

/// A syntax error, where the parser saw it.
pub(in crate::config) fn syntax(error: &Error) -> Finding {
    let span = error.span().unwrap_or(0..0);
    Finding::new(format!("this is not valid TOML: {}", error.message())).at(At::Span(span)).label("here")
}

fn members(tree: &mut Tree, table: &DeTable<'_>, depth: usize) -> Kind {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| {
            let kind = value_kind(tree, value.get_ref(), depth + 1);
            let number = tree.add(value.span(), kind);
            Entry { key: key.get_ref().to_string(), key_span: key.span(), value: number }
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    Kind::Map(entries)
}

fn value_kind(tree: &mut Tree, value: &DeValue<'_>, depth: usize) -> Kind {
    match value {
        _ if depth > DEPTH => Kind::Null,
        DeValue::String(text) => Kind::Text(text.to_string()),
        DeValue::Integer(number) => Kind::Number(number.as_str().to_owned()),
        DeValue::Float(number) => Kind::Number(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Kind::Flag(*flag),
        DeValue::Datetime(date) => Kind::Date(date.to_string()),
        DeValue::Array(items) => Kind::List(
            items
                .iter()
                .map(|item| {
                    let kind = value_kind(tree, item.get_ref(), depth + 1);
                    tree.add(item.span(), kind)
                })
                .collect(),
        ),
        DeValue::Table(table) => members(tree, table, depth),
    }
}
