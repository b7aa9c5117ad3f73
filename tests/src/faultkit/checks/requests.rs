//! I-09, I-11, I-13: what a platform was told, and what it may conclude from it.

use std::collections::HashMap;

use super::super::evidence::{Answer, Call, Evidence, Exchange, Violation};

/// I-09 at any instant: what was accepted is in the store.
pub(super) fn accepted_is_durable(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for exchange in evidence.history {
        if exchange.answer.status() != Some(202) {
            continue;
        }
        match exchange.answer.text("operation") {
            Some(operation) if evidence.store.operation(operation).is_some() => {}
            operation => {
                let what =
                    format!("{:?} was accepted as {operation:?}, which is not in the store", exchange.asked);
                found.push(Violation::new("I-09", what));
            }
        }
    }
    for instance in evidence.instances() {
        let created = created(evidence.about(instance));
        if created == Some(true) && !evidence.store.instances.iter().any(|row| row.id == instance) {
            found.push(Violation::new("I-09", format!("{instance} was created and is not in the store")));
        }
    }
    found
}

/// I-09 at any instant: a binding that was made, and that nobody told to unbind, is in the store.
pub(super) fn made_is_durable(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut made: HashMap<(&str, &str), bool> = HashMap::new();
    for exchange in evidence.history {
        let asked = &exchange.asked;
        match (asked.call, asked.binding.as_deref(), exchange.answer.status()) {
            (Call::Bind, Some(binding), Some(200 | 201)) => {
                made.insert((&asked.instance, binding), true);
            }
            (Call::Unbind, Some(binding), _) => {
                made.insert((&asked.instance, binding), false);
            }
            (Call::Deprovision, ..) => made.retain(|(instance, _), _| *instance != asked.instance),
            _ => {}
        }
    }
    let is_there = |instance: &str, id: &str| {
        evidence.store.bindings.iter().any(|row| row.instance == instance && row.id == id)
    };
    let lost = made.into_iter().filter(|((instance, id), is_made)| *is_made && !is_there(instance, id));
    lost.map(|((instance, id), _)| {
        Violation::new("I-09", format!("{instance}/{id} was bound and is not in the store"))
    })
    .collect()
}

/// Whether the platform knows the instance to exist, as far as its last news go; `None` when it cannot know.
fn created<'a>(news: impl Iterator<Item = &'a Exchange>) -> Option<bool> {
    let mut created = None;
    for exchange in news.filter(|exchange| exchange.asked.binding.is_none()) {
        match (exchange.asked.call, exchange.answer.status()) {
            (Call::Provision, Some(200 | 201)) => created = Some(true),
            (Call::Deprovision, _) => created = None,
            _ => {}
        }
    }
    created
}

/// I-11 at any instant: the same request gets the same operation until that has ended, and the same body after.
pub(super) fn repeats_are_harmless(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut running: HashMap<String, String> = HashMap::new();
    let mut bodies: HashMap<String, &serde_json::Value> = HashMap::new();
    for exchange in evidence.history {
        let asked = &exchange.asked;
        if asked.call == Call::Poll {
            if exchange.answer.text("state").is_none_or(|state| state != "in progress") {
                running.retain(|_, operation| Some(&*operation) != asked.operation.as_ref());
            }
            continue;
        }
        let subject = format!("{:?} {} {:?} {}", asked.call, asked.instance, asked.binding, asked.wish);
        let Answer::Came { status, body } = &exchange.answer else { continue };
        match (status, exchange.answer.text("operation")) {
            (202, Some(operation)) => match running.get(&subject) {
                // what has failed is tried anew by whoever asks for it again
                Some(first) if first != operation && !has_failed(evidence, first) => {
                    found.push(Violation::new("I-11", format!("{subject}: first {first}, then {operation}")));
                }
                _ => {
                    running.insert(subject, operation.to_owned());
                }
            },
            (200 | 201, _) if matches!(asked.call, Call::Provision | Call::Bind) => {
                if bodies.get(&subject).is_some_and(|first| *first != body) {
                    found.push(Violation::new("I-11", format!("{subject}: the same request, another body")));
                }
                bodies.insert(subject, body);
            }
            _ => {
                running.remove(&subject);
            }
        }
        if matches!(asked.call, Call::Deprovision | Call::Unbind | Call::Update) {
            bodies.retain(|subject, _| !subject.contains(&asked.instance));
        }
    }
    found.extend(other_attributes(evidence));
    found
}

fn has_failed(evidence: &Evidence<'_>, operation: &str) -> bool {
    evidence.store.operation(operation).is_some_and(|row| row.state == "failed")
}

/// I-11: another PUT of what exists is a conflict, never a success.
fn other_attributes(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for instance in evidence.instances() {
        let mut wish: Option<(&str, Option<&str>)> = None;
        for exchange in evidence.about(instance).filter(|exchange| exchange.asked.binding.is_none()) {
            let status = exchange.answer.status();
            match (exchange.asked.call, status, wish) {
                (Call::Provision, Some(200..=202), Some((first, _))) if first != exchange.asked.wish => {
                    found.push(Violation::new(
                        "I-11",
                        format!("{instance}: two different wishes, both granted"),
                    ));
                }
                (Call::Provision, Some(200..=202), _) => wish = Some((&exchange.asked.wish, None)),
                (Call::Deprovision | Call::Update, ..) => wish = None,
                _ => {}
            }
        }
    }
    found
}

/// I-13 at any instant: a request that was refused did nothing at the vendor. Only where nothing else was going on.
pub(super) fn refusals_change_nothing(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for exchange in evidence.history {
        let is_refused = matches!(exchange.answer.status(), Some(400..=499));
        if !is_refused || exchange.asked.call == Call::Poll || !exchange.asked.wish.starts_with("refused") {
            continue;
        }
        let (before, after) = exchange.ledger;
        let meanwhile =
            evidence.ledger.iter().filter(|entry| entry.sequence > before && entry.sequence <= after);
        for effect in meanwhile.flat_map(|entry| &entry.outcome) {
            found
                .push(Violation::new("I-13", format!("{:?} was refused and did {effect:?}", exchange.asked)));
        }
    }
    found
}
