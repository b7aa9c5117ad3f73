//! Masking: known secret values are taken out of text in every form they are likely to have there.
//!
//! It finds exact forms only. A value that is cut short, split over two texts, or encoded twice in different ways gets
//! through; so this is the second line of defence, and [`Secret`](crate::Secret) the first.

use std::{borrow::Cow, fmt};

use serde_json::Value;

mod forms;
mod index;
mod leak;

pub use forms::{Form, MIN_CHARACTERS, forms};
pub use leak::{Leak, find_leaks};

use index::Index;

/// What stands in the place of a masked value.
pub const MASK: &str = "•••";

/// Replaces secret values it was told, in all their [`forms()`], by [`MASK`].
///
/// ```
/// use sutler_secrets::Masker;
///
/// let masker = Masker::new(["hunter2/é"]);
/// assert_eq!(masker.mask("GET /?password=hunter2%2F%C3%A9&x=1"), "GET /?password=•••&x=1");
/// ```
#[derive(Default)]
pub struct Masker(Index<()>);

impl Masker {
    /// A masker of these values.
    pub fn new(values: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut masker = Self::default();
        values.into_iter().for_each(|value| masker.add(value.as_ref()));
        masker
    }

    /// Masks this value too. Values of less than [`MIN_CHARACTERS`] are ignored, as they would be found everywhere:
    /// leave out the fields that hold them.
    pub fn add(&mut self, value: &str) {
        for form in forms(value) {
            self.0.insert_once(form);
        }
    }

    /// Masks every text and every number in this value too, but not its keys.
    pub fn add_json(&mut self, value: &Value) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => self.add(&number.to_string()),
            Value::String(text) => self.add(text),
            Value::Array(items) => items.iter().for_each(|item| self.add_json(item)),
            Value::Object(members) => members.values().for_each(|member| self.add_json(member)),
        }
    }

    /// Whether there is nothing to mask.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with every form of every value replaced. Values that overlap or touch get one mask together.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let spans = self.spans(text.as_bytes());
        if spans.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut masked = String::with_capacity(text.len());
        let mut plain = 0;
        for (start, end) in spans {
            // every form is text, so it starts and ends between characters
            masked.push_str(&text[plain..start]);
            masked.push_str(MASK);
            plain = end;
        }
        masked.push_str(&text[plain..]);
        Cow::Owned(masked)
    }

    /// What to replace: in order, apart from each other.
    fn spans(&self, text: &[u8]) -> Vec<(usize, usize)> {
        let mut spans: Vec<(usize, usize)> = Vec::new();
        for (start, found) in self.0.longest(text) {
            let end = start + found.len();
            match spans.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => spans.push((start, end)),
            }
        }
        spans
    }
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Masker(…)")
    }
}
