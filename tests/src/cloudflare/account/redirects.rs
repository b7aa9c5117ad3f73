//! The ruleset of a zone that redirects: rules of many owners in one object.

use serde_json::{Value, json};

use super::shelf::Thing;
use super::{Account, Worked, identity, zones};
use crate::cloudflare::call::{Call, Payload};
use crate::cloudflare::envelope::{Answer, Refusal};
use crate::cloudflare::ledger::Effect;

const MOST: usize = 10;
const PHASE: &str = "http_request_dynamic_redirect";

pub(super) fn get(account: &mut Account, call: &Call) -> Worked {
    let zone = zones::of(account, call)?;
    let is_known = matches!(call.parameter("ruleset_phase"), PHASE | "");
    let ruleset = account.rulesets.get(zone).filter(|_| is_known).ok_or_else(nothing)?.clone();
    Ok(Answer::result(whole(account, zone, &ruleset)))
}

pub(super) fn create(account: &mut Account, call: &Call) -> Worked {
    let zone = zones::of(account, call)?.to_owned();
    if call.text("phase") != Some(PHASE) || call.text("kind") != Some("zone") {
        return Err(Refusal::new(400, 20_123, "the ruleset is not valid"));
    }
    if account.rulesets.contains_key(&zone) {
        return Err(Refusal::new(400, 20_217, "the zone has a ruleset of this phase already"));
    }
    let ruleset = identity::hexadecimal();
    account.rulesets.insert(zone.clone(), ruleset.clone());
    let mut effects = Vec::new();
    for rule in call.field("rules").as_array().into_iter().flatten() {
        effects.push(put(account, &zone, rule)?);
    }
    let mut answer = Answer::result(whole(account, &zone, &ruleset));
    answer.effects = effects;
    Ok(answer)
}

pub(super) fn add(account: &mut Account, call: &Call) -> Worked {
    let (zone, ruleset) = place(account, call)?;
    let effect = put(account, &zone, &rule(call))?;
    Ok(Answer::result(whole(account, &zone, &ruleset)).with(effect))
}

/// The rule has to be complete.
pub(super) fn patch(account: &mut Account, call: &Call) -> Worked {
    let (zone, ruleset) = place(account, call)?;
    let asked = rule(call);
    if asked["action"].is_null() || asked["expression"].is_null() {
        return Err(Refusal::new(400, 20_016, "the rule is not complete"));
    }
    let id = call.parameter("rule_id");
    let found =
        account.redirects.get_mut(id).filter(|rule| rule.hidden["zone"] == zone).ok_or_else(nothing)?;
    for (name, value) in asked.as_object().into_iter().flatten() {
        found.shown[name] = value.clone();
    }
    let found = found.clone();
    let effect = account.redirects.changed(&found);
    Ok(Answer::result(whole(account, &zone, &ruleset)).with(effect))
}

pub(super) fn delete(account: &mut Account, call: &Call) -> Worked {
    let (zone, ruleset) = place(account, call)?;
    let id = call.parameter("rule_id");
    account.redirects.get(id).filter(|rule| rule.hidden["zone"] == zone).ok_or_else(nothing)?;
    let (_, effect) = account.redirects.take(id).ok_or_else(nothing)?;
    Ok(Answer::result(whole(account, &zone, &ruleset)).with(effect))
}

fn place(account: &Account, call: &Call) -> Result<(String, String), Refusal> {
    let zone = zones::of(account, call)?;
    let ruleset = account.rulesets.get(zone).filter(|id| *id == call.parameter("ruleset_id"));
    Ok((zone.to_owned(), ruleset.ok_or_else(nothing)?.clone()))
}

fn rule(call: &Call) -> Value {
    match &call.payload {
        Payload::Json(body) => body.clone(),
        _ => Value::Null,
    }
}

fn put(account: &mut Account, zone: &str, asked: &Value) -> Result<Effect, Refusal> {
    let of_zone = |rule: &&Thing| rule.hidden["zone"] == zone;
    if account.redirects.iter().filter(of_zone).count() >= MOST {
        return Err(Refusal::new(400, 20_018, "the zone has too many rules; its limit is reached"));
    }
    let id = identity::hexadecimal();
    let reference = asked["ref"].as_str().unwrap_or(&id).to_owned();
    if account.redirects.iter().filter(of_zone).any(|rule| rule.name == reference) {
        return Err(Refusal::new(400, 20_021, "a rule with this ref exists already"));
    }
    let mut shown = asked.clone();
    shown["id"] = json!(id);
    shown["ref"] = json!(reference);
    shown["version"] = json!("1");
    shown["last_updated"] = json!(identity::now());
    Ok(account.redirects.put(&id, &reference, shown, json!({"zone": zone})))
}

fn whole(account: &Account, zone: &str, ruleset: &str) -> Value {
    let rules = account.redirects.iter().filter(|rule| rule.hidden["zone"] == zone);
    let rules: Vec<Value> = rules.map(|rule| rule.shown.clone()).collect();
    json!({
        "id": ruleset, "name": "default", "kind": "zone", "phase": PHASE, "version": "1",
        "last_updated": identity::now(), "rules": rules,
    })
}

fn nothing() -> Refusal {
    Refusal::new(404, 10_003, "could not find the entrypoint ruleset, or the rule in it")
}
