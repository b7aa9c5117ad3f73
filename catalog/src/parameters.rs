//! Parameters against a JSON Schema: compiled once, every problem listed, no value ever shown (S-31).

use std::{error::Error, fmt};

use jsonschema::{
    PatternOptions, Retrieve, Uri,
    error::{ValidationError, ValidationErrorKind},
};
use serde_json::Value;

use crate::{complexity, problem::Problem};

/// No schema may be larger, counted as compact JSON (B-CSC-04).
pub const SCHEMA_BYTES: usize = 65_536;

/// Memory that one compiled regular expression may take.
const PATTERN_BYTES: usize = 1 << 20;

/// Why a schema cannot be used. The texts are safe to print, whoever wrote the schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// Larger than 64 kB (B-CSC-04).
    #[error("the schema is {bytes} bytes long; {SCHEMA_BYTES} are allowed")]
    TooLarge {
        /// As compact JSON.
        bytes: usize,
    },
    /// Not an object with a `$schema` that is a text (B-CSC-02).
    #[error("the schema has no \"$schema\" that names its draft")]
    NoDraft,
    /// A draft that nobody implements here, or a meta-schema of the broker's own (B-CSC-03).
    #[error("the schema's draft {0} is not one of draft-04 to 2020-12")]
    UnknownDraft(String),
    /// Refers to something outside itself (B-CSC-03). Nothing has been fetched or read.
    #[error("the schema refers to {0}, outside itself")]
    ExternalReference(String),
    /// Refers to a part of itself that is not there.
    #[error("the schema refers to a part of itself that does not exist: {0}")]
    BrokenReference(String),
    /// Its references or patterns would take too much time.
    #[error("the schema nests too deep, refers to itself too often or has too many patterns")]
    TooComplex,
    /// A pattern that is valid elsewhere but cannot be matched in linear time, such as one that looks ahead.
    #[error("the pattern at {path} needs look-around, back-references or too much memory")]
    UnsupportedPattern {
        /// JSON pointer into the schema.
        path: String,
    },
    /// Not a valid schema of its draft.
    #[error("the schema is not valid at {path}: {message}")]
    Invalid {
        /// JSON pointer into the schema; `/` for the whole.
        path: String,
        /// What is wrong.
        message: String,
    },
}

/// Refuses to fetch anything from anywhere.
struct Nowhere;

impl Retrieve for Nowhere {
    fn retrieve(&self, _: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        Err("references outside the schema are not followed".into())
    }
}

/// A compiled schema. Sharing it between threads is safe and cheap to use; compiling is not cheap: do it once.
pub struct Validator {
    schema: Value,
    compiled: jsonschema::Validator,
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator").field("properties", &self.properties()).finish_non_exhaustive()
    }
}

impl Validator {
    /// Compiles a schema of the draft that its `$schema` names, draft-04 to 2020-12. Never opens a file or connection.
    ///
    /// # Errors
    /// When it breaks a rule of the specification or cannot be checked safely.
    pub fn compile(schema: &Value) -> Result<Self, SchemaError> {
        let bytes = schema.to_string().len();
        if bytes > SCHEMA_BYTES {
            return Err(SchemaError::TooLarge { bytes });
        }
        if !schema.get("$schema").is_some_and(Value::is_string) {
            return Err(SchemaError::NoDraft);
        }
        if !complexity::is_affordable(schema) {
            return Err(SchemaError::TooComplex);
        }
        let compiled = jsonschema::options()
            .with_retriever(Nowhere)
            .with_pattern_options(
                PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES),
            )
            .build(schema)
            .map_err(|error| schema_error(&error))?;
        Ok(Self { schema: schema.clone(), compiled })
    }

    /// Whether the parameters satisfy the schema.
    #[must_use]
    pub fn is_valid(&self, parameters: &Value) -> bool {
        self.compiled.is_valid(parameters)
    }

    /// Every problem of the parameters, at most 100 and a last one that says there are more. Empty means valid.
    #[must_use]
    pub fn validate(&self, parameters: &Value) -> Vec<Problem> {
        if self.compiled.is_valid(parameters) {
            return Vec::new();
        }
        Problem::list(self.compiled.iter_errors(parameters), parameters)
    }

    /// The top-level properties that the schema names.
    #[must_use]
    pub fn properties(&self) -> Vec<&str> {
        crate::properties::named(&self.schema)
    }

    /// Whether a request may hold the top-level property at all, whatever its value: the schema names it, or is open.
    #[must_use]
    pub fn accepts(&self, property: &str) -> bool {
        crate::properties::accepts(&self.schema, property)
    }
}

fn schema_error(error: &ValidationError<'_>) -> SchemaError {
    use jsonschema::ReferencingError as Reference;
    let path = || match error.instance_path().as_str() {
        "" => "/".to_owned(),
        path => Problem::printable(path),
    };
    match error.kind() {
        ValidationErrorKind::Referencing(Reference::UnknownSpecification { specification }) => {
            SchemaError::UnknownDraft(Problem::printable(specification))
        }
        ValidationErrorKind::Referencing(Reference::Unretrievable { uri, .. }) => {
            SchemaError::ExternalReference(Problem::printable(uri))
        }
        ValidationErrorKind::Referencing(other) => {
            SchemaError::BrokenReference(Problem::printable(&other.to_string()))
        }
        // Valid by its meta-schema, refused by the engine: then both paths point into the schema itself.
        ValidationErrorKind::Format { format }
            if format == "regex" && error.schema_path() == error.instance_path() =>
        {
            SchemaError::UnsupportedPattern { path: path() }
        }
        _ => SchemaError::Invalid { path: path(), message: Problem::printable(&error.masked().to_string()) },
    }
}
