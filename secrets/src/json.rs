//! Secret JSON: its keys may be seen, its values not.

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};
use zeroize::Zeroize;

/// A JSON value whose texts and numbers are secret. `Debug` shows keys and types only; texts are wiped when dropped.
///
/// ```
/// use sutler_secrets::SecretJson;
///
/// let credentials = SecretJson::from(serde_json::json!({ "user": "ada", "ports": [1, true, null] }));
/// assert_eq!(format!("{credentials:?}"), r#"SecretJson({"user": string, "ports": [number, boolean, null]})"#);
/// ```
///
/// It cannot be serialized:
///
/// ```compile_fail,E0277
/// let _ = serde_json::to_string(&sutler_secrets::SecretJson::from(serde_json::json!("hunter2")));
/// ```
pub struct SecretJson(Value);

impl SecretJson {
    /// The value itself. What the caller does with it is no longer guarded.
    pub fn expose(&self) -> &Value {
        &self.0
    }

    /// Gives the value away; from here on nobody wipes it.
    pub fn into_inner(mut self) -> Value {
        self.0.take()
    }

    /// A second secret with the same value.
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}

impl From<Value> for SecretJson {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl Drop for SecretJson {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl fmt::Debug for SecretJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretJson({:?})", Shape(&self.0))
    }
}

impl<'de> Deserialize<'de> for SecretJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self)
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => flag.zeroize(),
        Value::Number(number) => *number = Number::from(0),
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
    }
}

/// Prints the keys and types of a value.
struct Shape<'a>(&'a Value);

impl fmt::Debug for Shape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("null"),
            Value::Bool(_) => f.write_str("boolean"),
            Value::Number(_) => f.write_str("number"),
            Value::String(_) => f.write_str("string"),
            Value::Array(items) => f.debug_list().entries(items.iter().map(Shape)).finish(),
            Value::Object(members) => {
                f.debug_map().entries(members.iter().map(|(k, v)| (k, Shape(v)))).finish()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn wiping_leaves_no_text_and_no_number() {
        let mut value = json!({ "a": "secret", "b": [12345, { "c": "secret" }], "d": true });
        wipe(&mut value);
        assert_eq!(value, json!({ "a": "", "b": [0, { "c": "" }], "d": false }));
    }

    #[test]
    fn debug_shows_keys_but_no_values() {
        let secret = SecretJson::from(json!({ "token": "hunter2", "n": 4711 }));
        let shown = format!("{secret:?} {secret:#?}");
        assert!(shown.contains("token") && !shown.contains("hunter2") && !shown.contains("4711"), "{shown}");
        assert_eq!(secret.duplicate().into_inner(), *secret.expose());
    }
}
