//! What may be asked of the vendor and what it may answer, operation by operation.
//!
//! The facts are in `tests/contracts/stripe.json`; this module holds calls and answers against them.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;
use jsonschema::Validator;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::form;
use crate::vendor::answer::Body;
use crate::vendor::schemas::{ContractError, Query, Schemas, Template, once, violations};

const STRIPE: &str = include_str!("../../contracts/stripe.json");

/// A set of operations that can judge calls and answers.
#[derive(Debug)]
pub struct Contract {
    version: String,
    definitions: Value,
    operations: Vec<Operation>,
    refusal: Validator,
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
    path: Template,
    query: Query,
    body: Option<(Value, Validator)>,
    answer: Validator,
    version: String,
}

impl Contract {
    /// The contract with Stripe.
    ///
    /// # Errors
    /// Only when the file in this repository is broken.
    pub fn stripe() -> Result<Arc<Self>, ContractError> {
        static READ: OnceLock<Arc<Contract>> = OnceLock::new();
        once(&READ, Self::read)
    }

    fn read() -> Result<Self, ContractError> {
        let file: ContractFile = serde_json::from_str(STRIPE)?;
        let definitions = file.definitions;
        let schemas = Schemas { definitions: &definitions };
        let operation = |operation| compiled(operation, schemas, &file.version);
        let operations: Result<_, _> = file.operations.into_iter().map(operation).collect();
        let refusal = schemas.refusal()?;
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
        let mut found =
            of_method.filter_map(|operation| Some((operation, operation.path.parameters(&segments)?)));
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
    /// What is wrong with a call of this operation. Values are not repeated: they may be secret.
    pub(crate) fn request_violations(&self, call: &Call) -> Vec<String> {
        let mut found = self.query.violations(&self.id, &call.query);
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
}

fn compiled(file: OperationFile, schemas: Schemas<'_>, version: &str) -> Result<Operation, ContractError> {
    let compiled = |schema: Value| {
        let validator = schemas.compile(&file.id, &schema)?;
        Ok::<_, ContractError>((schema, validator))
    };
    Ok(Operation {
        body: file.body.map(compiled).transpose()?,
        answer: schemas.compile(&file.id, &file.answer)?,
        query: schemas.query(&file.id, &file.query)?,
        path: Template::new(&file.path),
        id: file.id,
        method: file.method,
        version: version.to_owned(),
    })
}
