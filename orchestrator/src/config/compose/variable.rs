//! Variables: what is declared, and what each one is.

use indexmap::IndexMap;
use serde_json::Value;

use super::{Choices, Desk, kind::Type};
use crate::{
    config::{
        SecretSource, Source,
        file::{SecretFile, VariableFile},
        fit,
        problem::{At, Finding},
        secret::SecretVariables,
        shape,
        tree::{Entry, Kind},
    },
    nearest::{listed, nearest},
};

/// What a variable is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Meaning {
    /// This.
    Value(Value),
    /// A secret, which is put in place when it is used.
    Secret,
    /// Nobody said.
    Unsaid,
}

/// Every variable, by name.
#[derive(Default)]
pub(super) struct Variables {
    list: IndexMap<String, (Entry, Meaning)>,
    secrets: SecretVariables,
}

impl Variables {
    /// What a variable is.
    pub(super) fn get(&self, name: &str) -> Option<&(Entry, Meaning)> {
        self.list.get(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.list.keys().map(String::as_str)
    }

    pub(super) fn into_secrets(self) -> SecretVariables {
        self.secrets
    }
}

/// What somebody says that a variable is.
enum Said {
    /// On the command line.
    Text(String),
    /// In a file of variables.
    At(Entry),
}

/// What is said of variables, by name; what was said last goes first.
pub(super) struct Given(IndexMap<String, Said>);

impl Desk {
    /// Everything that is said: first the files, then the command line.
    pub(super) fn given(&mut self, choices: &Choices) -> Given {
        let mut given = IndexMap::new();
        for path in &choices.variable_files {
            let Some(root) = self.open(path, None) else { continue };
            let entries = match &self.tree.node(root).kind {
                Kind::Map(entries) => entries.clone(),
                Kind::Null => Vec::new(),
                _ => {
                    let span = self.tree.node(root).span.clone();
                    let finding = Finding::new("a file of variables is a map from names to values");
                    self.findings.push(finding.at(At::Span(span.start..span.start)));
                    continue;
                }
            };
            given.extend(entries.into_iter().map(|entry| (entry.key.clone(), Said::At(entry))));
        }
        for text in &choices.variables {
            match text.split_once('=') {
                Some((name, value)) => _ = given.insert(name.to_owned(), Said::Text(value.to_owned())),
                None => {
                    self.findings.push(Finding::new("--var says no value").help("write --var NAME=VALUE"))
                }
            }
        }
        Given(given)
    }

    /// Every variable that is declared, and what it is.
    pub(super) fn variables(&mut self, root: usize, mut given: Given, source: &Source) -> Variables {
        let mut variables = Variables::default();
        if let Some(section) = self.tree.entry(root, "variables").cloned() {
            let misfits = fit::misfits_of(&self.tree, &section, &shape::VARIABLES);
            if !misfits.is_empty() {
                self.findings.extend(misfits);
                return variables;
            }
            for entry in self.tree.entries(section.value).to_vec() {
                let said = given.0.shift_remove(&entry.key);
                if let Some(meaning) = self.variable(&entry, said, (source, &mut variables.secrets)) {
                    variables.list.insert(entry.key.clone(), (entry, meaning));
                }
            }
        }
        for (name, said) in given.0 {
            let help = match nearest(&name, variables.names()) {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!("declared variables: {}", listed(variables.names())),
            };
            let finding = Finding::new(format!("there is no variable '{name}'")).help(help);
            self.findings.push(match said {
                Said::At(entry) => finding.at(At::Span(entry.key_span)),
                Said::Text(_) => finding,
            });
        }
        variables
    }

    fn variable(
        &mut self,
        entry: &Entry,
        said: Option<Said>,
        (source, secrets): (&Source, &mut SecretVariables),
    ) -> Option<Meaning> {
        let name = entry.key.as_str();
        let at = || At::Span(entry.key_span.clone());
        if !is_name(name) {
            let finding = Finding::new(format!("'{name}' cannot be the name of a variable")).at(at());
            let help = "use letters, digits, '-' and '_', starting with a letter, at most 64";
            self.findings.push(finding.help(help));
            return None;
        }
        let written: VariableFile = match self.tree.read(entry.value) {
            Ok(written) => written,
            Err(error) => {
                self.findings.push(Finding::new(format!("variable '{name}': {error}")).at(at()));
                return None;
            }
        };
        if written.secret == Some(true) {
            return self.secret(entry, (written, said), (source, secrets));
        }
        if written.from.is_some() {
            let finding =
                Finding::new(format!("variable '{name}': only a secret comes from somewhere")).at(at());
            self.findings.push(finding.help("say secret: true, or remove from"));
        }
        let word = written.kind.as_deref().unwrap_or("string");
        let Some(kind) = Type::parse(word) else {
            let known = Type::WORDS.map(|(word, _)| word);
            let help = match nearest(word, known) {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!("there are: {}", listed(known)),
            };
            let at =
                self.tree.entry(entry.value, "type").map_or_else(at, |kind| At::Span(kind.key_span.clone()));
            self.findings
                .push(Finding::new(format!("variable '{name}': there is no such type")).at(at).help(help));
            return None;
        };
        let choice = self.one_of(entry, kind);
        let default = self.tree.entry(entry.value, "default").cloned();
        let default = default.filter(|default| !matches!(self.tree.node(default.value).kind, Kind::Null));
        // What stands in the file is checked even where somebody says something else.
        let default = match default {
            Some(default) => Some(self.chosen(name, (kind, &choice), Said::At(default))?),
            None => None,
        };
        match said {
            Some(said) => self.chosen(name, (kind, &choice), said).map(Meaning::Value),
            None => Some(default.map_or(Meaning::Unsaid, Meaning::Value)),
        }
    }

    /// A value of the type, and one of those that it may be.
    fn chosen(&mut self, name: &str, (kind, choice): (Type, &[Value]), said: Said) -> Option<Value> {
        let (value, at) = match &said {
            Said::Text(text) => (kind.read(text), None),
            Said::At(entry) => (self.typed(entry.value, kind), Some(At::Span(entry.key_span.clone()))),
        };
        let (message, help) = match value {
            None => {
                let help = format!("its type says that it is {}", kind.words());
                (format!("variable '{name}' has to be {}", kind.words()), help)
            }
            Some(value) if !choice.is_empty() && !choice.contains(&value) => {
                let known: Vec<String> = choice.iter().map(shown).collect();
                let help = format!("it may be: {}", listed(known.iter().map(String::as_str)));
                (format!("variable '{name}' cannot be that"), help)
            }
            Some(value) => return Some(value),
        };
        let finding = Finding::new(message).help(help);
        self.findings.push(match at {
            Some(at) => finding.at(at),
            None => finding,
        });
        None
    }

    /// What stands at a node, if it is of the type.
    fn typed(&self, number: usize, kind: Type) -> Option<Value> {
        let value = match (&self.tree.node(number).kind, kind) {
            // As everywhere in YAML: where a text is wanted, 007 is one.
            (Kind::Plain(text), Type::String) => Value::from(text.as_str()),
            _ => self.tree.json(number).ok()?,
        };
        kind.takes(&value).then_some(value)
    }

    fn one_of(&mut self, entry: &Entry, kind: Type) -> Vec<Value> {
        let Some(choice) = self.tree.entry(entry.value, "one_of").cloned() else { return Vec::new() };
        let items = match &self.tree.node(choice.value).kind {
            Kind::List(items) => items.clone(),
            _ => Vec::new(),
        };
        let values: Option<Vec<Value>> = items.iter().map(|item| self.typed(*item, kind)).collect();
        match values {
            Some(values) if !values.is_empty() => values,
            _ => {
                let message =
                    format!("variable '{}': one_of is a list, each of it {}", entry.key, kind.words());
                self.findings.push(Finding::new(message).at(At::Span(choice.key_span)));
                Vec::new()
            }
        }
    }

    fn secret(
        &mut self,
        entry: &Entry,
        (written, said): (VariableFile, Option<Said>),
        (source, secrets): (&Source, &mut SecretVariables),
    ) -> Option<Meaning> {
        let name = entry.key.as_str();
        let written_here = ["default", "one_of"].map(|key| self.tree.entry(entry.value, key).cloned());
        let somewhere = match &said {
            Some(Said::At(entry)) => Some(entry.clone()),
            _ => None,
        };
        for entry in written_here.into_iter().flatten().chain(somewhere) {
            self.veiled.push(self.tree.node(entry.value).span.clone());
        }
        const FROM: &str = "write from: { env: NAME } or from: { file: PATH }";
        let mut refuse = |at: At, message: &str, help: &str| {
            let finding = Finding::new(format!("variable '{name}': {message}")).at(at);
            self.findings.push(finding.help(help));
        };
        let at = || At::Span(entry.key_span.clone());
        if !matches!(written.kind.as_deref(), None | Some("string")) {
            refuse(at(), "a secret is a text", "leave out type");
        }
        if written.default.is_some() || written.one_of.is_some() {
            refuse(at(), "a secret is never written in the file, so it has neither default nor one_of", FROM);
        }
        match said {
            Some(Said::Text(_)) => {
                refuse(at(), "a secret is never said on a command line, where others can read it", FROM);
            }
            Some(Said::At(entry)) => {
                refuse(At::Span(entry.key_span), "a secret is not said in a file of variables", FROM);
            }
            None => {}
        }
        let from = match written.from {
            Some(SecretFile { env: Some(variable), file: None, literal: None }) if is_variable(&variable) => {
                SecretSource::Environment(variable)
            }
            Some(SecretFile { env: None, file: Some(path), literal: None }) if !path.is_empty() => {
                SecretSource::File(source.resolve(path.as_ref()))
            }
            _ => {
                refuse(at(), "it does not say where the secret comes from", FROM);
                return None;
            }
        };
        secrets.add(name, &from);
        Some(Meaning::Secret)
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c == '=' || c == '$' || c.is_control() || c.is_whitespace())
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
