//! The profile: contexts and metadata as Cloud Foundry and Kubernetes use them.

use serde_json::{Value, json};

use super::super::{
    bench::new_id,
    check::checks,
    finding::{Finding, Verdict, none},
    offer::Offer,
    trial::Trial,
};

checks! {
    "B-PROF-01" contexts Lifecycle "Contexts of Cloud Foundry, Kubernetes and unknown platforms are accepted";
    "B-PROF-02" service_metadata ReadOnly "The conventional metadata of offerings are texts, links are links";
    "B-PROF-03" plan_metadata ReadOnly "The conventional metadata of plans are texts and arrays";
    "B-PROF-04" costs ReadOnly "Every cost has amounts by currency, and a unit";
    "B-PROF-05" shareable ReadOnly "shareable is a boolean";
    "B-PROF-06" service_keys Lifecycle "A bind for a service key is answered like any bind";
    "B-PROF-11" dashboard_clients ReadOnly "Every dashboard_client has an id and a secret";
}

async fn contexts(t: &Trial) -> Verdict {
    let offer = t.default_offer()?;
    for context in [
        json!({
            "platform": "cloudfoundry", "organization_guid": "o", "organization_name": "o", "space_guid": "s",
            "space_name": "s", "instance_name": "i", "organization_annotations": { "a/b": "c" }, "future": [1],
        }),
        json!({
            "platform": "kubernetes", "namespace": "n", "clusterid": new_id(), "instance_name": "i",
            "namespace_annotations": { "a": "b" }, "instance_annotations": {},
        }),
        json!({ "platform": "surely-unknown", "any": { "thing": null } }),
    ] {
        let mut instance = t.instance(&offer);
        instance.body["context"] = context;
        let answer = t.provision(&instance).await?;
        answer.is(&[201, 202])?;
        t.succeeded(&instance.path(), &answer).await?;
    }
    Ok(())
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn is_link(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| ["http://", "https://", "data:"].iter().any(|scheme| text.starts_with(scheme)))
}

fn is_not(object: &Value, key: &str, form: impl Fn(&Value) -> bool) -> bool {
    object.get(key).is_some_and(|value| !form(value))
}

/// Every plan for which something holds that must not.
fn each(t: &Trial, is_wrong: impl Fn(&Offer) -> bool) -> Verdict {
    let mut wrong: Vec<String> =
        t.bench.offers.iter().filter(|offer| is_wrong(offer)).map(Offer::name).collect();
    wrong.dedup();
    none(&wrong)
}

/// Skips what nothing in the catalog has.
fn where_any(t: &Trial, what: &str, has: impl Fn(&Offer) -> bool) -> Verdict {
    if t.bench.offers.iter().any(has) {
        Ok(())
    } else {
        Err(Finding::skipped(format!("the catalog has no {what}")))
    }
}

async fn service_metadata(t: &Trial) -> Verdict {
    where_any(t, "metadata of offerings", |offer| offer.service.get("metadata").is_some())?;
    each(t, |offer| {
        let metadata = &offer.service["metadata"];
        ["displayName", "longDescription", "providerDisplayName"]
            .iter()
            .any(|key| is_not(metadata, key, is_text))
            || ["imageUrl", "documentationUrl", "supportUrl"].iter().any(|key| is_not(metadata, key, is_link))
    })
}

async fn plan_metadata(t: &Trial) -> Verdict {
    where_any(t, "metadata of plans", |offer| offer.plan.get("metadata").is_some())?;
    let are_texts = |list: &Value| list.as_array().is_some_and(|list| list.iter().all(Value::is_string));
    each(t, |offer| {
        let metadata = &offer.plan["metadata"];
        is_not(metadata, "bullets", are_texts)
            || is_not(metadata, "costs", Value::is_array)
            || is_not(metadata, "displayName", is_text)
    })
}

async fn costs(t: &Trial) -> Verdict {
    let costs = |offer: &Offer| offer.plan["metadata"]["costs"].as_array().cloned().unwrap_or_default();
    where_any(t, "costs", |offer| !costs(offer).is_empty())?;
    let is_cost = |cost: &Value| {
        let amount = cost["amount"].as_object();
        is_text(&cost["unit"])
            && amount.is_some_and(|amount| !amount.is_empty() && amount.values().all(Value::is_number))
    };
    each(t, |offer| !costs(offer).iter().all(is_cost))
}

async fn shareable(t: &Trial) -> Verdict {
    where_any(t, "shareable", |offer| offer.service["metadata"].get("shareable").is_some())?;
    each(t, |offer| is_not(&offer.service["metadata"], "shareable", Value::is_boolean))
}

async fn service_keys(t: &Trial) -> Verdict {
    let shared = t.shared().await?;
    shared.binding?;
    let mut binding = t.binding(&shared.instance);
    binding.body["bind_resource"] = json!({ "credential_client_id": new_id() });
    let answer = t.bind(&binding).await?;
    if answer.status == 422 {
        return answer.is_refused_as("RequiresApp").map(|_| ());
    }
    answer.is(&[201, 202])?;
    t.succeeded(&binding.path(), &answer).await
}

async fn dashboard_clients(t: &Trial) -> Verdict {
    where_any(t, "dashboard_client", |offer| offer.service.get("dashboard_client").is_some())?;
    each(t, |offer| {
        is_not(&offer.service, "dashboard_client", |client| {
            is_text(&client["id"]) && is_text(&client["secret"])
        })
    })
}
