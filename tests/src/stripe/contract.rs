//! What may be asked of the vendor and what it may answer, operation by operation.
//!
//! The facts are in `tests/contracts/stripe.json`; this module holds calls and answers against them.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use jsonschema::{Draft, Validator};
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::form;
use crate::cloudflare::envelope::{Answer, Body};

const STRIPE: &str = include_str!("../../contracts/stripe.json");

/// A set of operations that can judge calls and answers.
#[derive(Debug)]
pub struct Contract {
    version: String,
    definitions: Value,
    operations: Vec<Operation>,
    refusal: Validator,
}

/// Why a contract could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// The file is not what this module expects.
    #[error("the contract cannot be read")]
    Format(#[from] serde_json::Error),
    /// A schema in it is wrong.
    #[error("the schema of {place} is wrong: {problem}")]
    Schema {
        /// Which schema.
        place: String,
        /// What is wrong.
        problem: String,
    },
}

#[derive(Deserialize)]
struct ContractFile {
    version: String,
    definitions: Value,
    operations: Vec<OperationFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperationFile {
    id: String,
    method: String,
    path: String,
    #[serde(default)]
    query: IndexMap<String, Value>,
    body: Option<Value>,
    answer: Value,
    #[serde(default, rename = "beyond_reference")]
    _beyond_reference: BTreeMap<String, String>,
}

/// One operation.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    method: String,
    parts: Vec<String>,
    query: IndexMap<String, (Value, Validator)>,
    body: Option<(Value, Validator)>,
    answer: Validator,
    version: String,
}

impl Contract {
    /// The contract with Stripe.
    ///
    /// # Errors
    /// Only when the file in this repository is broken.
    pub fn stripe() -> Result<Self, ContractError> {
        let file: ContractFile = serde_json::from_str(STRIPE)?;
        let definitions = file.definitions;
        let operation = |operation| compiled(operation, &definitions, &file.version);
        let operations: Result<_, _> = file.operations.into_iter().map(operation).collect();
        let refusal = compile("refusal", &json!({ "$ref": "#/definitions/refusal" }), &definitions)?;
        Ok(Self { version: file.version, operations: operations?, refusal, definitions })
    }

    /// The version of the interface that it describes.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The operation a call means, and the variable parts of its path.
    pub(crate) fn find(&self, call: &Call) -> Option<(&Operation, BTreeMap<String, String>)> {
        let segments = call.segments();
        let of_method = self.operations.iter().filter(|operation| operation.method == call.method);
        let mut found = of_method.filter_map(|operation| Some((operation, operation.parameters(&segments)?)));
        found.next()
    }

    /// The operations, in the order of the file.
    #[cfg(test)]
    pub(crate) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// A form holds texts: here they become what the operation takes them for.
    pub(crate) fn type_body(&self, operation: &Operation, call: &mut Call) {
        if let (Some((schema, _)), Ok(body), false) = (&operation.body, &call.body, call.is_v2()) {
            call.body = Ok(form::typed(body.clone(), schema, &self.definitions));
        }
    }

    /// What is wrong with an answer to this operation.
    pub(crate) fn answer_violations(&self, operation: &Operation, answer: &Answer) -> Vec<String> {
        let place = format!("answer of {} with status {}", operation.id, answer.status);
        let schema = if answer.status < 300 { &operation.answer } else { &self.refusal };
        match &answer.body {
            Body::Json(body) => violations(&place, schema, body),
            Body::Text { .. } | Body::Empty => vec![format!("{place}: is not JSON")],
        }
    }
}

impl Operation {
    fn parameters(&self, segments: &[String]) -> Option<BTreeMap<String, String>> {
        if segments.len() != self.parts.len() {
            return None;
        }
        let mut parameters = BTreeMap::new();
        for (expected, actual) in self.parts.iter().zip(segments) {
            match expected.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some(name) if !actual.is_empty() => {
                    parameters.insert(name.to_owned(), actual.clone());
                }
                None if expected == actual => {}
                _ => return None,
            }
        }
        Some(parameters)
    }

    /// What is wrong with a call of this operation. Values are not repeated: they may be secret.
    pub(crate) fn request_violations(&self, call: &Call) -> Vec<String> {
        let mut found = self.query_violations(call);
        let place = format!("request of {}", self.id);
        if call.version.as_deref() != Some(self.version.as_str()) {
            found.push(format!("{place}: the header stripe-version is not {}", self.version));
        }
        let is_post = self.method == "POST";
        if is_post != call.key.is_some() && !(call.is_v2() && self.method == "DELETE") {
            found.push(format!("{place}: an idempotency key goes with every POST and with nothing else"));
        }
        if call.key.as_ref().is_some_and(|key| key.is_empty() || key.len() > 255) {
            found.push(format!("{place}: the idempotency key has a wrong length"));
        }
        match (&call.body, &self.body) {
            (Err(problem), _) => found.push(format!("{place}: {problem}")),
            (Ok(Value::Null), None) => {}
            (Ok(_), None) => found.push(format!("{place}: has a body")),
            (Ok(body), Some((_, schema))) => {
                let body = if body.is_null() { &json!({}) } else { body };
                found.extend(violations(&place, schema, body));
                let form =
                    if call.is_v2() { "application/json" } else { "application/x-www-form-urlencoded" };
                let declared = call.content_type.as_deref().unwrap_or_default();
                if !call.text.is_empty() && !declared.starts_with(form) {
                    found.push(format!("{place}: content-type is not {form}"));
                }
            }
        }
        found
    }

    fn query_violations(&self, call: &Call) -> Vec<String> {
        let mut found = Vec::new();
        for (name, text) in &call.query {
            let place = format!("query parameter {name} of {}", self.id);
            match self.query.get(name) {
                None => found.push(format!("{place}: is not known")),
                Some((schema, validator)) => {
                    let value = form::typed(Value::String(text.clone()), schema, &Value::Null);
                    found.extend(violations(&place, validator, &value));
                }
            }
        }
        found
    }
}

fn compile(place: &str, schema: &Value, definitions: &Value) -> Result<Validator, ContractError> {
    let whole = json!({ "definitions": definitions, "allOf": [schema] });
    jsonschema::options()
        .with_draft(Draft::Draft7)
        .should_validate_formats(true)
        .build(&whole)
        .map_err(|problem| ContractError::Schema { place: place.to_owned(), problem: problem.to_string() })
}

fn compiled(file: OperationFile, definitions: &Value, version: &str) -> Result<Operation, ContractError> {
    let mut query = IndexMap::new();
    for (name, schema) in file.query {
        let validator = compile(&format!("{}, query {name}", file.id), &schema, definitions)?;
        query.insert(name, (schema, validator));
    }
    let compiled = |schema: Value| {
        let validator = compile(&file.id, &schema, definitions)?;
        Ok::<_, ContractError>((schema, validator))
    };
    let body = file.body.map(compiled).transpose()?;
    let parts = file.path.trim_start_matches('/').split('/').map(str::to_owned).collect();
    Ok(Operation {
        answer: compile(&file.id, &file.answer, definitions)?,
        id: file.id,
        method: file.method,
        parts,
        query,
        body,
        version: version.to_owned(),
    })
}

fn violations(place: &str, schema: &Validator, instance: &Value) -> Vec<String> {
    let said = |error: jsonschema::ValidationError<'_>| {
        let path = error.instance_path().to_string();
        format!("{place}: {}: {}", if path.is_empty() { "/" } else { &path }, error.masked())
    };
    schema.iter_errors(instance).map(said).collect()
}
