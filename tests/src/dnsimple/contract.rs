//! The contract with DNSimple, and the envelope of its successes.

use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};

use crate::vendor::contract::Contract;
use crate::vendor::schemas::{ContractError, once};

const DNSIMPLE: &str = include_str!("../../contracts/dnsimple.json");

impl Contract {
    /// The contract with DNSimple.
    ///
    /// # Errors
    /// Only when the file in this repository is broken.
    pub fn dnsimple() -> Result<Arc<Self>, ContractError> {
        static READ: OnceLock<Arc<Contract>> = OnceLock::new();
        once(&READ, || Self::read(DNSIMPLE, envelope))
    }
}

/// The schema of a whole success, around the schema of its data.
fn envelope(data: &Value, pagination: &[String]) -> Value {
    let mut properties = json!({ "data": data });
    let mut required = vec!["data"];
    if !pagination.is_empty() {
        let counts: serde_json::Map<_, _> =
            pagination.iter().map(|name| (name.clone(), json!({ "type": "integer" }))).collect();
        properties["pagination"] = json!({
            "type": "object", "properties": counts, "required": pagination, "additionalProperties": false
        });
        required.push("pagination");
    }
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}
