//! Workers and their secrets. A value can be set, never read.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::snapshot::ScriptState;
use super::{Account, Worked};
use crate::cloudflare::call::Call;
use crate::cloudflare::envelope::{Answer, Refusal};
use crate::cloudflare::ledger::{Effect, Kind};

/// All Workers.
#[derive(Debug, Default)]
pub(super) struct Scripts(IndexMap<String, Script>);

#[derive(Debug, Default)]
struct Script {
    secrets: IndexMap<String, String>,
    /// Each change of a secret makes a version and deploys it.
    versions: u64,
    /// The newest version is not the deployed one, so secrets cannot be changed.
    undeployed_version: bool,
}

impl Scripts {
    pub(super) fn declare(&mut self, name: &str, undeployed_version: bool) {
        self.0.entry(name.to_owned()).or_default().undeployed_version = undeployed_version;
    }

    pub(super) fn remove(&mut self, name: &str) -> bool {
        self.0.shift_remove(name).is_some()
    }

    pub(super) fn exists(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn states(&self) -> Vec<ScriptState> {
        let state = |(name, script): (&String, &Script)| ScriptState {
            name: name.clone(),
            secrets: script.secrets.clone().into_iter().collect(),
            versions: script.versions,
            undeployed_version: script.undeployed_version,
        };
        self.0.iter().map(state).collect()
    }

    fn get(&mut self, call: &Call) -> Result<&mut Script, Refusal> {
        let missing = || Refusal::new(404, 10007, "there is no such script");
        self.0.get_mut(call.parameter("script_name")).ok_or_else(missing)
    }

    /// A script that is about to be changed.
    fn change(&mut self, call: &Call) -> Result<&mut Script, Refusal> {
        let script = self.get(call)?;
        if script.undeployed_version {
            return Err(Refusal::new(400, 10215, "the newest version is not deployed"));
        }
        Ok(script)
    }
}

impl Script {
    fn set(&mut self, script: &str, name: &str, text: &str) -> Effect {
        let label = format!("{script}/{name}");
        match self.secrets.insert(name.to_owned(), text.to_owned()) {
            None => Effect::created(Kind::WorkerSecret, &label, &label),
            Some(_) => Effect::changed(Kind::WorkerSecret, &label, &label),
        }
    }

    fn unset(&mut self, script: &str, name: &str) -> Option<Effect> {
        let label = format!("{script}/{name}");
        self.secrets.shift_remove(name).map(|_| Effect::deleted(Kind::WorkerSecret, &label, &label))
    }

    fn has(&self, name: &str) -> Result<(), Refusal> {
        if self.secrets.contains_key(name) { Ok(()) } else { Err(missing()) }
    }
}

pub(super) fn list(account: &mut Account, call: &Call) -> Worked {
    Ok(Answer::result(account.scripts.get(call)?.secrets.keys().map(|name| shown(name)).collect()))
}

pub(super) fn put(account: &mut Account, call: &Call) -> Worked {
    let script = account.scripts.change(call)?;
    let (name, text) = wanted(&json!({
        "name": call.field("name"), "text": call.field("text"), "type": call.field("type")
    }))?;
    script.versions += 1;
    let effect = script.set(call.parameter("script_name"), &name, &text);
    Ok(Answer::result(shown(&name)).with(effect))
}

pub(super) fn get(account: &mut Account, call: &Call) -> Worked {
    let name = call.parameter("secret_name");
    account.scripts.get(call)?.has(name)?;
    Ok(Answer::result(shown(name)))
}

pub(super) fn delete(account: &mut Account, call: &Call) -> Worked {
    let script = account.scripts.change(call)?;
    let effect = script.unset(call.parameter("script_name"), call.parameter("secret_name"));
    let effect = effect.ok_or_else(missing)?;
    script.versions += 1;
    Ok(Answer::result(Value::Null).with(effect))
}

/// All of the changes or none: `null` deletes, what is absent stays.
pub(super) fn bulk(account: &mut Account, call: &Call) -> Worked {
    let script = account.scripts.change(call)?;
    let asked = call.field("secrets").as_object().ok_or_else(|| bad("secrets"))?;
    let mut changes = Vec::new();
    for (key, value) in asked {
        let wanted = if value.is_null() { None } else { Some(wanted(value)?) };
        if wanted.as_ref().is_some_and(|(name, _)| name != key) {
            return Err(bad("name"));
        }
        changes.push((key, wanted));
    }
    let (mut effects, mut result) = (Vec::new(), Map::new());
    for (name, wanted) in changes {
        let effect = match wanted {
            None => script.unset(call.parameter("script_name"), name),
            Some((_, text)) => {
                result.insert(name.clone(), shown(name));
                Some(script.set(call.parameter("script_name"), name, &text))
            }
        };
        effects.extend(effect);
    }
    script.versions += 1;
    Ok(Answer { effects, ..Answer::result(Value::Object(result)) })
}

fn shown(name: &str) -> Value {
    json!({"name": name, "type": "secret_text"})
}

fn wanted(value: &Value) -> Result<(String, String), Refusal> {
    let text = |field: &str| value[field].as_str().map(str::to_owned).ok_or_else(|| bad(field));
    let (name, text, sort) = (text("name")?, text("text")?, text("type")?);
    if name.is_empty() {
        return Err(bad("name"));
    }
    if sort != "secret_text" {
        return Err(bad("type"));
    }
    Ok((name, text))
}

fn missing() -> Refusal {
    Refusal::new(404, 10056, "there is no such secret")
}

fn bad(name: &str) -> Refusal {
    Refusal::new(400, 10021, format!("invalid value for {name}"))
}
