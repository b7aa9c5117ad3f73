//! Request bodies: JSON objects, not too deep, no key twice, nothing that could not be kept as it is (S-16). Messages
//! name fields, never values.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use super::number;

/// How deep a body may nest.
const DEPTH: usize = 32;

/// Reads a body as a request.
pub(super) fn read<T: DeserializeOwned>(body: &[u8], required: &[&str]) -> Result<T, String> {
    let Value::Object(object) = strict(body)? else {
        return Err("The body must be a JSON object.".to_owned());
    };
    for field in required {
        match object.get(*field) {
            Some(Value::String(text)) if !text.is_empty() => {}
            Some(Value::String(_)) => return Err(format!("{field} must not be empty.")),
            Some(value) if !value.is_null() => return Err(format!("{field} must be a string.")),
            _ => return Err(format!("{field} is required.")),
        }
    }
    serde_path_to_error::deserialize(Value::Object(object)).map_err(|error| {
        format!("The field '{}' is not of the expected form.", printable(&error.path().to_string()))
    })
}

/// Any JSON value within the limits.
fn strict(body: &[u8]) -> Result<Value, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = Strict { depth: 0 }.deserialize(&mut deserializer).map_err(|error| described(&error))?;
    deserializer.end().map_err(|error| described(&error))?;
    match number::first_unkept(body) {
        Some(at) => Err(inexact(body, at)),
        None => Ok(value),
    }
}

/// Where a number is that would not be the same once it was read.
fn inexact(body: &[u8], at: usize) -> String {
    let before = &body[..at];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = at - before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1) + 1;
    format!(
        "The body cannot be read at line {line}, column {column}: a number has more digits than can be kept; send it \
         as a text."
    )
}

/// Our own messages are kept; serde's may quote the input and are not.
fn described(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let what =
        [TOO_DEEP, TWICE, NUL].into_iter().find(|own| text.starts_with(own)).unwrap_or("it is not JSON");
    format!("The body cannot be read at line {line}, column {column}: {what}.")
}

const TOO_DEEP: &str = "it nests deeper than 32 levels";
const TWICE: &str = "a key is given twice";
const NUL: &str = "a text holds the character NUL";

fn printable(text: &str) -> String {
    text.chars().take(200).filter(|character| !character.is_control()).collect()
}

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth < DEPTH { Ok(Self { depth: self.depth + 1 }) } else { Err(E::custom(TOO_DEEP)) }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        Number::from_f64(number).map(Value::Number).ok_or_else(|| E::custom("a number is out of range"))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Value, E> {
        without_nul(text).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let deeper = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element_seed(deeper)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let deeper = self.deeper()?;
        let mut map = Map::new();
        while let Some(Key(key)) = access.next_key()? {
            let value = access.next_value_seed(deeper)?;
            if map.insert(without_nul(key)?, value).is_some() {
                return Err(A::Error::custom(TWICE));
            }
        }
        Ok(Value::Object(map))
    }
}

/// PostgreSQL keeps no such text, and neither do many vendors.
fn without_nul<E: serde::de::Error>(text: String) -> Result<String, E> {
    if text.contains('\0') { Err(E::custom(NUL)) } else { Ok(text) }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Key(String);

#[cfg(test)]
mod tests {
    use sutler_spec::ProvisionRequest;

    use super::*;

    #[test]
    fn what_is_read_is_what_was_written() {
        let text = r#"{"a":[1,-2,3.5,true,null,{"b":"ü"}],"c":{}}"#;
        assert_eq!(strict(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn a_refused_body_is_not_quoted() {
        let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
        let required = ["service_id", "plan_id"];
        for (body, expected) in [
            ("", "it is not JSON"),
            ("hunter2", "it is not JSON"),
            (deep.as_str(), TOO_DEEP),
            (r#"{"a":1,"a":2}"#, TWICE),
            (r#"{"a":1} x"#, "it is not JSON"),
            (r#"{"hunter2\u0000":1}"#, NUL),
            (r#"{"a":["hunter2\u0000"]}"#, NUL),
            (
                "{\"a\":\n 12345678901234567890123}",
                "line 2, column 2: a number has more digits than can be kept",
            ),
            (r#"{"a":1e400}"#, "it is not JSON"),
            ("[]", "must be a JSON object"),
            (r#"{"plan_id":"p"}"#, "service_id is required"),
            (r#"{"service_id":""}"#, "service_id must not be empty"),
            (r#"{"service_id":"s","plan_id":5}"#, "plan_id must be a string"),
            (
                r#"{"service_id":"s","plan_id":"p","organization_guid":"o","space_guid":"s","parameters":"hunter2"}"#,
                "The field 'parameters'",
            ),
        ] {
            let message = read::<ProvisionRequest>(body.as_bytes(), &required).unwrap_err();
            assert!(message.contains(expected), "{body}: {message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
