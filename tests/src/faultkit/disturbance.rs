//! What happens to a broker process by itself, at a moment that was chosen before.

use std::{sync::Arc, time::Duration};

use tokio::{process::Command, task::JoinHandle};

use super::{broker::Broker, memory::Memory, trouble::Trouble};

/// Something that is going to happen, or has.
#[derive(Debug)]
pub(super) struct Disturbance {
    kind: &'static str,
    task: JoinHandle<bool>,
}

impl Disturbance {
    /// Lets it happen to the process that runs now. Nothing when there is none, or nothing to do.
    #[must_use]
    pub(super) fn begin(trouble: &Trouble, broker: &Broker, memory: &Arc<Memory>) -> Option<Self> {
        let id = broker.id()?.to_string();
        let memory = memory.clone();
        let (kind, task) = match trouble.clone() {
            Trouble::Kill(after) => ("killed", tokio::spawn(signal(*after.first()?, id, "KILL"))),
            Trouble::Term(after) => ("ended in order", tokio::spawn(signal(after, id, "TERM"))),
            Trouble::Pause(after, length) => ("paused", tokio::spawn(pause(after, length, id))),
            Trouble::Full(after, length) => match &*memory {
                Memory::File(_) => ("files cannot grow", tokio::spawn(full(after, length, id))),
                Memory::Server(_) => {
                    ("the database takes no writes", tokio::spawn(refused(after, length, memory)))
                }
            },
            Trouble::Fence(after) => {
                let forget = async move {
                    tokio::time::sleep(after).await;
                    memory.forget_claim().await
                };
                ("a claim is forgotten", tokio::spawn(forget))
            }
            Trouble::Restart(after) => {
                let restart = async move {
                    tokio::time::sleep(after).await;
                    let Memory::Server(server) = &*memory else { return false };
                    server.restart().await
                };
                ("the database server crashes", tokio::spawn(restart))
            }
            Trouble::Plans(_) | Trouble::Net(..) | Trouble::Database(..) | Trouble::Rotate => return None,
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

async fn refused(after: Duration, length: Duration, memory: Arc<Memory>) -> bool {
    tokio::time::sleep(after).await;
    let Memory::Server(server) = &*memory else { return false };
    server.refuse_writes(length).await
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
