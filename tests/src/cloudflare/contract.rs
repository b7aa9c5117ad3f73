//! The contract with Cloudflare, and the envelope of its successes.

use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};

use crate::vendor::contract::Contract;
use crate::vendor::schemas::{ContractError, once};

const CLOUDFLARE: &str = include_str!("../../contracts/cloudflare.json");

impl Contract {
    /// The contract with Cloudflare.
    ///
    /// # Errors
    /// Only when the file in this repository is broken.
    pub fn cloudflare() -> Result<Arc<Self>, ContractError> {
        static READ: OnceLock<Arc<Contract>> = OnceLock::new();
        once(&READ, || Self::parse(CLOUDFLARE))
    }

    /// Reads a contract in Cloudflare's form.
    ///
    /// # Errors
    /// When it has another form, or a schema in it is wrong.
    pub fn parse(text: &str) -> Result<Self, ContractError> {
        Self::read(text, envelope)
    }
}

/// The schema of a whole success, around the schema of its result.
fn envelope(result: &Value, result_info: &[String]) -> Value {
    let mut properties = json!({
        "success": {"const": true},
        "errors": {"type": "array", "maxItems": 0},
        "messages": {"type": "array"},
        "result": result,
    });
    let mut required = vec!["success", "errors", "messages", "result"];
    if !result_info.is_empty() {
        let counts: serde_json::Map<_, _> =
            result_info.iter().map(|name| (name.clone(), json!({"type": counted(name)}))).collect();
        properties["result_info"] = json!({
            "type": "object", "properties": counts, "required": result_info, "additionalProperties": false
        });
        required.push("result_info");
    }
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

/// Everything about a list is a number, but where it goes on.
fn counted(name: &str) -> &'static str {
    if name == "cursor" { "string" } else { "integer" }
}
