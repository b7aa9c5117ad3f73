//! What changes, field by field. A value is shown only when it is certain that it is no secret.

use serde_json::Value;
use sutler_spec::ServicePlan;

use super::{
    Action, Change, ChangeKind,
    decide::{Facts, InPlace},
    facts::Case,
    parameters::Difference,
};
use crate::{config::is_secret_looking, reference};

/// Longer values are not shown.
const SHOWN: usize = 160;

/// The fields that change with an action.
pub(super) fn changes(
    case: &Case<'_>,
    action: Action,
    facts: &Facts<'_>,
    differences: &[Difference<'_>],
) -> Vec<Change> {
    let mut changes = Vec::new();
    match (action, case.record) {
        (Action::Create, _) | (_, None) => created(case, &mut changes),
        (_, Some(_)) => {
            if let Some((_, to)) = &facts.moved {
                changes.push(change("service", ChangeKind::Changed, Some(to.clone())));
            }
            if let Some((_, to, _)) = facts.service_plan {
                changes.push(change("plan", ChangeKind::Changed, Some(to.to_owned())));
            }
            let follows = matches!(facts.name, Some((_, InPlace::Possible))) || action == Action::Replace;
            if facts.name.is_some() && follows {
                changes.push(change("name", ChangeKind::Changed, Some(case.declaration.name.clone())));
            }
            for difference in differences {
                let value = case.declaration.parameters.get(difference.key);
                let shown = value.and_then(|value| shown(case, difference.key, value));
                changes.push(change(&format!("params.{}", difference.key), difference.kind, shown));
            }
        }
    }
    written(case, &mut changes);
    changes
}

fn created(case: &Case<'_>, changes: &mut Vec<Change>) {
    let declaration = case.declaration;
    let plan = Some(case.offer.service_plan.name.clone());
    changes.push(change("plan", ChangeKind::Added, plan));
    changes.push(change("name", ChangeKind::Added, Some(declaration.name.clone())));
    for (key, value) in declaration.parameters.as_object().into_iter().flatten() {
        let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        let waits = declaration.uses.iter().enumerate().any(|(at, used)| {
            let below = used
                .pointer
                .strip_prefix(&pointer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            below && case.is_unknown(at)
        });
        let kind = if waits { ChangeKind::KnownAfterApply } else { ChangeKind::Added };
        changes.push(change(&format!("params.{key}"), kind, shown(case, key, value)));
    }
}

/// What is written down and told to nobody.
fn written(case: &Case<'_>, changes: &mut Vec<Change>) {
    let (declaration, record) = (case.declaration, case.record);
    let before = record.is_some_and(|record| record.protected);
    if before != declaration.protected {
        let shown = Some(declaration.protected.to_string());
        changes.push(change("protected", ChangeKind::Changed, shown));
    }
    let variables = record.map(|record| &record.variables);
    for (key, variable) in &declaration.bind {
        let kind = match variables.and_then(|variables| variables.get(key)) {
            Some(same) if same == variable => continue,
            Some(_) => ChangeKind::Changed,
            None => ChangeKind::Added,
        };
        changes.push(change(&format!("bind.{key}"), kind, Some(variable.to_string())));
    }
    for key in variables.into_iter().flat_map(|variables| variables.keys()) {
        if !declaration.bind.contains_key(key) {
            changes.push(change(&format!("bind.{key}"), ChangeKind::Removed, None));
        }
    }
}

fn change(field: &str, kind: ChangeKind, shown: Option<String>) -> Change {
    Change { field: field.to_owned(), kind, shown }
}

fn shown(case: &Case<'_>, key: &str, value: &Value) -> Option<String> {
    shown_parameter(case.offer.service_plan, key, value)
}

/// A parameter as JSON, references as they are written; nothing when any part of it may be a secret.
pub(crate) fn shown_parameter(plan: &ServicePlan, key: &str, value: &Value) -> Option<String> {
    let schema = plan.provision_schema();
    let declared = schema.and_then(|schema| schema.get("properties")?.get(key));
    if is_secret_looking(key) && !is_reference(value)
        || declared.is_some_and(|schema| is_write_only(schema, 0))
    {
        return None;
    }
    let text = is_public(value).then(|| value.to_string())?;
    (text.len() <= SHOWN).then_some(text)
}

fn is_reference(value: &Value) -> bool {
    matches!(value, Value::String(text) if matches!(reference::parse(text), Ok(reference::Template::Whole(_))))
}

fn is_public(value: &Value) -> bool {
    match value {
        Value::String(text) => !(text.contains("://") && text.contains('@')),
        Value::Array(items) => items.iter().all(is_public),
        Value::Object(members) => members
            .iter()
            .all(|(key, member)| is_reference(member) || !is_secret_looking(key) && is_public(member)),
        _ => true,
    }
}

fn is_write_only(schema: &Value, depth: usize) -> bool {
    match schema {
        _ if depth > 32 => true,
        Value::Object(members) => {
            members.get("writeOnly") == Some(&Value::Bool(true))
                || members.get("format").is_some_and(|format| format == "password")
                || members.values().any(|member| is_write_only(member, depth + 1))
        }
        Value::Array(items) => items.iter().any(|item| is_write_only(item, depth + 1)),
        _ => false,
    }
}
