//! I-01, I-02, I-03, I-06, I-07: what is at the vendor, and what the store says of it.

use super::super::evidence::{Answer, Call, Evidence, Exchange, Violation};
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
    for row in evidence.store.instances.iter().filter(|row| row.state == "ready" && row.service == D1) {
        let marks = evidence.marks(&row.id);
        if !marks.is_some_and(|marks| evidence.databases().any(|database| marks.on_database(database))) {
            found.push(Violation::new(
                "I-01",
                format!("the instance {} is ready and has no database", row.id),
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
pub(super) const D1: &str = "768afe86-2cae-470f-b250-af833fe776aa";
/// The offering of tokens.
pub(super) const TOKEN: &str = "c3a4d491-a1bd-4be5-a5b2-b5f1472ac7b3";

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

/// I-06 and I-07 once it is quiet: what a platform was told is deleted is nowhere.
pub(super) fn deleted_is_gone(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for instance in evidence.instances() {
        let Some(marks) = evidence.marks(instance) else { continue };
        if is_deleted(evidence, instance, None) {
            let is_left = evidence.databases().any(|database| marks.on_database(database))
                || evidence.tokens().any(|token| marks.on_token(token));
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
