//! What may be asked of the vendor and what it may answer, operation by operation.
//!
//! The facts are in `tests/contracts/cloudflare.json`; this module holds calls and answers against them.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use jsonschema::{Draft, Validator};
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Call, Payload};
use super::envelope::{Answer, Body};

const CLOUDFLARE: &str = include_str!("../../contracts/cloudflare.json");

/// A set of operations that can judge calls and answers.
#[derive(Debug)]
pub struct Contract {
    base: String,
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
    base: String,
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
    permissions: Vec<String>,
    #[serde(default)]
    query: IndexMap<String, Value>,
    #[serde(default)]
    required_query: Vec<String>,
    #[serde(default)]
    headers: IndexMap<String, Value>,
    body: Option<Value>,
    answer: Value,
    #[serde(default)]
    result_info: Vec<String>,
    #[serde(default, rename = "beyond_reference")]
    _beyond_reference: BTreeMap<String, String>,
}

/// One operation.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    method: String,
    segments: Vec<Segment>,
    /// A minted token needs one of these permission groups; none means any token will do.
    pub(crate) permissions: Vec<String>,
    query: IndexMap<String, QueryRule>,
    required_query: Vec<String>,
    /// Headers of the vendor's own: each call carries all of them, and no others.
    headers: IndexMap<String, Validator>,
    body: Option<Validator>,
    /// None: HTTP 204 without a body.
    answer: Option<Validator>,
}

#[derive(Debug)]
enum Segment {
    Literal(String),
    Parameter(String),
}

#[derive(Debug)]
struct QueryRule {
    schema: Validator,
    typed: bool,
}

impl Contract {
    /// The contract with Cloudflare.
    ///
    /// # Errors
    /// Only when the file in this repository is broken.
    pub fn cloudflare() -> Result<Self, ContractError> {
        Self::parse(CLOUDFLARE)
    }

    /// Reads a contract.
    ///
    /// # Errors
    /// When it has another form, or a schema in it is wrong.
    pub fn parse(text: &str) -> Result<Self, ContractError> {
        let file: ContractFile = serde_json::from_str(text)?;
        let schemas = Schemas { definitions: &file.definitions };
        let operations: Result<_, _> =
            file.operations.into_iter().map(|operation| schemas.operation(operation)).collect();
        Ok(Self {
            base: file.base,
            operations: operations?,
            refusal: schemas.compile("refusal", &json!({"$ref": "#/definitions/refusal"}))?,
        })
    }

    /// The operation a call means, and the variable parts of its path.
    pub(crate) fn find(&self, call: &Call) -> Option<(&Operation, BTreeMap<String, String>)> {
        let segments = call.segments(&self.base)?;
        self.operations
            .iter()
            .filter(|operation| operation.method == call.method)
            .find_map(|operation| Some((operation, operation.parameters(&segments)?)))
    }

    /// The operations, in the order of the file.
    #[cfg(test)]
    pub(crate) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// What is wrong with an answer to this operation.
    pub(crate) fn answer_violations(&self, operation: &Operation, answer: &Answer) -> Vec<String> {
        let place = format!("answer of {} with status {}", operation.id, answer.status);
        let schema = if answer.status < 300 { operation.answer.as_ref() } else { Some(&self.refusal) };
        match (&answer.body, schema) {
            (Body::Empty, None) => Vec::new(),
            (Body::Json(body), Some(schema)) => violations(&place, schema, body),
            (Body::Empty, Some(_)) => vec![format!("{place}: has no body")],
            (Body::Json(_), None) => vec![format!("{place}: has a body")],
            (Body::Text { .. }, _) => vec![format!("{place}: is not JSON")],
        }
    }
}

impl Operation {
    fn parameters(&self, segments: &[String]) -> Option<BTreeMap<String, String>> {
        if segments.len() != self.segments.len() {
            return None;
        }
        let mut parameters = BTreeMap::new();
        for (expected, actual) in self.segments.iter().zip(segments) {
            match expected {
                Segment::Literal(literal) if literal == actual => {}
                Segment::Parameter(name) if !actual.is_empty() => {
                    parameters.insert(name.clone(), actual.clone());
                }
                _ => return None,
            }
        }
        Some(parameters)
    }

    /// What is wrong with a call of this operation. Values are not repeated: they may be secret.
    pub(crate) fn request_violations(&self, call: &Call) -> Vec<String> {
        let mut found = self.query_violations(call);
        found.extend(self.header_violations(call));
        let place = format!("request of {}", self.id);
        match (&call.payload, &self.body) {
            (Payload::None, None) => {}
            (Payload::None, Some(_)) => found.push(format!("{place}: has no body")),
            (_, None) => found.push(format!("{place}: has a body")),
            (Payload::Unreadable(_), Some(_)) => found.push(format!("{place}: is not JSON")),
            (Payload::Json(body), Some(schema)) => {
                found.extend(violations(&place, schema, body));
                let declared = call.content_type.as_deref().unwrap_or_default();
                if !declared.starts_with("application/json") {
                    found.push(format!("{place}: content-type is not application/json"));
                }
            }
        }
        found
    }

    fn header_violations(&self, call: &Call) -> Vec<String> {
        let mut found = Vec::new();
        for (name, schema) in &self.headers {
            let place = format!("header {name} of {}", self.id);
            match call.header(name) {
                None => found.push(format!("{place}: is missing")),
                Some(text) => found.extend(violations(&place, schema, &json!(text))),
            }
        }
        let others = call.headers.keys().filter(|name| !self.headers.contains_key(*name));
        found.extend(others.map(|name| format!("header {name} of {}: is not known", self.id)));
        found
    }

    fn query_violations(&self, call: &Call) -> Vec<String> {
        let mut found = Vec::new();
        for (name, text) in &call.query {
            let place = format!("query parameter {name} of {}", self.id);
            match self.query.get(name) {
                None => found.push(format!("{place}: is not known")),
                Some(rule) => found.extend(violations(&place, &rule.schema, &rule.read(text))),
            }
        }
        for name in self.required_query.iter().filter(|name| !call.query.contains_key(*name)) {
            found.push(format!("query parameter {name} of {}: is missing", self.id));
        }
        found
    }
}

impl QueryRule {
    /// Numbers and booleans arrive as text.
    fn read(&self, text: &str) -> Value {
        let typed = self.typed.then(|| serde_json::from_str(text).ok()).flatten();
        typed.unwrap_or_else(|| Value::String(text.to_owned()))
    }
}

/// Compiles the schemas of one file.
struct Schemas<'file> {
    definitions: &'file Value,
}

impl Schemas<'_> {
    fn compile(&self, place: &str, schema: &Value) -> Result<Validator, ContractError> {
        let whole = json!({"definitions": self.definitions, "allOf": [schema]});
        jsonschema::options().with_draft(Draft::Draft7).should_validate_formats(true).build(&whole).map_err(
            |problem| ContractError::Schema { place: place.to_owned(), problem: problem.to_string() },
        )
    }

    fn operation(&self, file: OperationFile) -> Result<Operation, ContractError> {
        let mut query = IndexMap::new();
        for (name, schema) in &file.query {
            let typed = matches!(schema["type"].as_str(), Some("integer" | "number" | "boolean"));
            let schema = self.compile(&format!("{}, query {name}", file.id), schema)?;
            query.insert(name.clone(), QueryRule { schema, typed });
        }
        let mut headers = IndexMap::new();
        for (name, schema) in &file.headers {
            headers.insert(name.clone(), self.compile(&format!("{}, header {name}", file.id), schema)?);
        }
        let body = file.body.as_ref().map(|schema| self.compile(&file.id, schema)).transpose()?;
        let answer = (file.answer != Value::Bool(false))
            .then(|| self.compile(&file.id, &envelope(&file.answer, &file.result_info)))
            .transpose()?;
        let segments = file.path.trim_start_matches('/').split('/').map(Segment::from).collect();
        Ok(Operation {
            id: file.id,
            method: file.method,
            segments,
            permissions: file.permissions,
            query,
            required_query: file.required_query,
            headers,
            body,
            answer,
        })
    }
}

impl From<&str> for Segment {
    fn from(text: &str) -> Self {
        match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => Self::Parameter(name.to_owned()),
            None => Self::Literal(text.to_owned()),
        }
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

fn violations(place: &str, schema: &Validator, instance: &Value) -> Vec<String> {
    let said = |error: jsonschema::ValidationError<'_>| {
        let path = error.instance_path().to_string();
        format!("{place}: {}: {}", if path.is_empty() { "/" } else { &path }, error.masked())
    };
    schema.iter_errors(instance).map(said).collect()
}
