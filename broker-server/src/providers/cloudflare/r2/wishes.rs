//! What is asked for of a bucket, and what no schema can say about it.

use serde::Deserialize;
use sutler_catalog::cloudflare::r2::{self, LifecycleRule, Parameters};
use sutler_spec::PlanId;

use super::rules::{StorageClass, beginning};

/// What is asked for, with what the plan says.
#[derive(Debug, Deserialize)]
#[serde(from = "Parameters")]
pub(crate) struct Wanted {
    pub(super) parameters: Parameters,
    pub(super) storage: StorageClass,
}

impl From<Parameters> for Wanted {
    fn from(parameters: Parameters) -> Self {
        Self { parameters, storage: StorageClass::default() }
    }
}

impl Wanted {
    /// The plan says how objects are kept.
    pub(super) fn of_plan(self, plan: &PlanId) -> Self {
        let is_seldom = plan.as_str() == r2::INFREQUENT_ACCESS.as_str();
        let storage = if is_seldom { StorageClass::InfrequentAccess } else { StorageClass::Standard };
        Self { storage, ..self }
    }
}

/// What no schema can say about the parameters.
pub(super) fn problems(wanted: &Parameters) -> Vec<String> {
    let mut problems = Vec::new();
    let mut add = |problem: String| problems.push(problem);
    if wanted.jurisdiction.is_some() && wanted.location_hint.is_some() {
        add("location_hint: not together with jurisdiction".to_owned());
    }
    if wanted.force_empty && wanted.protect {
        add("force_empty: needs protect set to false".to_owned());
    }
    for (at, rule) in wanted.lifecycle.iter().enumerate() {
        if let Some(problem) = problem_of(rule) {
            add(format!("lifecycle.{at}{problem}"));
        }
        if wanted.lifecycle.iter().take(at).any(|other| other.id == rule.id) {
            add(format!("lifecycle.{at}.id: another rule has it already"));
        }
    }
    for (at, domain) in wanted.custom_domains.iter().enumerate() {
        if wanted.custom_domains.iter().take(at).any(|other| other.domain == domain.domain) {
            add(format!("custom_domains.{at}.domain: is listed twice"));
        }
    }
    problems
}

/// What is wrong with a rule for objects.
fn problem_of(rule: &LifecycleRule) -> Option<String> {
    let deletion = ("delete", rule.delete_after, rule.delete_on.as_deref());
    let seldom = ("infrequent_access", rule.infrequent_access_after, rule.infrequent_access_on.as_deref());
    for (what, after, on) in [deletion, seldom] {
        match (after, on) {
            (Some(_), Some(_)) => return Some(format!(".{what}_on: not together with {what}_after")),
            (None, Some(day)) if beginning(day).is_none() => {
                return Some(format!(".{what}_on: is no day of the calendar"));
            }
            _ => {}
        }
    }
    let is_nothing = [deletion, seldom].iter().all(|(_, after, on)| after.is_none() && on.is_none())
        && rule.abort_uploads_after.is_none();
    is_nothing
        .then(|| ": needs abort_uploads_after, or delete or infrequent_access with _after or _on".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_says_what_happens_and_when_and_that_only_once() {
        for (rule, told) in [
            (json!({ "id": "a", "delete_on": "2028-02-29" }), None),
            (json!({ "id": "a", "infrequent_access_on": "2027-01-31", "delete_after": 60 }), None),
            (json!({ "id": "a", "abort_uploads_after": 60 }), None),
            (json!({ "id": "a" }), Some("lifecycle.0: needs ")),
            (json!({ "id": "a", "delete_on": "2027-02-29" }), Some("lifecycle.0.delete_on: is no day")),
            (
                json!({ "id": "a", "infrequent_access_on": "2027-01-31", "infrequent_access_after": 60 }),
                Some("lifecycle.0.infrequent_access_on: not together with infrequent_access_after"),
            ),
        ] {
            let asked: Parameters = serde_json::from_value(json!({ "lifecycle": [rule] })).unwrap();
            let problems = problems(&asked);
            match told {
                None => assert!(problems.is_empty(), "{rule}: {problems:?}"),
                Some(told) => assert!(problems.len() == 1 && problems[0].starts_with(told), "{problems:?}"),
            }
        }
    }
}
