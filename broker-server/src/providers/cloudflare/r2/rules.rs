//! The rules of a bucket, in Cloudflare's form and in ours. They are compared in ours, whatever order they come in.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sutler_catalog::cloudflare::r2::{CorsMethod, CorsRule, LifecycleRule};

/// How objects are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StorageClass {
    #[default]
    Standard,
    InfrequentAccess,
}

impl StorageClass {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::InfrequentAccess => "InfrequentAccess",
        }
    }
}

/// A rule for browsers, as Cloudflare writes it. Its id says nothing.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CorsForm {
    allowed: Allowed,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    expose_headers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_age_seconds: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct Allowed {
    methods: Vec<CorsMethod>,
    origins: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<String>,
}

/// Rules for browsers in Cloudflare's form.
pub(super) fn cors_forms(rules: &[CorsRule]) -> Vec<Value> {
    let form = |rule: &CorsRule| {
        json!(CorsForm {
            allowed: Allowed {
                methods: rule.methods.clone(),
                origins: rule.origins.clone(),
                headers: rule.headers.clone(),
            },
            expose_headers: rule.expose_headers.clone(),
            max_age_seconds: rule.max_age,
        })
    };
    rules.iter().map(form).collect()
}

/// Rules for browsers as parameters; one that no parameter can say is left in Cloudflare's form.
pub(super) fn cors_shown(found: &[Value]) -> Vec<Value> {
    let shown = |rule: &Value| match CorsForm::deserialize(rule) {
        Ok(CorsForm { allowed, expose_headers, max_age_seconds }) => json!(CorsRule {
            origins: allowed.origins,
            methods: allowed.methods,
            headers: allowed.headers,
            expose_headers,
            max_age: max_age_seconds,
        }),
        Err(_) => rule.clone(),
    };
    found.iter().map(shown).collect()
}

/// A rule for objects that grow old, as Cloudflare writes it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LifecycleForm {
    id: String,
    enabled: bool,
    #[serde(default)]
    conditions: Conditions,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    abort_multipart_uploads_transition: Option<Transition>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delete_objects_transition: Option<Transition>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    storage_class_transitions: Vec<Reclassification>,
}

#[derive(Default, Serialize, Deserialize)]
struct Conditions {
    #[serde(default)]
    prefix: String,
}

#[derive(Serialize, Deserialize)]
struct Transition {
    condition: Age,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reclassification {
    condition: Age,
    storage_class: StorageClass,
}

/// An age in seconds. A date is none.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
enum Age {
    #[serde(rename_all = "camelCase")]
    Age { max_age: u64 },
}

impl Age {
    fn of(seconds: u64) -> Self {
        Self::Age { max_age: seconds }
    }

    fn seconds(&self) -> u64 {
        let Self::Age { max_age } = self;
        *max_age
    }
}

/// Rules for objects in Cloudflare's form.
pub(super) fn lifecycle_forms(rules: &[LifecycleRule]) -> Vec<Value> {
    let transition = |seconds: Option<u64>| seconds.map(|seconds| Transition { condition: Age::of(seconds) });
    let form = |rule: &LifecycleRule| {
        let seldom = rule.infrequent_access_after.map(|seconds| Reclassification {
            condition: Age::of(seconds),
            storage_class: StorageClass::InfrequentAccess,
        });
        json!(LifecycleForm {
            id: rule.id.clone(),
            enabled: rule.enabled,
            conditions: Conditions { prefix: rule.prefix.clone() },
            abort_multipart_uploads_transition: transition(rule.abort_uploads_after),
            delete_objects_transition: transition(rule.delete_after),
            storage_class_transitions: seldom.into_iter().collect(),
        })
    };
    rules.iter().map(form).collect()
}

/// A rule for objects as a parameter, if a parameter can say it.
fn lifecycle_rule(found: &Value) -> Option<LifecycleRule> {
    let form = LifecycleForm::deserialize(found).ok()?;
    let ([] | [Reclassification { storage_class: StorageClass::InfrequentAccess, .. }]) =
        form.storage_class_transitions.as_slice()
    else {
        return None;
    };
    let seconds =
        |transition: Option<Transition>| transition.map(|transition| transition.condition.seconds());
    Some(LifecycleRule {
        id: form.id,
        prefix: form.conditions.prefix,
        enabled: form.enabled,
        delete_after: seconds(form.delete_objects_transition),
        infrequent_access_after: form
            .storage_class_transitions
            .first()
            .map(|seldom| seldom.condition.seconds()),
        abort_uploads_after: seconds(form.abort_multipart_uploads_transition),
    })
}

/// Rules for objects as parameters, without those that are always kept; one that no parameter can say is left in
/// Cloudflare's form.
pub(super) fn lifecycle_shown(found: &[Value], wanted: &[LifecycleRule]) -> Vec<Value> {
    let others = found.iter().filter(|rule| !is_kept(rule, wanted));
    others.map(|rule| lifecycle_rule(rule).map_or_else(|| rule.clone(), |rule| json!(rule))).collect()
}

/// Those rules that are kept, whatever is asked for: Cloudflare puts one into every new bucket, and replacing the rules
/// without it would keep, and cost, unfinished uploads for ever.
pub(super) fn kept<'a>(found: &'a [Value], wanted: &[LifecycleRule]) -> impl Iterator<Item = &'a Value> {
    found.iter().filter(|rule| is_kept(rule, wanted))
}

/// Whether a rule only gives up unfinished uploads, in the whole bucket, and is not one that was asked for.
fn is_kept(found: &Value, wanted: &[LifecycleRule]) -> bool {
    lifecycle_rule(found).is_some_and(|rule| {
        let only_aborts = rule.delete_after.is_none() && rule.infrequent_access_after.is_none();
        only_aborts && rule.prefix.is_empty() && wanted.iter().all(|wanted| wanted.id != rule.id)
    })
}

/// Whether two lists of rules say the same: neither the order of rules nor that of words in them matters.
pub(super) fn are_same(one: &[Value], other: &[Value]) -> bool {
    sorted(one) == sorted(other)
}

fn sorted(rules: &[Value]) -> Vec<String> {
    let mut texts: Vec<String> = rules.iter().map(|rule| ordered(rule).to_string()).collect();
    texts.sort();
    texts
}

/// The same value with its lists in order.
fn ordered(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(ordered).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.as_str());
            members.into_iter().map(|(name, value)| (name.clone(), ordered(value))).collect()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifecycle(rules: Value) -> Vec<LifecycleRule> {
        serde_json::from_value(rules).unwrap()
    }

    #[test]
    fn what_is_sent_reads_as_what_was_asked_for() {
        let asked = json!([
            { "id": "a", "prefix": "logs/", "delete_after": 86_400, "infrequent_access_after": 60, "enabled": false },
            { "id": "b", "abort_uploads_after": 5 },
        ]);
        let rules = lifecycle(asked);
        let forms = lifecycle_forms(&rules);
        assert_eq!(forms[0]["conditions"], json!({ "prefix": "logs/" }));
        assert_eq!(
            forms[0]["deleteObjectsTransition"]["condition"],
            json!({ "type": "Age", "maxAge": 86_400 })
        );
        let shown = lifecycle_shown(&forms, &rules);
        assert!(are_same(&shown, &rules.iter().map(|rule| json!(rule)).collect::<Vec<_>>()), "{shown:?}");

        let cors: Vec<CorsRule> = serde_json::from_value(json!([
            { "origins": ["https://b", "https://a"], "methods": ["PUT", "GET"], "max_age": 60 },
        ]))
        .unwrap();
        let mut forms = cors_forms(&cors);
        assert_eq!(forms[0]["maxAgeSeconds"], 60);
        forms[0]["id"] = json!("what the vendor calls it");
        forms[0]["allowed"]["origins"] = json!(["https://a", "https://b"]);
        assert!(are_same(&cors_shown(&forms), &[json!(cors[0])]));
        forms[0]["maxAgeSeconds"] = json!(61);
        assert!(!are_same(&cors_shown(&forms), &[json!(cors[0])]));
    }

    #[test]
    fn the_rule_of_every_new_bucket_is_kept_and_no_other() {
        let abort = json!({ "condition": { "type": "Age", "maxAge": 604_800 } });
        let rule = |id: &str, prefix: &str| {
            json!({
                "id": id, "enabled": true, "conditions": { "prefix": prefix },
                "abortMultipartUploadsTransition": abort,
            })
        };
        let mut deleting = rule("deletes", "");
        deleting["deleteObjectsTransition"] = abort.clone();
        let dated = json!({
            "id": "dated", "enabled": true, "conditions": { "prefix": "" },
            "deleteObjectsTransition": { "condition": { "type": "Date", "date": "2027-01-01T00:00:00Z" } },
        });
        let found = [rule("default", ""), rule("prefixed", "x/"), deleting, rule("mine", ""), dated.clone()];
        let wanted = lifecycle(json!([{ "id": "mine", "abort_uploads_after": 604_800 }]));
        let kept: Vec<&Value> = kept(&found, &wanted).map(|rule| &rule["id"]).collect();
        assert_eq!(kept, ["default"]);
        let shown = lifecycle_shown(&found, &wanted);
        assert_eq!(shown.len(), 4);
        assert_eq!(shown[3], dated, "what no parameter can say is shown as it is");
    }
}
