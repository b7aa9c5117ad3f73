//! Service plans: the form of what the catalog holds.

use serde_json::Value;

use super::super::{
    check::checks,
    finding::{Verdict, none},
    trial::Trial,
};
use super::offerings::{each_plan, each_service, ids, is_not, is_text, name, plans, repeated};

checks! {
    "B-CPL-01" plan_ids ReadOnly "Every plan has an id, and nothing else in the catalog has it";
    "B-CPL-02" plan_names ReadOnly "Every plan has a name, and no two of an offering the same";
    "B-CPL-03" plan_descriptions ReadOnly "Every plan has a description";
    "B-CPL-04" plan_metadata ReadOnly "The metadata of plans are objects";
    "B-CPL-05" free ReadOnly "free is a boolean";
    "B-CPL-06" plan_bindable ReadOnly "bindable of a plan is a boolean";
    "B-CPL-07" rotatable ReadOnly "binding_rotatable is a boolean, of plans only";
    "B-CPL-08" plan_plan_updateable ReadOnly "plan_updateable of a plan is a boolean";
    "B-CPL-09" plan_schemas ReadOnly "schemas are objects";
    "B-CPL-10" polling_duration ReadOnly "maximum_polling_duration is a positive whole number";
    "B-CPL-11" maintenance ReadOnly "maintenance_info is an object with a version";
}

async fn plan_ids(t: &Trial) -> Verdict {
    each_plan(t, |plan| !is_text(&plan["id"]))?;
    none(&repeated(ids(t)?))
}

async fn plan_names(t: &Trial) -> Verdict {
    each_plan(t, |plan| !is_text(&plan["name"]))?;
    each_service(t, |service| !repeated(plans(service).iter().map(name).collect()).is_empty())
}

async fn plan_descriptions(t: &Trial) -> Verdict {
    each_plan(t, |plan| !is_text(&plan["description"]))
}

async fn plan_metadata(t: &Trial) -> Verdict {
    each_plan(t, |plan| is_not(plan, "metadata", Value::is_object))
}

async fn free(t: &Trial) -> Verdict {
    each_plan(t, |plan| is_not(plan, "free", Value::is_boolean))
}

async fn plan_bindable(t: &Trial) -> Verdict {
    each_plan(t, |plan| is_not(plan, "bindable", Value::is_boolean))
}

async fn rotatable(t: &Trial) -> Verdict {
    each_plan(t, |plan| is_not(plan, "binding_rotatable", Value::is_boolean))?;
    each_service(t, |service| service.get("binding_rotatable").is_some())
}

async fn plan_plan_updateable(t: &Trial) -> Verdict {
    each_plan(t, |plan| is_not(plan, "plan_updateable", Value::is_boolean))
}

async fn plan_schemas(t: &Trial) -> Verdict {
    each_plan(t, |plan| is_not(plan, "schemas", Value::is_object))
}

async fn polling_duration(t: &Trial) -> Verdict {
    let is_positive = |value: &Value| value.as_u64().is_some_and(|seconds| seconds > 0);
    each_plan(t, |plan| is_not(plan, "maximum_polling_duration", is_positive))
}

async fn maintenance(t: &Trial) -> Verdict {
    each_plan(t, |plan| is_not(plan, "maintenance_info", |info| is_text(&info["version"])))
}
