//! The control interface over HTTP, for a fake that runs as a process of its own.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answer::Answer;
use super::control::{Control, Refused};
use crate::vendor::call::{Call, Payload};

/// Where the control interface begins. It needs no token: the fake listens on loopback only.
pub(crate) const PREFIX: &str = "/__control/";

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
    Body(String),
    Refused(Refused),
}

/// Carries out a control request.
pub(crate) fn answer(control: &Control, call: &Call) -> Answer {
    match carry_out(control, call) {
        Ok(body) => Answer::json(200, body),
        Err(Mistake::Unknown) => Answer::json(404, json!({"error": "there is no such control request"})),
        Err(Mistake::Body(error)) => Answer::json(400, json!({"error": error})),
        Err(Mistake::Refused(refused)) => Answer::json(refused.status, json!({"error": refused.message})),
    }
}

fn carry_out(control: &Control, call: &Call) -> Result<Value, Mistake> {
    let wanted = call.path.strip_prefix(PREFIX).unwrap_or_default();
    match (call.method.as_str(), wanted) {
        ("GET", "health") => return Ok(json!({"ready": true})),
        ("GET", "ledger") => {
            let after = call.query.get("after").and_then(|text| text.parse().ok()).unwrap_or(0);
            return Ok(json!({"entries": control.ledger_after(after)}));
        }
        ("GET", "state") => return Ok(json!({"things": control.things(), "charges": control.charges()})),
        ("POST", "faults") => control.add_fault(read(call)?),
        ("DELETE", "faults") => control.clear_faults(),
        ("POST", "somebody") => {
            let Somebody { operation, parameters, body } = read(call)?;
            let parameters: Vec<(&str, &str)> =
                parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let result = control.somebody(&operation, &parameters, body).map_err(Mistake::Refused)?;
            return Ok(json!({ "result": result }));
        }
        _ => return Err(Mistake::Unknown),
    }
    Ok(json!({"done": true}))
}

fn read<Wanted: DeserializeOwned>(call: &Call) -> Result<Wanted, Mistake> {
    match &call.payload {
        Payload::Json(body) => {
            serde_json::from_value(body.clone()).map_err(|error| Mistake::Body(error.to_string()))
        }
        _ => Err(Mistake::Body("the body has to be JSON".to_owned())),
    }
}
