//! How a command that writes begins: load, check the key, lock, check everything, load again under the lock.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sutler_secrets::Created;
use tokio::time::{Instant, sleep_until};

use super::backend::{Extent, State, StateBackend};
use super::error::StateError;
use super::lock::{Claim, Holder, Lock, LockInfo};
use super::revision::KEPT;
use super::seal::Vault;
use crate::faults;

/// Between two attempts to take a lock that somebody else holds.
const RETRY: Duration = Duration::from_millis(200);
/// Somebody else may create the state, or replace it, between our reading and our locking.
const ATTEMPTS: u32 = 8;

/// Whom to tell that a lock is waited for, and who holds it: once for each holder.
#[derive(Clone)]
pub struct Notice(Arc<dyn Fn(&LockInfo) + Send + Sync>);

impl Notice {
    /// Tells it to this.
    pub fn new(tell: impl Fn(&LockInfo) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Tells nobody.
    #[must_use]
    pub fn none() -> Self {
        Self::new(|_| {})
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notice")
    }
}

/// What a command needs to say before it may write.
#[derive(Debug, Clone)]
pub struct Begin {
    /// The key ring's file.
    pub keys: PathBuf,
    /// Who we are, and what for.
    pub holder: Holder,
    /// How long the lock lasts unless renewed.
    pub lease: Duration,
    /// How long to wait for somebody else's lock.
    pub patience: Duration,
    /// Whom to tell while waiting.
    pub notice: Notice,
}

/// The right to write, and what there is.
#[derive(Debug)]
pub struct Session {
    /// Where it is kept.
    pub backend: Arc<dyn StateBackend>,
    /// The lock in hand. Give it back with [`end`](Self::end).
    pub lock: Arc<Lock>,
    /// How long the lock lasts unless renewed.
    pub lease: Duration,
    /// Everything recorded, read under the lock.
    pub state: State,
    /// The keys.
    pub vault: Vault,
    /// Whether the key ring was made just now.
    pub keys: Created,
}

/// Begins to write. When it returns an error, nothing was changed and no lock is held.
///
/// # Errors
/// As [`StateBackend::load`], [`Vault::open`] and [`StateBackend::lock`].
pub async fn begin(backend: Arc<dyn StateBackend>, begin: Begin) -> Result<Session, StateError> {
    let deadline = Instant::now() + begin.patience;
    let location = backend.location();
    let mut attempts = 0;
    loop {
        backend.verify(Extent::SinceRevision).await?;
        let state = backend.load().await?;
        let (vault, keys) = Vault::open(&begin.keys, &state, &location)?;
        let claim = Claim { holder: begin.holder.clone(), lease: begin.lease, seed: vault.seed() };
        let lock = match take(backend.as_ref(), &claim, (deadline, &begin.notice)).await {
            Err(StateError::Replaced { .. }) if attempts < ATTEMPTS => {
                attempts += 1;
                continue;
            }
            taken => taken?,
        };
        // A large state is not held twice.
        drop(state);
        return match backend.load().await {
            Ok(state) => {
                let (lock, lease) = (Arc::new(lock), begin.lease);
                Ok(Session { backend, lock, lease, state, vault, keys })
            }
            Err(error) => {
                let _ = backend.unlock(&lock).await;
                Err(error)
            }
        };
    }
}

/// Takes the lock, waiting for whoever holds it until the deadline.
pub(super) async fn take(
    backend: &dyn StateBackend,
    claim: &Claim,
    (deadline, notice): (Instant, &Notice),
) -> Result<Lock, StateError> {
    let mut told = None;
    loop {
        match backend.lock(claim).await {
            Err(StateError::Locked { holder, .. }) if Instant::now() < deadline => {
                if told.replace(holder.id) != Some(holder.id) {
                    (notice.0)(&holder);
                }
                sleep_until((Instant::now() + RETRY).min(deadline)).await;
            }
            // somebody is in the middle of a write, and slow at it
            Err(StateError::Busy { .. }) if Instant::now() < deadline => {
                sleep_until((Instant::now() + RETRY).min(deadline)).await;
            }
            taken => return taken,
        }
    }
}

impl Session {
    /// Makes a revision of what was changed, if anything was, and gives the lock back. A revision that cannot be made is
    /// made by the next run that changes something: nothing is lost without it.
    ///
    /// # Errors
    /// When storage fails; the lease then ends by itself.
    pub async fn end(self) -> Result<(), StateError> {
        faults::pass("O22-before").await;
        match self.backend.compact(&self.lock, KEPT).await {
            Ok(_) | Err(StateError::LockLost { .. }) => {}
            Err(error) => tracing::warn!(%error, "no revision was made of this run"),
        }
        faults::pass("O22-after").await;
        self.backend.unlock(&self.lock).await
    }
}
