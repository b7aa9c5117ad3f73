//! Fetching instances and bindings.

use serde_json::Value;

use super::super::{
    answer::{Answer, Endpoint},
    bench::{Instance, new_id},
    check::checks,
    finding::{Finding, Verdict, ensure, none},
    trial::Trial,
};
use super::flight;

checks! {
    "B-FIN-01" instance_can_be_fetched Lifecycle "An instance can be fetched where its offering says so";
    "B-FIN-02" fetched_at_once Lifecycle "An instance can be fetched right after its provision succeeded";
    "B-FIN-03" hints Lifecycle "service_id and plan_id change nothing in a fetch";
    "B-FIN-04" not_there_yet Lifecycle "An instance that is being made is answered with 404";
    "B-FIN-04.unknown" unknown_instance ReadOnly "An instance that nobody made is answered with 404";
    "B-FIN-05" during_update Lifecycle "During an update a fetch is answered with 200 or ConcurrencyError";
    "B-FIN-06" fields Lifecycle "service_id and plan_id of the fetch are those of the instance";
    "B-FIN-07" parameters Lifecycle "The parameters of the fetch are among those that were sent";
    "B-FIN-08" maintenance Lifecycle "The maintenance_info of the fetch has a version";
    "B-FIN-09" dashboard Answers "Every dashboard_url that was fetched is a text";
    "B-FBN-01" binding_can_be_fetched Lifecycle "A binding can be fetched where its offering says so";
    "B-FBN-02" no_binding_yet Lifecycle "A binding that is being made, or that nobody made, is answered with 404";
    "B-FBN-03" binding_fields Lifecycle "The fetch has what the bind yielded";
    "B-FBN-04" credentials_after_async Lifecycle "The fetch after an asynchronous bind has the credentials";
    "B-FBN-05" binding_parameters Lifecycle "The parameters of a fetched binding are among those that were sent";
    "B-FBN-06" endpoints Lifecycle "The endpoints of the fetch are those of the bind";
}

/// Fetches what the offering says can be fetched.
async fn fetched(t: &Trial, instance: &Instance) -> Result<Answer, Finding> {
    if !instance.offer.service_says("instances_retrievable") {
        return Err(Finding::skipped(format!(
            "{} says nothing of instances_retrievable",
            instance.offer.service_name()
        )));
    }
    let answer = t.get(instance.path()).send().await?;
    answer.is(&[200])?.object()?;
    Ok(answer)
}

async fn shared_fetched(t: &Trial) -> Result<(Instance, Answer), Finding> {
    let instance = t.shared().await?.instance;
    let answer = fetched(t, &instance).await?;
    Ok((instance, answer))
}

async fn instance_can_be_fetched(t: &Trial) -> Verdict {
    shared_fetched(t).await.map(|_| ())
}

async fn fetched_at_once(t: &Trial) -> Verdict {
    let flight = flight::provisioning(t).await?;
    flight.ends_well(t).await?;
    fetched(t, &flight.instance).await.map(|_| ())
}

async fn hints(t: &Trial) -> Verdict {
    let (instance, plain) = shared_fetched(t).await?;
    let call = t.get(instance.path()).query("service_id", instance.offer.service_id());
    let hinted = call.query("plan_id", instance.offer.plan_id()).send().await?;
    ensure(hinted.status == plain.status, || hinted.said())
}

async fn not_there_yet(t: &Trial) -> Verdict {
    let flight = flight::provisioning(t).await?;
    let answer = t.get(flight.path.clone()).send().await?;
    flight.is_still_running(t).await?;
    answer.is(&[404]).map(|_| ())
}

async fn unknown_instance(t: &Trial) -> Verdict {
    t.get(format!("/v2/service_instances/{}", new_id())).send().await?.is(&[404]).map(|_| ())
}

async fn during_update(t: &Trial) -> Verdict {
    let flight = flight::updating(t).await?;
    let answer = t.get(flight.path.clone()).send().await?;
    flight.is_still_running(t).await?;
    t.note(format!("answers {}", answer.status));
    if answer.status == 200 { Ok(()) } else { answer.is_refused_as("ConcurrencyError").map(|_| ()) }
}

async fn fields(t: &Trial) -> Verdict {
    let (instance, answer) = shared_fetched(t).await?;
    for (key, expected) in
        [("service_id", instance.offer.service_id()), ("plan_id", instance.offer.plan_id())]
    {
        ensure(answer.member(key).is_none_or(|told| told == expected), || {
            format!("{}, with another {key}", answer.said())
        })?;
    }
    Ok(())
}

/// Whether every parameter that is shown was sent.
fn are_among(shown: Option<&Value>, sent: &Value) -> bool {
    let Some(Value::Object(shown)) = shown else { return shown.is_none() };
    shown.iter().all(|(key, value)| sent.get(key).is_some_and(|sent| sent == value))
}

async fn parameters(t: &Trial) -> Verdict {
    let offer = t.default_offer()?;
    let mut instance = t.instance(&offer);
    if let Ok(change) = t.change(&offer) {
        let mut all = instance.body["parameters"].as_object().cloned().unwrap_or_default();
        all.extend(change.as_object().cloned().unwrap_or_default());
        instance.body["parameters"] = Value::Object(all);
    }
    let begun = t.provision(&instance).await.map_err(Finding::into_obstacle)?;
    t.succeeded(&instance.path(), &begun).await.map_err(Finding::into_obstacle)?;
    let answer = fetched(t, &instance).await?;
    ensure(are_among(answer.member("parameters"), &instance.body["parameters"]), || {
        format!("{}, with parameters that were not sent", answer.said())
    })
}

async fn maintenance(t: &Trial) -> Verdict {
    let maintained = t.offer_with("with maintenance_info", |offer| offer.maintenance_version().is_some())?;
    let (instance, _) = t.ready(&maintained).await?;
    let answer = fetched(t, &instance).await?;
    match answer.member("maintenance_info") {
        None => Err(Finding::skipped("the fetch has no maintenance_info")),
        Some(info) => ensure(info["version"].is_string(), || format!("{}, without a version", answer.said())),
    }
}

async fn dashboard(t: &Trial) -> Verdict {
    let answers = t.bench.wire.answers();
    let fetches =
        answers.iter().filter(|answer| answer.endpoint == Endpoint::FetchInstance && answer.status == 200);
    let urls: Vec<_> = fetches.filter_map(|answer| Some((answer, answer.member("dashboard_url")?))).collect();
    if urls.is_empty() {
        return Err(Finding::skipped("no fetched instance had a dashboard_url"));
    }
    none(
        &urls.iter().filter(|(_, url)| !url.is_string()).map(|(answer, _)| answer.said()).collect::<Vec<_>>(),
    )
}

fn can_be_fetched(instance: &Instance) -> Verdict {
    if instance.offer.service_says("bindings_retrievable") {
        return Ok(());
    }
    Err(Finding::skipped(format!("{} says nothing of bindings_retrievable", instance.offer.service_name())))
}

/// The shared binding as it was made, and as it is fetched.
async fn binding_twice(t: &Trial) -> Result<(Answer, Answer, Value), Finding> {
    let shared = t.shared().await?;
    can_be_fetched(&shared.instance)?;
    let (binding, bound) = shared.binding?;
    let fetched = t.get(binding.path()).send().await?;
    fetched.is(&[200])?.object()?;
    Ok((bound, fetched, binding.body))
}

async fn binding_can_be_fetched(t: &Trial) -> Verdict {
    binding_twice(t).await.map(|_| ())
}

async fn no_binding_yet(t: &Trial) -> Verdict {
    let shared = t.shared().await?;
    let unknown = format!("{}/service_bindings/{}", shared.instance.path(), new_id());
    t.get(unknown).send().await?.is(&[404])?;
    let flight = match flight::binding(t).await {
        Ok(flight) => flight,
        // where nothing is asynchronous there is nothing in between
        Err(Finding::Skipped(_)) => return Ok(()),
        Err(failed) => return Err(failed),
    };
    let answer = t.get(flight.path.clone()).send().await?;
    flight.is_still_running(t).await?;
    answer.is(&[404])?;
    flight.ends_well(t).await
}

async fn binding_fields(t: &Trial) -> Verdict {
    let (bound, fetched, _) = binding_twice(t).await?;
    if bound.status == 202 {
        return Err(Finding::skipped("the bind was asynchronous: there is nothing to compare with"));
    }
    for key in ["credentials", "syslog_drain_url", "route_service_url", "volume_mounts", "metadata"] {
        ensure(bound.member(key).is_none() || bound.member(key) == fetched.member(key), || {
            format!("{key} of the fetch is not that of the bind")
        })?;
    }
    Ok(())
}

async fn credentials_after_async(t: &Trial) -> Verdict {
    let flight = flight::binding(t).await?;
    flight.ends_well(t).await?;
    let fetched = t.get(flight.path.clone()).send().await?;
    ensure(fetched.is(&[200])?.member("credentials").is_some_and(Value::is_object), || {
        format!("{}, without credentials", fetched.said())
    })
}

async fn binding_parameters(t: &Trial) -> Verdict {
    let (_, fetched, body) = binding_twice(t).await?;
    ensure(are_among(fetched.member("parameters"), &body["parameters"]), || {
        format!("{}, with parameters that were not sent", fetched.said())
    })
}

async fn endpoints(t: &Trial) -> Verdict {
    let (bound, fetched, _) = binding_twice(t).await?;
    if bound.member("endpoints").is_none() && fetched.member("endpoints").is_none() {
        return Err(Finding::skipped("the binding has no endpoints"));
    }
    ensure(bound.status == 202 || bound.member("endpoints") == fetched.member("endpoints"), || {
        "the endpoints of the fetch are not those of the bind".to_owned()
    })
}
