//! What may be asked of a vendor that speaks JSON and what it may answer, operation by operation.
//!
//! The facts are in `tests/contracts`; this module holds calls and answers against them.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use jsonschema::Validator;
use serde::Deserialize;
use serde_json::Value;

use super::answer::{Answer, Body};
use super::call::{Call, Payload};
use super::schemas::{ContractError, Headers, Query, Schemas, Template, violations};

/// The schema of a whole success, around the schema of its result; the names are what the answer says of a list.
pub(crate) type Envelope = fn(&Value, &[String]) -> Value;

/// A set of operations that can judge calls and answers.
#[derive(Debug)]
pub struct Contract {
    base: String,
    operations: Vec<Operation>,
    refusal: Validator,
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
    path: Template,
    /// A minted token needs one of these permission groups; none means any token will do.
    pub(crate) permissions: Vec<String>,
    query: Query,
    required_query: Vec<String>,
    /// Headers of the vendor's own: each call carries all of them, and no others.
    headers: Headers,
    body: Option<Validator>,
    /// None: HTTP 204 without a body.
    answer: Option<Validator>,
}

impl Contract {
    /// Reads a contract of which the successes have this envelope.
    pub(crate) fn read(text: &str, envelope: Envelope) -> Result<Self, ContractError> {
        let file: ContractFile = serde_json::from_str(text)?;
        let schemas = Schemas { definitions: &file.definitions };
        let operations = file.operations.into_iter();
        let operations = operations.map(|operation| Operation::new(operation, schemas, envelope));
        Ok(Self {
            base: file.base,
            operations: operations.collect::<Result<_, _>>()?,
            refusal: schemas.refusal()?,
        })
    }

    /// The operation a call means, and the variable parts of its path.
    pub(crate) fn find(&self, call: &Call) -> Option<(&Operation, BTreeMap<String, String>)> {
        let segments = call.segments(&self.base)?;
        self.operations
            .iter()
            .filter(|operation| operation.method == call.method)
            .find_map(|operation| Some((operation, operation.path.parameters(&segments)?)))
    }

    /// The operations, in the order of the file.
    #[cfg(test)]
    pub(crate) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// What is wrong with an answer to this operation.
    pub(crate) fn answer_violations<Kind>(
        &self,
        operation: &Operation,
        answer: &Answer<Kind>,
    ) -> Vec<String> {
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
    fn new(file: OperationFile, schemas: Schemas<'_>, envelope: Envelope) -> Result<Self, ContractError> {
        let body = file.body.as_ref().map(|schema| schemas.compile(&file.id, schema)).transpose()?;
        let answer = (file.answer != Value::Bool(false))
            .then(|| schemas.compile(&file.id, &envelope(&file.answer, &file.result_info)))
            .transpose()?;
        Ok(Self {
            query: schemas.query(&file.id, &file.query)?,
            headers: schemas.headers(&file.id, &file.headers)?,
            path: Template::new(&file.path),
            id: file.id,
            method: file.method,
            permissions: file.permissions,
            required_query: file.required_query,
            body,
            answer,
        })
    }

    /// What is wrong with a call of this operation. Values are not repeated: they may be secret.
    pub(crate) fn request_violations(&self, call: &Call) -> Vec<String> {
        let mut found = self.query.violations(&self.id, &call.query);
        for name in self.required_query.iter().filter(|name| !call.query.contains_key(*name)) {
            found.push(format!("query parameter {name} of {}: is missing", self.id));
        }
        found.extend(self.headers.violations(&self.id, &call.headers));
        let place = format!("request of {}", self.id);
        match (&call.payload, &self.body) {
            (Payload::None, None) => {}
            (Payload::None, Some(_)) => found.push(format!("{place}: has no body")),
            (_, None) => found.push(format!("{place}: has a body")),
            (Payload::Unreadable(_), Some(_)) => found.push(format!("{place}: is not JSON")),
            (Payload::Json(body), Some(schema)) => {
                found.extend(violations(&place, schema, body));
                let declared = call.header("content-type").unwrap_or_default();
                if !declared.starts_with("application/json") {
                    found.push(format!("{place}: content-type is not application/json"));
                }
            }
        }
        found
    }
}
