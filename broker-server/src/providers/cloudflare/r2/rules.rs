//! The rules of a bucket, in Cloudflare's form and in ours. They are compared in ours, whatever order they come in.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
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
    condition: When,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reclassification {
    condition: When,
    storage_class: StorageClass,
}

/// When a rule counts.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
enum When {
    /// In seconds.
    #[serde(rename_all = "camelCase")]
    Age {
        max_age: u64,
    },
    Date {
        date: Timestamp,
    },
}

impl When {
    /// From what is asked for. A text that is no day was refused before.
    fn of(after: Option<u64>, on: Option<&str>) -> Option<Self> {
        let age = after.map(|max_age| Self::Age { max_age });
        age.or_else(|| Some(Self::Date { date: beginning(on?)? }))
    }

    /// As parameters say it: seconds or a day. None when it is in the midst of a day.
    fn asked(&self) -> Option<(Option<u64>, Option<String>)> {
        match self {
            Self::Age { max_age } => Some((Some(*max_age), None)),
            Self::Date { date } => {
                let day = date.strftime("%Y-%m-%d").to_string();
                (beginning(&day)? == *date).then_some((None, Some(day)))
            }
        }
    }
}

/// When a day such as `2027-01-31` begins. None when it is no day.
pub(super) fn beginning(day: &str) -> Option<Timestamp> {
    let day: Date = day.parse().ok()?;
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Rules for objects in Cloudflare's form.
pub(super) fn lifecycle_forms(rules: &[LifecycleRule]) -> Vec<Value> {
    let transition = |condition: Option<When>| condition.map(|condition| Transition { condition });
    let form = |rule: &LifecycleRule| {
        let seldom = When::of(rule.infrequent_access_after, rule.infrequent_access_on.as_deref());
        let seldom = seldom
            .map(|condition| Reclassification { condition, storage_class: StorageClass::InfrequentAccess });
        let deletion = When::of(rule.delete_after, rule.delete_on.as_deref());
        json!(LifecycleForm {
            id: rule.id.clone(),
            enabled: rule.enabled,
            conditions: Conditions { prefix: rule.prefix.clone() },
            abort_multipart_uploads_transition: transition(When::of(rule.abort_uploads_after, None)),
            delete_objects_transition: transition(deletion),
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
    let asked = |when: Option<&When>| when.map_or(Some((None, None)), When::asked);
    let of = |transition: &Option<Transition>| asked(transition.as_ref().map(|found| &found.condition));
    let (delete_after, delete_on) = of(&form.delete_objects_transition)?;
    let (abort_uploads_after, None) = of(&form.abort_multipart_uploads_transition)? else { return None };
    let seldom = form.storage_class_transitions.first().map(|seldom| &seldom.condition);
    let (infrequent_access_after, infrequent_access_on) = asked(seldom)?;
    Some(LifecycleRule {
        id: form.id,
        prefix: form.conditions.prefix,
        enabled: form.enabled,
        delete_after,
        delete_on,
        infrequent_access_after,
        infrequent_access_on,
        abort_uploads_after,
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
        let ages = [rule.delete_after, rule.infrequent_access_after];
        let days = [&rule.delete_on, &rule.infrequent_access_on];
        let only_aborts = ages.iter().all(Option::is_none) && days.iter().all(|day| day.is_none());
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
            { "id": "c", "delete_on": "2028-02-29", "infrequent_access_on": "2027-01-31" },
        ]);
        let rules = lifecycle(asked);
        let forms = lifecycle_forms(&rules);
        assert_eq!(forms[0]["conditions"], json!({ "prefix": "logs/" }));
        assert_eq!(
            forms[0]["deleteObjectsTransition"]["condition"],
            json!({ "type": "Age", "maxAge": 86_400 })
        );
        assert_eq!(
            forms[2]["deleteObjectsTransition"]["condition"],
            json!({ "type": "Date", "date": "2028-02-29T00:00:00Z" })
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
    fn a_day_begins_at_midnight_however_it_is_written() {
        let found = |date: &str| {
            vec![json!({
                "id": "a", "enabled": true, "conditions": { "prefix": "" },
                "deleteObjectsTransition": { "condition": { "type": "Date", "date": date } },
            })]
        };
        for date in ["2027-01-31T00:00:00Z", "2027-01-31T00:00:00.000Z", "2027-01-31T01:00:00+01:00"] {
            assert_eq!(lifecycle_shown(&found(date), &[])[0]["delete_on"], "2027-01-31", "{date}");
        }
        for nonsense in ["2027-02-29", "2027-13-01", "0000-00-00", "tomorrow"] {
            assert_eq!(beginning(nonsense), None, "{nonsense}");
        }
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
            "deleteObjectsTransition": { "condition": { "type": "Date", "date": "2027-01-01T12:30:00Z" } },
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
