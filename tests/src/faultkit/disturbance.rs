//! What happens to a broker process by itself, at a moment that was chosen before.

use std::time::Duration;

use rusqlite::Connection;
use tokio::{process::Command, task::JoinHandle};

use super::{broker::Broker, trouble::Trouble};

/// Something that is going to happen, or has.
#[derive(Debug)]
pub(super) struct Disturbance {
    kind: &'static str,
    task: JoinHandle<bool>,
}

impl Disturbance {
    /// Lets it happen to the process that runs now. Nothing when there is none, or nothing to do.
    #[must_use]
    pub(super) fn begin(trouble: &Trouble, broker: &Broker) -> Option<Self> {
        let id = broker.id()?.to_string();
        let (kind, task) = match trouble.clone() {
            Trouble::Kill(after) => ("killed", tokio::spawn(signal(*after.first()?, id, "KILL"))),
            Trouble::Term(after) => ("ended in order", tokio::spawn(signal(after, id, "TERM"))),
            Trouble::Pause(after, length) => ("paused", tokio::spawn(pause(after, length, id))),
            Trouble::Full(after, length) => ("files cannot grow", tokio::spawn(full(after, length, id))),
            Trouble::Fence(after) => {
                let store = broker.folder().join("broker.db");
                let forget = async move {
                    tokio::time::sleep(after).await;
                    let store = Connection::open(store);
                    let forget = "UPDATE operations SET fence = fence - 1 WHERE state = 'in progress'";
                    store.and_then(|store| store.execute(forget, [])).is_ok_and(|changed| changed > 0)
                };
                ("a claim is forgotten", tokio::spawn(forget))
            }
            Trouble::Plans(_) | Trouble::Net(..) => return None,
        };
        Some(Self { kind, task })
    }

    /// Waits for its end. What it was, if it happened.
    pub(super) async fn end(self) -> Option<&'static str> {
        let has_happened = self.task.await.unwrap_or(false);
        has_happened.then_some(self.kind)
    }
}

async fn signal(after: Duration, id: String, name: &'static str) -> bool {
    tokio::time::sleep(after).await;
    run("kill", &[&format!("-{name}"), &id]).await
}

async fn pause(after: Duration, length: Duration, id: String) -> bool {
    let has_stopped = signal(after, id.clone(), "STOP").await;
    signal(length, id, "CONT").await && has_stopped
}

async fn full(after: Duration, length: Duration, id: String) -> bool {
    tokio::time::sleep(after).await;
    let is_full = run("prlimit", &["--pid", &id, "--fsize=0:unlimited"]).await;
    tokio::time::sleep(length).await;
    // the process may have ended meanwhile; its successor has no such limit
    run("prlimit", &["--pid", &id, "--fsize=unlimited:unlimited"]).await;
    is_full
}

async fn run(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stderr(std::process::Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}
