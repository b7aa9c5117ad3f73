//! Vendor extensions, identifiers, errors, content types.

use http::Method;
use serde_json::{Value, json};

use super::super::{
    check::checks,
    finding::{Finding, Verdict, ensure, none},
    trial::{Incomplete, Trial, encoded, new_id},
    wire::{Answer, Endpoint},
};

checks! {
    "B-EXT-01" unknown_fields_are_ignored Lifecycle "A provision with unknown fields makes an instance";
    "B-EXT-02" unknown_fields_do_not_stop Lifecycle "A repeat with more unknown fields is a repeat";
    "B-EXT-03" own_fields Answers "Own fields stand beside the defined ones, and the defined ones are there";
    "B-EXT-04" own_fields_have_a_prefix Answers "Own fields have a prefix";
    "B-EXT-05" what_is_unknown ReadOnly "Unknown query parameters and headers are ignored";
    "B-URL-01" ids_are_decoded ReadOnly "An id with any character is understood, and not known";
    "B-URL-01.lifecycle" odd_ids_work Lifecycle "An instance whose id needs encoding can be made and found";
    "B-URL-02" minted_ids_are_plain Answers "Ids of the catalog and operations need no encoding";
    "B-URL-03" long_ids ReadOnly "An id of 255 characters does no harm";
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
    "B-CT-03" wrong_bodies ReadOnly "A wrong type and a body that is no JSON are refused with 400";
}

async fn unknown_fields_are_ignored(t: &Trial) -> Verdict {
    let mut instance = t.instance(&t.default_offer()?);
    instance.body["x-conformance"] = json!({ "any": ["thing", null] });
    instance.body["context"]["x-conformance"] = json!(true);
    let answer = t.provision(&instance).await?;
    answer.is(&[201, 202])?;
    t.succeeded(&instance.path(), &answer).await
}

async fn unknown_fields_do_not_stop(t: &Trial) -> Verdict {
    let shared = t.shared().await?;
    let mut body = shared.instance.body.clone();
    body["future_field"] = json!("of 2.99");
    t.put(shared.instance.path(), &body, Incomplete::Accepted).send().await?.is(&[200])?;
    let (binding, _) = shared.binding?;
    let mut body = binding.body.clone();
    body["future_field"] = json!("of 2.99");
    t.put(binding.path(), &body, Incomplete::Accepted).send().await?.is(&[200]).map(|_| ())
}

/// The fields that an endpoint's successes may have.
fn defined(endpoint: Endpoint) -> &'static [&'static str] {
    match endpoint {
        Endpoint::Catalog => &["services"],
        Endpoint::Provision | Endpoint::Update => &["dashboard_url", "operation", "metadata"],
        Endpoint::FetchInstance => {
            &["service_id", "plan_id", "dashboard_url", "parameters", "maintenance_info", "metadata"]
        }
        Endpoint::Deprovision | Endpoint::Unbind => &["operation"],
        Endpoint::PollInstance | Endpoint::PollBinding => {
            &["state", "description", "instance_usable", "update_repeatable"]
        }
        Endpoint::Bind | Endpoint::FetchBinding => &[
            "metadata",
            "credentials",
            "syslog_drain_url",
            "route_service_url",
            "volume_mounts",
            "endpoints",
            "operation",
            "parameters",
        ],
        Endpoint::Other => &[],
    }
}

const ERROR_FIELDS: [&str; 4] = ["error", "description", "instance_usable", "update_repeatable"];

fn own_fields_of(answer: &Answer) -> Vec<String> {
    let Some(Value::Object(object)) = &answer.json else { return Vec::new() };
    let known = |name: &str| match answer.status {
        ..400 => defined(answer.endpoint).contains(&name),
        _ => ERROR_FIELDS.contains(&name),
    };
    object.keys().filter(|name| !known(name)).cloned().collect()
}

fn all_own_fields(t: &Trial) -> Result<Vec<String>, Finding> {
    let answers = t.bench.wire.answers();
    let mut fields: Vec<String> = answers.iter().flat_map(|answer| own_fields_of(answer)).collect();
    fields.sort();
    fields.dedup();
    if fields.is_empty() {
        Err(Finding::skipped("no answer had fields of the broker's own"))
    } else {
        Ok(fields)
    }
}

async fn own_fields(t: &Trial) -> Verdict {
    t.note(all_own_fields(t)?.join(", "));
    Ok(())
}

async fn own_fields_have_a_prefix(t: &Trial) -> Verdict {
    let mut bare = all_own_fields(t)?;
    bare.retain(|name| !name.contains(['-', '.', ':', '/', '_']));
    none(&bare)
}

async fn what_is_unknown(t: &Trial) -> Verdict {
    let call = t.get("/v2/catalog").query("x-conformance", "1").header("x-broker-api-future", "1");
    call.send().await?.is(&[200]).map(|_| ())
}

async fn ids_are_decoded(t: &Trial) -> Verdict {
    for id in ["a b", "käse", "a+b", "50%25", "a'b(c)", "~a_b.c-d"] {
        let path = format!("/v2/service_instances/{}/last_operation", encoded(id));
        t.get(path).query("operation", "ä &=?#").send().await?.is(&[400, 404, 410])?;
    }
    Ok(())
}

async fn odd_ids_work(t: &Trial) -> Verdict {
    let mut instance = t.instance(&t.default_offer()?);
    instance.id = format!("{} ä+b", instance.id);
    t.will_go(&instance);
    let answer = t.provision(&instance).await?;
    answer.is(&[201, 202])?;
    t.succeeded(&instance.path(), &answer).await?;
    // the same id, with everything encoded that can be
    let path: String = instance.id.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let repeat = t.put(format!("/v2/service_instances/{path}"), &instance.body, Incomplete::Accepted);
    repeat.send().await?.is(&[200]).map(|_| ())
}

fn is_plain(text: &str) -> bool {
    text.chars().all(|character| character.is_ascii_alphanumeric() || "-._~".contains(character))
}

async fn minted_ids_are_plain(t: &Trial) -> Verdict {
    let answers = t.bench.wire.answers();
    let operations =
        answers.iter().filter(|answer| answer.status == 202).filter_map(|answer| answer.operation());
    let ids = t.bench.offers.iter().flat_map(|offer| [offer.service_id(), offer.plan_id()]);
    none(&ids.chain(operations).filter(|id| !is_plain(id)).map(str::to_owned).collect::<Vec<_>>())
}

async fn long_ids(t: &Trial) -> Verdict {
    let path = format!("/v2/service_instances/{}/last_operation", "x".repeat(255));
    let answer = t.get(path).query("operation", "o".repeat(1_000)).send().await?;
    ensure((400..500).contains(&answer.status), || answer.said())
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

async fn wrong_bodies(t: &Trial) -> Verdict {
    let path = format!("/v2/service_instances/{}", new_id());
    for (body, kind) in
        [("{}", "text/plain"), ("{", "application/json"), ("service_id=x", "application/json")]
    {
        t.call(Method::PUT, &path).raw(body, Some(kind)).send().await?.is(&[400])?;
    }
    Ok(())
}
