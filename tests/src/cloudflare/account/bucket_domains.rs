//! Host names of R2 buckets: they begin to work in time, or end otherwise.

use std::time::Instant;

use serde_json::{Value, json};

use super::pages::Ending;
use super::{Account, Worked, buckets};
use crate::cloudflare::call::Call;
use crate::cloudflare::envelope::{Answer, Refusal};

/// How often a host name was looked at, and since when it is there. Not part of what exists: looking changes nothing.
#[derive(Debug)]
pub(super) struct Looks {
    born: Instant,
    reads: u32,
}

pub(super) fn list(account: &mut Account, call: &Call) -> Worked {
    let domains = buckets::find(account, call)?.hidden["domains"].clone();
    let (mut shown, mut deliberate) = (Vec::new(), false);
    for mut domain in domains.as_array().cloned().unwrap_or_default() {
        let name = domain["domain"].as_str().unwrap_or_default().to_owned();
        let (ownership, ssl, is_strange) = look(account, &name);
        domain["status"] = json!({ "ownership": ownership, "ssl": ssl });
        deliberate |= is_strange;
        shown.push(domain);
    }
    Ok(Answer { deliberate, ..Answer::result(json!({ "domains": shown })) })
}

/// The answer does not say how far it is.
pub(super) fn attach(account: &mut Account, call: &Call) -> Worked {
    let name = call.text("domain").unwrap_or_default().to_owned();
    let zone = account.zones.get(call.text("zoneId").unwrap_or_default()).cloned();
    let zone = zone.filter(|zone| name == zone.name || name.ends_with(&format!(".{}", zone.name)));
    let zone = zone.ok_or_else(|| Refusal::new(404, 10053, "the domain was not found"))?;
    let is_used = account.buckets.iter().any(|bucket| position(&bucket.hidden, &name).is_some());
    buckets::find(account, call)?;
    if is_used {
        return Err(Refusal::new(409, 10052, "the domain is in use by a bucket"));
    }
    let mut made = json!({
        "domain": name, "zoneId": zone.id, "zoneName": zone.name, "enabled": call.field("enabled"),
        "minTLS": call.text("minTLS").unwrap_or("1.0"),
    });
    account.bucket_domains.insert(name, Looks { born: Instant::now(), reads: 0 });
    let found = buckets::find(account, call)?;
    if let Some(domains) = found.hidden["domains"].as_array_mut() {
        domains.push(made.clone());
    }
    if let Some(shown) = made.as_object_mut() {
        shown.remove("zoneName");
    }
    buckets::changed(account, call, |_| made.clone())
}

/// What is not named stays as it is.
pub(super) fn set(account: &mut Account, call: &Call) -> Worked {
    let found = buckets::find(account, call)?;
    let at = position(&found.hidden, call.parameter("domain")).ok_or_else(missing)?;
    for name in ["enabled", "minTLS"] {
        if !call.field(name).is_null() {
            found.hidden["domains"][at][name] = call.field(name).clone();
        }
    }
    let shown = found.hidden["domains"][at].clone();
    let shown = json!({ "domain": shown["domain"], "enabled": shown["enabled"], "minTLS": shown["minTLS"] });
    buckets::changed(account, call, |_| shown.clone())
}

pub(super) fn detach(account: &mut Account, call: &Call) -> Worked {
    let name = call.parameter("domain").to_owned();
    let found = buckets::find(account, call)?;
    let at = position(&found.hidden, &name).ok_or_else(missing)?;
    if let Some(domains) = found.hidden["domains"].as_array_mut() {
        domains.remove(at);
    }
    account.bucket_domains.remove(&name);
    buckets::changed(account, call, |_| json!({ "domain": name }))
}

fn position(bucket: &Value, name: &str) -> Option<usize> {
    bucket["domains"].as_array()?.iter().position(|domain| domain["domain"] == name)
}

/// Half of the time to a confirmed name, all of it to a certificate; so many looks for each.
fn look(account: &mut Account, name: &str) -> (String, String, bool) {
    let (pace, outcome) = (account.pace, account.pages.outcome(name));
    let now = || Looks { born: Instant::now(), reads: 0 };
    let looks = account.bucket_domains.entry(name.to_owned()).or_insert_with(now);
    looks.reads = looks.reads.saturating_add(1);
    let age = looks.born.elapsed();
    let is_over = age >= pace.pages_delay && looks.reads > pace.pages_reads.saturating_mul(2);
    let is_owned = age >= pace.pages_delay / 2 && looks.reads > pace.pages_reads;
    let (ownership, ssl) = match &outcome.ending {
        _ if !is_owned => ("pending", "initializing"),
        _ if !is_over => ("active", "pending"),
        Ending::Stuck => ("pending", "pending"),
        Ending::Active => ("active", "active"),
        Ending::Blocked => ("blocked", "pending"),
        Ending::Error => ("active", "error"),
        Ending::Deactivated => ("deactivated", "deactivated"),
        Ending::Other(status) => ("active", status.as_str()),
    };
    let is_strange = is_over && matches!(outcome.ending, Ending::Other(_));
    (ownership.to_owned(), ssl.to_owned(), is_strange)
}

fn missing() -> Refusal {
    Refusal::new(404, 10053, "the domain was not found")
}
