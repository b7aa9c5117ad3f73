//! Schemas and maintenance info: the form of what the catalog holds.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::{
    check::checks,
    finding::{Finding, Verdict, none},
    offer::{Input, Offer},
    trial::Trial,
};
use super::offerings::{each_plan, is_not, is_text};

checks! {
    "B-CSC-01" schema_places ReadOnly "schemas hold service_instance and service_binding only, with parameters that are objects";
    "B-CSC-02" schema_drafts ReadOnly "Every schema names its draft";
    "B-CSC-03" schema_references ReadOnly "No schema refers to anything outside of itself";
    "B-CSC-04" schema_sizes ReadOnly "No schema is larger than 64 kB";
    "B-CSC-05" schema_draft_four ReadOnly "Every schema is of draft 4";
    "B-CMI-01" semantic_versions ReadOnly "Every maintenance version is a semantic version";
    "B-CMI-02" maintenance_descriptions ReadOnly "Every maintenance version has a description";
}

/// Every schema of the catalog for which something holds that must not.
fn each_schema(t: &Trial, is_wrong: impl Fn(&Value) -> bool) -> Verdict {
    let schemas: Vec<(&Offer, Input, &Value)> = t
        .bench
        .offers
        .iter()
        .flat_map(|offer| {
            Input::ALL.into_iter().filter_map(move |input| Some((offer, input, offer.schema(input)?)))
        })
        .collect();
    if schemas.is_empty() {
        return Err(Finding::skipped("the catalog has no schemas"));
    }
    let wrong = schemas.into_iter().filter(|(_, _, schema)| is_wrong(schema));
    none(&wrong.map(|(offer, input, _)| format!("{}, {}", offer.name(), input.name())).collect::<Vec<_>>())
}

fn refers_outside(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.iter().any(|(key, value)| {
            let outside = key == "$ref" && value.as_str().is_some_and(|target| !target.starts_with('#'));
            outside || refers_outside(value)
        }),
        Value::Array(items) => items.iter().any(refers_outside),
        _ => false,
    }
}

fn versions(t: &Trial) -> Result<BTreeSet<&str>, Finding> {
    let versions: BTreeSet<&str> = t.bench.offers.iter().filter_map(Offer::maintenance_version).collect();
    if versions.is_empty() { Err(Finding::skipped("no plan has maintenance_info")) } else { Ok(versions) }
}

async fn schema_places(t: &Trial) -> Verdict {
    let holds = |object: &Value, known: &[&str]| {
        object.as_object().is_some_and(|object| object.keys().all(|key| known.contains(&key.as_str())))
    };
    let is_input =
        |input: &Value| holds(input, &["parameters"]) && !is_not(input, "parameters", Value::is_object);
    let form = |schemas: &Value| {
        holds(schemas, &["service_instance", "service_binding"])
            && !is_not(schemas, "service_instance", |of| {
                holds(of, &["create", "update"])
                    && !is_not(of, "create", is_input)
                    && !is_not(of, "update", is_input)
            })
            && !is_not(schemas, "service_binding", |of| {
                holds(of, &["create"]) && !is_not(of, "create", is_input)
            })
    };
    each_plan(t, |plan| is_not(plan, "schemas", form))
}

async fn schema_drafts(t: &Trial) -> Verdict {
    each_schema(t, |schema| !is_text(&schema["$schema"]))
}

async fn schema_references(t: &Trial) -> Verdict {
    each_schema(t, refers_outside)
}

async fn schema_sizes(t: &Trial) -> Verdict {
    each_schema(t, |schema| schema.to_string().len() > 64 * 1024)
}

async fn schema_draft_four(t: &Trial) -> Verdict {
    each_schema(t, |schema| {
        schema["$schema"].as_str().is_some_and(|draft| !draft.contains("json-schema.org/draft-04/schema"))
    })
}

async fn semantic_versions(t: &Trial) -> Verdict {
    let wrong = versions(t)?.into_iter().filter(|version| semver::Version::parse(version).is_err());
    none(&wrong.map(str::to_owned).collect::<Vec<_>>())
}

async fn maintenance_descriptions(t: &Trial) -> Verdict {
    versions(t)?;
    each_plan(t, |plan| is_not(plan, "maintenance_info", |info| is_text(&info["description"])))
}
