//! Update.

use http::Method;
use serde_json::{Value, json};

use super::super::{
    check::checks,
    finding::{Finding, Verdict, ensure, none},
    offer::{Input, Offer},
    sample,
    trial::{Incomplete, Instance, Trial, new_id},
    wire::{Answer, Endpoint},
};
use super::flight;

checks! {
    "B-UPD-01" plan_changes Lifecycle "Where plan_updateable says so, the plan can be changed to another one";
    "B-UPD-02" context_alone Lifecycle "An update of the context alone is answered with 200 or 202";
    "B-UPD-03" service_is_required Lifecycle "service_id missing, empty or unknown is refused with 400";
    "B-UPD-04" plan_stays Lifecycle "An update without plan_id leaves the plan";
    "B-UPD-05" parameters_stay Lifecycle "An update without parameters leaves the parameters";
    "B-UPD-06" empty_parameters Lifecycle "An update with a part of the parameters, or with none of them, is understood";
    "B-UPD-07" wrong_parameters Lifecycle "Parameters that the schema does not accept are refused with 400";
    "B-UPD-08" another_version Lifecycle "Another maintenance version is refused with MaintenanceInfoConflict";
    "B-UPD-08.same" same_version Lifecycle "The catalog's maintenance version is accepted";
    "B-UPD-09" unsupported Lifecycle "An update of a plan that refuses updates is refused with 422";
    "B-UPD-09.plan" unsupported_plan Lifecycle "A plan change of a plan that is not plan_updateable is refused with 422";
    "B-UPD-10" refusal_tells_why Lifecycle "The refusal of a plan change has a description";
    "B-UPD-11" async_required Lifecycle "Without accepts_incomplete a slow update is refused with AsyncRequired";
    "B-UPD-12" running_is_202 Lifecycle "The same update while it is running is answered with 202 and the same operation";
    "B-UPD-13" applied_is_200 Lifecycle "An update that is done at once is answered with 200 and an object";
    "B-UPD-13.nothing" nothing_is_200 Lifecycle "An update that changes nothing is answered with 200";
    "B-UPD-14" malformed Lifecycle "A body that is no object is refused with 400";
    "B-UPD-15" refused_leaves_nothing Lifecycle "A refused update leaves plan and parameters as they were";
    "B-UPD-15.failed" failed_leaves_nothing Lifecycle "A failed update leaves plan and parameters as they were";
    "B-UPD-16" failure_says_usable Lifecycle "A failed update says whether instance and update are worth another try";
    "B-UPD-17" dashboard Answers "Every dashboard_url of an update is a text or null";
    "B-UPD-18" operations Answers "Every operation of an update is a text that is not empty";
    "B-UPD-19" metadata Answers "The metadata of update answers are objects";
    "B-UPD-20" unknown_instance ReadOnly "An update of an instance that nobody made is refused with 4xx";
    "B-MET-01" labels Lifecycle "Labels of an instance are an object";
    "B-MET-02" attributes Lifecycle "Attributes of an answer to provision appear in the fetch";
}

async fn plan_changes(t: &Trial) -> Verdict {
    let pair = |offer: &Offer| {
        t.bench.offers.iter().find(|other| {
            other.service_id() == offer.service_id()
                && other.plan_id() != offer.plan_id()
                // the probe's two plans for this belong together
                && other.behaviour().is_none_or(|behaviour| behaviour.starts_with("schema"))
        })
    };
    let offer =
        t.offer_with("that is plan_updateable", |offer| offer.is_plan_updateable() && pair(offer).is_some())?;
    let other = pair(&offer).cloned().ok_or_else(|| Finding::skipped("there is no other plan"))?;
    let (instance, _) = t.ready(&offer).await?;
    let answer = t.update(&instance, &json!({ "plan_id": other.plan_id() })).await?;
    if answer.status == 422 {
        return Err(Finding::skipped(format!("this permutation is not supported: {}", answer.said())));
    }
    answer.is(&[200, 202])?;
    t.succeeded(&instance.path(), &answer).await?;
    let now = t.get(instance.path()).send().await?;
    ensure(now.text("plan_id").is_none_or(|plan| plan == other.plan_id()), || {
        format!("{}, with the old plan", now.said())
    })
}

async fn context_alone(t: &Trial) -> Verdict {
    let allowing = |offer: &Offer| offer.service_says("allow_context_updates");
    let offer = t.default_offer().ok().filter(allowing);
    let offer = match offer {
        Some(offer) => offer,
        None => t.offer_with("with allow_context_updates", allowing)?,
    };
    let (instance, _) = t.ready(&offer).await?;
    let mut context = instance.body["context"].clone();
    context["instance_name"] = json!("another-name");
    let answer = t.update(&instance, &json!({ "context": context })).await?;
    answer.is(&[200, 202])?;
    t.succeeded(&instance.path(), &answer).await
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

/// What a fetch says of plan and parameters.
async fn present(t: &Trial, instance: &Instance) -> Result<(Option<Value>, Option<Value>), Finding> {
    if !instance.offer.service_says("instances_retrievable") {
        return Err(Finding::skipped("instances of this offering cannot be fetched"));
    }
    let answer = t.get(instance.path()).send().await?;
    answer.is(&[200])?;
    Ok((answer.member("plan_id").cloned(), answer.member("parameters").cloned()))
}

async fn plan_stays(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&t.default_offer()?).await?;
    let (plan, _) = present(t, &instance).await?;
    let answer = t.update(&instance, &json!({ "parameters": t.change(&instance.offer)? })).await?;
    t.succeeded(&instance.path(), &answer).await?;
    ensure(present(t, &instance).await?.0 == plan, || "the plan is another one".to_owned())
}

async fn parameters_stay(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&t.default_offer()?).await?;
    let begun = t.update(&instance, &json!({ "parameters": t.change(&instance.offer)? })).await?;
    t.succeeded(&instance.path(), &begun).await?;
    let (_, parameters) = present(t, &instance).await?;
    let answer = t.update(&instance, &json!({ "plan_id": instance.offer.plan_id() })).await?;
    t.succeeded(&instance.path(), &answer).await?;
    ensure(present(t, &instance).await?.1 == parameters, || "the parameters are other ones".to_owned())
}

async fn empty_parameters(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&t.default_offer()?).await?;
    let change = t.change(&instance.offer)?;
    for parameters in [change, json!({})] {
        let answer = t.update(&instance, &json!({ "parameters": parameters })).await?;
        answer.is(&[200, 202])?;
        t.succeeded(&instance.path(), &answer).await?;
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

async fn running_is_202(t: &Trial) -> Verdict {
    let flight = flight::updating(t).await?;
    flight.repeated(t).await?;
    flight.ends_well(t).await
}

async fn applied_is_200(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&t.default_offer()?).await?;
    let answer = t.update(&instance, &json!({ "parameters": t.change(&instance.offer)? })).await?;
    match answer.status {
        202 => Err(Finding::skipped("updates of the plan are asynchronous")),
        _ => answer.is(&[200])?.object().map(|_| ()),
    }
}

async fn nothing_is_200(t: &Trial) -> Verdict {
    let instance = t.shared().await?.instance;
    let answer = t.update(&instance, &json!({})).await?;
    answer.is(&[200, 202])?;
    t.succeeded(&instance.path(), &answer).await
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

/// Every answer to an update for which something holds that must not.
fn each_update(t: &Trial, is_wrong: impl Fn(&Answer) -> bool) -> Verdict {
    let answers = t.bench.wire.answers();
    let updates: Vec<_> =
        answers.iter().filter(|answer| answer.endpoint == Endpoint::Update && answer.status < 300).collect();
    if updates.is_empty() {
        return Err(Finding::skipped("nothing was updated"));
    }
    none(&updates.iter().filter(|answer| is_wrong(answer)).map(|answer| answer.said()).collect::<Vec<_>>())
}

async fn dashboard(t: &Trial) -> Verdict {
    each_update(t, |answer| {
        answer.member("dashboard_url").is_some_and(|url| !url.is_string() && !url.is_null())
    })
}

async fn operations(t: &Trial) -> Verdict {
    each_update(t, |answer| {
        answer.member("operation").is_some_and(|operation| operation.as_str().is_none_or(str::is_empty))
    })
}

async fn metadata(t: &Trial) -> Verdict {
    each_update(t, |answer| answer.member("metadata").is_some_and(|metadata| !metadata.is_object()))
}

async fn unknown_instance(t: &Trial) -> Verdict {
    let offer = t.default_offer()?;
    let path = format!("/v2/service_instances/{}", new_id());
    let call = t.call(Method::PATCH, path).json(&json!({ "service_id": offer.service_id() }));
    let answer = call.query("accepts_incomplete", "true").send().await?;
    ensure((400..500).contains(&answer.status), || answer.said())
}

async fn labels(t: &Trial) -> Verdict {
    let shared = t.shared().await?;
    let labels = shared.provisioned.member("metadata").and_then(|metadata| metadata.get("labels"));
    match labels {
        None => Err(Finding::skipped("the instance has no labels")),
        Some(labels) => ensure(labels.is_object(), || "labels are no object".to_owned()),
    }
}

async fn attributes(t: &Trial) -> Verdict {
    let shared = t.shared().await?;
    let of =
        |answer: &Answer| answer.member("metadata").and_then(|metadata| metadata.get("attributes")).cloned();
    let Some(told) = of(&shared.provisioned) else {
        return Err(Finding::skipped("the instance has no attributes"));
    };
    ensure(told.is_object(), || "attributes are no object".to_owned())?;
    let fetched = t.get(shared.instance.path()).send().await?;
    let keys = |value: Option<&Value>| {
        value.and_then(Value::as_object).map(|object| object.keys().cloned().collect::<Vec<_>>())
    };
    ensure(keys(of(&fetched).as_ref()) == keys(Some(&told)), || {
        format!("{}, with other attributes", fetched.said())
    })
}
