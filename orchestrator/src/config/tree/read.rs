//! Reading what serde knows out of a tree, exactly as it would be read out of the text.

use std::fmt;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
    value::StrDeserializer,
};
use serde_json::{Number, Value};

use super::{DEPTH, Entry, Kind, Tree};

/// Values read at most, aliases counted each time.
const VALUES: usize = 20_000_000;

/// Why a tree cannot be read; never quotes a value.
#[derive(Debug)]
pub(in crate::config) struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

impl serde::de::Error for Unreadable {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl Tree {
    /// What stands at a node.
    ///
    /// # Errors
    /// When it has another form.
    pub(in crate::config) fn read<T: DeserializeOwned>(&self, number: usize) -> Result<T, Unreadable> {
        let budget = std::cell::Cell::new(VALUES);
        T::deserialize(Read { tree: self, number, depth: 0, budget: &budget })
    }

    /// What stands at a node, as JSON.
    ///
    /// # Errors
    /// When JSON has no such value, or a key stands there twice.
    pub(in crate::config) fn json(&self, number: usize) -> Result<Value, Unreadable> {
        self.read::<crate::config::strict::Any>(number).map(|any| any.0)
    }
}

/// A YAML scalar without quotes, where anything may stand: YAML's own reader decides.
pub(in crate::config) fn plain(text: &str) -> Value {
    let may_be_more = match text.bytes().next() {
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') => {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte))
        }
        _ => matches!(text, "true" | "false"),
    };
    let read = may_be_more.then(|| {
        let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
        serde_saphyr::from_str_with_options::<crate::config::strict::Any>(text, options)
    });
    match read {
        Some(Ok(any)) if !any.0.is_null() => any.0,
        _ => Value::from(text),
    }
}

#[derive(Clone, Copy)]
struct Read<'t> {
    tree: &'t Tree,
    number: usize,
    depth: usize,
    budget: &'t std::cell::Cell<usize>,
}

impl<'t> Read<'t> {
    fn kind(&self) -> Result<&'t Kind, Unreadable> {
        let left = self.budget.get().checked_sub(1).filter(|_| self.depth <= DEPTH);
        self.budget.set(left.ok_or_else(|| Unreadable::custom("the configuration is too large"))?);
        Ok(&self.tree.node(self.number).kind)
    }

    fn below(&self, number: usize) -> Self {
        Self { number, depth: self.depth + 1, ..*self }
    }
}

fn number<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Unreadable> {
    let plain = match text.parse::<Number>() {
        Ok(number) => Value::Number(number),
        // Other notations write numbers in more ways than JSON does.
        Err(_) => plain(text.trim_start_matches('+')),
    };
    scalar(plain, visitor)
}

fn scalar<'de, V: Visitor<'de>>(value: Value, visitor: V) -> Result<V::Value, Unreadable> {
    value.deserialize_any(visitor).map_err(Unreadable::custom)
}

impl<'de> Deserializer<'de> for Read<'de> {
    type Error = Unreadable;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.kind()? {
            Kind::Text(text) | Kind::Date(text) => visitor.visit_str(text),
            Kind::Plain(text) => scalar(plain(text), visitor),
            Kind::Number(text) => number(text, visitor),
            Kind::Flag(flag) => visitor.visit_bool(*flag),
            Kind::Null => visitor.visit_unit(),
            Kind::List(items) => visitor.visit_seq(Items { of: self, rest: items.iter() }),
            Kind::Map(entries) => visitor.visit_map(Members { of: self, rest: entries.iter(), value: 0 }),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match &self.tree.node(self.number).kind {
            Kind::Plain(text) => visitor.visit_str(text),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match &self.tree.node(self.number).kind {
            Kind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

struct Items<'t> {
    of: Read<'t>,
    rest: std::slice::Iter<'t, usize>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Unreadable;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unreadable> {
        self.rest.next().map(|item| seed.deserialize(self.of.below(*item))).transpose()
    }
}

struct Members<'t> {
    of: Read<'t>,
    rest: std::slice::Iter<'t, Entry>,
    value: usize,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Unreadable;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Unreadable> {
        let Some(entry) = self.rest.next() else { return Ok(None) };
        self.value = entry.value;
        let key = StrDeserializer::<Unreadable>::new(&entry.key);
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Unreadable> {
        seed.deserialize(self.of.below(self.value))
    }
}
