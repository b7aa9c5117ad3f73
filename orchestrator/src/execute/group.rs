//! Commits that are wanted at the same time become one: a wave of independent intents costs one flush.
//!
//! Changes become durable in the order in which they were wanted, and after the first one that failed none does: whoever
//! wants a change because of another one need not wait for that one first.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, oneshot};

use super::error::StepError;
use crate::faults;
use crate::state::{Change, Lock, StateBackend};

/// Whether the change of one step is durable.
type Answer = Result<(), StepError>;

/// Gathers changes while a commit is under way.
#[derive(Debug, Default)]
pub(super) struct Group {
    waiting: Mutex<Vec<(Vec<Change>, oneshot::Sender<Answer>)>>,
    commit: AsyncMutex<()>,
    /// Whether a commit failed, or nobody knows what became of it.
    broken: AtomicBool,
}

/// A change that has its place in the order and is not durable yet.
#[derive(Debug)]
pub(super) struct Wanted(oneshot::Receiver<Answer>);

impl Group {
    /// Gives changes their place: after every one that has its place already, in one commit.
    pub(super) fn want(&self, changes: Vec<Change>) -> Wanted {
        self.push(changes)
    }

    /// A place without a change: durable when everything before it is.
    pub(super) fn want_nothing(&self) -> Wanted {
        self.push(Vec::new())
    }

    fn push(&self, changes: Vec<Change>) -> Wanted {
        let (done, answer) = oneshot::channel();
        self.waiting().push((changes, done));
        Wanted(answer)
    }

    /// Commits a change together with whatever else waits. Durable when it returns.
    ///
    /// # Errors
    /// When storage fails. Whoever led the commit gets the error; the others only learn that the run is over.
    pub(super) async fn commit(
        &self,
        backend: &dyn StateBackend,
        lock: &Lock,
        Wanted(mut answer): Wanted,
    ) -> Answer {
        let turn = self.commit.lock().await;
        match answer.try_recv() {
            Ok(answered) => return answered,
            Err(oneshot::error::TryRecvError::Empty) => {}
            // Whoever led was dropped in the middle: what became of the commit is unknown.
            Err(oneshot::error::TryRecvError::Closed) => return Err(StepError::Abandoned),
        }
        // Steps that were started together get to say what they want before the first of them leads.
        tokio::task::yield_now().await;
        let (changes, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut *self.waiting()).into_iter().unzip();
        let changes: Vec<Change> = changes.into_iter().flatten().collect();
        if self.broken.swap(true, Ordering::SeqCst) {
            return Err(StepError::Abandoned);
        }
        let committed = match changes.is_empty() {
            true => Ok(0),
            false => {
                faults::pass("O14-before").await;
                let committed = backend.commit(lock, changes).await;
                faults::pass("O14-after").await;
                committed
            }
        };
        let failed = committed.is_err();
        self.broken.store(failed, Ordering::SeqCst);
        drop(turn);
        for other in waiting {
            // One that is not waited for any more belongs to a step that was dropped.
            let _dropped = other.send(if failed { Err(StepError::Abandoned) } else { Ok(()) });
        }
        committed.map(|_| ()).map_err(StepError::from)
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<(Vec<Change>, oneshot::Sender<Answer>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
