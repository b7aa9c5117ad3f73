//! Deprovision, and what orphan mitigation asks of a broker.

use http::Method;
use serde_json::Value;

use super::super::{
    answer::{Answer, Endpoint},
    bench::{Instance, new_id},
    check::checks,
    finding::{Finding, Verdict, ensure, none},
    trial::{Incomplete, Trial},
};
use super::flight;

checks! {
    "B-DEP-01" nothing_is_left Lifecycle "After a deprovision the instance is not there any more";
    "B-DEP-02" with_bindings Lifecycle "A deprovision with a binding is done, or refused with 4xx";
    "B-DEP-03" delete_during_provision Lifecycle "A deletion during provision ends it, or is refused with ConcurrencyError";
    "B-DEP-04" deletion_is_polled Lifecycle "After an accepted deletion during provision polls tell of the deletion";
    "B-DEP-05" required_fields Lifecycle "service_id or plan_id missing or empty is refused with 400";
    "B-DEP-06" deleted_is_200 Lifecycle "A deprovision that is done at once is answered with 200 and an object";
    "B-DEP-06.running" running_is_202 Lifecycle "The same deletion while it is running is answered with 202 and the same operation";
    "B-DEP-07" unknown_is_410 ReadOnly "An instance that nobody made is answered with 410";
    "B-DEP-08" async_required Lifecycle "Without accepts_incomplete a slow deprovision is refused with AsyncRequired";
    "B-DEP-09" operations Answers "No operation of a deprovision has more than 10,000 characters";
    "B-DEP-10" failure_says_usable Lifecycle "A failed deprovision says whether the instance is usable, and can be repeated";
    "B-ORP-01" any_state Lifecycle "What failed in the middle of its making can be deleted";
    "B-ORP-02" own_clean_up Lifecycle "What failed to be made is gone, or goes when asked";
    "B-ORP-03" already_gone Lifecycle "Deleting again and again is answered with 410 and nothing else";
}

async fn deleted(t: &Trial, instance: &Instance) -> Verdict {
    let answer = t.deprovision(instance).await?;
    t.succeeded(&instance.path(), &answer).await
}

async fn nothing_is_left(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&t.default_offer()?).await?;
    deleted(t, &instance).await?;
    if instance.offer.service_says("instances_retrievable") {
        t.get(instance.path()).send().await?.is(&[404])?;
    }
    t.deprovision(&instance).await?.is(&[410]).map(|_| ())
}

async fn with_bindings(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&t.default_offer()?).await?;
    if !instance.offer.is_bindable() {
        return Err(Finding::skipped("no plan in use is bindable"));
    }
    t.bound(&instance).await?;
    let answer = t.deprovision(&instance).await?;
    t.note(if answer.status < 300 { "done" } else { "refused" });
    ensure(answer.status < 500, || answer.said())?;
    if answer.status == 202 { t.succeeded(&instance.path(), &answer).await } else { Ok(()) }
}

/// A deletion while its provision is running; `None` if it was refused, as it may be.
async fn interrupted(t: &Trial) -> Result<Option<(Instance, Answer)>, Finding> {
    let flight = flight::provisioning(t).await?;
    let answer = t.deprovision(&flight.instance).await?;
    if answer.status == 422 {
        answer.is_refused_as("ConcurrencyError")?;
        flight.ends_well(t).await?;
        return Ok(None);
    }
    answer.is(&[200, 202])?;
    Ok(Some((flight.instance, answer)))
}

async fn delete_during_provision(t: &Trial) -> Verdict {
    let Some((instance, answer)) = interrupted(t).await? else {
        t.note("refused");
        return Ok(());
    };
    t.succeeded(&instance.path(), &answer).await?;
    t.deprovision(&instance).await?.is(&[410]).map(|_| ())
}

async fn deletion_is_polled(t: &Trial) -> Verdict {
    let Some((instance, answer)) = interrupted(t).await? else {
        return Err(Finding::skipped("a deletion during provision is refused"));
    };
    let polled = t.poll(&instance.path(), None).await?;
    if answer.status == 202 {
        polled.is(&[200, 410])?;
        ensure(polled.text("state") != Some("failed"), || polled.said())?;
        return t.succeeded(&instance.path(), &answer).await;
    }
    ensure(polled.status != 200 || polled.text("state") == Some("failed"), || polled.said())
}

async fn required_fields(t: &Trial) -> Verdict {
    let instance = t.shared().await?.instance;
    let offer = &instance.offer;
    for (service, plan) in [
        (None, Some(offer.plan_id())),
        (Some(offer.service_id()), None),
        (Some(""), Some(offer.plan_id())),
        (Some(offer.service_id()), Some("")),
        (None, None),
    ] {
        let mut call = t.call(Method::DELETE, instance.path()).query("accepts_incomplete", "true");
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
    let (instance, _) = t.ready(&t.default_offer()?).await?;
    let answer = t.deprovision(&instance).await?;
    match answer.status {
        202 => Err(Finding::skipped("deprovisions of the plan are asynchronous")),
        _ => answer.is(&[200])?.object().map(|_| ()),
    }
}

async fn running_is_202(t: &Trial) -> Verdict {
    let flight = flight::deprovisioning(t).await?;
    flight.repeated(t).await?;
    flight.ends_well(t).await
}

async fn unknown_is_410(t: &Trial) -> Verdict {
    let offer = t.default_offer()?;
    let path = format!("/v2/service_instances/{}", new_id());
    t.delete(path, &offer, Incomplete::Accepted).send().await?.is(&[410]).map(|_| ())
}

async fn async_required(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&t.behaviour("slow")?).await?;
    let answer = t.delete(instance.path(), &instance.offer, Incomplete::Refused).send().await?;
    answer.is_refused_as("AsyncRequired").map(|_| ())
}

async fn operations(t: &Trial) -> Verdict {
    let answers = t.bench.wire.answers();
    let deletions: Vec<_> = answers
        .iter()
        .filter(|answer| answer.endpoint == Endpoint::Deprovision && answer.status == 202)
        .collect();
    if deletions.is_empty() {
        return Err(Finding::skipped("no deprovision was asynchronous"));
    }
    let fits = |operation: &Value| operation.as_str().is_some_and(|text| text.chars().count() <= 10_000);
    let wrong = deletions
        .iter()
        .filter(|answer| answer.member("operation").is_some_and(|operation| !fits(operation)));
    none(&wrong.map(|answer| answer.said()).collect::<Vec<_>>())
}

async fn failure_says_usable(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&t.behaviour("fails-deprovision-once")?).await?;
    let begun = t.deprovision(&instance).await?;
    let last = t.settled(&instance.path(), &begun).await?.unwrap_or(begun);
    ensure(last.status >= 400 || last.text("state") == Some("failed"), || {
        format!("{}, although it has to fail", last.said())
    })?;
    ensure(last.member("instance_usable").is_none_or(Value::is_boolean), || last.said())?;
    deleted(t, &instance).await
}

/// An instance whose provision failed after something was made.
async fn half_made(t: &Trial) -> Result<Instance, Finding> {
    let instance = t.instance(&t.behaviour("fails-provision-late")?);
    let begun = t.provision(&instance).await?;
    let last = t.settled(&instance.path(), &begun).await?.unwrap_or(begun);
    ensure(last.status >= 400 || last.text("state") == Some("failed"), || {
        format!("{}, although it has to fail", last.said())
    })?;
    Ok(instance)
}

async fn any_state(t: &Trial) -> Verdict {
    let instance = half_made(t).await?;
    let answer = t.deprovision(&instance).await?;
    answer.is(&[200, 202, 410])?;
    if answer.status == 202 { t.succeeded(&instance.path(), &answer).await } else { Ok(()) }
}

async fn own_clean_up(t: &Trial) -> Verdict {
    let instance = half_made(t).await?;
    let answer = t.deprovision(&instance).await?;
    t.note(if answer.status == 410 { "cleaned up by itself" } else { "kept until deleted" });
    if answer.status == 202 {
        t.succeeded(&instance.path(), &answer).await?;
    }
    t.deprovision(&instance).await?.is(&[410]).map(|_| ())
}

async fn already_gone(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&t.default_offer()?).await?;
    deleted(t, &instance).await?;
    for _ in 0..3 {
        t.deprovision(&instance).await?.is(&[410])?;
    }
    Ok(())
}
