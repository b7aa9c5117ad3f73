//! What a binding yields.

use serde_json::Value;

use super::super::{
    answer::{Answer, Endpoint},
    check::checks,
    finding::{Finding, Verdict, ensure, none},
    offer::Offer,
    trial::Trial,
};

checks! {
    "B-BIND-06" drain Lifecycle "A binding of a log drain has a syslog_drain_url";
    "B-BIND-07" route Lifecycle "The route_service_url of a route service is a text";
    "B-BIND-08" no_route_elsewhere Answers "No binding of another offering had a route_service_url";
    "B-BIND-10" volume Lifecycle "A binding of a volume service has volume_mounts";
    "B-BRO-01" metadata_for_platforms Answers "The metadata of bindings hold no credential, no address and nothing named like one";
    "B-BRO-02" expires_at Lifecycle "expires_at has the form yyyy-mm-ddThh:mm:ss.sZ";
    "B-BRO-03" renew_before Lifecycle "renew_before has the form too, and is not after expires_at";
    "B-BRO-04" time_to_renew Lifecycle "There is time between renew_before and expires_at";
    "B-BRO-05" mounts Lifecycle "Every volume mount is complete";
    "B-BRO-06" devices Lifecycle "Every device has a volume_id, and its mount_config is an object";
    "B-BRO-07" endpoint_form Answers "Every endpoint has a host and ports that are texts";
    "B-BRO-08" endpoints_agree Lifecycle "Two bindings of an instance, and a repeat, have the same endpoints";
    "B-BRO-09" matching_requires Lifecycle "Drain, route and volumes are yielded by offerings that require them only";
}

/// What a new binding of the offer yields.
async fn yielded(t: &Trial, offer: &Offer) -> Result<Value, Finding> {
    let (instance, _) = t.ready(offer).await?;
    let (binding, bound) = t.bound(&instance).await?;
    if bound.status != 202 {
        return Ok(bound.json.unwrap_or_default());
    }
    let fetched = t.get(binding.path()).send().await?;
    fetched.is(&[200])?;
    Ok(fetched.json.unwrap_or_default())
}

async fn of_requiring(t: &Trial, word: &str) -> Result<Value, Finding> {
    let offer = t.offer_with(&format!("whose offering requires {word}"), |offer| {
        offer.requires(word) && offer.is_bindable()
    })?;
    yielded(t, &offer).await
}

async fn drain(t: &Trial) -> Verdict {
    let body = of_requiring(t, "syslog_drain").await?;
    ensure(body["syslog_drain_url"].as_str().is_some_and(|url| !url.is_empty()), || {
        "there is no syslog_drain_url".to_owned()
    })
}

async fn route(t: &Trial) -> Verdict {
    match of_requiring(t, "route_forwarding").await?.get("route_service_url") {
        None => Err(Finding::skipped("requests are not proxied: there is no route_service_url")),
        Some(url) => ensure(url.is_string(), || "route_service_url is no text".to_owned()),
    }
}

async fn volume(t: &Trial) -> Verdict {
    let body = of_requiring(t, "volume_mount").await?;
    ensure(body["volume_mounts"].as_array().is_some_and(|mounts| !mounts.is_empty()), || {
        "there are no volume_mounts".to_owned()
    })
}

/// Every answer of the run that tells what a binding yields.
fn tellings(t: &Trial) -> Vec<std::sync::Arc<Answer>> {
    let tells = |answer: &Answer| {
        matches!(answer.endpoint, Endpoint::Bind | Endpoint::FetchBinding)
            && matches!(answer.status, 200 | 201)
    };
    t.bench.wire.answers().into_iter().filter(|answer| tells(answer)).collect()
}

fn each_telling(t: &Trial, is_wrong: impl Fn(&Answer) -> bool) -> Verdict {
    let tellings = tellings(t);
    if tellings.is_empty() {
        return Err(Finding::skipped("nothing was bound"));
    }
    none(&tellings.iter().filter(|answer| is_wrong(answer)).map(|answer| answer.said()).collect::<Vec<_>>())
}

async fn no_route_elsewhere(t: &Trial) -> Verdict {
    each_telling(t, |answer| {
        let routes = t.bench.plan_of(answer).is_some_and(|offer| offer.requires("route_forwarding"));
        !routes && answer.member("route_service_url").is_some()
    })
}

/// Every text in a value, however deep.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(object) => object.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

async fn metadata_for_platforms(t: &Trial) -> Verdict {
    const CONNECTING: [&str; 6] = ["uri", "url", "host", "password", "username", "token"];
    each_telling(t, |answer| {
        let Some(metadata @ Value::Object(fields)) = answer.member("metadata") else { return false };
        let connect: Vec<&str> = ["credentials", "endpoints", "syslog_drain_url", "route_service_url"]
            .into_iter()
            .filter_map(|key| answer.member(key))
            .flat_map(texts)
            // a short text may well stand elsewhere too
            .filter(|text| text.len() >= 6)
            .collect();
        fields.keys().any(|key| CONNECTING.contains(&key.as_str()))
            || texts(metadata).iter().any(|text| connect.contains(text))
    })
}

/// The metadata of a binding that expires.
async fn expiring(t: &Trial) -> Result<Value, Finding> {
    let offer =
        t.behaviour("expiring").or_else(|_| t.offer_with("that can be rotated", Offer::is_rotatable))?;
    let body = yielded(t, &offer).await?;
    match body.get("metadata") {
        Some(metadata) if metadata.get("expires_at").is_some() => Ok(metadata.clone()),
        _ => Err(Finding::skipped("the binding does not expire")),
    }
}

/// `yyyy-mm-ddThh:mm:ss.sZ`, and a time that exists.
fn instant(text: &Value) -> Result<jiff::Timestamp, Finding> {
    let text = text.as_str().unwrap_or_default();
    let pattern = "dddd-dd-ddTdd:dd:dd.dZ";
    let fits = text.len() == pattern.len()
        && text
            .bytes()
            .zip(pattern.bytes())
            .all(|(byte, form)| if form == b'd' { byte.is_ascii_digit() } else { byte == form });
    let time = text.parse().ok().filter(|_| fits);
    time.ok_or_else(|| Finding::fails(format!("“{text}” is not of the form yyyy-mm-ddThh:mm:ss.sZ")))
}

async fn expires_at(t: &Trial) -> Verdict {
    instant(&expiring(t).await?["expires_at"]).map(|_| ())
}

/// When to renew and when it expires.
async fn lifetime(t: &Trial) -> Result<(jiff::Timestamp, jiff::Timestamp), Finding> {
    let metadata = expiring(t).await?;
    if metadata.get("renew_before").is_none() {
        return Err(Finding::skipped("the binding has no renew_before"));
    }
    Ok((instant(&metadata["renew_before"])?, instant(&metadata["expires_at"])?))
}

async fn renew_before(t: &Trial) -> Verdict {
    let (renew, expires) = lifetime(t).await?;
    ensure(renew <= expires, || format!("renew_before {renew} is after expires_at {expires}"))
}

async fn time_to_renew(t: &Trial) -> Verdict {
    let (renew, expires) = lifetime(t).await?;
    ensure(renew < expires && renew > jiff::Timestamp::now(), || {
        format!("from {renew} to {expires} is no time")
    })
}

async fn the_mounts(t: &Trial) -> Result<Vec<Value>, Finding> {
    Ok(of_requiring(t, "volume_mount").await?["volume_mounts"].as_array().cloned().unwrap_or_default())
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

async fn mounts(t: &Trial) -> Verdict {
    for mount in the_mounts(t).await? {
        let complete = is_text(&mount["driver"])
            && is_text(&mount["container_dir"])
            && matches!(mount["mode"].as_str(), Some("r" | "rw"))
            && mount["device_type"] == "shared"
            && mount["device"].is_object();
        ensure(complete, || "a volume mount is not complete".to_owned())?;
    }
    Ok(())
}

async fn devices(t: &Trial) -> Verdict {
    for mount in the_mounts(t).await? {
        let device = &mount["device"];
        let config = device.get("mount_config");
        ensure(is_text(&device["volume_id"]) && config.is_none_or(Value::is_object), || {
            "a device has no volume_id, or a mount_config that is no object".to_owned()
        })?;
    }
    Ok(())
}

fn is_port(port: &Value) -> bool {
    let number = |text: &str| text.parse::<u16>().is_ok();
    port.as_str().is_some_and(|text| match text.split_once('-') {
        Some((first, last)) => number(first) && number(last),
        None => number(text),
    })
}

fn is_endpoint(endpoint: &Value) -> bool {
    let ports = endpoint["ports"].as_array();
    let protocol = endpoint.get("protocol").and_then(Value::as_str);
    is_text(&endpoint["host"])
        && ports.is_some_and(|ports| !ports.is_empty() && ports.iter().all(is_port))
        && (endpoint.get("protocol").is_none() || matches!(protocol, Some("tcp" | "udp" | "all")))
}

async fn endpoint_form(t: &Trial) -> Verdict {
    if !tellings(t).iter().any(|answer| answer.member("endpoints").is_some()) {
        return Err(Finding::skipped("no binding has endpoints"));
    }
    each_telling(t, |answer| {
        let form = |endpoints: &Value| endpoints.as_array().is_some_and(|all| all.iter().all(is_endpoint));
        answer.member("endpoints").is_some_and(|endpoints| !form(endpoints))
    })
}

async fn endpoints_agree(t: &Trial) -> Verdict {
    let shared = t.shared().await?;
    let (first, _) = shared.binding?;
    let first = t.bind(&first).await?;
    let Some(expected) = first.member("endpoints").cloned() else {
        return Err(Finding::skipped("the binding has no endpoints"));
    };
    let (second, _) = t.bound(&shared.instance).await?;
    let second = t.bind(&second).await?;
    ensure(second.member("endpoints") == Some(&expected), || {
        format!("{} with other endpoints", second.said())
    })
}

async fn matching_requires(t: &Trial) -> Verdict {
    const PAIRS: [(&str, &str); 3] = [
        ("syslog_drain", "syslog_drain_url"),
        ("route_forwarding", "route_service_url"),
        ("volume_mount", "volume_mounts"),
    ];
    let offer = t.default_offer()?;
    let mut tried = vec![offer.clone()];
    for (word, _) in PAIRS {
        tried.extend(t.offer_with("", |other| other.requires(word) && other.is_bindable()));
    }
    for offer in tried.iter().filter(|offer| offer.is_bindable()) {
        let body = yielded(t, offer).await?;
        for (word, key) in PAIRS {
            ensure(offer.requires(word) || body.get(key).is_none(), || {
                format!("{} yields {key} but its offering does not require {word}", offer.name())
            })?;
        }
    }
    Ok(())
}
