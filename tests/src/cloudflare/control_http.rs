//! The control interface over HTTP, for a fake that runs as a process of its own.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::account::pages::{Ending, Outcome, ValidationMethod};
use super::call::{Call, Payload};
use super::control::{Control, Refused};
use super::envelope::Answer;

/// Where the control interface begins. It needs no authentication: the fake listens on loopback only.
pub(crate) const PREFIX: &str = "/__control";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    name: String,
    #[serde(default)]
    undeployed_version: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Project {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Validation {
    hostname: String,
    ending: Ending,
    #[serde(default)]
    error_message: Option<String>,
    #[serde(default)]
    recovers: bool,
    #[serde(default)]
    method: ValidationMethod,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Somebody {
    operation: String,
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    #[serde(default)]
    body: Value,
}

/// Why a control request was not carried out.
enum Mistake {
    Unknown,
    Body(serde_json::Error),
    Refused(Refused),
}

/// Carries out a control request.
pub(crate) fn answer(control: &Control, call: &Call) -> Answer {
    let segments = call.segments(PREFIX).unwrap_or_default();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let told = match call.method.as_str() {
        "GET" => see(control, call, &segments),
        method => change(control, call, method, &segments),
    };
    match told {
        Ok(body) => Answer::json(200, body),
        Err(Mistake::Unknown) => Answer::json(404, json!({"error": "there is no such control request"})),
        Err(Mistake::Body(error)) => Answer::json(400, json!({"error": error.to_string()})),
        Err(Mistake::Refused(refused)) => {
            Answer::json(refused.status, json!({"error": refused.message, "code": refused.code}))
        }
    }
}

fn see(control: &Control, call: &Call, segments: &[&str]) -> Result<Value, Mistake> {
    match segments {
        ["health"] => Ok(json!({"ready": true})),
        ["ledger"] => {
            let after = call.query_value("after").and_then(|text| text.parse().ok()).unwrap_or(0);
            Ok(json!({"entries": control.ledger_after(after)}))
        }
        ["state"] => Ok(json!(control.state())),
        _ => Err(Mistake::Unknown),
    }
}

fn change(control: &Control, call: &Call, method: &str, segments: &[&str]) -> Result<Value, Mistake> {
    match (method, segments) {
        ("POST", ["faults"]) => control.add_fault(read(call)?),
        ("DELETE", ["faults"]) => control.clear_faults(),
        ("POST", ["settings"]) => control.change(&read(call)?),
        ("POST", ["scripts"]) => declare_script(control, &read(call)?),
        ("DELETE", ["scripts", name]) => return Ok(json!({"removed": control.remove_script(name)})),
        ("POST", ["projects"]) => control.declare_project(&read::<Project>(call)?.name)?,
        ("POST", ["validations"]) => end_validation(control, read(call)?),
        ("POST", ["somebody"]) => return somebody(control, read(call)?),
        _ => return Err(Mistake::Unknown),
    }
    Ok(json!({"done": true}))
}

fn declare_script(control: &Control, wanted: &Script) {
    if wanted.undeployed_version {
        control.declare_undeployed_script(&wanted.name);
    } else {
        control.declare_script(&wanted.name);
    }
}

fn end_validation(control: &Control, wanted: Validation) {
    let Validation { hostname, ending, error_message, recovers, method } = wanted;
    control.end_validation(&hostname, Outcome { ending, error_message, recovers, method });
}

fn somebody(control: &Control, wanted: Somebody) -> Result<Value, Mistake> {
    let parameters: Vec<(&str, &str)> =
        wanted.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Ok(json!({"result": control.somebody(&wanted.operation, &parameters, wanted.body)?}))
}

fn read<Wanted: DeserializeOwned>(call: &Call) -> Result<Wanted, Mistake> {
    let body = match &call.payload {
        Payload::Json(body) => body.clone(),
        Payload::None | Payload::Unreadable(_) => Value::Null,
    };
    serde_json::from_value(body).map_err(Mistake::Body)
}

impl From<Refused> for Mistake {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}
