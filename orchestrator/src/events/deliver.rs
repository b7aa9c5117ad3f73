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
    /// The file that remembers how far each listener is.
    pub cursors: PathBuf,
    /// How long to wait before an event is posted again.
    pub pacing: Pacing,
    /// Time for one post.
    pub patience: Duration,
}

/// A listener.
enum Listener<'l> {
    File(&'l PathBuf),
    Webhook(Box<Webhook>),
}

/// Delivers; returns what went wrong, listener by listener.
pub async fn deliver(outbox: &Outbox<'_>, config: &EventsConfig) -> Vec<String> {
    let lineage = match outbox.backend.load().await {
        Ok(state) if state.is_new() => return Vec::new(),
        Ok(state) => state.lineage,
        Err(error) => return vec![error.to_string()],
    };
    let mut cursors = match Cursors::read(&outbox.cursors) {
        Ok(cursors) => cursors,
        Err(error) => return vec![format!("could not read {}: {error}", outbox.cursors.display())],
    };
    let mut troubles = Vec::new();
    if let Some(path) = &config.file {
        let told = tell(outbox, (&Listener::File(path), "file"), lineage, &mut cursors).await;
        troubles.extend(told.err().map(|why| format!("{}: {why}", path.display())));
    }
    for webhook in &config.webhooks {
        let name = &webhook.name;
        let told = match read_secret(&webhook.secret, &webhook.url) {
            Err(why) => Err(why),
            Ok(secret) => match Webhook::new((webhook.url.clone(), secret), outbox.pacing, outbox.patience) {
                Err(why) => Err(why),
                Ok(hook) => {
                    let listener = Listener::Webhook(Box::new(hook));
                    tell(outbox, (&listener, &format!("webhook/{name}")), lineage, &mut cursors).await
                }
            },
        };
        troubles.extend(told.err().map(|why| format!("webhook '{name}': {why}")));
    }
    troubles
}

async fn tell(
    outbox: &Outbox<'_>,
    (listener, name): (&Listener<'_>, &str),
    lineage: Lineage,
    cursors: &mut Cursors,
) -> Result<(), String> {
    loop {
        let page = outbox.backend.journal(cursors.of(lineage, name), PAGE).await;
        let page = page.map_err(|error| error.to_string())?;
        let Some(last) = page.last() else { return Ok(()) };
        let events: Vec<Value> =
            page.iter().map(|entry| cloud_event((outbox.stack, lineage), entry)).collect();
        let mut advance =
            |sequence| cursors.advance(lineage, name, sequence).map_err(|error| error.to_string());
        match listener {
            Listener::File(path) => {
                file::append(path, &events).map_err(|error| error.to_string())?;
                advance(last.sequence)?;
            }
            Listener::Webhook(webhook) => {
                for (entry, event) in page.iter().zip(&events) {
                    webhook.post(event).await?;
                    advance(entry.sequence)?;
                }
            }
        }
    }
}
