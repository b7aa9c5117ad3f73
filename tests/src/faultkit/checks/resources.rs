//! I-01, I-02, I-03, I-06, I-07: what is at the vendor, and what the store says of it.

use sutler_catalog::cloudflare::{d1, pages_domain, secrets, token};

use super::super::{
    evidence::{Answer, Call, Evidence, Exchange, Violation},
    scenario::{host_of, secrets_of},
};
use crate::cloudflare::EffectAction;

/// I-01 at any instant: what is at the vendor is in the store, and what is in the store was asked for.
pub(super) fn unknown(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let known: Vec<_> = evidence
        .store
        .instances
        .iter()
        .filter_map(|row| evidence.marks(&row.id).map(|marks| (row, marks)))
        .collect();
    for database in evidence.databases() {
        if !known.iter().any(|(_, marks)| marks.on_database(database)) {
            found.push(Violation::new(
                "I-01",
                format!("no instance of the store has the database {}", database.name),
            ));
        }
    }
    for token in evidence.tokens() {
        let has = |row: &&super::super::dump::BindingRow| {
            evidence.marks(&row.instance).is_some_and(|marks| marks.on_token_of(&row.id, token))
        };
        if !evidence.store.bindings.iter().any(|row| has(&row)) {
            found.push(Violation::new(
                "I-01",
                format!("no binding of the store has the token {}", token.name),
            ));
        }
    }
    let has_row = |is_its: &dyn Fn(&str) -> bool| evidence.store.instances.iter().any(|row| is_its(&row.id));
    for name in evidence.secrets().filter(|name| !has_row(&|id| name.starts_with(&secrets_of(id)))) {
        found.push(Violation::new("I-01", format!("no instance of the store has the secret {name}")));
    }
    for domain in evidence.domains().filter(|domain| !has_row(&|id| host_of(id) == domain.name)) {
        found
            .push(Violation::new("I-01", format!("no instance of the store has the domain {}", domain.name)));
    }
    let asked = evidence.instances();
    for row in &evidence.store.instances {
        if !asked.contains(&row.id.as_str()) {
            found.push(Violation::new("I-01", format!("nobody asked for the instance {}", row.id)));
        }
    }
    found
}

/// I-02 once it is quiet: one object for each.
pub(super) fn twins(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for instance in evidence.instances() {
        let Some(marks) = evidence.marks(instance) else { continue };
        let databases = evidence.databases().filter(|database| marks.on_database(database)).count();
        if databases > 1 {
            found.push(Violation::new("I-02", format!("{databases} databases of {instance}")));
        }
        for binding in bindings_of(evidence, instance) {
            let tokens = evidence.tokens().filter(|token| marks.on_token_of(&binding, token)).count();
            if tokens > 1 {
                found.push(Violation::new("I-02", format!("{tokens} tokens of {instance}/{binding}")));
            }
        }
    }
    found
}

/// I-01 once it is quiet, from the other side: what the store calls ready is at the vendor.
pub(super) fn missing(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let has_things = |service: &str| [D1, SECRETS, DOMAIN].contains(&service);
    let ready = evidence.store.instances.iter().filter(|row| row.state == "ready");
    for row in ready.filter(|row| has_things(&row.service)) {
        if evidence.things_of(&row.id) == 0 {
            found.push(Violation::new(
                "I-01",
                format!("the instance {} is ready and has nothing at the vendor", row.id),
            ));
        }
    }
    let of_tokens = |instance: &str| {
        evidence.store.instances.iter().any(|row| row.id == instance && row.service == TOKEN)
    };
    for row in evidence.store.bindings.iter().filter(|row| row.state == "ready" && of_tokens(&row.instance)) {
        let marks = evidence.marks(&row.instance);
        if !marks.is_some_and(|marks| evidence.tokens().any(|token| marks.on_token_of(&row.id, token))) {
            found.push(Violation::new("I-01", format!("the binding {} is ready and has no token", row.id)));
        }
    }
    found
}

/// The offering of databases.
pub(super) const D1: &str = d1::ID.as_str();
/// The offering of tokens.
pub(super) const TOKEN: &str = token::ID.as_str();
/// The offering of secrets of Workers.
pub(super) const SECRETS: &str = secrets::ID.as_str();
/// The offering of domains of projects.
pub(super) const DOMAIN: &str = pages_domain::ID.as_str();

/// I-03 at any instant: what is not ours is as it was, and was not even touched.
pub(super) fn foreign(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for database in &evidence.foreign.databases {
        if !evidence.vendor.databases.contains(database) {
            found.push(Violation::new(
                "I-03",
                format!("the foreign database {} is not what it was", database.name),
            ));
        }
    }
    for token in &evidence.foreign.tokens {
        if !evidence.vendor.tokens.contains(token) {
            found
                .push(Violation::new("I-03", format!("the foreign token {} is not what it was", token.name)));
        }
    }
    found.extend(foreign_settings(evidence));
    let foreign: Vec<&str> = (evidence.foreign.databases.iter().map(|one| one.uuid.as_str()))
        .chain(evidence.foreign.tokens.iter().map(|one| one.id.as_str()))
        .collect();
    let effects = evidence.ledger.iter().flat_map(|entry| &entry.outcome);
    for effect in effects.filter(|effect| effect.action != EffectAction::Created) {
        if foreign.contains(&effect.id.as_str()) {
            found.push(Violation::new(
                "I-03",
                format!("the foreign {:?} {} was touched", effect.kind, effect.name),
            ));
        }
    }
    found
}

/// Secrets and domains of somebody else, and how they are named in the ledger.
fn foreign_settings(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut names = Vec::new();
    for script in &evidence.foreign.scripts {
        let now = evidence.vendor.scripts.iter().find(|now| now.name == script.name);
        for (name, value) in &script.secrets {
            names.push(format!("{}/{name}", script.name));
            if now.and_then(|now| now.secrets.get(name)) != Some(value) {
                found.push(Violation::new("I-03", format!("the foreign secret {name} is not what it was")));
            }
        }
    }
    let now: Vec<&str> =
        evidence.vendor.projects.iter().flat_map(|project| &project.domains).map(|one| &*one.id).collect();
    for domain in evidence.foreign.projects.iter().flat_map(|project| &project.domains) {
        names.push(domain.id.clone());
        if !now.contains(&&*domain.id) {
            found.push(Violation::new("I-03", format!("the foreign domain {} is gone", domain.name)));
        }
    }
    let effects = evidence.ledger.iter().flat_map(|entry| &entry.outcome);
    for effect in effects.filter(|effect| names.contains(&effect.id)) {
        let what = format!("the foreign {:?} {} was touched", effect.kind, effect.name);
        found.push(Violation::new("I-03", what));
    }
    found
}

/// I-06 and I-07 once it is quiet: what a platform was told is deleted is nowhere.
pub(super) fn deleted_is_gone(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for instance in evidence.instances() {
        let Some(marks) = evidence.marks(instance) else { continue };
        if is_deleted(evidence, instance, None) {
            let is_left =
                evidence.things_of(instance) > 0 || evidence.tokens().any(|token| marks.on_token(token));
            if is_left || evidence.store.instances.iter().any(|row| row.id == instance) {
                found.push(Violation::new(
                    "I-06",
                    format!("{instance} is told to be deleted, and something of it is left"),
                ));
            }
        }
        for binding in bindings_of(evidence, instance) {
            if !is_deleted(evidence, instance, Some(&binding)) {
                continue;
            }
            let is_left = evidence.tokens().any(|token| marks.on_token_of(&binding, token));
            if is_left
                || evidence.store.bindings.iter().any(|row| row.instance == instance && row.id == binding)
            {
                let what = format!("{instance}/{binding} is told to be unbound, and something of it is left");
                found.push(Violation::new("I-07", what));
            }
        }
    }
    found
}

/// The bindings of an instance that were asked for.
fn bindings_of(evidence: &Evidence<'_>, instance: &str) -> Vec<String> {
    let mut bindings: Vec<String> =
        evidence.about(instance).filter_map(|exchange| exchange.asked.binding.clone()).collect();
    bindings.sort_unstable();
    bindings.dedup();
    bindings
}

/// Whether the last thing the platform learned about it is that it does not exist any more.
fn is_deleted(evidence: &Evidence<'_>, instance: &str, binding: Option<&str>) -> bool {
    let news = evidence.about(instance).filter(|exchange| exchange.asked.binding.as_deref() == binding);
    let mut deleting = false;
    let mut deleted = false;
    for exchange in news {
        match exchange.asked.call {
            Call::Provision | Call::Bind => (deleting, deleted) = (false, false),
            Call::Deprovision | Call::Unbind => {
                deleting = true;
                deleted |= matches!(exchange.answer.status(), Some(200 | 410));
            }
            Call::Poll => deleted |= deleting && has_succeeded(exchange),
            Call::Update => {}
        }
    }
    deleted
}

fn has_succeeded(exchange: &Exchange) -> bool {
    match &exchange.answer {
        Answer::Lost => false,
        Answer::Came { status, .. } => *status == 410 || exchange.answer.text("state") == Some("succeeded"),
    }
}
