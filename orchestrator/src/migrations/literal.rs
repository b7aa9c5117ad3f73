//! Secrets that are written out where only a reference belongs: a migration is a file that everyone can read (A45).

use serde_json::Value;
use sutler_catalog::Index;

use super::snapshot::Declared;
use crate::config::is_secret_looking;
use crate::reference::{self, Template};

/// JSON pointers, below the parameters, to texts that are literals and belong to what is secret: what the schema of the
/// plan marks as `writeOnly`, or what is called like a secret. Without a catalog only names tell.
pub(super) fn secret_literals(declared: &Declared, index: Option<&Index>) -> Vec<String> {
    let (_, service) = declared.broker_and_service();
    let schema = index
        .and_then(|index| index.offering(service))
        .and_then(|offering| offering.plans.iter().find(|plan| plan.name == declared.plan))
        .and_then(|plan| sutler_catalog::Input::Provision.schema(plan));
    let mut looking = Looking { pointer: String::new(), found: Vec::new() };
    looking.visit(&declared.params, (schema, false));
    looking.found
}

struct Looking {
    pointer: String,
    found: Vec<String>,
}

impl Looking {
    fn visit(&mut self, value: &Value, (schema, is_secret): (Option<&Value>, bool)) {
        let is_secret =
            is_secret || schema.is_some_and(|schema| schema.get("writeOnly") == Some(&Value::Bool(true)));
        match value {
            Value::String(text) => {
                let is_literal = matches!(reference::parse(text), Ok(Template::Literal(_)) | Err(_));
                if is_secret && is_literal && !text.is_empty() {
                    self.found.push(self.pointer.clone());
                }
            }
            Value::Array(items) => {
                let schema = schema.and_then(|schema| schema.get("items"));
                for (at, item) in items.iter().enumerate() {
                    self.below(&at.to_string(), item, (schema, is_secret));
                }
            }
            Value::Object(members) => {
                for (key, member) in members {
                    let of_key = schema.and_then(|schema| {
                        let named = schema.get("properties").and_then(|properties| properties.get(key));
                        named.or_else(|| schema.get("additionalProperties"))
                    });
                    self.below(key, member, (of_key, is_secret || is_secret_looking(key)));
                }
            }
            _ => {}
        }
    }

    fn below(&mut self, key: &str, value: &Value, of: (Option<&Value>, bool)) {
        let length = self.pointer.len();
        reference::push(&mut self.pointer, key);
        self.visit(value, of);
        self.pointer.truncate(length);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(params: Value) -> Vec<String> {
        let declared = Declared {
            service: "edge/database".to_owned(),
            plan: "standard".to_owned(),
            name: "db".to_owned(),
            protected: false,
            replace: None,
            params,
            bind: std::collections::BTreeMap::new(),
        };
        secret_literals(&declared, None)
    }

    #[test]
    fn a45_a_literal_below_a_secret_is_found_and_a_reference_is_none() {
        let params = json!({
            "size": "large", "password": "hunter2", "secrets": { "A": "@db.token", "B": ["x", "id=${db.id}"], "C": "@@x" },
            "token_ttl": 3600, "api_key": "",
        });
        assert_eq!(found(params), ["/password", "/secrets/B/0", "/secrets/C"]);
        assert!(found(json!({ "note": "plain", "list": ["x"] })).is_empty());
    }
}
