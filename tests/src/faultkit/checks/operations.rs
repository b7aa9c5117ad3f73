//! I-09, I-10, I-14, I-40: every operation ends once, stays ended, and its end is told once.

use std::collections::HashMap;

use super::super::evidence::{Call, Evidence, Violation};

/// I-10 at any instant: what has ended stays as it ended, in the store and in every answer.
pub(super) fn terminal_once(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for row in &evidence.store.operations {
        let is_over = row.state != "in progress";
        if is_over != row.ended || (is_over && (row.owner.is_some() || row.sealed)) {
            let what = format!("{} {} is '{}' and not wholly so: {row:?}", row.work, row.id, row.state);
            found.push(Violation::new("I-10", what));
        }
    }
    let mut ends: HashMap<&str, &str> = HashMap::new();
    for exchange in evidence.history.iter().filter(|exchange| exchange.asked.call == Call::Poll) {
        let (Some(operation), Some(state)) =
            (exchange.asked.operation.as_deref(), exchange.answer.text("state"))
        else {
            continue;
        };
        match ends.get(operation) {
            Some(end) if *end != state => {
                found.push(Violation::new("I-10", format!("{operation} was '{end}' and is '{state}'")));
            }
            _ if state != "in progress" => {
                ends.insert(operation, state);
            }
            _ => {}
        }
    }
    for (operation, end) in ends {
        if let Some(row) = evidence.store.operation(operation)
            && row.state != end
        {
            found.push(Violation::new(
                "I-10",
                format!("{operation} was told '{end}' and is stored '{}'", row.state),
            ));
        }
    }
    found
}

/// I-14 once it is quiet: nothing is in progress, and nobody holds anything.
pub(super) fn all_ended(evidence: &Evidence<'_>) -> Vec<Violation> {
    let left = evidence.store.operations.iter().filter(|row| row.state == "in progress");
    left.map(|row| Violation::new("I-14", format!("{} {} does not end: {row:?}", row.work, row.id))).collect()
}

/// I-40 once it is quiet: one event for each end, and one for each beginning.
pub(super) fn told_once(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for row in evidence.store.operations.iter().filter(|row| row.state == "succeeded") {
        for word in ["accepted", "succeeded"] {
            let kind = format!("{}.{word}", row.work);
            let told = evidence
                .store
                .events
                .iter()
                .filter(|event| event.operation.as_deref() == Some(&row.id) && event.kind == kind)
                .count();
            if told != 1 {
                found.push(Violation::new("I-40", format!("{kind} of {} was told {told} times", row.id)));
            }
        }
    }
    found
}
