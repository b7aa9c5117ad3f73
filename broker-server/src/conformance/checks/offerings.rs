//! Service offerings: the form of what the catalog holds.

use serde_json::Value;

use super::super::{
    check::checks,
    finding::{Finding, Verdict, none},
    trial::Trial,
};

checks! {
    "B-CSV-01" service_names ReadOnly "Every offering has a name, and no two the same";
    "B-CSV-02" service_ids ReadOnly "Every offering has an id, and nothing else in the catalog has it";
    "B-CSV-03" service_descriptions ReadOnly "Every offering has a description";
    "B-CSV-04" service_bindable ReadOnly "Every offering says whether it is bindable";
    "B-CSV-05" service_plans ReadOnly "Every offering has at least one plan";
    "B-CSV-06" service_tags ReadOnly "tags are an array of texts";
    "B-CSV-07" service_requires ReadOnly "requires holds only syslog_drain, route_forwarding, volume_mount";
    "B-CSV-08" instances_retrievable ReadOnly "instances_retrievable is a boolean";
    "B-CSV-09" bindings_retrievable ReadOnly "bindings_retrievable is a boolean";
    "B-CSV-10" allow_context_updates ReadOnly "allow_context_updates is a boolean";
    "B-CSV-11" service_metadata ReadOnly "The metadata of offerings are objects";
    "B-CSV-12" dashboard_client ReadOnly "dashboard_client is an object";
    "B-CSV-13" plan_updateable ReadOnly "plan_updateable is a boolean, and never spelled otherwise";
}

pub(super) fn services(t: &Trial) -> Result<Vec<Value>, Finding> {
    let services = t.bench.catalog.member("services").and_then(Value::as_array).cloned();
    services.ok_or_else(|| Finding::skipped("the catalog has no services"))
}

pub(super) fn plans(service: &Value) -> Vec<Value> {
    service["plans"].as_array().cloned().unwrap_or_default()
}

pub(super) fn name(object: &Value) -> String {
    object["name"].as_str().or_else(|| object["id"].as_str()).unwrap_or("without a name").to_owned()
}

pub(super) fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

/// Every offering for which something holds that must not.
pub(super) fn each_service(t: &Trial, is_wrong: impl Fn(&Value) -> bool) -> Verdict {
    none(&services(t)?.iter().filter(|service| is_wrong(service)).map(name).collect::<Vec<_>>())
}

pub(super) fn each_plan(t: &Trial, is_wrong: impl Fn(&Value) -> bool) -> Verdict {
    let services = services(t)?;
    let plans =
        services.iter().flat_map(|service| plans(service).into_iter().map(move |plan| (service, plan)));
    none(
        &plans
            .filter(|(_, plan)| is_wrong(plan))
            .map(|(service, plan)| format!("{}/{}", name(service), name(&plan)))
            .collect::<Vec<_>>(),
    )
}

/// Whether a field is there and not of this form.
pub(super) fn is_not(object: &Value, key: &str, form: impl Fn(&Value) -> bool) -> bool {
    object.get(key).is_some_and(|value| !form(value))
}

pub(super) fn repeated(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone()).collect()
}

pub(super) fn ids(t: &Trial) -> Result<Vec<String>, Finding> {
    let services = services(t)?;
    let ids = services.iter().flat_map(|service| {
        let plans: Vec<Value> = plans(service).into_iter().map(|plan| plan["id"].clone()).collect();
        std::iter::once(service["id"].clone()).chain(plans)
    });
    Ok(ids.filter_map(|id| id.as_str().map(str::to_owned)).collect())
}

async fn service_names(t: &Trial) -> Verdict {
    each_service(t, |service| !is_text(&service["name"]))?;
    none(&repeated(services(t)?.iter().map(name).collect()))
}

async fn service_ids(t: &Trial) -> Verdict {
    each_service(t, |service| !is_text(&service["id"]))?;
    none(&repeated(ids(t)?))
}

async fn service_descriptions(t: &Trial) -> Verdict {
    each_service(t, |service| !is_text(&service["description"]))
}

async fn service_bindable(t: &Trial) -> Verdict {
    each_service(t, |service| !service["bindable"].is_boolean())
}

async fn service_plans(t: &Trial) -> Verdict {
    each_service(t, |service| plans(service).is_empty())
}

async fn service_tags(t: &Trial) -> Verdict {
    let are_texts = |tags: &Value| tags.as_array().is_some_and(|tags| tags.iter().all(Value::is_string));
    each_service(t, |service| is_not(service, "tags", are_texts))
}

async fn service_requires(t: &Trial) -> Verdict {
    const DEFINED: [&str; 3] = ["syslog_drain", "route_forwarding", "volume_mount"];
    let is_defined = |word: &Value| word.as_str().is_some_and(|word| DEFINED.contains(&word));
    let form = |words: &Value| words.as_array().is_some_and(|words| words.iter().all(is_defined));
    each_service(t, |service| is_not(service, "requires", form))
}

async fn instances_retrievable(t: &Trial) -> Verdict {
    each_service(t, |service| is_not(service, "instances_retrievable", Value::is_boolean))
}

async fn bindings_retrievable(t: &Trial) -> Verdict {
    each_service(t, |service| is_not(service, "bindings_retrievable", Value::is_boolean))
}

async fn allow_context_updates(t: &Trial) -> Verdict {
    each_service(t, |service| is_not(service, "allow_context_updates", Value::is_boolean))
}

async fn service_metadata(t: &Trial) -> Verdict {
    each_service(t, |service| is_not(service, "metadata", Value::is_object))
}

async fn dashboard_client(t: &Trial) -> Verdict {
    each_service(t, |service| is_not(service, "dashboard_client", Value::is_object))
}

async fn plan_updateable(t: &Trial) -> Verdict {
    let respelled = |object: &Value| object.get("plan_updatable").is_some();
    each_service(t, |service| {
        is_not(service, "plan_updateable", Value::is_boolean)
            || respelled(service)
            || plans(service).iter().any(respelled)
    })
}
