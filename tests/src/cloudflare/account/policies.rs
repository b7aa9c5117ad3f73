//! What a token may do: the policies asked for, checked and kept.

use serde_json::{Value, json};

use super::{identity, permission_groups};
use crate::cloudflare::envelope::Refusal;

const ACCOUNT: &str = "com.cloudflare.api.account.";
const ZONE: &str = "com.cloudflare.api.account.zone.";
const USER: &str = "com.cloudflare.api.user.";
const BUCKET: &str = "com.cloudflare.edge.r2.bucket.";

/// Checks the policies of a request and gives each an id.
pub(super) fn accept(account: &str, asked: &Value) -> Result<Value, Refusal> {
    let asked = asked.as_array().filter(|policies| !policies.is_empty());
    let asked = asked.ok_or_else(|| bad("policies must have a length"))?;
    let accepted: Result<Vec<Value>, Refusal> =
        asked.iter().map(|policy| accept_one(account, policy)).collect();
    Ok(Value::Array(accepted?))
}

fn accept_one(account: &str, policy: &Value) -> Result<Value, Refusal> {
    let effect = policy["effect"].as_str().filter(|effect| ["allow", "deny"].contains(effect));
    let effect = effect.ok_or_else(|| bad("effect must be allow or deny"))?;
    let resources = policy["resources"].as_object().filter(|resources| !resources.is_empty());
    let resources = resources.ok_or_else(|| bad("resources must have a length"))?;
    if let Some((key, _)) = resources.iter().find(|(key, value)| !is_resource(account, key, value)) {
        return Err(bad(&format!("resource {key} is not known")));
    }
    let groups = policy["permission_groups"].as_array().filter(|groups| !groups.is_empty());
    let groups = groups.ok_or_else(|| bad("permission_groups must have a length"))?;
    let groups: Result<Vec<Value>, Refusal> = groups.iter().map(named).collect();
    Ok(json!({
        "id": identity::hexadecimal(),
        "effect": effect,
        "resources": resources,
        "permission_groups": groups?,
    }))
}

fn named(group: &Value) -> Result<Value, Refusal> {
    let id = group["id"].as_str().unwrap_or_default();
    let name = permission_groups::name(id);
    let name = name.ok_or_else(|| Refusal::new(400, 1001, "there is no such permission group"))?;
    Ok(json!({"id": id, "name": name}))
}

/// Whether this is one of the documented shapes.
fn is_resource(account: &str, key: &str, value: &Value) -> bool {
    let everything = value == "*";
    if let Some(zone) = key.strip_prefix(ZONE) {
        return everything && is_zone(zone);
    }
    if let Some(id) = key.strip_prefix(ACCOUNT) {
        let zones = value.as_object().is_some_and(|zones| {
            let known = |key: &String| key.strip_prefix(ZONE).is_some_and(is_zone);
            !zones.is_empty() && zones.iter().all(|(key, value)| value == "*" && known(key))
        });
        return id == account && (everything || zones);
    }
    if let Some(user) = key.strip_prefix(USER) {
        return everything && is_hexadecimal(user);
    }
    let bucket = key.strip_prefix(BUCKET).and_then(|rest| rest.strip_prefix(account));
    everything && bucket.and_then(|rest| rest.strip_prefix('_')).is_some_and(is_bucket)
}

fn is_zone(text: &str) -> bool {
    text == "*" || is_hexadecimal(text)
}

fn is_bucket(text: &str) -> bool {
    let known = ["default", "eu", "us", "fedramp", "fedramp-high"];
    text.split_once('_').is_some_and(|(jurisdiction, name)| known.contains(&jurisdiction) && !name.is_empty())
}

fn is_hexadecimal(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether these policies allow one of these permission groups on the account or, where the call lies in one, on the zone:
/// deny before allow before nothing.
pub(super) fn allow(policies: &Value, (account, zone): (&str, &str), wanted: &[String]) -> bool {
    let whole = format!("{ACCOUNT}{account}");
    let zone = (!zone.is_empty()).then(|| format!("{ZONE}{zone}"));
    speak_of(policies, &[Some(whole), zone], wanted)
}

/// Whether they allow one of these permission groups on a bucket of the account, in a jurisdiction.
pub(super) fn reach_bucket(
    policies: &Value,
    (account, jurisdiction, name): (&str, &str, &str),
    wanted: &[String],
) -> bool {
    speak_of(policies, &[Some(format!("{BUCKET}{account}_{jurisdiction}_{name}"))], wanted)
}

fn speak_of(policies: &Value, resources: &[Option<String>], wanted: &[String]) -> bool {
    let speaks = |effect: &str| {
        policies.as_array().into_iter().flatten().any(|policy| {
            let groups = policy["permission_groups"].as_array().into_iter().flatten();
            let mut names = groups.filter_map(|group| group["name"].as_str());
            let is_meant = resources.iter().flatten().any(|one| policy["resources"][one] == "*");
            policy["effect"] == effect
                && is_meant
                && names.any(|name| wanted.iter().any(|group| group == name))
        })
    };
    !speaks("deny") && speaks("allow")
}

fn bad(message: &str) -> Refusal {
    Refusal::new(400, 400, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::is_resource;

    #[test]
    fn only_the_documented_resources_are_known() {
        let account = "a".repeat(32);
        let own = format!("com.cloudflare.api.account.{account}");
        assert!(is_resource(&account, &own, &json!("*")));
        assert!(is_resource(&account, &own, &json!({"com.cloudflare.api.account.zone.*": "*"})));
        assert!(!is_resource(&account, &own, &json!("some")));
        assert!(!is_resource(
            &account,
            &format!("com.cloudflare.api.account.{}", "b".repeat(32)),
            &json!("*")
        ));
        let bucket = format!("com.cloudflare.edge.r2.bucket.{account}_eu_files");
        assert!(is_resource(&account, &bucket, &json!("*")));
        assert!(!is_resource(&account, &format!("com.cloudflare.api.d1.{account}"), &json!("*")));
    }
}
