//! Parameters against the schemas of the plan, as far as they are literal.

use std::borrow::Cow;

use serde_json::{Map, Value};
use sutler_catalog::{Input, Problem};

use super::{
    Action, ChangeKind,
    facts::Case,
    input::Draft,
    parameters::{Difference, Updates},
};
use crate::{
    config::{At, Declaration, Finding, pointer},
    nearest::{listed, nearest},
    reference::{self, Template, parse},
};

/// Rules that hold for an object or array whatever its references resolve to.
const STRUCTURAL: [&str; 12] = [
    "type",
    "required",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "minItems",
    "maxItems",
    "dependentRequired",
    "dependencies",
    "more",
];

/// Rules that look at the name of a property only.
const NAMED: [&str; 3] = ["additionalProperties", "unevaluatedProperties", "propertyNames"];

/// Complains about parameters that the plan would not take for this action.
pub(super) fn check(case: &Case<'_>, action: Action, differences: &[Difference<'_>], draft: &mut Draft) {
    let literal = literal(case.declaration);
    let mut problems = problems(case, Input::Provision, &literal);
    if action == Action::Update && !differences.is_empty() {
        let update = update(&literal, differences);
        if let Updates::Schema(Some(_)) = Updates::of(case.offer) {
            problems.extend(problems_of_update(case, &update));
        }
    }
    problems.sort_by(|one, other| one.path.cmp(&other.path).then_with(|| one.message.cmp(&other.message)));
    problems.dedup_by(|one, other| one.path == other.path && one.message == other.message);
    draft.findings.extend(problems.iter().map(|problem| finding(case, problem)));
}

/// What an update asks for: the parameters that differ, null for those that are gone.
fn update(literal: &Value, differences: &[Difference<'_>]) -> Value {
    let member = |difference: &Difference<'_>| {
        let value = match difference.kind {
            ChangeKind::Removed => Value::Null,
            _ => literal.get(difference.key).cloned().unwrap_or_default(),
        };
        (difference.key.to_owned(), value)
    };
    Value::Object(differences.iter().map(member).collect::<Map<_, _>>())
}

fn problems(case: &Case<'_>, input: Input, parameters: &Value) -> Vec<Problem> {
    let Some(validator) = case.offer.index.validator(&case.offer.service_plan.id, input) else {
        return Vec::new();
    };
    let mut problems = validator.validate(parameters);
    problems.retain(|problem| is_certain(case.declaration, problem));
    problems
}

/// What an update leaves out is not asked for again, so nothing is missing from it.
fn problems_of_update(case: &Case<'_>, update: &Value) -> Vec<Problem> {
    let mut problems = problems(case, Input::Update, update);
    problems.retain(|problem| {
        !(problem.path.is_empty() && matches!(&*problem.rule, "required" | "minProperties"))
    });
    problems
}

/// The parameters with escapes undone; references stay, as texts that stand for something unknown.
fn literal(declaration: &Declaration) -> Cow<'_, Value> {
    let mut is_plain = true;
    reference::visit(&declaration.parameters, &mut |_, _| is_plain = false);
    if is_plain {
        Cow::Borrowed(&declaration.parameters)
    } else {
        Cow::Owned(unescaped(&declaration.parameters))
    }
}

fn unescaped(value: &Value) -> Value {
    match value {
        Value::String(text) => match parse(text) {
            Ok(Template::Literal(text)) => Value::String(text.into_owned()),
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(unescaped).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(key, member)| (key.clone(), unescaped(member))).collect())
        }
        other => other.clone(),
    }
}

/// Whether a problem is there whatever the references resolve to: where it is at one, or one is below it, the rule does
/// not look at values.
fn is_certain(declaration: &Declaration, problem: &Problem) -> bool {
    let uses = declaration.uses.iter().map(|used| used.pointer.as_str());
    let mut uses = uses.chain(declaration.secrets.iter().map(|used| used.pointer.as_str()));
    uses.all(|pointer| match pointer.strip_prefix(problem.path.as_str()) {
        Some("") => NAMED.contains(&problem.rule.as_str()),
        Some(below) if below.starts_with('/') => STRUCTURAL.contains(&problem.rule.as_str()),
        _ => true,
    })
}

fn finding(case: &Case<'_>, problem: &Problem) -> Finding {
    let reference = &case.declaration.reference;
    let path = problem.path.replace('/', ".").replace("~1", "/").replace("~0", "~");
    let at = pointer(&["instances", reference.as_str(), "params"]) + &problem.path;
    let is_unknown = NAMED.contains(&problem.rule.as_str());
    let at = if is_unknown || problem.path.is_empty() { At::Key(at) } else { At::Value(at) };
    let message = format!("{reference}: params{path}: {}", problem.message);
    Finding::new(message).at(at).help(help(case, problem, is_unknown))
}

fn help(case: &Case<'_>, problem: &Problem, is_unknown: bool) -> String {
    let plan = &case.offer.service_plan;
    let validator = case.offer.index.validator(&plan.id, Input::Provision);
    let known = validator.map(|validator| validator.properties()).unwrap_or_default();
    let name = problem.path.trim_start_matches('/');
    let near = nearest(name, known.iter().copied()).filter(|_| is_unknown && !name.contains('/'));
    match near {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("the plan '{}' of {} takes: {}", plan.name, case.offer.offering.name, listed(known)),
    }
}
