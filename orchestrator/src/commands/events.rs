//! `events`: every change of every instance, in the order of the journal; told, counted, and delivered.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::failure::Failure;
use super::project::Project;
use crate::events::{self, Outbox};
use crate::state::{Entry, Seen};

/// So many entries are read at once.
const PAGE: usize = 500;

/// How often instances went from one status to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// The serial of the state that this is about.
    pub serial: u64,
    /// From what, to what, how often.
    pub transitions: Vec<Counted>,
}

/// How often something became something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// What it was; nothing when the instance is new.
    pub from: Option<String>,
    /// What it became; nothing when the instance went.
    pub to: Option<String>,
    /// How often.
    pub times: u64,
}

/// Entries of the journal after this sequence number, oldest first: at most one page of them.
///
/// # Errors
/// When state cannot be read.
pub async fn entries(project: &Project, after: u64) -> Result<Vec<Entry>, Failure> {
    Ok(project.backend.journal(after, PAGE).await?)
}

/// How often instances went from one status to another, within this time before now.
///
/// # Errors
/// When state cannot be read.
pub async fn counts(project: &Project, window: Duration) -> Result<Counts, Failure> {
    let begin = Timestamp::now().saturating_sub(window).map_err(|error| Failure::usage(error.to_string()))?;
    let serial = project.backend.load().await?.serial;
    let (mut counts, mut after) = (BTreeMap::new(), 0);
    loop {
        let page = entries(project, after).await?;
        let Some(last) = page.last() else { break };
        after = last.sequence;
        let within = |entry: &&Entry| {
            entry.serial <= serial && entry.at.parse::<Timestamp>().is_ok_and(|at| at >= begin)
        };
        for entry in page.iter().filter(within) {
            for transition in entry.transitions.iter().filter(|transition| transition.field == "status") {
                *counts.entry((word(transition.from.as_ref()), word(transition.to.as_ref()))).or_insert(0) +=
                    1;
            }
        }
    }
    let transitions = counts.into_iter().map(|((from, to), times)| Counted { from, to, times }).collect();
    Ok(Counts { serial, transitions })
}

fn word(seen: Option<&Seen>) -> Option<String> {
    match seen? {
        Seen::Value(value) => Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
        _ => Some("changed".to_owned()),
    }
}

/// Delivers what was not delivered yet to everyone who is configured. What goes wrong is told, and tried again the next
/// time: nothing that was done depends on it.
pub async fn deliver(project: &Project) -> Vec<String> {
    let config = &project.config.events;
    if config.is_empty() {
        return Vec::new();
    }
    let settings = &project.settings;
    let outbox = Outbox {
        backend: project.backend.as_ref(),
        stack: project.config.stack.as_str(),
        cursors: project.keys.with_file_name("events"),
        pacing: settings.pacing(),
        patience: settings.call_timeout,
    };
    let troubles = events::deliver(&outbox, config).await;
    troubles.into_iter().map(|trouble| format!("events: {trouble}; the next run tries again")).collect()
}
