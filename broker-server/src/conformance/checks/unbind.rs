//! Unbind.

use http::Method;
use serde_json::Value;

use super::super::{
    answer::{Answer, Endpoint},
    bench::{Binding, new_id},
    check::checks,
    finding::{Finding, Verdict, ensure, none},
    trial::{Incomplete, Trial},
};
use super::flight;

checks! {
    "B-UNB-01" nothing_is_left Lifecycle "After an unbind the binding is not there any more";
    "B-UNB-02" unbind_during_bind Lifecycle "An unbind during a bind ends it, or is refused with ConcurrencyError";
    "B-UNB-03" deletion_is_polled Lifecycle "After an accepted unbind during a bind polls tell of the deletion";
    "B-UNB-04" required_fields Lifecycle "service_id or plan_id missing or empty is refused with 400";
    "B-UNB-05" deleted_is_200 Lifecycle "An unbind that is done at once is answered with 200 and an object";
    "B-UNB-05.running" running_is_202 Lifecycle "The same unbind while it is running is answered with 202 and the same operation";
    "B-UNB-06" unknown_is_410 Lifecycle "A binding that is gone, or that nobody made, is answered with 410";
    "B-UNB-07" async_required Lifecycle "Without accepts_incomplete a slow unbind is refused with AsyncRequired";
    "B-UNB-08" operations Answers "Every operation of an unbind is a text of 10,000 characters at most";
}

/// A new binding of a new instance.
async fn bound(t: &Trial) -> Result<Binding, Finding> {
    let (instance, _) = t.ready(&t.default_offer()?).await?;
    if !instance.offer.is_bindable() {
        return Err(Finding::skipped("no plan in use is bindable"));
    }
    Ok(t.bound(&instance).await?.0)
}

async fn nothing_is_left(t: &Trial) -> Verdict {
    let binding = bound(t).await?;
    let answer = t.unbind(&binding).await?;
    t.succeeded(&binding.path(), &answer).await?;
    if binding.instance.offer.service_says("bindings_retrievable") {
        t.get(binding.path()).send().await?.is(&[404])?;
    }
    t.unbind(&binding).await?.is(&[410]).map(|_| ())
}

/// An unbind while its bind is running; `None` if it was refused, as it may be.
async fn interrupted(t: &Trial) -> Result<Option<(Binding, Answer)>, Finding> {
    let flight = flight::binding(t).await?;
    let Some(binding) = flight.binding.clone() else { return Ok(None) };
    let answer = t.unbind(&binding).await?;
    if answer.status == 422 {
        answer.is_refused_as("ConcurrencyError")?;
        flight.ends_well(t).await?;
        return Ok(None);
    }
    answer.is(&[200, 202])?;
    Ok(Some((binding, answer)))
}

async fn unbind_during_bind(t: &Trial) -> Verdict {
    let Some((binding, answer)) = interrupted(t).await? else {
        t.note("refused");
        return Ok(());
    };
    t.succeeded(&binding.path(), &answer).await?;
    t.unbind(&binding).await?.is(&[410]).map(|_| ())
}

async fn deletion_is_polled(t: &Trial) -> Verdict {
    let Some((binding, answer)) = interrupted(t).await? else {
        return Err(Finding::skipped("an unbind during a bind is refused"));
    };
    let polled = t.poll(&binding.path(), None).await?;
    match answer.status {
        // the deletion runs, or is over
        202 => polled.is(&[200, 410])?,
        _ => {
            ensure(polled.status != 200 || polled.text("state") == Some("failed"), || polled.said())?;
            return Ok(());
        }
    };
    ensure(polled.text("state") != Some("failed"), || polled.said())?;
    t.succeeded(&binding.path(), &answer).await
}

async fn required_fields(t: &Trial) -> Verdict {
    let binding = bound(t).await?;
    let offer = &binding.instance.offer;
    for (service, plan) in [
        (None, Some(offer.plan_id())),
        (Some(offer.service_id()), None),
        (Some(""), Some(offer.plan_id())),
        (Some(offer.service_id()), Some("")),
        (None, None),
    ] {
        let mut call = t.call(Method::DELETE, binding.path()).query("accepts_incomplete", "true");
        for (key, value) in [("service_id", service), ("plan_id", plan)] {
            if let Some(value) = value {
                call = call.query(key, value);
            }
        }
        call.send().await?.is(&[400])?;
    }
    Ok(())
}

async fn deleted_is_200(t: &Trial) -> Verdict {
    let answer = t.unbind(&bound(t).await?).await?;
    match answer.status {
        202 => Err(Finding::skipped("unbinds of the plan are asynchronous")),
        _ => answer.is(&[200])?.object().map(|_| ()),
    }
}

async fn running_is_202(t: &Trial) -> Verdict {
    let flight = flight::unbinding(t).await?;
    flight.repeated(t).await?;
    flight.ends_well(t).await
}

async fn unknown_is_410(t: &Trial) -> Verdict {
    let mut binding = t.shared().await?.instance.binding(Value::Null);
    t.unbind(&binding).await?.is(&[410])?;
    binding.instance.id = new_id();
    t.unbind(&binding).await?.is(&[410]).map(|_| ())
}

async fn async_required(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&t.behaviour("async-binding")?).await?;
    let (binding, _) = t.bound(&instance).await?;
    let answer = t.delete(binding.path(), &instance.offer, Incomplete::Refused).send().await?;
    answer.is_refused_as("AsyncRequired").map(|_| ())
}

async fn operations(t: &Trial) -> Verdict {
    let answers = t.bench.wire.answers();
    let unbinds: Vec<_> =
        answers.iter().filter(|answer| answer.endpoint == Endpoint::Unbind && answer.status == 202).collect();
    if unbinds.is_empty() {
        return Err(Finding::skipped("no unbind was asynchronous"));
    }
    let fits = |operation: &Value| operation.as_str().is_some_and(|text| text.chars().count() <= 10_000);
    let wrong =
        unbinds.iter().filter(|answer| answer.member("operation").is_some_and(|operation| !fits(operation)));
    none(&wrong.map(|answer| answer.said()).collect::<Vec<_>>())
}
