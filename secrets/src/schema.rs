//! Secrets in the types of parameters and outputs: their schema says that they are one.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use zeroize::Zeroize;

use crate::Secret;

/// The schema of the value, with `writeOnly`: it may be given and is never shown.
impl<T: Zeroize + JsonSchema> JsonSchema for Secret<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Secret_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        schema.insert("writeOnly".to_owned(), true.into());
        schema
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::SecretString;

    #[test]
    fn the_schema_of_a_secret_says_that_it_is_one() {
        let schema = schemars::schema_for!(SecretString);
        assert_eq!(
            (&schema.as_value()["type"], &schema.as_value()["writeOnly"]),
            (&json!("string"), &json!(true))
        );
    }
}
