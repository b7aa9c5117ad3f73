//! Binds that are refused.

use http::Method;
use serde_json::json;

use super::super::{
    bench::{Instance, new_id},
    check::checks,
    finding::{Finding, Verdict, ensure},
    offer::Input,
    sample,
    trial::{Incomplete, Trial},
};
use super::bind::shared;
use super::flight;

checks! {
    "B-BIND-01" only_bindable Lifecycle "An instance of a plan that is not bindable is not bound";
    "B-BIND-12" required_fields Lifecycle "Each required field missing, empty or of another type is refused with 400";
    "B-BIND-13" wrong_parameters Lifecycle "Parameters that the schema does not accept are refused with 400";
    "B-BIND-15" requires_app Lifecycle "Without an application where one is needed the bind is refused with RequiresApp";
    "B-BIND-16" async_required Lifecycle "Without accepts_incomplete a slow bind is refused with AsyncRequired";
    "B-BIND-21" other_is_409 Lifecycle "Another application for a binding that is there is refused with 409";
    "B-BIND-21.running" other_is_409_running Lifecycle "Another application for a binding that is being made is refused with 409";
    "B-BIND-22" bind_during_bind Lifecycle "Another bind during a bind is done, or refused with ConcurrencyError";
    "B-BIND-23" malformed Lifecycle "A body that is no object is refused with 400";
    "B-BIND-26" unknown_instance ReadOnly "A bind to an instance that nobody made is refused with 4xx";
}

async fn only_bindable(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&t.offer_with("that is not bindable", |offer| !offer.is_bindable())?).await?;
    let answer = t.bind(&t.binding(&instance)).await?;
    ensure((400..500).contains(&answer.status), || answer.said())
}

async fn required_fields(t: &Trial) -> Verdict {
    let (instance, _, _) = shared(t).await?;
    for field in ["service_id", "plan_id"] {
        for wrong in [None, Some(json!("")), Some(json!(5)), Some(json!(new_id()))] {
            let mut binding = t.binding(&instance);
            match wrong {
                Some(wrong) => binding.body[field] = wrong,
                None => {
                    binding.body.as_object_mut().map(|body| body.remove(field));
                }
            }
            t.bind(&binding).await?.is(&[400])?;
        }
    }
    Ok(())
}

async fn wrong_parameters(t: &Trial) -> Verdict {
    let (instance, _, _) = shared(t).await?;
    let wrong = instance.offer.schema(Input::Bind).and_then(sample::wrong);
    let mut binding = t.binding(&instance);
    binding.body["parameters"] =
        wrong.ok_or_else(|| Finding::skipped("the schema does not say what is wrong"))?;
    t.bind(&binding).await?.is(&[400]).map(|_| ())
}

async fn requires_app(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&t.behaviour("requires-app")?).await?;
    let mut binding = t.binding(&instance);
    for resource in [None, Some(json!({}))] {
        match resource {
            Some(resource) => binding.body["bind_resource"] = resource,
            None => {
                binding.body.as_object_mut().map(|body| body.remove("bind_resource"));
            }
        }
        t.bind(&binding).await?.is_refused_as("RequiresApp")?;
    }
    Ok(())
}

async fn async_required(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&t.behaviour("async-binding")?).await?;
    let binding = t.binding(&instance);
    let answer = t.put(binding.path(), &binding.body, Incomplete::Refused).send().await?;
    answer.is_refused_as("AsyncRequired").map(|_| ())
}

async fn other_is_409(t: &Trial) -> Verdict {
    let (_, mut binding, _) = shared(t).await?;
    binding.body["bind_resource"] = json!({ "app_guid": new_id() });
    t.bind(&binding).await?.is(&[409]).map(|_| ())
}

async fn other_is_409_running(t: &Trial) -> Verdict {
    let flight = flight::binding(t).await?;
    let Some(mut other) = flight.binding.clone() else { return Ok(()) };
    other.body["bind_resource"] = json!({ "app_guid": new_id() });
    let answer = t.bind(&other).await?;
    flight.is_still_running(t).await?;
    answer.is(&[409])?;
    flight.ends_well(t).await
}

async fn bind_during_bind(t: &Trial) -> Verdict {
    let flight = flight::binding(t).await?;
    let answer = t.bind(&t.binding(&flight.instance)).await?;
    flight.is_still_running(t).await?;
    t.note(format!("answers {}", answer.status));
    if !matches!(answer.status, 201 | 202) {
        answer.is_refused_as("ConcurrencyError")?;
    }
    flight.ends_well(t).await
}

async fn malformed(t: &Trial) -> Verdict {
    let (instance, _, _) = shared(t).await?;
    let path = format!("{}/service_bindings/{}", instance.path(), new_id());
    for body in ["", "{", "[]", "\"text\"", "{}"] {
        let call = t.call(Method::PUT, path.clone()).raw(body, Some("application/json"));
        call.query("accepts_incomplete", "true").send().await?.is(&[400])?;
    }
    Ok(())
}

async fn unknown_instance(t: &Trial) -> Verdict {
    let offer = t.default_offer()?;
    let nobodys = Instance { id: new_id(), body: t.provision_body(&offer), offer };
    // it goes again should it be made after all
    let answer = t.bind(&t.binding(&nobodys)).await?;
    ensure((400..500).contains(&answer.status), || answer.said())
}
