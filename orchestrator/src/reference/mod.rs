//! References between instances: `@ref.key` for a whole value, `${ref.key}` inside a text, at any depth.
//!
//! ```text
//! "@db.database_id"        the output itself, with its JSON type
//! "id=${db.database_id}"   rendered into the text; text, numbers and booleans only
//! "@@x"  "$${x}"           the texts @x and ${x}
//! ```

mod grammar;
mod resolve;
#[cfg(test)]
mod tests;
pub mod written;

use serde_json::Value;

use crate::name::InstanceRef;

pub use grammar::{Flaw, Form, Mention, Part, Template, escape, is_key, parse};
pub use resolve::{Unresolved, Why, member, output, resolve};

/// One reference, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// JSON pointer to the text that holds it, below the parameters.
    pub pointer: String,
    /// The instance it refers to.
    pub target: InstanceRef,
    /// The output, possibly with a path into it.
    pub key: String,
    /// As a whole or inside a text.
    pub form: Form,
}

/// A text that looks like a reference and is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{flaw}")]
pub struct Malformed {
    /// JSON pointer to the text.
    pub pointer: String,
    /// What is wrong with it.
    pub flaw: Flaw,
}

/// Every reference below a value, in the order written.
///
/// # Errors
/// Every text that looks like a reference and is none.
pub fn find(value: &Value) -> Result<Vec<Use>, Vec<Malformed>> {
    let (mut uses, mut malformed) = (Vec::new(), Vec::new());
    visit(value, &mut |pointer, text| match parse(text) {
        Ok(template) => uses.extend(template.mentions().filter_map(|(mention, form)| {
            let target = InstanceRef::new(mention.target).ok()?;
            Some(Use { pointer: pointer.to_owned(), target, key: mention.key.to_owned(), form })
        })),
        Err(flaw) => malformed.push(Malformed { pointer: pointer.to_owned(), flaw }),
    });
    if malformed.is_empty() { Ok(uses) } else { Err(malformed) }
}

/// Visits each text below a value that may hold references, with its JSON pointer.
pub fn visit<'v>(value: &'v Value, visitor: &mut impl FnMut(&str, &'v str)) {
    Visit { pointer: String::new(), visitor }.value(value);
}

/// Whether a text certainly holds no reference and no escape.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first() != Some(&b'@') && !(bytes.contains(&b'$') && text.contains("${"))
}

struct Visit<'f, F> {
    pointer: String,
    visitor: &'f mut F,
}

impl<'v, F: FnMut(&str, &'v str)> Visit<'_, F> {
    fn value(&mut self, value: &'v Value) {
        match value {
            Value::String(text) if !is_plain(text) => (self.visitor)(&self.pointer, text),
            Value::Array(items) => {
                for (position, item) in items.iter().enumerate() {
                    self.below(item, |pointer| push(pointer, &position.to_string()));
                }
            }
            Value::Object(members) => {
                for (key, member) in members {
                    self.below(member, |pointer| push(pointer, key));
                }
            }
            _ => {}
        }
    }

    fn below(&mut self, value: &'v Value, lengthen: impl FnOnce(&mut String)) {
        match value {
            Value::String(text) if is_plain(text) => {}
            Value::String(_) | Value::Array(_) | Value::Object(_) => {
                let length = self.pointer.len();
                lengthen(&mut self.pointer);
                self.value(value);
                self.pointer.truncate(length);
            }
            _ => {}
        }
    }
}

/// Lengthens a JSON pointer by one segment.
pub fn push(pointer: &mut String, segment: &str) {
    pointer.push('/');
    if !segment.contains(['~', '/']) {
        return pointer.push_str(segment);
    }
    for character in segment.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}
