//! What contracts are made of: schemas, paths with variable parts, and what is wrong with a value.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

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

/// A contract, read once for the whole process: many fakes live in one, and compiling all schemas takes longer than most
/// of what they are asked.
pub(crate) fn once<C>(
    read_before: &'static OnceLock<Arc<C>>,
    read: impl FnOnce() -> Result<C, ContractError>,
) -> Result<Arc<C>, ContractError> {
    if let Some(contract) = read_before.get() {
        return Ok(contract.clone());
    }
    let contract = Arc::new(read()?);
    Ok(read_before.get_or_init(|| contract).clone())
}

/// Compiles the schemas of one file.
#[derive(Clone, Copy)]
pub(crate) struct Schemas<'file> {
    pub(crate) definitions: &'file Value,
}

impl Schemas<'_> {
    pub(crate) fn compile(self, place: &str, schema: &Value) -> Result<Validator, ContractError> {
        let whole = json!({"definitions": self.definitions, "allOf": [schema]});
        jsonschema::options().with_draft(Draft::Draft7).should_validate_formats(true).build(&whole).map_err(
            |problem| ContractError::Schema { place: place.to_owned(), problem: problem.to_string() },
        )
    }

    /// What stands for failures.
    pub(crate) fn refusal(self) -> Result<Validator, ContractError> {
        self.compile("refusal", &json!({"$ref": "#/definitions/refusal"}))
    }

    /// What may be in the query of the operation `id`.
    pub(crate) fn query(self, id: &str, file: &IndexMap<String, Value>) -> Result<Query, ContractError> {
        let mut rules = IndexMap::new();
        for (name, schema) in file {
            let typed = matches!(schema["type"].as_str(), Some("integer" | "number" | "boolean"));
            let schema = self.compile(&format!("{id}, query {name}"), schema)?;
            rules.insert(name.clone(), (schema, typed));
        }
        Ok(Query(rules))
    }

    /// What must be in the headers of the operation `id`.
    pub(crate) fn headers(self, id: &str, file: &IndexMap<String, Value>) -> Result<Headers, ContractError> {
        let mut rules = IndexMap::new();
        for (name, schema) in file {
            rules.insert(name.clone(), self.compile(&format!("{id}, header {name}"), schema)?);
        }
        Ok(Headers(rules))
    }
}

/// What may be in a query.
#[derive(Debug)]
pub(crate) struct Query(IndexMap<String, (Validator, bool)>);

impl Query {
    /// What is wrong with the query of a call of the operation `id`.
    pub(crate) fn violations(&self, id: &str, query: &BTreeMap<String, String>) -> Vec<String> {
        let mut found = Vec::new();
        for (name, text) in query {
            let place = format!("query parameter {name} of {id}");
            match self.0.get(name) {
                None => found.push(format!("{place}: is not known")),
                Some((schema, typed)) => found.extend(violations(&place, schema, &read(text, *typed))),
            }
        }
        found
    }
}

/// What the headers of the vendor's own begin with. All others are the business of HTTP.
const OWN_HEADERS: &str = "cf-";

/// What must be in headers of the vendor's own: all of these, and no others.
#[derive(Debug)]
pub(crate) struct Headers(IndexMap<String, Validator>);

impl Headers {
    /// What is wrong with the headers of a call of the operation `id`; their names are in lower case.
    pub(crate) fn violations(&self, id: &str, headers: &BTreeMap<String, String>) -> Vec<String> {
        let mut found = Vec::new();
        for (name, schema) in &self.0 {
            let place = format!("header {name} of {id}");
            match headers.get(name) {
                None => found.push(format!("{place}: is missing")),
                Some(text) => found.extend(violations(&place, schema, &json!(text))),
            }
        }
        let own = headers.keys().filter(|name| name.starts_with(OWN_HEADERS));
        let others = own.filter(|name| !self.0.contains_key(*name));
        found.extend(others.map(|name| format!("header {name} of {id}: is not known")));
        found
    }
}

/// Numbers and booleans arrive as text.
fn read(text: &str, typed: bool) -> Value {
    let typed = typed.then(|| serde_json::from_str(text).ok()).flatten();
    typed.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// A path with variable parts, which are in braces.
#[derive(Debug)]
pub(crate) struct Template(Vec<Segment>);

#[derive(Debug)]
enum Segment {
    Literal(String),
    Parameter(String),
}

impl Template {
    pub(crate) fn new(path: &str) -> Self {
        Self(path.trim_start_matches('/').split('/').map(Segment::from).collect())
    }

    /// The variable parts of a path that fits.
    pub(crate) fn parameters(&self, segments: &[String]) -> Option<BTreeMap<String, String>> {
        if segments.len() != self.0.len() {
            return None;
        }
        let mut parameters = BTreeMap::new();
        for (expected, actual) in self.0.iter().zip(segments) {
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
}

impl From<&str> for Segment {
    fn from(text: &str) -> Self {
        match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => Self::Parameter(name.to_owned()),
            None => Self::Literal(text.to_owned()),
        }
    }
}

/// What is wrong with a value. Values are not repeated: they may be secret.
pub(crate) fn violations(place: &str, schema: &Validator, instance: &Value) -> Vec<String> {
    let said = |error: jsonschema::ValidationError<'_>| {
        let path = error.instance_path().to_string();
        format!("{place}: {}: {}", if path.is_empty() { "/" } else { &path }, error.masked())
    };
    schema.iter_errors(instance).map(said).collect()
}
