//! Updates that are refused, or fail.

use http::Method;
use serde_json::{Value, json};

use super::super::{
    answer::Answer,
    bench::{Instance, new_id},
    check::checks,
    finding::{Finding, Verdict, ensure},
    offer::{Input, Offer},
    sample,
    trial::{Incomplete, Trial},
};
use super::update::present;

checks! {
    "B-UPD-03" service_is_required Lifecycle "service_id missing, empty or unknown is refused with 400";
    "B-UPD-07" wrong_parameters Lifecycle "Parameters that the schema does not accept are refused with 400";
    "B-UPD-08" another_version Lifecycle "Another maintenance version is refused with MaintenanceInfoConflict";
    "B-UPD-08.same" same_version Lifecycle "The catalog's maintenance version is accepted";
    "B-UPD-09" unsupported Lifecycle "An update of a plan that refuses updates is refused with 422";
    "B-UPD-09.plan" unsupported_plan Lifecycle "A plan change of a plan that is not plan_updateable is refused with 422";
    "B-UPD-10" refusal_tells_why Lifecycle "The refusal of a plan change has a description";
    "B-UPD-11" async_required Lifecycle "Without accepts_incomplete a slow update is refused with AsyncRequired";
    "B-UPD-14" malformed Lifecycle "A body that is no object is refused with 400";
    "B-UPD-15" refused_leaves_nothing Lifecycle "A refused update leaves plan and parameters as they were";
    "B-UPD-15.failed" failed_leaves_nothing Lifecycle "A failed update leaves plan and parameters as they were";
    "B-UPD-16" failure_says_usable Lifecycle "A failed update says whether instance and update are worth another try";
    "B-UPD-20" unknown_instance ReadOnly "An update of an instance that nobody made is refused with 4xx";
}

/// Sends an update of the shared instance that has to be refused.
async fn refused(t: &Trial, body: &Value) -> Result<Answer, Finding> {
    let instance = t.shared().await?.instance;
    t.patch(&instance, body, Incomplete::Accepted).send().await
}

async fn service_is_required(t: &Trial) -> Verdict {
    for body in [
        json!({}),
        json!({ "service_id": "" }),
        json!({ "service_id": 5 }),
        json!({ "service_id": new_id() }),
    ] {
        refused(t, &body).await?.is(&[400])?;
    }
    Ok(())
}

async fn wrong_parameters(t: &Trial) -> Verdict {
    let offer = t.shared().await?.instance.offer;
    let wrong = offer.schema(Input::Update).and_then(sample::wrong);
    let wrong = wrong.ok_or_else(|| Finding::skipped("the schema does not say what is wrong"))?;
    refused(t, &json!({ "service_id": offer.service_id(), "parameters": wrong }))
        .await?
        .is(&[400])
        .map(|_| ())
}

fn maintained(t: &Trial) -> Result<Offer, Finding> {
    t.offer_with("with maintenance_info", |offer| offer.maintenance_version().is_some())
}

async fn another_version(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&maintained(t)?).await?;
    let answer = t.update(&instance, &json!({ "maintenance_info": { "version": "99.99.99" } })).await?;
    answer.is_refused_as("MaintenanceInfoConflict").map(|_| ())
}

async fn same_version(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&maintained(t)?).await?;
    let version = instance.offer.maintenance_version();
    let answer = t.update(&instance, &json!({ "maintenance_info": { "version": version } })).await?;
    answer.is(&[200, 202])?;
    t.succeeded(&instance.path(), &answer).await
}

async fn unsupported(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&t.behaviour("update-refused")?).await?;
    let answer = t.update(&instance, &json!({ "parameters": t.change(&instance.offer)? })).await?;
    answer.is(&[422]).map(|_| ())
}

/// The answer to a plan change that the catalog does not allow.
async fn forbidden_plan_change(t: &Trial) -> Result<Answer, Finding> {
    let other = |offer: &Offer| {
        let mut others = t.bench.offers.iter().filter(|other| other.service_id() == offer.service_id());
        others.find(|other| other.plan_id() != offer.plan_id()).map(|other| other.plan_id().to_owned())
    };
    let fixed = |offer: &Offer| !offer.is_plan_updateable() && other(offer).is_some();
    let offer = match t.default_offer().ok().filter(fixed) {
        Some(offer) => offer,
        None => t.offer_with("that is not plan_updateable and has a sibling", fixed)?,
    };
    let (instance, _) = t.ready(&offer).await?;
    t.update(&instance, &json!({ "plan_id": other(&offer) })).await
}

async fn unsupported_plan(t: &Trial) -> Verdict {
    forbidden_plan_change(t).await?.is(&[422]).map(|_| ())
}

async fn refusal_tells_why(t: &Trial) -> Verdict {
    let answer = forbidden_plan_change(t).await?;
    ensure(answer.text("description").is_some(), || format!("{} without a description", answer.said()))
}

async fn async_required(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&t.behaviour("slow-update")?).await?;
    let body = json!({ "service_id": instance.offer.service_id(), "parameters": t.change(&instance.offer)? });
    t.patch(&instance, &body, Incomplete::Refused).send().await?.is_refused_as("AsyncRequired").map(|_| ())
}

async fn malformed(t: &Trial) -> Verdict {
    let instance = t.shared().await?.instance;
    for body in ["", "{", "[]", "\"text\""] {
        let call = t.call(Method::PATCH, instance.path()).raw(body, Some("application/json"));
        call.query("accepts_incomplete", "true").send().await?.is(&[400])?;
    }
    Ok(())
}

async fn refused_leaves_nothing(t: &Trial) -> Verdict {
    let instance = t.shared().await?.instance;
    let before = present(t, &instance).await?;
    let body = json!({ "service_id": instance.offer.service_id(), "plan_id": new_id(), "parameters": t.change(&instance.offer)? });
    let answer = refused(t, &body).await?;
    ensure((400..500).contains(&answer.status), || answer.said())?;
    ensure(present(t, &instance).await? == before, || "a refused update has changed the instance".to_owned())
}

/// An update that failed in the middle, and the last poll of it.
async fn failed(t: &Trial, parameters: Value) -> Result<(Instance, Answer), Finding> {
    let (instance, _) = t.ready(&t.behaviour("fails-update")?).await?;
    let begun = t.update(&instance, &json!({ "parameters": parameters })).await?;
    let last = t.settled(&instance.path(), &begun).await?.unwrap_or(begun);
    ensure(last.text("state") == Some("failed") || last.status >= 400, || last.said())?;
    Ok((instance, last))
}

async fn failed_leaves_nothing(t: &Trial) -> Verdict {
    let (instance, _) = failed(t, json!({ "note": "changed" })).await?;
    let (_, parameters) = present(t, &instance).await?;
    ensure(parameters.is_none_or(|parameters| parameters["note"] != "changed"), || {
        "a failed update has left its parameters".to_owned()
    })
}

async fn failure_says_usable(t: &Trial) -> Verdict {
    for (usable, repeatable) in [(true, true), (true, false), (false, true), (false, false)] {
        let asked = json!({ "instance_usable": usable, "update_repeatable": repeatable });
        let (_, last) = failed(t, asked).await?;
        for (key, expected) in [("instance_usable", usable), ("update_repeatable", repeatable)] {
            let told = last.member(key).map_or(Some(true), Value::as_bool);
            ensure(told == Some(expected), || format!("{}, {key} is not {expected}", last.said()))?;
        }
    }
    Ok(())
}

async fn unknown_instance(t: &Trial) -> Verdict {
    let offer = t.default_offer()?;
    let path = format!("/v2/service_instances/{}", new_id());
    let call = t.call(Method::PATCH, path).json(&json!({ "service_id": offer.service_id() }));
    let answer = call.query("accepts_incomplete", "true").send().await?;
    ensure((400..500).contains(&answer.status), || answer.said())
}
