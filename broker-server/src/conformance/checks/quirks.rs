//! What platforms want beyond the specification.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::{
    answer::{Answer, Endpoint},
    check::checks,
    finding::{Finding, Verdict, ensure, none},
    offer::Offer,
    trial::{Incomplete, Trial},
};
use super::flight;

checks! {
    "Q-01" always_an_object Answers "Every answer of the run but 304 had a JSON object";
    "Q-02" no_null_operation Answers "No operation of the run was null";
    "Q-03" no_null_dashboard Answers "No dashboard_url of a fetch was null";
    "Q-04" empty_parameters Lifecycle "parameters: {} in an update is answered with 200 and changes nothing";
    "Q-05" same_plan Lifecycle "The present plan_id in an update is accepted";
    "Q-06" harmless_nothings Lifecycle "Nulls, empty objects and unknown context fields are accepted";
    "Q-07" ids_again Lifecycle "A deleted id is used again, for instances and bindings";
    "Q-08" fire_and_forget Lifecycle "A deletion during provision is accepted, repeatedly, and ends without being polled";
    "Q-09" expected_descriptions Answers "Every reserved error of the run had the description that clients compare";
    "Q-10" calm_polls Answers "No poll of the run was answered with 400 or 5xx";
    "Q-11" quick_answers Answers "No answer of the run took longer than ten seconds";
    "Q-12" refusals_are_4xx Lifecycle "A provision that will never work is refused with 4xx";
    "Q-13" free_is_said ReadOnly "Every plan says free";
    "Q-14" retrievable_is_said Lifecycle "The offering of an asynchronous bind says bindings_retrievable";
    "Q-15" short_names ReadOnly "Ids and names have 63 characters at most, and no capital letters in ids";
    "Q-16" redirects_are_said ReadOnly "Every dashboard_client has a redirect_uri";
    "Q-17" short_maintenance ReadOnly "maintenance_info has version and description only, and 2,000 characters at most";
    "Q-18" routes_are_https Answers "Every route_service_url of the run is https with a host";
    "Q-19" platform_versions ReadOnly "2.13 to 2.17 are served";
    "Q-20" whole_retry_after Answers "Every Retry-After of the run was a whole number of seconds";
}

/// Every answer of the run for which something holds that must not.
fn each(t: &Trial, is_wrong: impl Fn(&Answer) -> bool) -> Verdict {
    let answers = t.bench.wire.answers();
    none(&answers.iter().filter(|answer| is_wrong(answer)).map(|answer| answer.said()).collect::<Vec<_>>())
}

async fn always_an_object(t: &Trial) -> Verdict {
    each(t, |answer| answer.status != 304 && answer.object().is_err())
}

async fn no_null_operation(t: &Trial) -> Verdict {
    each(t, |answer| answer.member("operation").is_some_and(Value::is_null))
}

async fn no_null_dashboard(t: &Trial) -> Verdict {
    each(t, |answer| {
        answer.endpoint == Endpoint::FetchInstance
            && answer.member("dashboard_url").is_some_and(Value::is_null)
    })
}

async fn accepted(t: &Trial, change: &Value) -> Verdict {
    let instance = t.shared().await?.instance;
    let answer = t.update(&instance, change).await?;
    answer.is(&[200, 202])?;
    t.succeeded(&instance.path(), &answer).await
}

async fn empty_parameters(t: &Trial) -> Verdict {
    let instance = t.shared().await?.instance;
    let before = t.get(instance.path()).send().await?;
    accepted(t, &json!({ "parameters": {} })).await?;
    let after = t.get(instance.path()).send().await?;
    ensure(before.member("parameters") == after.member("parameters"), || {
        "the parameters have changed".to_owned()
    })
}

async fn same_plan(t: &Trial) -> Verdict {
    let instance = t.shared().await?.instance;
    let change = json!({
        "plan_id": instance.offer.plan_id(),
        "parameters": {},
        "previous_values": { "plan_id": instance.offer.plan_id(), "service_id": instance.offer.service_id() },
    });
    accepted(t, &change).await
}

async fn harmless_nothings(t: &Trial) -> Verdict {
    let mut context = t.shared().await?.instance.body["context"].clone();
    context["signature"] = json!("x");
    let nothings = json!({
        "context": context, "maintenance_info": {}, "parameters": null,
        "previous_values": { "maintenance_info": null, "plan_id": null },
    });
    accepted(t, &nothings).await?;
    let mut instance = t.instance(&t.default_offer()?);
    instance.body["maintenance_info"] = json!({});
    let begun = t.provision(&instance).await?;
    begun.is(&[201, 202])?;
    t.succeeded(&instance.path(), &begun).await?;
    if !instance.offer.is_bindable() {
        return Ok(());
    }
    let mut binding = t.binding(&instance);
    binding.body["bind_resource"] = json!({});
    let bound = t.bind(&binding).await?;
    bound.is(&[201, 202])?;
    t.succeeded(&binding.path(), &bound).await
}

async fn ids_again(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&t.default_offer()?).await?;
    if instance.offer.is_bindable() {
        let (binding, _) = t.bound(&instance).await?;
        let gone = t.unbind(&binding).await?;
        t.succeeded(&binding.path(), &gone).await?;
        let again = t.bind(&binding).await?;
        again.is(&[201, 202])?;
        t.succeeded(&binding.path(), &again).await?;
        let gone = t.unbind(&binding).await?;
        t.succeeded(&binding.path(), &gone).await?;
    }
    let gone = t.deprovision(&instance).await?;
    t.succeeded(&instance.path(), &gone).await?;
    let again = t.provision(&instance).await?;
    again.is(&[201, 202])?;
    t.succeeded(&instance.path(), &again).await
}

async fn fire_and_forget(t: &Trial) -> Verdict {
    let flight = flight::provisioning(t).await?;
    let deadline = std::time::Instant::now() + t.bench.options.timeout;
    // nothing is polled: only deletions are sent, as orphan mitigation does
    loop {
        let answer = t.deprovision(&flight.instance).await?;
        answer.is(&[200, 202, 410])?;
        if answer.status == 410 {
            return Ok(());
        }
        ensure(std::time::Instant::now() < deadline, || format!("{} and never 410", answer.said()))?;
        tokio::time::sleep(t.pause()).await;
    }
}

async fn expected_descriptions(t: &Trial) -> Verdict {
    const EXPECTED: [(&str, &str); 3] = [
        ("AsyncRequired", "This service plan requires client support for asynchronous service operations."),
        (
            "RequiresApp",
            "This service supports generation of credentials through binding an application only.",
        ),
        (
            "ConcurrencyError",
            "The Service Broker does not support concurrent requests that mutate the same resource.",
        ),
    ];
    each(t, |answer| {
        let expected = EXPECTED.iter().find(|(error, _)| answer.text("error") == Some(error));
        expected.is_some_and(|(_, description)| answer.text("description") != Some(description))
    })
}

async fn calm_polls(t: &Trial) -> Verdict {
    each(t, |answer| {
        let is_poll = matches!(answer.endpoint, Endpoint::PollInstance | Endpoint::PollBinding);
        is_poll && (answer.status == 400 || answer.status >= 500)
    })
}

async fn quick_answers(t: &Trial) -> Verdict {
    each(t, |answer| answer.took > Duration::from_secs(10))
}

async fn refusals_are_4xx(t: &Trial) -> Verdict {
    let instance = t.instance(&t.behaviour("fails-provision")?);
    let answer = t.provision(&instance).await?;
    ensure((400..500).contains(&answer.status), || answer.said())
}

async fn free_is_said(t: &Trial) -> Verdict {
    let silent = t.bench.offers.iter().filter(|offer| !offer.plan["free"].is_boolean());
    none(&silent.map(Offer::name).collect::<Vec<_>>())
}

async fn retrievable_is_said(t: &Trial) -> Verdict {
    let (instance, bound) = match flight::binding(t).await {
        Ok(flight) => (flight.instance, flight.begun),
        Err(skipped) => return Err(skipped),
    };
    ensure(instance.offer.service_says("bindings_retrievable"), || {
        format!("{}, but its offering does not say bindings_retrievable", bound.said())
    })
}

async fn short_names(t: &Trial) -> Verdict {
    let is_long = |text: &str| text.chars().count() > 63;
    let wrong = t.bench.offers.iter().flat_map(|offer| {
        let ids = [offer.service_id(), offer.plan_id()]
            .map(|id| (id, is_long(id) || id.contains(|c: char| c.is_uppercase())));
        let names = [offer.service_name(), offer.plan_name()].map(|name| (name, is_long(name)));
        ids.into_iter().chain(names).filter(|(_, is_wrong)| *is_wrong).map(|(text, _)| text.to_owned())
    });
    none(&wrong.collect::<Vec<_>>())
}

/// Skips what nothing in the catalog has.
fn with<'a>(
    t: &'a Trial,
    key: &str,
    of: impl Fn(&'a Offer) -> &'a Value,
) -> Result<Vec<(&'a Offer, &'a Value)>, Finding> {
    let found: Vec<_> =
        t.bench.offers.iter().filter_map(|offer| Some((offer, of(offer).get(key)?))).collect();
    if found.is_empty() { Err(Finding::skipped(format!("the catalog has no {key}"))) } else { Ok(found) }
}

async fn redirects_are_said(t: &Trial) -> Verdict {
    let clients = with(t, "dashboard_client", |offer| &offer.service)?;
    let silent = clients.iter().filter(|(_, client)| !client["redirect_uri"].is_string());
    none(&silent.map(|(offer, _)| offer.name()).collect::<Vec<_>>())
}

async fn short_maintenance(t: &Trial) -> Verdict {
    let fits = |info: &Value| {
        let known = |info: &serde_json::Map<String, Value>| {
            info.keys().all(|key| ["version", "description"].contains(&key.as_str()))
        };
        info.as_object().is_some_and(known) && info.to_string().chars().count() <= 2_000
    };
    let long = with(t, "maintenance_info", |offer| &offer.plan)?;
    none(&long.iter().filter(|(_, info)| !fits(info)).map(|(offer, _)| offer.name()).collect::<Vec<_>>())
}

async fn routes_are_https(t: &Trial) -> Verdict {
    let answers = t.bench.wire.answers();
    let routes: Vec<_> = answers.iter().filter_map(|answer| answer.member("route_service_url")).collect();
    if routes.is_empty() {
        return Err(Finding::skipped("nothing yielded a route_service_url"));
    }
    let is_https = |route: &Value| {
        let url = route.as_str().and_then(|text| url::Url::parse(text).ok());
        url.is_some_and(|url| url.scheme() == "https" && url.has_host())
    };
    none(&routes.iter().filter(|route| !is_https(route)).map(ToString::to_string).collect::<Vec<_>>())
}

async fn platform_versions(t: &Trial) -> Verdict {
    for version in ["2.13", "2.14", "2.15", "2.16", "2.17"] {
        t.get("/v2/catalog").header("x-broker-api-version", version).send().await?.is(&[200])?;
    }
    let offer = t.default_offer()?;
    let path = format!("/v2/service_instances/{}", super::super::bench::new_id());
    let call = t.delete(path, &offer, Incomplete::Accepted).header("x-broker-api-version", "2.14");
    call.send().await?.is(&[410]).map(|_| ())
}

async fn whole_retry_after(t: &Trial) -> Verdict {
    each(t, |answer| answer.header("retry-after").is_some_and(|text| text.parse::<u32>().is_err()))
}
