//! Turnstile widgets. Their names are not unique, and their secret is shown again.

use serde_json::{Value, json};

use super::shelf::Thing;
use super::{Account, Worked, identity};
use crate::cloudflare::call::Call;
use crate::cloudflare::envelope::{Answer, PageRule, Refusal};

const PAGES: PageRule =
    PageRule { default: 25, least: 5, most: 1000, counts_pages: false, bad_request: 10407 };
const MOST_DOMAINS: usize = 10;
const MODES: [&str; 3] = ["non-interactive", "invisible", "managed"];
const LEVELS: [&str; 4] = ["no_clearance", "jschallenge", "managed", "interactive"];

pub(super) fn list(account: &mut Account, call: &Call) -> Worked {
    let wanted =
        call.query_value("filter").and_then(|filter| filter.strip_prefix("name:")).unwrap_or_default();
    let found = account.widgets.iter().filter(|one| one.name.contains(wanted) && account.lists(one.born));
    let mut found: Vec<Value> = found.map(|one| one.shown.clone()).collect();
    if call.query_value("direction") == Some("desc") {
        found.reverse();
    }
    PAGES.cut(call, found)
}

pub(super) fn create(account: &mut Account, call: &Call) -> Worked {
    let settings = settings(call)?;
    let id = format!("0x4AAAAAAA{}", &identity::hexadecimal()[..14]);
    let now = identity::now();
    let mut made = settings;
    made["sitekey"] = json!(id);
    made["created_on"] = json!(now);
    made["modified_on"] = json!(now);
    made["region"] = call.text("region").map_or(json!("world"), |region| json!(region));
    let name = call.text("name").unwrap_or_default();
    let effect = account.widgets.put(&id, name, made, json!({"secret": secret(), "old_secrets": []}));
    let made = account.widgets.get(&id).map(whole).unwrap_or_default();
    Ok(Answer::result(made).with(effect))
}

pub(super) fn get(account: &mut Account, call: &Call) -> Worked {
    Ok(Answer::result(whole(account.widgets.get(call.parameter("sitekey")).ok_or_else(missing)?)))
}

/// Replaces everything but region and secret.
pub(super) fn put(account: &mut Account, call: &Call) -> Worked {
    let settings = settings(call)?;
    let found = account.widgets.get_mut(call.parameter("sitekey")).ok_or_else(missing)?;
    for (name, value) in settings.as_object().into_iter().flatten() {
        found.shown[name] = value.clone();
    }
    call.text("name").unwrap_or_default().clone_into(&mut found.name);
    let found = found.clone();
    Ok(Answer::result(whole(&found)).with(account.widgets.changed(&found)))
}

pub(super) fn delete(account: &mut Account, call: &Call) -> Worked {
    let (found, effect) = account.widgets.take(call.parameter("sitekey")).ok_or_else(missing)?;
    Ok(Answer::result(whole(&found)).with(effect))
}

/// Unless it is to end at once, the old secret is accepted for two hours more.
pub(super) fn rotate(account: &mut Account, call: &Call) -> Worked {
    let found = account.widgets.get_mut(call.parameter("sitekey")).ok_or_else(missing)?;
    let old = found.hidden["secret"].take();
    found.hidden["secret"] = json!(secret());
    let keeps = call.field("invalidate_immediately") != true;
    if let Some(olds) = found.hidden["old_secrets"].as_array_mut() {
        olds.clear();
        olds.extend(keeps.then_some(old));
    }
    let found = found.clone();
    Ok(Answer::result(whole(&found)).with(account.widgets.changed(&found)))
}

fn secret() -> String {
    format!("0x4BBBBBBB{}", identity::hexadecimal())
}

fn whole(widget: &Thing) -> Value {
    let mut whole = widget.shown.clone();
    whole["secret"] = widget.hidden["secret"].clone();
    whole
}

fn settings(call: &Call) -> Result<Value, Refusal> {
    let name = call.text("name").filter(|name| (1..=254).contains(&name.len()));
    let mode = call.text("mode").filter(|mode| MODES.contains(mode));
    let domains = call.field("domains").as_array().filter(|domains| domains.len() <= MOST_DOMAINS);
    let level = call.text("clearance_level").unwrap_or("no_clearance");
    let is_on = |name: &str| call.field(name) == true;
    match (name, mode, domains) {
        (Some(name), Some(mode), Some(domains)) if LEVELS.contains(&level) => Ok(json!({
            "name": name, "mode": mode, "domains": domains, "clearance_level": level,
            "bot_fight_mode": is_on("bot_fight_mode"), "ephemeral_id": is_on("ephemeral_id"),
            "offlabel": is_on("offlabel"),
        })),
        _ => Err(Refusal::new(400, 10407, "the widget is not valid")),
    }
}

fn missing() -> Refusal {
    Refusal::new(404, 10404, "there is no such widget")
}
