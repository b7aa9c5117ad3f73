//! Update.

use serde_json::{Value, json};

use super::super::{
    answer::{Answer, Endpoint},
    bench::Instance,
    check::checks,
    finding::{Finding, Verdict, ensure, none},
    offer::Offer,
    trial::Trial,
};
use super::flight;

checks! {
    "B-UPD-01" plan_changes Lifecycle "Where plan_updateable says so, the plan can be changed to another one";
    "B-UPD-02" context_alone Lifecycle "An update of the context alone is answered with 200 or 202";
    "B-UPD-04" plan_stays Lifecycle "An update without plan_id leaves the plan";
    "B-UPD-05" parameters_stay Lifecycle "An update without parameters leaves the parameters";
    "B-UPD-06" empty_parameters Lifecycle "An update with a part of the parameters, or with none of them, is understood";
    "B-UPD-12" running_is_202 Lifecycle "The same update while it is running is answered with 202 and the same operation";
    "B-UPD-13" applied_is_200 Lifecycle "An update that is done at once is answered with 200 and an object";
    "B-UPD-13.nothing" nothing_is_200 Lifecycle "An update that changes nothing is answered with 200";
    "B-UPD-17" dashboard Answers "Every dashboard_url of an update is a text or null";
    "B-UPD-17.async" dashboard_is_told_first Lifecycle "After an asynchronous update the dashboard_url is the one of its 202, or the one before";
    "B-UPD-18" operations Answers "Every operation of an update is a text that is not empty";
    "B-UPD-19" metadata Answers "The metadata of update answers are objects";
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

/// What a fetch says of plan and parameters.
pub(super) async fn present(
    t: &Trial,
    instance: &Instance,
) -> Result<(Option<Value>, Option<Value>), Finding> {
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

async fn dashboard_is_told_first(t: &Trial) -> Verdict {
    let flight = flight::updating(t).await?;
    if !flight.instance.offer.service_says("instances_retrievable") {
        return Err(Finding::skipped("instances of this offering cannot be fetched"));
    }
    flight.ends_well(t).await?;
    let told = flight.begun.text("dashboard_url");
    let before = flight.provisioned.as_ref().and_then(|answer| answer.text("dashboard_url"));
    let fetched = t.get(flight.path.clone()).send().await?;
    let now = fetched.is(&[200])?.text("dashboard_url");
    if now.is_none() && told.is_none() {
        return Err(Finding::skipped("the instance has no dashboard_url"));
    }
    ensure(now == told.or(before), || {
        format!("{}, with another dashboard_url than the answer to the update announced", fetched.said())
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
