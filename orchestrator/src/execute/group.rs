//! Commits that are wanted at the same time become one: a wave of independent intents costs one flush.

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
    waiting: Mutex<Vec<(Change, oneshot::Sender<Answer>)>>,
    commit: AsyncMutex<()>,
}

impl Group {
    /// Commits a change together with whatever else waits. Durable when it returns.
    ///
    /// # Errors
    /// When storage fails. Whoever led the commit gets the error; the others only learn that the run is over.
    pub(super) async fn commit(&self, backend: &dyn StateBackend, lock: &Lock, change: Change) -> Answer {
        let (done, mut answer) = oneshot::channel();
        self.waiting().push((change, done));
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
        faults::pass("O14-before").await;
        let committed = backend.commit(lock, changes).await;
        faults::pass("O14-after").await;
        drop(turn);
        let failed = committed.is_err();
        for other in waiting {
            // One that is not waited for any more belongs to a step that was dropped.
            let _dropped = other.send(if failed { Err(StepError::Abandoned) } else { Ok(()) });
        }
        committed.map(|_| ()).map_err(StepError::from)
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<(Change, oneshot::Sender<Answer>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
