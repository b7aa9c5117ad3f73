//! Vendor extensions and identifiers.

use serde_json::{Value, json};

use super::super::{
    answer::{Answer, Endpoint},
    bench::encoded,
    check::checks,
    finding::{Finding, Verdict, ensure, none},
    trial::{Incomplete, Trial},
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
