//! The types of variables.

use serde_json::Value;

use crate::config::tree::plain;

/// What a variable can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    String,
    Number,
    Integer,
    Boolean,
    List,
    Map,
    Any,
}

impl Type {
    /// The words for it.
    pub(super) const WORDS: [(&str, Self); 7] = [
        ("string", Self::String),
        ("number", Self::Number),
        ("integer", Self::Integer),
        ("boolean", Self::Boolean),
        ("list", Self::List),
        ("map", Self::Map),
        ("any", Self::Any),
    ];

    /// Reads a word.
    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning)
    }

    /// What it takes, for people.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::String => "a text",
            Self::Number => "a number",
            Self::Integer => "a whole number",
            Self::Boolean => "true or false",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Any => "JSON",
        }
    }

    /// Whether a value is of it.
    pub(super) fn takes(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Map => value.is_object(),
            Self::Any => true,
        }
    }

    /// What a text on the command line means.
    pub(super) fn read(self, text: &str) -> Option<Value> {
        let value = match self {
            Self::String => Value::from(text),
            Self::Number | Self::Integer | Self::Boolean => plain(text),
            Self::List | Self::Map | Self::Any => serde_json::from_str(text).ok()?,
        };
        self.takes(&value).then_some(value)
    }
}
