//! `outputs`: what instances yield.

use serde_json::Value;

use super::failure::Failure;
use super::project::Project;
use crate::nearest::nearest;
use crate::state::record::OutputValue;

/// Whether secrets are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reveal {
    /// They are.
    Everything,
    /// They stay sealed.
    Public,
}

/// What instances yield, at one moment.
#[derive(Debug)]
pub struct Outputs {
    /// The serial of the state that this is about.
    pub serial: u64,
    /// Instance by instance.
    pub rows: Vec<OutputRow>,
}

/// One output.
#[derive(Debug)]
pub struct OutputRow {
    /// Whose.
    pub reference: String,
    /// Its key.
    pub key: String,
    /// The variable it is written to.
    pub variable: Option<String>,
    /// Whether it is a secret.
    pub secret: bool,
    /// Its value, unless it is a secret that stays sealed.
    pub value: Option<Value>,
}

/// Reads outputs from state.
///
/// # Errors
/// When state cannot be read, a secret does not open, or there is no such instance.
pub async fn outputs(project: &Project, only: Option<&str>, reveal: Reveal) -> Result<Outputs, Failure> {
    let (state, vault) = project.read().await?;
    if let Some(name) = only
        && !state.records.iter().any(|record| record.reference.as_str() == name)
    {
        let known: Vec<&str> = state.records.iter().map(|record| record.reference.as_str()).collect();
        let hint = nearest(name, known.iter().copied())
            .map(|near| format!(", did you mean '{near}'?"))
            .unwrap_or_default();
        return Err(Failure::usage(format!(
            "there is no instance '{name}' in state{hint}; `sutler status` lists them"
        )));
    }
    let mut rows = Vec::new();
    for record in
        state.records.iter().filter(|record| only.is_none_or(|name| record.reference.as_str() == name))
    {
        for (key, output) in record.outputs.iter() {
            let secret = matches!(output.value, OutputValue::Secret(_));
            let value = match (&output.value, reveal) {
                (OutputValue::Public(value), _) => Some(value.clone()),
                (OutputValue::Secret(_), Reveal::Public) => None,
                (OutputValue::Secret(_), Reveal::Everything) => {
                    Some(vault.open_output(&record.reference, key, output)?.into_inner())
                }
            };
            rows.push(OutputRow {
                reference: record.reference.to_string(),
                key: key.to_owned(),
                variable: record.variables.get(key).map(ToString::to_string),
                secret,
                value,
            });
        }
    }
    Ok(Outputs { serial: state.serial, rows })
}
