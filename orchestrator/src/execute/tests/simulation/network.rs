//! The network and the storage between the engine and what it works on: they lose, delay, lie, break, and end the
//! process in the middle of anything.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use sutler_broker_client::{Carried, ClientError, Wire, WireAnswer, WireRequest};
use tokio::sync::Notify;

use super::model::Model;
use super::random::Random;
use crate::name::InstanceRef;
use crate::state::{
    Change, Claim, Entry, Extent, Lock, LockInfo, MemoryBackend, Revision, Snapshot, State, StateBackend,
    StateError,
};

/// What happens in one life of the process. Shared by all that can go wrong in it.
#[derive(Debug)]
pub(super) struct Fate {
    random: Mutex<Random>,
    /// In so many of a hundred times a request meets trouble.
    trouble: usize,
    /// Effects (requests, answers, commits) until something happens; none left: nothing happens.
    left: AtomicUsize,
    end: End,
    pub(super) killed: Notify,
    pub(super) trace: Mutex<Vec<String>>,
}

/// What happens to the process when its time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It lives.
    Lives,
    /// It is killed.
    Killed,
    /// Storage breaks from then on.
    StorageBreaks,
    /// Somebody takes the lock.
    LockLost,
}

impl Fate {
    pub(super) fn new(random: Random, trouble: usize, (end, effects): (End, usize)) -> Self {
        Self {
            random: Mutex::new(random),
            trouble,
            left: AtomicUsize::new(effects.max(1)),
            end,
            killed: Notify::new(),
            trace: Mutex::default(),
        }
    }

    fn random(&self) -> MutexGuard<'_, Random> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, what: String) {
        self.trace.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// Counts an effect; whether the time has come.
    fn has_come(&self) -> bool {
        let count = |left: usize| Some(left.saturating_sub(1));
        self.end != End::Lives
            && self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count).unwrap_or(0) <= 1
    }

    /// A moment at which the process may die. It does not come back from it.
    async fn moment(&self) {
        if self.end == End::Killed && self.has_come() {
            self.killed.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

/// The way to one model.
pub(super) struct Network {
    pub(super) model: Arc<Mutex<Model>>,
    pub(super) state: Arc<MemoryBackend>,
    pub(super) fate: Arc<Fate>,
}

/// What a network does to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    NotSent,
    RequestLost,
    AnswerLost,
    CutOff,
    Garbled,
    Refused(u16),
    FailedBefore,
    FailedAfter,
}

impl Network {
    fn trouble(&self) -> (Trouble, Duration) {
        let mut random = self.fate.random();
        let delay = Duration::from_millis(random.below(2_000) as u64);
        if !random.chance(self.fate.trouble) {
            return (Trouble::None, delay);
        }
        let trouble = match random.below(12) {
            0 => Trouble::NotSent,
            1 | 2 => Trouble::RequestLost,
            3 | 4 => Trouble::AnswerLost,
            5 => Trouble::CutOff,
            6 => Trouble::Garbled,
            7 => Trouble::Refused(408),
            8 => Trouble::Refused(429),
            9 => Trouble::Refused(401),
            10 => Trouble::FailedBefore,
            _ => Trouble::FailedAfter,
        };
        (trouble, delay)
    }

    fn serve(&self, request: &WireRequest) -> WireAnswer {
        let state = self.state.load().now_or_never().expect("it is in memory").expect("it loads");
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        model.serve(request, &state)
    }

    async fn exchange(&self, request: WireRequest) -> Result<WireAnswer, ClientError> {
        self.fate.moment().await;
        let (trouble, delay) = self.trouble();
        self.fate.note(format!("{} {} {trouble:?}", request.method, request.path));
        tokio::time::sleep(delay).await;
        match trouble {
            Trouble::NotSent => return Err(ClientError::NotSent { source: "refused".into() }),
            Trouble::RequestLost => return self.timed_out().await,
            Trouble::Refused(status) => {
                let retry_after = (status == 429).then_some(2);
                return Ok(WireAnswer { status, retry_after, body: b"{}".to_vec() });
            }
            Trouble::FailedBefore => return Ok(failed()),
            _ => {}
        }
        let answer = self.serve(&request);
        self.fate.moment().await;
        match trouble {
            Trouble::AnswerLost => self.timed_out().await,
            Trouble::CutOff => Err(ClientError::Interrupted { source: "reset".into() }),
            Trouble::Garbled => Ok(WireAnswer { body: b"<html>".to_vec(), ..answer }),
            Trouble::FailedAfter => Ok(failed()),
            _ => Ok(answer),
        }
    }

    async fn timed_out(&self) -> Result<WireAnswer, ClientError> {
        let limit = Duration::from_secs(60);
        tokio::time::sleep(limit).await;
        Err(ClientError::TimedOut { limit })
    }
}

fn failed() -> WireAnswer {
    WireAnswer { status: 500, retry_after: None, body: b"{}".to_vec() }
}

impl Wire for Network {
    fn carry(&self, request: WireRequest) -> Carried<'_> {
        Box::pin(self.exchange(request))
    }
}

/// Storage that breaks, loses its lock, or is the last thing that a process did.
#[derive(Debug)]
pub(super) struct Storage {
    pub(super) inner: Arc<MemoryBackend>,
    pub(super) fate: Arc<Fate>,
}

#[async_trait]
impl StateBackend for Storage {
    fn location(&self) -> String {
        self.inner.location()
    }

    async fn load(&self) -> Result<State, StateError> {
        self.inner.load().await
    }

    async fn verify(&self, extent: Extent) -> Result<(), StateError> {
        self.inner.verify(extent).await
    }

    async fn lock(&self, claim: &Claim) -> Result<Lock, StateError> {
        self.inner.lock(claim).await
    }

    async fn renew(&self, lock: &Lock, lease: Duration) -> Result<(), StateError> {
        self.inner.renew(lock, lease).await
    }

    async fn unlock(&self, lock: &Lock) -> Result<(), StateError> {
        self.inner.unlock(lock).await
    }

    async fn told(&self) -> Result<std::collections::BTreeMap<String, u64>, StateError> {
        self.inner.told().await
    }

    async fn tell(&self, listener: &str, sequence: u64) -> Result<(), StateError> {
        self.inner.tell(listener, sequence).await
    }

    async fn lock_holder(&self) -> Result<Option<LockInfo>, StateError> {
        self.inner.lock_holder().await
    }

    async fn commit(&self, lock: &Lock, changes: Vec<Change>) -> Result<u64, StateError> {
        let (fate, location) = (&self.fate, self.location());
        fate.moment().await;
        let broken = matches!(fate.end, End::StorageBreaks | End::LockLost) && fate.has_come();
        if broken && fate.end == End::LockLost {
            return Err(StateError::LockLost { location });
        }
        // It may have been written all the same.
        if !broken || fate.random().chance(50) {
            for change in &changes {
                fate.note(format!("commit {} {}", change.subject(), change.what));
            }
            let serial = self.inner.commit(lock, changes).await?;
            fate.moment().await;
            if !broken {
                return Ok(serial);
            }
        }
        Err(StateError::Busy { location })
    }

    async fn journal(&self, after: u64, limit: usize) -> Result<Vec<Entry>, StateError> {
        self.inner.journal(after, limit).await
    }

    async fn history(
        &self,
        reference: &InstanceRef,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, StateError> {
        self.inner.history(reference, after, limit).await
    }

    async fn compact(&self, lock: &Lock, kept: usize) -> Result<Option<Revision>, StateError> {
        self.inner.compact(lock, kept).await
    }

    async fn revisions(&self) -> Result<Vec<Revision>, StateError> {
        self.inner.revisions().await
    }

    async fn revision(&self, serial: u64) -> Result<Option<Snapshot>, StateError> {
        self.inner.revision(serial).await
    }

    async fn force_unlock(&self, id: uuid::Uuid) -> Result<LockInfo, StateError> {
        self.inner.force_unlock(id).await
    }
}
