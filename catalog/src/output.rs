//! Outputs: what an instance or its binding yields to others, and which of it is secret (S-41).

use schemars::JsonSchema;
use serde_json::{Map, Value, json};
use sutler_spec::ServiceOffering;

use crate::Extension;
use crate::schema::{self, Nulls};

/// The key of our extensions in an offering's `metadata`.
pub(crate) const METADATA_KEY: &str = "sutler";

/// Says that two instances of the same parameters exclude each other.
const EXCLUSIVE: &str = "exclusive";

/// Whether an offering of any broker says, under `metadata.sutler.exclusive`, that two instances with the same
/// parameters cannot be there at once: whoever replaces one has to delete it first.
#[must_use]
pub fn is_exclusive(offering: &ServiceOffering) -> bool {
    let ours = offering.metadata.get(METADATA_KEY);
    ours.and_then(|ours| ours.get(EXCLUSIVE)) == Some(&Value::Bool(true))
}

/// Whether a value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sensitivity {
    /// It may be printed and stored as it is.
    Public,
    /// It is sealed and masked. Whatever is not declared counts as secret.
    Secret,
}

/// A key of a binding's credentials or of an instance's attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The key.
    pub name: String,
    /// What it is, for people.
    pub description: String,
    /// Whether it may be shown.
    pub sensitivity: Sensitivity,
}

impl Output {
    /// Whether it must not be shown.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.sensitivity == Sensitivity::Secret
    }
}

/// The fields of a type as outputs: secret are those whose schema says `writeOnly`, as that of a `Secret` does.
pub(crate) fn of<T: JsonSchema>() -> Vec<Output> {
    let schema = schema::of::<T>(Nulls::Refused);
    let fields = schema.get("properties").and_then(Value::as_object);
    let output = |(name, field): (&String, &Value)| Output {
        name: name.clone(),
        description: field.get("description").and_then(Value::as_str).unwrap_or_default().to_owned(),
        sensitivity: if schema::is_secret(field) { Sensitivity::Secret } else { Sensitivity::Public },
    };
    fields.map(|fields| fields.iter().map(output).collect()).unwrap_or_default()
}

/// Writes outputs in the form that [`declared_outputs`] reads.
pub(crate) fn to_metadata(outputs: &[Output], exclusive: bool, extensions: &[Extension]) -> Value {
    let outputs: Vec<Value> = outputs
        .iter()
        .map(|output| {
            json!({ "name": output.name, "description": output.description, "secret": output.is_secret() })
        })
        .collect();
    let extensions: Vec<&str> = extensions.iter().map(|extension| extension.word()).collect();
    let mut metadata = json!({ "outputs": outputs, "extensions": extensions });
    if exclusive {
        metadata[EXCLUSIVE] = Value::Bool(true);
    }
    metadata
}

/// The outputs that an offering of any broker declares under `metadata.sutler.outputs`, or nothing if it does not say.
///
/// Fails closed: an output is public only where it says `"secret": false`, and says so each time it is named.
#[must_use]
pub fn declared_outputs(offering: &ServiceOffering) -> Option<Vec<Output>> {
    let entries = offering.metadata.get(METADATA_KEY)?.get("outputs")?.as_array()?;
    let mut outputs: Vec<Output> = Vec::with_capacity(entries.len().min(100));
    for output in entries.iter().filter_map(Value::as_object).filter_map(read) {
        match outputs.iter_mut().find(|known| known.name == output.name) {
            Some(known) if output.is_secret() => known.sensitivity = Sensitivity::Secret,
            Some(_) => {}
            None => outputs.push(output),
        }
    }
    Some(outputs)
}

fn read(entry: &Map<String, Value>) -> Option<Output> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str);
    let sensitivity = match entry.get("secret") {
        Some(Value::Bool(false)) => Sensitivity::Public,
        _ => Sensitivity::Secret,
    };
    Some(Output {
        name: text("name").filter(|name| !name.is_empty())?.to_owned(),
        description: text("description").unwrap_or_default().to_owned(),
        sensitivity,
    })
}
