//! Telling every listener what it was not told yet. A listener that does not take an event gets no later one first.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use sutler_broker_client::Pacing;

use super::cloud_event;
use super::cursor::Cursors;
use super::file;
use super::webhook::Webhook;
use crate::brokers::read_secret;
use crate::config::EventsConfig;
use crate::state::{Lineage, StateBackend};

/// So many entries are read at once.
const PAGE: usize = 200;

/// Where events come from, and how they are delivered.
#[derive(Debug)]
pub struct Outbox<'o> {
    /// Whose journal.
    pub backend: &'o dyn StateBackend,
    /// Whose it is.
    pub stack: &'o str,
    /// The file that remembers how far the file of events is: both are this machine's. How far a webhook was told is
    /// kept with the state, for every machine.
    pub cursors: PathBuf,
    /// How long to wait before an event is posted again.
    pub pacing: Pacing,
    /// Time for one post.
    pub patience: Duration,
}

/// What the cursor of the file of events is called.
const FILE: &str = "file";

/// A listener, and where it is noted how far it is.
enum Listener<'l> {
    File(&'l PathBuf, Cursors),
    Webhook(Box<Webhook>, String),
}

/// Delivers; returns what went wrong, listener by listener.
pub async fn deliver(outbox: &Outbox<'_>, config: &EventsConfig) -> Vec<String> {
    let lineage = match outbox.backend.load().await {
        Ok(state) if state.is_new() => return Vec::new(),
        Ok(state) => state.lineage,
        Err(error) => return vec![error.to_string()],
    };
    let mut troubles = Vec::new();
    if let Some(path) = &config.file {
        let told = match Cursors::read(&outbox.cursors) {
            Ok(cursors) => {
                let from = cursors.of(lineage, FILE);
                tell(outbox, lineage, (Listener::File(path, cursors), from)).await
            }
            Err(error) => Err(format!("could not read {}: {error}", outbox.cursors.display())),
        };
        troubles.extend(told.err().map(|why| format!("{}: {why}", path.display())));
    }
    if config.webhooks.is_empty() {
        return troubles;
    }
    let known = match outbox.backend.told().await {
        Ok(known) => known,
        Err(error) => {
            troubles.push(error.to_string());
            return troubles;
        }
    };
    for webhook in &config.webhooks {
        let name = &webhook.name;
        let listener = format!("webhook/{name}");
        let from = known.get(&listener).copied().unwrap_or_default();
        let told = match read_secret(&webhook.secret, &webhook.url) {
            Err(why) => Err(why),
            Ok(secret) => match Webhook::new((webhook.url.clone(), secret), outbox.pacing, outbox.patience) {
                Err(why) => Err(why),
                Ok(hook) => tell(outbox, lineage, (Listener::Webhook(Box::new(hook), listener), from)).await,
            },
        };
        troubles.extend(told.err().map(|why| format!("webhook '{name}': {why}")));
    }
    troubles
}

async fn tell(
    outbox: &Outbox<'_>,
    lineage: Lineage,
    (mut listener, mut from): (Listener<'_>, u64),
) -> Result<(), String> {
    loop {
        let page = outbox.backend.journal(from, PAGE).await.map_err(|error| error.to_string())?;
        let Some(last) = page.last() else { return Ok(()) };
        from = last.sequence;
        let events: Vec<Value> =
            page.iter().map(|entry| cloud_event((outbox.stack, lineage), entry)).collect();
        match &mut listener {
            Listener::File(path, cursors) => {
                let noted = file::append(path, &events).and_then(|()| cursors.advance(lineage, FILE, from));
                noted.map_err(|error| error.to_string())?;
            }
            Listener::Webhook(webhook, name) => {
                for (entry, event) in page.iter().zip(&events) {
                    webhook.post(event).await?;
                    let noted = outbox.backend.tell(name, entry.sequence).await;
                    noted.map_err(|error| error.to_string())?;
                }
            }
        }
    }
}
