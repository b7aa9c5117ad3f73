//! Bind.

use http::Method;
use serde_json::{Value, json};

use super::super::{
    check::checks,
    finding::{Finding, Verdict, ensure, none},
    offer::{Input, Offer},
    sample,
    trial::{Binding, Incomplete, Instance, Trial, new_id},
    wire::{Answer, Endpoint},
};
use super::flight;

checks! {
    "B-BIND-01" only_bindable Lifecycle "An instance of a plan that is not bindable is not bound";
    "B-BIND-02" told_again Lifecycle "What a binding yields is told again, or left out";
    "B-BIND-03" told_once Lifecycle "What a binding yields is told by the bind or by the first fetch";
    "B-BIND-04" endpoints Lifecycle "A binding tells the endpoints to connect to";
    "B-BIND-05" credentials_differ Lifecycle "Two bindings have different credentials";
    "B-BIND-09" parameters Lifecycle "A bind with parameters of the schema succeeds";
    "B-BIND-11" id_is_the_key Lifecycle "Another id is another binding";
    "B-BIND-12" required_fields Lifecycle "Each required field missing, empty or of another type is refused with 400";
    "B-BIND-13" wrong_parameters Lifecycle "Parameters that the schema does not accept are refused with 400";
    "B-BIND-14" both_application_fields Lifecycle "An application is understood in bind_resource and at the top";
    "B-BIND-15" requires_app Lifecycle "Without an application where one is needed the bind is refused with RequiresApp";
    "B-BIND-16" async_required Lifecycle "Without accepts_incomplete a slow bind is refused with AsyncRequired";
    "B-BIND-17" created_is_201 Lifecycle "A bind that is done at once is answered with 201";
    "B-BIND-18" same_is_200 Lifecycle "The same request again is answered with 200 and the same credentials";
    "B-BIND-19" running_is_202 Lifecycle "The same bind while it is running is answered with 202 and the same operation";
    "B-BIND-20" nothing_in_202 Answers "No 202 to a bind had anything but operation";
    "B-BIND-21" other_is_409 Lifecycle "Another application for a binding that is there is refused with 409";
    "B-BIND-21.running" other_is_409_running Lifecycle "Another application for a binding that is being made is refused with 409";
    "B-BIND-22" bind_during_bind Lifecycle "Another bind during a bind is done, or refused with ConcurrencyError";
    "B-BIND-23" malformed Lifecycle "A body that is no object is refused with 400";
    "B-BIND-24" operations Answers "Every operation of a bind is a text of 10,000 characters at most";
    "B-BIND-25" credentials Lifecycle "Credentials are an object";
    "B-BIND-26" unknown_instance ReadOnly "A bind to an instance that nobody made is refused with 4xx";
}

/// The shared instance and its binding.
async fn shared(t: &Trial) -> Result<(Instance, Binding, Answer), Finding> {
    let shared = t.shared().await?;
    let (binding, bound) = shared.binding?;
    Ok((shared.instance, binding, bound))
}

/// What a binding yields, from the bind or, if that was asynchronous, the fetch.
async fn yielded(t: &Trial, binding: &Binding, bound: &Answer) -> Result<Value, Finding> {
    if bound.status != 202 {
        return Ok(bound.json.clone().unwrap_or_default());
    }
    let fetched = t.get(binding.path()).send().await?;
    fetched.is(&[200])?;
    Ok(fetched.json.unwrap_or_default())
}

async fn only_bindable(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&t.offer_with("that is not bindable", |offer| !offer.is_bindable())?).await?;
    let answer = t.bind(&t.binding(&instance)).await?;
    ensure((400..500).contains(&answer.status), || answer.said())
}

async fn told_again(t: &Trial) -> Verdict {
    let (_, binding, bound) = shared(t).await?;
    let again = t.bind(&binding).await?;
    again.is(&[200])?;
    let told = again.member("credentials").is_some();
    ensure(
        !told || bound.status == 202 || again.member("credentials") == bound.member("credentials"),
        || format!("{} with other credentials than before", again.said()),
    )?;
    t.note(if told { "told again" } else { "left out" });
    Ok(())
}

async fn told_once(t: &Trial) -> Verdict {
    let (_, binding, bound) = shared(t).await?;
    let yielded = yielded(t, &binding, &bound).await?;
    let any = ["credentials", "syslog_drain_url", "route_service_url", "volume_mounts", "endpoints"];
    ensure(any.iter().any(|key| yielded.get(key).is_some()), || {
        format!("{} and yields nothing", bound.said())
    })
}

async fn endpoints(t: &Trial) -> Verdict {
    let (_, binding, bound) = shared(t).await?;
    match yielded(t, &binding, &bound).await?.get("endpoints") {
        Some(endpoints) => ensure(endpoints.is_array(), || "endpoints are no array".to_owned()),
        None => Err(Finding::skipped("the binding has no endpoints")),
    }
}

async fn credentials_differ(t: &Trial) -> Verdict {
    let (instance, first, bound) = shared(t).await?;
    let one = yielded(t, &first, &bound).await?;
    if one.get("credentials").is_none() {
        return Err(Finding::skipped("the binding has no credentials"));
    }
    let (second, bound) = t.bound(&instance).await?;
    let other = yielded(t, &second, &bound).await?;
    ensure(one["credentials"] != other["credentials"], || "two bindings have the same credentials".to_owned())
}

async fn parameters(t: &Trial) -> Verdict {
    let (instance, _, _) = shared(t).await?;
    let schema = instance.offer.schema(Input::Bind).and_then(sample::change);
    let parameters = schema.ok_or_else(|| Finding::skipped("no parameter of bind is known"))?;
    let mut binding = t.binding(&instance);
    binding.body["parameters"] = parameters;
    let answer = t.bind(&binding).await?;
    answer.is(&[201, 202])?;
    t.succeeded(&binding.path(), &answer).await
}

async fn id_is_the_key(t: &Trial) -> Verdict {
    let (instance, first, _) = shared(t).await?;
    let mut other = t.binding(&instance);
    other.body = first.body;
    let answer = t.bind(&other).await?;
    answer.is(&[201, 202])?;
    t.succeeded(&other.path(), &answer).await?;
    let gone = t.unbind(&other).await?;
    t.succeeded(&other.path(), &gone).await?;
    let (_, first, _) = shared(t).await?;
    t.bind(&first).await?.is(&[200]).map(|_| ())
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

/// A plan that wants an application, or any that can be bound.
fn for_applications(t: &Trial) -> Result<Offer, Finding> {
    t.behaviour("requires-app").or_else(|_| t.offer_with("that can be bound", Offer::is_bindable))
}

async fn both_application_fields(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&for_applications(t)?).await?;
    for top in [false, true] {
        let mut binding = t.binding(&instance);
        if top && let Some(body) = binding.body.as_object_mut() {
            body.remove("bind_resource");
            body.insert("app_guid".to_owned(), json!(new_id()));
        }
        let answer = t.bind(&binding).await?;
        answer.is(&[201, 202])?;
        t.succeeded(&binding.path(), &answer).await?;
    }
    Ok(())
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

async fn created_is_201(t: &Trial) -> Verdict {
    let (_, _, bound) = shared(t).await?;
    match bound.status {
        202 => Err(Finding::skipped("bindings of the plan are asynchronous")),
        _ => bound.is(&[201]).map(|_| ()),
    }
}

async fn same_is_200(t: &Trial) -> Verdict {
    let (_, binding, bound) = shared(t).await?;
    let again = t.bind(&binding).await?;
    again.is(&[200])?.object()?;
    ensure(bound.status == 202 || again.member("credentials") == bound.member("credentials"), || {
        format!("{} with other credentials", again.said())
    })
}

async fn running_is_202(t: &Trial) -> Verdict {
    let flight = flight::binding(t).await?;
    flight.repeated(t).await?;
    flight.ends_well(t).await
}

fn binds(t: &Trial) -> Vec<std::sync::Arc<Answer>> {
    t.bench
        .wire
        .answers()
        .into_iter()
        .filter(|answer| answer.endpoint == Endpoint::Bind && answer.status == 202)
        .collect()
}

fn each_202(t: &Trial, is_wrong: impl Fn(&Answer) -> bool) -> Verdict {
    let binds = binds(t);
    if binds.is_empty() {
        return Err(Finding::skipped("no bind was asynchronous"));
    }
    none(&binds.iter().filter(|answer| is_wrong(answer)).map(|answer| answer.said()).collect::<Vec<_>>())
}

async fn nothing_in_202(t: &Trial) -> Verdict {
    const BINDING: [&str; 6] =
        ["credentials", "syslog_drain_url", "route_service_url", "volume_mounts", "endpoints", "metadata"];
    each_202(t, |answer| BINDING.iter().any(|key| answer.member(key).is_some()))
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

async fn operations(t: &Trial) -> Verdict {
    each_202(t, |answer| {
        let fits = |operation: &Value| operation.as_str().is_some_and(|text| text.chars().count() <= 10_000);
        answer.member("operation").is_some_and(|operation| !fits(operation))
    })
}

async fn credentials(t: &Trial) -> Verdict {
    let (_, binding, bound) = shared(t).await?;
    match yielded(t, &binding, &bound).await?.get("credentials") {
        Some(credentials) => ensure(credentials.is_object(), || "credentials are no object".to_owned()),
        None => Err(Finding::skipped("the binding has no credentials")),
    }
}

async fn unknown_instance(t: &Trial) -> Verdict {
    let offer = t.default_offer()?;
    let path = format!("/v2/service_instances/{}/service_bindings/{}", new_id(), new_id());
    let answer = t.put(path, &t.bind_body(&offer), Incomplete::Accepted).send().await?;
    ensure((400..500).contains(&answer.status), || answer.said())
}
