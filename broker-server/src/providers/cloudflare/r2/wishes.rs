//! What is asked for of a bucket, and what no schema can say about it.

use serde::Deserialize;
use sutler_catalog::cloudflare::r2::{self, LifecycleRule, Parameters};
use sutler_spec::PlanId;

use super::rules::StorageClass;

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
fn problem_of(rule: &LifecycleRule) -> Option<&'static str> {
    let ages = [rule.delete_after, rule.infrequent_access_after, rule.abort_uploads_after];
    if ages.iter().all(Option::is_none) {
        return Some(": needs delete_after, infrequent_access_after or abort_uploads_after");
    }
    None
}
