//! Putting outputs where references stand.

use serde_json::Value;

use super::{Flaw, Mention, Part, Template, parse, push};
use crate::name::InstanceRef;

/// A reference that could not be put into place. Never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Unresolved {
    /// JSON pointer to the text that holds it.
    pub pointer: String,
    /// Why.
    pub why: Why,
}

/// Why a reference cannot be put into place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// There is no such output.
    #[error("'{target}' has no output '{key}'")]
    Missing {
        /// The instance.
        target: String,
        /// The output.
        key: String,
    },
    /// The output is there, but nothing at that path inside it.
    #[error("the output '{output}' of '{target}' holds nothing at '{path}'")]
    NothingThere {
        /// The instance.
        target: String,
        /// The output.
        output: String,
        /// The path below it.
        path: String,
    },
    /// Objects, arrays and null have no text form.
    #[error("'{target}.{key}' is {kind}, which cannot stand inside a text")]
    NotText {
        /// The instance.
        target: String,
        /// The output.
        key: String,
        /// What it is.
        kind: &'static str,
    },
    /// Not a reference after all.
    #[error(transparent)]
    Malformed(#[from] Flaw),
}

/// The value with every reference replaced by the output that `lookup` gives. Whole references keep the output's
/// JSON type. `lookup` is asked for the longest key first: for `a.b`, then for `a`, whose member `b` is taken.
///
/// # Errors
/// The first reference that cannot be put into place.
pub fn resolve(
    value: &Value,
    lookup: impl Fn(&InstanceRef, &str) -> Option<Value>,
) -> Result<Value, Unresolved> {
    Resolve { pointer: String::new(), lookup }.value(value)
}

/// Splits a key into an output that `lookup` knows and the path below it, longest output first.
pub fn output<T>(key: &str, mut lookup: impl FnMut(&str) -> Option<T>) -> Option<(T, &str)> {
    let mut end = key.len();
    loop {
        if let Some(found) = lookup(&key[..end]) {
            return Some((found, key[end..].trim_start_matches('.')));
        }
        end = key[..end].rfind('.')?;
    }
}

/// What stands at a dotted path below a value; the value itself for the empty path.
#[must_use]
pub fn member<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    if path.is_empty() {
        return Some(value);
    }
    path.split('.').try_fold(value, |value, word| match value {
        Value::Object(members) => members.get(word),
        Value::Array(items) if word == "0" || !word.starts_with('0') => {
            items.get(word.parse::<usize>().ok()?)
        }
        _ => None,
    })
}

struct Resolve<F> {
    pointer: String,
    lookup: F,
}

impl<F: Fn(&InstanceRef, &str) -> Option<Value>> Resolve<F> {
    fn value(&mut self, value: &Value) -> Result<Value, Unresolved> {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(position, item)| self.below(&position.to_string(), item))
                .collect::<Result<_, _>>()
                .map(Value::Array),
            Value::Object(members) => members
                .iter()
                .map(|(key, member)| Ok((key.clone(), self.below(key, member)?)))
                .collect::<Result<_, _>>()
                .map(Value::Object),
            other => Ok(other.clone()),
        }
    }

    fn below(&mut self, segment: &str, value: &Value) -> Result<Value, Unresolved> {
        let length = self.pointer.len();
        push(&mut self.pointer, segment);
        let resolved = self.value(value)?;
        self.pointer.truncate(length);
        Ok(resolved)
    }

    fn text(&self, text: &str) -> Result<Value, Unresolved> {
        match parse(text).map_err(|flaw| self.fail(flaw.into()))? {
            Template::Literal(text) => Ok(Value::String(text.into_owned())),
            Template::Whole(mention) => self.output(mention),
            Template::Embedded(parts) => {
                let mut whole = String::new();
                for part in parts {
                    match part {
                        Part::Text(text) => whole.push_str(&text),
                        Part::Output(mention) => self.render(mention, &mut whole)?,
                    }
                }
                Ok(Value::String(whole))
            }
        }
    }

    fn output(&self, mention: Mention<'_>) -> Result<Value, Unresolved> {
        let missing = || {
            let (target, key) = (mention.target.to_owned(), mention.key.to_owned());
            self.fail(Why::Missing { target, key })
        };
        let target = InstanceRef::new(mention.target).map_err(|_| missing())?;
        let (value, path) = output(mention.key, |key| (self.lookup)(&target, key)).ok_or_else(missing)?;
        if path.is_empty() {
            return Ok(value);
        }
        member(&value, path).cloned().ok_or_else(|| {
            let output = mention.key[..mention.key.len() - path.len() - 1].to_owned();
            self.fail(Why::NothingThere { target: mention.target.to_owned(), output, path: path.to_owned() })
        })
    }

    fn render(&self, mention: Mention<'_>, into: &mut String) -> Result<(), Unresolved> {
        let kind = match self.output(mention)? {
            Value::String(text) => {
                into.push_str(&text);
                return Ok(());
            }
            value @ (Value::Number(_) | Value::Bool(_)) => {
                into.push_str(&value.to_string());
                return Ok(());
            }
            Value::Null => "null",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        let (target, key) = (mention.target.to_owned(), mention.key.to_owned());
        Err(self.fail(Why::NotText { target, key, kind }))
    }

    fn fail(&self, why: Why) -> Unresolved {
        Unresolved { pointer: self.pointer.clone(), why }
    }
}
