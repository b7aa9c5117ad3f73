//! Requests that wait for their work. Only a shortcut: what is not heard here can be read from the store.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch::{Receiver, Sender, channel},
    time::{Instant, timeout_at},
};

use sutler_spec::{BindingBody, InstanceBody};

use super::error::Failure;
use crate::operation::OperationId;

/// What platforms are told of work that succeeded.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Made {
    /// It is in the store.
    #[default]
    Recorded,
    /// This instance.
    Instance(InstanceBody),
    /// This binding.
    Binding(Box<BindingBody>),
}

/// How far the work of an operation is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stage {
    /// Somebody works on it.
    Running,
    /// It goes on at that time.
    Parked(Instant),
    /// This process is ending; it goes on with the next one.
    Left,
    /// It has ended.
    Over(Result<Made, Box<Failure>>),
}

/// How long a request waits.
#[derive(Debug, Clone, Copy)]
pub(super) enum Patience {
    /// This long, but not for what goes on only later.
    Inline(Duration),
    /// This long, but not for anything that waits itself.
    Running(Duration),
    /// This long.
    Stubborn(Duration),
}

/// Who waits for what.
#[derive(Default)]
pub(super) struct Waiting(Mutex<HashMap<OperationId, Sender<Stage>>>);

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, HashMap<OperationId, Sender<Stage>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts listening. Whoever joins an operation reads its state after this, not before.
    pub(super) fn listen(&self, operation: &OperationId) -> Receiver<Stage> {
        self.lock().entry(operation.clone()).or_insert_with(|| channel(Stage::Running).0).subscribe()
    }

    /// Tells those who listen, if any.
    pub(super) fn tell(&self, operation: &OperationId, stage: Stage) {
        let mut waiting = self.lock();
        let over = matches!(stage, Stage::Over(_));
        if let Some(sender) = waiting.get(operation) {
            sender.send_replace(stage);
            if over || sender.receiver_count() == 0 {
                waiting.remove(operation);
            }
        }
    }

    /// Tells everyone that this process goes on with nothing that waits. What is running still comes to an end.
    pub(super) fn leave_parked(&self) {
        for sender in self.lock().values() {
            sender.send_if_modified(|stage| {
                let parked = matches!(stage, Stage::Parked(_));
                if parked {
                    *stage = Stage::Left;
                }
                parked
            });
        }
    }

    /// Forgets an operation that nobody listens to any more.
    pub(super) fn leave(&self, operation: &OperationId, receiver: Receiver<Stage>) {
        drop(receiver);
        let mut waiting = self.lock();
        if waiting.get(operation).is_some_and(|sender| sender.receiver_count() == 0) {
            waiting.remove(operation);
        }
    }
}

/// Waits for the end, as long as patience lasts. `None` means that it goes on without us.
pub(super) async fn end(
    receiver: &mut Receiver<Stage>,
    patience: Patience,
) -> Option<Result<Made, Box<Failure>>> {
    let deadline = match patience {
        Patience::Inline(budget) | Patience::Running(budget) | Patience::Stubborn(budget) => {
            Instant::now() + budget
        }
    };
    loop {
        match receiver.borrow_and_update().clone() {
            Stage::Over(end) => return Some(end),
            Stage::Left => return None,
            Stage::Parked(due) if matches!(patience, Patience::Inline(_)) && due >= deadline => return None,
            Stage::Parked(_) if matches!(patience, Patience::Running(_)) => return None,
            Stage::Running | Stage::Parked(_) => {}
        }
        // the sender goes only after having told the end
        timeout_at(deadline, receiver.changed()).await.ok()?.ok()?;
    }
}
