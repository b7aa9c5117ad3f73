//! The text of a configuration with secrets blanked, for showing lines of it.

use std::{collections::HashSet, ops::Range, sync::Arc};

use super::{
    Source,
    tree::{Kind, Tree},
};
use crate::reference;

/// Words in a key that make what stands below it a secret.
const SECRET_WORDS: [&str; 9] =
    ["secret", "password", "passwd", "passphrase", "token", "credential", "private", "apikey", "literal"];

/// Keys below a broker's `auth` that say where a secret is, not what it is.
const PLACES: [&str; 3] = ["username", "env", "file"];

/// Whether a key looks as if its value were a secret.
#[must_use]
pub(crate) fn is_secret_looking(key: &str) -> bool {
    let plain: String =
        key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    SECRET_WORDS.iter().any(|word| plain.contains(word)) || plain.ends_with("key") || plain.ends_with("pwd")
}

/// The text with every byte of what may be a secret replaced, so that offsets stay true. Without a tree, the rest of
/// every line that names a secret is blanked.
pub(super) fn masked(source: &Source, tree: Option<&Tree>) -> Arc<str> {
    let mut spans = match tree {
        Some(tree) => secrets(tree),
        None => suspicious_lines(&source.text),
    };
    spans.sort_by_key(|span| span.start);
    blanked(&source.text, &spans)
}

/// The text with every byte of some parts of it replaced, first parts first.
pub(super) fn blanked(whole: &str, spans: &[Range<usize>]) -> Arc<str> {
    let mut text = String::with_capacity(whole.len());
    let mut done = 0;
    for span in spans {
        let (start, end) = (span.start.max(done), span.end.max(done));
        let (Some(before), Some(secret)) = (whole.get(done..start), whole.get(start..end)) else {
            continue;
        };
        text.push_str(before);
        secret.bytes().for_each(|byte| text.push(if byte.is_ascii_whitespace() { byte.into() } else { '*' }));
        done = end;
    }
    text.push_str(whole.get(done..).unwrap_or_default());
    text.into()
}

fn secrets(tree: &Tree) -> Vec<Range<usize>> {
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    for section in tree.entries(tree.root()) {
        if section.key == "state" {
            place(tree, section.value, &mut found);
        } else if is_secret_looking(&section.key) {
            // In a file of variables.
            found.push(tree.node(section.value).span.clone());
        }
        for owner in tree.entries(section.value) {
            for field in tree.entries(owner.value) {
                match (section.key.as_str(), field.key.as_str()) {
                    ("brokers", "auth") => authentication(tree, field.value, 0, &mut found),
                    ("brokers", "url") => address(tree, field.value, &mut found),
                    ("instances", "params" | "parameters") => {
                        Parameters { tree, seen: &mut seen, found: &mut found }.visit(field.value, false, 0);
                    }
                    ("variables", "default" | "one_of") if is_secret_looking(&owner.key) => {
                        found.push(tree.node(field.value).span.clone());
                    }
                    ("events", _) if owner.key == "webhooks" => webhook(tree, field.value, &mut found),
                    _ => {}
                }
            }
        }
    }
    found
}

fn webhook(tree: &Tree, node: usize, found: &mut Vec<Range<usize>>) {
    for field in tree.entries(node) {
        match field.key.as_str() {
            "secret" => authentication(tree, field.value, 0, found),
            "url" => address(tree, field.value, found),
            _ => {}
        }
    }
}

fn authentication(tree: &Tree, node: usize, depth: usize, found: &mut Vec<Range<usize>>) {
    let entries = tree.entries(node);
    if entries.is_empty() {
        found.push(tree.node(node).span.clone());
    }
    for entry in entries.iter().filter(|entry| depth < 8 && !PLACES.contains(&entry.key.as_str())) {
        authentication(tree, entry.value, depth + 1, found);
    }
}

/// Somebody may have written a password into the address.
fn address(tree: &Tree, node: usize, found: &mut Vec<Range<usize>>) {
    let node = tree.node(node);
    if matches!(&node.kind, Kind::Text(text) | Kind::Plain(text) if text.contains('@')) {
        found.push(node.span.clone());
    }
}

/// The same for the address of a state; a name alone is no secret.
fn place(tree: &Tree, node: usize, found: &mut Vec<Range<usize>>) {
    let node = tree.node(node);
    let told = |text: &str| {
        let user = text.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
        user.is_some_and(|(user, _)| user.contains(':'))
    };
    if matches!(&node.kind, Kind::Text(text) | Kind::Plain(text) if told(text)) {
        found.push(node.span.clone());
    }
}

struct Parameters<'t, 'f> {
    tree: &'t Tree,
    seen: &'f mut HashSet<(usize, bool)>,
    found: &'f mut Vec<Range<usize>>,
}

impl Parameters<'_, '_> {
    fn visit(&mut self, number: usize, is_secret: bool, depth: usize) {
        if depth > 256 || !self.seen.insert((number, is_secret)) {
            return;
        }
        let node = self.tree.node(number);
        match &node.kind {
            Kind::Map(entries) => {
                for entry in entries {
                    self.visit(entry.value, is_secret || is_secret_looking(&entry.key), depth + 1);
                }
            }
            Kind::List(items) => items.iter().for_each(|item| self.visit(*item, is_secret, depth + 1)),
            Kind::Text(text) | Kind::Plain(text) if is_secret && reference::is_plain(text) => {
                self.found.push(node.span.clone());
            }
            Kind::Number(_) if is_secret => self.found.push(node.span.clone()),
            _ => {}
        }
    }
}

/// What follows the first secret-looking key of each line.
fn suspicious_lines(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let address = line.find("://").filter(|at| line[*at..].contains('@'));
        if let Some(at) = address {
            found.push(start + at + 3..start + line.len());
        }
        let mut from = 0;
        while let Some(separator) = line[from..].find([':', '=']).map(|at| from + at) {
            let word =
                line[..separator].rsplit([' ', '{', ',', '"', '\'', '\t']).find(|word| !word.is_empty());
            if is_secret_looking(word.unwrap_or_default()) {
                found.push(start + separator + 1..start + line.len());
                break;
            }
            from = separator + 1;
        }
        start += line.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Format;

    fn masked_yaml(text: &str, with_tree: bool) -> String {
        let source = Source { path: "sutler.yaml".into(), text: text.into(), format: Format::Yaml };
        let tree = with_tree.then(|| Tree::parse(&source).unwrap());
        let masked = masked(&source, tree.as_ref());
        assert_eq!(masked.len(), text.len());
        masked.to_string()
    }

    #[test]
    fn secrets_are_blanked_and_references_are_not() {
        let text = "brokers:\n  a: { url: 'http://u:pw@h', auth: { basic: { username: u, password: hunter2 } } }\n\
                    \x20 b: { auth: { bearer: { literal: hunter2, env: PW } } }\n\
                    events: { webhooks: { c: { url: 'https://u:pw@e', secret: hunter2 }, d: { secret: { env: PW } } } }\n\
                    instances:\n  w: { bind: { token: T }, params: { a: x, secrets: { A: hünter2, B: '@t.token' } } }\n";
        let masked = masked_yaml(text, true);
        for gone in ["hunter2", "hünter2", "u:pw"] {
            assert!(!masked.contains(gone), "{masked}");
        }
        for kept in ["username: u", "env: PW", "token: T", "'@t.token'", "a: x"] {
            assert!(masked.contains(kept), "{masked}");
        }
    }

    #[test]
    fn without_a_tree_whole_lines_are_blanked() {
        let masked = masked_yaml("name: a\npassword: hunter2 é\n  x: { api_key: k }\n", false);
        assert_eq!(masked, "name: a\npassword: ******* **\n  x: { api_key: * *\n");
        assert_eq!(
            masked_yaml("state: s3://k:v@b/p\nurl: http://h\n", false),
            "state: s3://*******\nurl: http://h\n"
        );
    }

    #[test]
    fn a_password_in_the_address_of_a_state_is_blanked_and_a_user_is_not() {
        let text = "state: postgres://ada:hunter2@h/d\n";
        assert!(!masked_yaml(text, true).contains("hunter2"));
        let text = "state: postgres://ada@h/d\n";
        assert_eq!(masked_yaml(text, true), text);
    }
}
