//! Host names of a bucket: which are ours, and how far they are.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sutler_catalog::cloudflare::r2::{CustomDomain, MinimumTls};

use super::found::{Change, Part};
use crate::providers::cloudflare::object::Next;

/// How many looks all host names are given: a day, since the interval grows to a minute.
const MAX_LOOKS: u32 = 1_500;
/// How many looks in a row may show a state that nobody knows.
const MAX_UNKNOWN: u32 = 20;

/// A host name as Cloudflare shows it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Domain {
    pub(super) domain: String,
    pub(super) enabled: bool,
    #[serde(default)]
    zone_id: Option<String>,
    #[serde(default, rename = "minTLS")]
    min_tls: Option<MinimumTls>,
    /// Not shown at once.
    #[serde(default)]
    status: Status,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Status {
    #[serde(default)]
    ownership: Option<String>,
    #[serde(default)]
    ssl: Option<String>,
}

/// What is remembered of a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// The host names that were asked for at some time: these are ours to detach.
    #[serde(default)]
    domains: Vec<String>,
    /// The part that the next look begins with: those before it were seen to be as wanted.
    #[serde(default)]
    pub(super) part: Part,
    #[serde(default)]
    pub(super) looks: u32,
    #[serde(default)]
    unknown: u32,
}

impl Memory {
    /// Of a bucket that is to have these host names.
    pub(super) fn of(wanted: &[CustomDomain]) -> Self {
        Self { domains: wanted.iter().map(|one| one.domain.clone()).collect(), ..Self::default() }
    }

    /// Work has come as far as this part.
    pub(super) fn at(&self, part: Part) -> Self {
        Self { part, ..self.clone() }
    }

    /// Whether a host name is ours to detach.
    pub(super) fn has(&self, domain: &str) -> bool {
        self.domains.iter().any(|known| known == domain)
    }

    fn with(&self, domain: &str) -> Self {
        let domains = self.domains.iter().cloned().chain([domain.to_owned()]).collect();
        Self { domains, ..self.clone() }
    }

    fn without(&self, domain: &str) -> Self {
        let domains = self.domains.iter().filter(|known| *known != domain).cloned().collect();
        Self { domains, ..self.clone() }
    }

    /// Nothing is being done, or waited for.
    pub(super) fn rested(&self) -> Self {
        Self { domains: self.domains.clone(), ..Self::default() }
    }
}

/// How far a host name is.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    Ready,
    Waiting(&'static str),
    Ended(&'static str),
    Unknown,
}

impl Domain {
    /// Both have to be well: that the account owns the name, and its certificate.
    fn progress(&self) -> Progress {
        let Status { ownership, ssl } = &self.status;
        match (ownership.as_deref(), ssl.as_deref()) {
            (Some("active"), Some("active")) => Progress::Ready,
            (Some("blocked"), _) => {
                Progress::Ended("Cloudflare has blocked it; ask Cloudflare's support why")
            }
            (Some("error"), _) => Progress::Ended("its ownership could not be confirmed; look at its zone"),
            (Some("deactivated"), _) | (_, Some("deactivated")) => {
                Progress::Ended("it was put out of use; look at it in the dashboard")
            }
            (_, Some("error")) => {
                Progress::Ended("no certificate could be had for it; look at the CAA records of its zone")
            }
            (Some("pending"), Some("initializing" | "pending" | "active")) => {
                Progress::Waiting("its ownership is being confirmed")
            }
            (Some("active"), Some("initializing" | "pending")) => {
                Progress::Waiting("its certificate is being made")
            }
            _ => Progress::Unknown,
        }
    }

    /// Whether it is set as wanted.
    fn is_set(&self, wanted: &CustomDomain) -> bool {
        let is_tls = wanted.min_tls.is_none() || wanted.min_tls == self.min_tls;
        self.enabled && is_tls
    }

    /// As a parameter.
    pub(super) fn shown(&self) -> Value {
        let mut shown = json!({ "domain": self.domain, "zone_id": self.zone_id });
        if let Some(version) = self.min_tls {
            shown["min_tls"] = json!(version);
        }
        shown
    }
}

/// What is still to be done so that the host names are as wanted. Those of others are left alone.
pub(super) fn next(memory: &Memory, found: &[Domain], wanted: &[CustomDomain]) -> Next<Change, Memory> {
    let is_found = |name: &str| found.iter().any(|domain| domain.domain == name);
    let mut unwanted = memory.domains.iter().filter(|name| wanted.iter().all(|one| one.domain != **name));
    if let Some(name) = unwanted.next() {
        return if is_found(name) {
            Next::Change(Change::Detach(name.clone()), memory.clone())
        } else {
            Next::Remember(memory.without(name))
        };
    }
    if let Some(new) = wanted.iter().find(|one| !memory.domains.contains(&one.domain)) {
        return Next::Remember(memory.with(&new.domain));
    }
    for one in wanted {
        match found.iter().find(|domain| domain.domain == one.domain) {
            None => return Next::Change(Change::Attach(one.clone()), memory.clone()),
            Some(domain) if !domain.is_set(one) => {
                return Next::Change(Change::SetDomain(one.clone()), memory.clone());
            }
            Some(_) => {}
        }
    }
    wait(memory, found.iter().filter(|domain| wanted.iter().any(|one| one.domain == domain.domain)))
}

/// Waits until all of them work.
fn wait<'a>(memory: &Memory, ours: impl Iterator<Item = &'a Domain>) -> Next<Change, Memory> {
    let mut waiting = None;
    for domain in ours {
        let name = &domain.domain;
        match domain.progress() {
            Progress::Ready => {}
            Progress::Ended(why) => {
                return Next::Failed(format!(
                    "{name} does not work: {why}; then update the instance without it, and again with it"
                ));
            }
            Progress::Waiting(what) if waiting.is_none() => {
                waiting = Some((0, format!("waiting for {name}: {what}")));
            }
            Progress::Waiting(_) => {}
            Progress::Unknown => {
                let told = format!("Cloudflare shows a state of {name} that this broker does not know");
                waiting = Some((memory.unknown + 1, told));
            }
        }
    }
    match waiting {
        None => Next::Done,
        Some((unknown, told)) if memory.looks >= MAX_LOOKS || unknown > MAX_UNKNOWN => {
            Next::Failed(format!("{told}; it took too long: look at the bucket's settings in the dashboard"))
        }
        Some((unknown, told)) => {
            Next::Wait(Memory { looks: memory.looks + 1, unknown, ..memory.clone() }, told)
        }
    }
}

/// The host names that nobody asked for here.
pub(super) fn of_others<'a>(
    found: &'a [Domain],
    wanted: &'a [CustomDomain],
) -> impl Iterator<Item = &'a Domain> {
    found.iter().filter(|domain| wanted.iter().all(|one| one.domain != domain.domain))
}

/// The host names that are there, and those that are wanted, when they differ.
pub(super) fn difference(found: &[Domain], wanted: &[CustomDomain]) -> Option<(Value, Value)> {
    let is_there = |one: &CustomDomain| {
        let domain = found.iter().find(|domain| domain.domain == one.domain);
        domain.is_some_and(|domain| {
            domain.is_set(one) && domain.zone_id.as_ref().is_none_or(|id| *id == one.zone_id)
        })
    };
    let is_same = wanted.iter().all(is_there) && of_others(found, wanted).next().is_none();
    (!is_same).then(|| (json!(wanted), found.iter().map(Domain::shown).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: &str = "0a0b0c0d0e0f00112233445566778899";

    fn found(name: &str, ownership: &str, ssl: &str) -> Domain {
        let status = json!({ "ownership": ownership, "ssl": ssl });
        serde_json::from_value(json!({ "domain": name, "enabled": true, "zoneId": ZONE, "status": status }))
            .unwrap()
    }

    fn wanted(name: &str) -> CustomDomain {
        CustomDomain { domain: name.to_owned(), zone_id: ZONE.to_owned(), min_tls: None }
    }

    fn ours(names: &[&str]) -> Memory {
        Memory { domains: names.iter().map(|name| (*name).to_owned()).collect(), ..Memory::default() }
    }

    #[test]
    fn every_pair_of_states_is_mapped_and_none_is_waited_for_endlessly() {
        let ownerships = ["pending", "active", "deactivated", "blocked", "error", "unknown", "new"];
        let certificates = ["initializing", "pending", "active", "deactivated", "error", "unknown", "new"];
        for (ownership, ssl) in ownerships.iter().flat_map(|one| certificates.map(|other| (*one, other))) {
            let of =
                |memory: &Memory| next(memory, &[found("a.example", ownership, ssl)], &[wanted("a.example")]);
            let first = of(&ours(&["a.example"]));
            let is_over = ["deactivated", "blocked", "error"];
            match (ownership, ssl) {
                ("active", "active") => assert_eq!(first, Next::Done),
                _ if is_over.contains(&ownership) || is_over.contains(&ssl) => {
                    assert!(matches!(first, Next::Failed(_)), "{ownership} {ssl}: {first:?}");
                }
                _ => {
                    let (mut memory, mut looks) = (ours(&["a.example"]), 0);
                    while let Next::Wait(later, _) = of(&memory) {
                        memory = later;
                        looks += 1;
                    }
                    let most = if ["unknown", "new"].iter().any(|one| *one == ownership || *one == ssl) {
                        MAX_UNKNOWN
                    } else {
                        MAX_LOOKS
                    };
                    assert_eq!(looks, most, "{ownership} {ssl}");
                    assert!(matches!(of(&memory), Next::Failed(_)));
                }
            }
        }
    }

    #[test]
    fn a_host_name_is_remembered_before_it_is_attached_and_only_ours_is_detached() {
        let theirs = || found("theirs.example", "active", "active");
        let remembered = next(&ours(&[]), &[theirs()], &[wanted("a.example")]);
        assert_eq!(remembered, Next::Remember(ours(&["a.example"])));
        let attached = next(&ours(&["a.example"]), &[theirs()], &[wanted("a.example")]);
        assert_eq!(attached, Next::Change(Change::Attach(wanted("a.example")), ours(&["a.example"])));

        let both = [theirs(), found("a.example", "active", "active")];
        let detached = next(&ours(&["a.example"]), &both, &[]);
        assert_eq!(detached, Next::Change(Change::Detach("a.example".to_owned()), ours(&["a.example"])));
        assert_eq!(next(&ours(&["a.example"]), &[theirs()], &[]), Next::Remember(ours(&[])));
        assert_eq!(next(&ours(&[]), &[theirs()], &[]), Next::Done);
        assert_eq!(of_others(&both, &[wanted("a.example")]).count(), 1);
    }

    #[test]
    fn a_setting_that_differs_is_set_and_one_that_was_not_asked_for_is_left() {
        let strict = CustomDomain { min_tls: Some(MinimumTls::V1_3), ..wanted("a.example") };
        let active = [found("a.example", "active", "active")];
        let set = next(&ours(&["a.example"]), &active, std::slice::from_ref(&strict));
        assert_eq!(set, Next::Change(Change::SetDomain(strict.clone()), ours(&["a.example"])));
        assert!(difference(&active, &[strict]).is_some());
        let mut older = active.clone();
        older[0].min_tls = Some(MinimumTls::V1_0);
        assert_eq!(next(&ours(&["a.example"]), &older, &[wanted("a.example")]), Next::Done);
        assert!(difference(&older, &[wanted("a.example")]).is_none());
    }
}
