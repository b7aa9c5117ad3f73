//! Vendor extensions, identifiers, errors, content types.

use http::Method;
use serde_json::json;

use super::super::{
    answer::{Answer, Endpoint},
    bench::new_id,
    check::checks,
    finding::{Verdict, ensure, none},
    trial::Trial,
};

checks! {
    "B-ERR-01" failures_say_so ReadOnly "Unknown paths and methods are refused with 4xx";
    "B-ERR-02" only_defined_statuses Answers "Every status of the run is one that its endpoint has";
    "B-ERR-03" errors_are_words Answers "Every error of the run is one CamelCase word";
    "B-ERR-04" descriptions_are_texts Answers "Every description of the run is a text that is not empty";
    "B-ERR-05" usable_where_allowed Answers "No error of the run has instance_usable where it must not";
    "B-ERR-06" repeatable_where_allowed Answers "No error of the run has update_repeatable where it must not";
    "B-ERR-07" reserved_errors Answers "Every reserved error of the run came with 422";
    "B-ERR-08" refusals_change_nothing Lifecycle "A refused provision leaves nothing behind";
    "B-ERR-09" failures_change_nothing Lifecycle "A failed bind leaves no binding and a usable instance";
    "B-CT-01" bodies_are_json Answers "Every body of the run has the type application/json";
    "B-CT-02" untyped_bodies Lifecycle "A body without Content-Type is processed, or refused with 400";
    "B-CT-03.type" wrong_type Lifecycle "A complete request of another type is processed, or refused with 400";
    "B-CT-03" wrong_bodies ReadOnly "A wrong type and a body that is no JSON are refused with 400";
}

async fn failures_say_so(t: &Trial) -> Verdict {
    for call in [
        t.get("/v2/surely_not_a_path"),
        t.call(Method::POST, "/v2/catalog").json(&json!({})),
        t.call(Method::PATCH, format!("/v2/service_instances/{}/last_operation", new_id())).json(&json!({})),
    ] {
        let answer = call.send().await?;
        ensure((400..500).contains(&answer.status), || answer.said())?;
    }
    Ok(())
}

/// The statuses that the specification has for an endpoint.
fn statuses(endpoint: Endpoint) -> &'static [u16] {
    match endpoint {
        Endpoint::Catalog => &[200, 304],
        Endpoint::Provision | Endpoint::Bind => &[200, 201, 202, 404, 409, 422],
        Endpoint::FetchInstance | Endpoint::FetchBinding => &[200, 404, 422],
        Endpoint::Update => &[200, 202, 404, 422],
        Endpoint::Deprovision | Endpoint::Unbind => &[200, 202, 404, 410, 422],
        Endpoint::PollInstance | Endpoint::PollBinding => &[200, 404, 410],
        Endpoint::Other => &[404, 405],
    }
}

/// Statuses of HTTP itself, with a meaning at every endpoint.
const ANYWHERE: [u16; 12] = [400, 401, 405, 408, 411, 412, 413, 414, 415, 429, 431, 503];

async fn only_defined_statuses(t: &Trial) -> Verdict {
    let answers = t.bench.wire.answers();
    let is_odd = |answer: &Answer| {
        answer.status < 500
            && !ANYWHERE.contains(&answer.status)
            && !statuses(answer.endpoint).contains(&answer.status)
    };
    none(&answers.iter().filter(|answer| is_odd(answer)).map(|answer| answer.said()).collect::<Vec<_>>())
}

/// Looks at every error of the run.
fn each_error(t: &Trial, is_wrong: impl Fn(&Answer) -> bool) -> Verdict {
    let answers = t.bench.wire.answers();
    let errors = answers.iter().filter(|answer| answer.status >= 400);
    none(&errors.filter(|answer| is_wrong(answer)).map(|answer| answer.said()).collect::<Vec<_>>())
}

fn is_camel_case(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_uppercase())
        && word.chars().all(|c| c.is_ascii_alphanumeric())
}

async fn errors_are_words(t: &Trial) -> Verdict {
    each_error(t, |answer| {
        answer.member("error").is_some_and(|error| !error.as_str().is_some_and(is_camel_case))
    })
}

async fn descriptions_are_texts(t: &Trial) -> Verdict {
    each_error(t, |answer| {
        answer
            .member("description")
            .is_some_and(|text| text.as_str().is_none_or(|text| text.trim().is_empty()))
    })
}

async fn usable_where_allowed(t: &Trial) -> Verdict {
    each_error(t, |answer| {
        let allowed = matches!(answer.endpoint, Endpoint::Update | Endpoint::Deprovision);
        answer.member("instance_usable").is_some_and(|flag| !allowed || !flag.is_boolean())
    })
}

async fn repeatable_where_allowed(t: &Trial) -> Verdict {
    each_error(t, |answer| {
        let allowed = answer.endpoint == Endpoint::Update;
        answer.member("update_repeatable").is_some_and(|flag| !allowed || !flag.is_boolean())
    })
}

async fn reserved_errors(t: &Trial) -> Verdict {
    const RESERVED: [&str; 4] =
        ["AsyncRequired", "ConcurrencyError", "RequiresApp", "MaintenanceInfoConflict"];
    each_error(t, |answer| {
        answer.text("error").is_some_and(|error| RESERVED.contains(&error)) && answer.status != 422
    })
}

async fn refusals_change_nothing(t: &Trial) -> Verdict {
    let mut instance = t.instance(&t.default_offer()?);
    instance.body["plan_id"] = json!(new_id());
    let refused = t.provision(&instance).await?;
    ensure((400..500).contains(&refused.status), || refused.said())?;
    t.poll(&instance.path(), None).await?.is(&[404])?;
    t.deprovision(&instance).await?.is(&[410, 422]).map(|_| ())
}

async fn failures_change_nothing(t: &Trial) -> Verdict {
    let (instance, _) = t.ready(&t.behaviour("fails-bind")?).await?;
    let binding = t.binding(&instance);
    let failed = t.bind(&binding).await?;
    ensure(failed.status >= 400, || failed.said())?;
    t.get(binding.path()).send().await?.is(&[404])?;
    t.get(instance.path()).send().await?.is(&[200]).map(|_| ())
}

async fn bodies_are_json(t: &Trial) -> Verdict {
    let is_json = |answer: &Answer| {
        let media_type =
            answer.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
        answer.body.is_empty() || media_type.trim().eq_ignore_ascii_case("application/json")
    };
    let answers = t.bench.wire.answers();
    let others = answers.iter().filter(|answer| !is_json(answer));
    none(&others.map(|answer| format!("{} as another type", answer.said())).collect::<Vec<_>>())
}

async fn untyped_bodies(t: &Trial) -> Verdict {
    let instance = t.shared().await?.instance;
    let body = instance.body.to_string();
    let call = t.call(Method::PUT, instance.path()).raw(body, None).query("accepts_incomplete", "true");
    let answer = call.send().await?;
    t.note(if answer.status == 200 { "processed" } else { "refused" });
    answer.is(&[200, 400]).map(|_| ())
}

async fn wrong_type(t: &Trial) -> Verdict {
    let instance = t.shared().await?.instance;
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        let call = t.call(Method::PUT, instance.path()).raw(instance.body.to_string(), Some(kind));
        let answer = call.query("accepts_incomplete", "true").send().await?;
        answer.is(&[200, 400])?;
        t.note(if answer.status == 200 { "processed" } else { "refused" });
    }
    Ok(())
}

async fn wrong_bodies(t: &Trial) -> Verdict {
    let path = format!("/v2/service_instances/{}", new_id());
    for (body, kind) in
        [("{}", "text/plain"), ("{", "application/json"), ("service_id=x", "application/json")]
    {
        t.call(Method::PUT, &path).raw(body, Some(kind)).send().await?.is(&[400])?;
    }
    Ok(())
}
