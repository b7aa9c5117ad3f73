//! What has to be true: pure functions over what the vendor, the broker's store, the sink, state and its journal say.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{Declared, Trouble};
use crate::{
    faultkit::StoreDump,
    world::{Finished, Live},
};

/// What everybody says once everything is done.
#[derive(Debug)]
pub(super) struct Look {
    /// What is to be there; nothing after a teardown.
    pub(super) declared: Option<Declared>,
    pub(super) live: Live,
    pub(super) store: StoreDump,
    /// The opened sink.
    pub(super) env: Value,
    pub(super) status: Value,
    /// `events --json`: every change since the last look, one a line.
    pub(super) journal: String,
    /// The file of events: what came since the last look.
    pub(super) told: String,
}

impl Look {
    /// The sequence number of the last change.
    pub(super) fn last(&self) -> Option<u64> {
        let last: Value = serde_json::from_str(self.journal.lines().last()?).ok()?;
        last["event"]["data"]["sequence"].as_u64()
    }

    /// What is not as it has to be.
    pub(super) fn judge(&self) -> Result<(), String> {
        self.vendor()?;
        self.broker()?;
        self.sink()?;
        self.state()?;
        outbox(&self.journal, &self.told)
    }

    /// I-01, I-02, I-06, I-07: exactly what is declared, once.
    fn vendor(&self) -> Result<(), String> {
        let mut databases: Vec<_> = self
            .live
            .snapshot()
            .databases
            .iter()
            .map(|database| (database.name.as_str(), database.read_replication.as_str()))
            .collect();
        databases.sort_unstable();
        let expected: Vec<(&str, &str)> = match self.declared {
            None => Vec::new(),
            Some(declared) => vec![("sweep-db", declared.replication), ("sweep-other", "disabled")],
        };
        // the broker marks what it makes: the name is ours with something after it
        let alike = |((name, is), (named, wanted)): (&(&str, &str), &(&str, &str))| {
            name.starts_with(named) && is == wanted
        };
        if databases.len() != expected.len() || !databases.iter().zip(&expected).all(alike) {
            return Err(format!("I-01: databases are {databases:?} and were to be {expected:?}"));
        }
        let (tokens, wanted) = (self.live.tokens().len(), usize::from(self.has_token()));
        if tokens == wanted { Ok(()) } else { Err(format!("I-02: {tokens} tokens, and {wanted} were to be")) }
    }

    fn has_token(&self) -> bool {
        self.declared.is_some_and(|declared| declared.token && declared.bound)
    }

    fn broker(&self) -> Result<(), String> {
        let Self { store, declared, .. } = self;
        let rows = declared.map_or(0, |declared| 2 + usize::from(declared.token));
        let bindings = declared.map_or(0, |_| 1 + usize::from(self.has_token()));
        if store.instances.len() == rows && store.bindings.len() == bindings {
            return Ok(());
        }
        Err(format!("I-01: the broker has {:?} and {:?}", store.instances, store.bindings))
    }

    fn sink(&self) -> Result<(), String> {
        let database = self.live.databases().into_iter().find(|(name, _)| name.starts_with("sweep-db"));
        let (id, tokens) = (database.map(|(_, id)| id), self.live.tokens());
        let (of_database, of_token) = (self.env["DB_ID"].as_str(), self.env["DB_TOKEN"].as_str());
        if of_database == id.as_deref() && of_token == tokens.first().map(String::as_str) {
            return Ok(());
        }
        Err("the sink does not hold what is there".to_owned())
    }

    /// Nothing is unfinished, nothing is left to be deleted, nobody holds the lock.
    fn state(&self) -> Result<(), String> {
        let left: Vec<_> = self.status["instances"].as_array().into_iter().flatten().collect();
        let is_ready = |one: &&Value| one["status"] == "ready" && one["to_be_deleted"] == json!([]);
        if left.len() == self.store.instances.len()
            && left.iter().all(is_ready)
            && self.status["lock"].is_null()
        {
            return Ok(());
        }
        Err(format!("state says {}", self.status))
    }
}

/// I-40: the file has every change of the journal, in its order, and nothing else; some of them twice, perhaps.
fn outbox(journal: &str, told: &str) -> Result<(), String> {
    let parsed = |line: &str| serde_json::from_str::<Value>(line).ok();
    let id = |event: &Value| event["id"].as_str().map(str::to_owned);
    let changes: Vec<String> =
        journal.lines().filter_map(parsed).filter_map(|line| id(&line["event"])).collect();
    let mut seen = HashSet::new();
    // a line that a death cut is not whole, and comes again
    let first: Vec<String> = told
        .lines()
        .filter_map(parsed)
        .filter_map(|event| id(&event))
        .filter(|id| seen.insert(id.clone()))
        .collect();
    if first == changes {
        return Ok(());
    }
    let at = first.iter().zip(&changes).take_while(|(one, other)| one == other).count();
    let (told, all) = (first.len(), changes.len());
    Err(format!("I-40: {told} events were told of {all} changes; they differ from the {at}th on"))
}

/// What a run that was disturbed may have come to: never a panic, never success that is none, never a broken state.
pub(super) fn of_the_run(finished: &Finished, trouble: &Trouble) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("{why}\n{}", finished.everything()));
    if finished.code == Some(101) || finished.stderr.contains("panicked") {
        return wrong("it panicked");
    }
    match (finished.code, trouble) {
        (None, trouble) if trouble.kills() => Ok(()),
        // 1 failed, 4 some of it failed, 6 the lock was lost
        (Some(0 | 1 | 4 | 6), _) => Ok(()),
        // whoever waits in vain for a lock
        (Some(5), Trouble::Twin(_)) => Ok(()),
        _ => wrong("it ended as it never should"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(ids: &[&str], wrap: bool) -> String {
        let line = |id: &&str| if wrap { json!({ "event": { "id": id } }) } else { json!({ "id": id }) };
        ids.iter().map(|id| format!("{}\n", line(id))).collect()
    }

    #[test]
    fn i_40_an_event_that_is_missing_too_much_or_out_of_order_is_found() {
        let journal = lines(&["a", "b", "c"], true);
        for (told, holds) in [
            (&["a", "b", "c"][..], true),
            (&["a", "b", "a", "b", "c"], true),
            (&["a", "c"], false),
            (&["a", "b"], false),
            (&["b", "a", "c"], false),
            (&["a", "b", "c", "d"], false),
        ] {
            assert_eq!(outbox(&journal, &lines(told, false)).is_ok(), holds, "{told:?}");
        }
        let cut = format!("{}{{\"id\": \"b\n{}", lines(&["a"], false), lines(&["b", "c"], false));
        assert!(outbox(&journal, &cut).is_ok(), "a line that was cut");
    }

    #[test]
    fn a_panic_and_an_end_that_nobody_asked_for_are_found() {
        let ended = |code, stderr: &str| Finished {
            code,
            stdout: String::new(),
            stderr: stderr.to_owned(),
            took: std::time::Duration::ZERO,
        };
        let (kill, full) = (Trouble::Kill(std::time::Duration::ZERO), Trouble::Full(0));
        for (finished, trouble, holds) in [
            (ended(None, ""), &kill, true),
            (ended(None, ""), &full, false),
            (ended(Some(1), "error: no space"), &full, true),
            (ended(Some(101), ""), &full, false),
            (ended(Some(1), "thread 'main' panicked at"), &full, false),
            (ended(Some(7), ""), &full, false),
            (ended(Some(5), ""), &full, false),
        ] {
            assert_eq!(of_the_run(&finished, trouble).is_ok(), holds, "{finished:?} {trouble}");
        }
    }
}
