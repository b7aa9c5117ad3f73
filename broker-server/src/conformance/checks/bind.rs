//! Bind.

use serde_json::{Value, json};

use super::super::{
    answer::{Answer, Endpoint},
    bench::{Binding, Instance, new_id},
    check::checks,
    finding::{Finding, Verdict, ensure, none},
    offer::{Input, Offer},
    sample,
    trial::Trial,
};
use super::flight;

checks! {
    "B-BIND-02" told_again Lifecycle "What a binding yields is told again, or left out";
    "B-BIND-03" told_once Lifecycle "What a binding yields is told by the bind or by the first fetch";
    "B-BIND-04" endpoints Lifecycle "A binding tells the endpoints to connect to";
    "B-BIND-05" credentials_differ Lifecycle "Two bindings have different credentials";
    "B-BIND-09" parameters Lifecycle "A bind with parameters of the schema succeeds";
    "B-BIND-11" id_is_the_key Lifecycle "Another id is another binding";
    "B-BIND-14" both_application_fields Lifecycle "An application is understood in bind_resource and at the top";
    "B-BIND-17" created_is_201 Lifecycle "A bind that is done at once is answered with 201";
    "B-BIND-18" same_is_200 Lifecycle "The same request again is answered with 200 and the same credentials";
    "B-BIND-19" running_is_202 Lifecycle "The same bind while it is running is answered with 202 and the same operation";
    "B-BIND-20" nothing_in_202 Answers "No 202 to a bind had anything but operation";
    "B-BIND-24" operations Answers "Every operation of a bind is a text of 10,000 characters at most";
    "B-BIND-25" credentials Lifecycle "Credentials are an object";
}

/// The shared instance and its binding.
pub(super) async fn shared(t: &Trial) -> Result<(Instance, Binding, Answer), Finding> {
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
