//! A lock that is kept as long as it is needed.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Terms;
use crate::state::error::StateError;
use crate::state::lock::{Claim, Lock};
use crate::state::movable::{Identity, Movable};
use crate::state::session::take;

/// A lock in hand, renewed until it is given back. That it was lost shows at the next write, which changes nothing.
#[derive(Debug)]
pub(super) struct Held {
    place: Arc<dyn Movable>,
    pub(super) lock: Arc<Lock>,
    keeper: JoinHandle<()>,
}

impl Held {
    /// Takes the lock of a place that has a state, waiting for whoever holds it.
    pub(super) async fn take(
        place: &Arc<dyn Movable>,
        identity: &Identity,
        terms: &Terms,
    ) -> Result<Self, StateError> {
        let claim = Claim { holder: terms.holder.clone(), lease: terms.lease, seed: identity.seed() };
        let deadline = Instant::now() + terms.patience;
        let lock = Arc::new(take(&**place, &claim, (deadline, &terms.notice)).await?);
        let keeper = tokio::spawn(keep(Arc::clone(place), Arc::clone(&lock), terms.lease));
        Ok(Self { place: Arc::clone(place), lock, keeper })
    }

    /// Gives it back. If that fails, the lease ends by itself.
    pub(super) async fn give_back(self) {
        self.keeper.abort();
        if let Err(error) = self.place.unlock(&self.lock).await {
            tracing::warn!(%error, "the lock could not be given back; it ends by itself");
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Renews until the lock is lost.
async fn keep(place: Arc<dyn Movable>, lock: Arc<Lock>, lease: Duration) {
    let interval = (lease / 3).max(Duration::from_millis(10));
    loop {
        tokio::time::sleep(interval).await;
        // storage may recover, and a copy may be mended, while the lease lasts
        if let Err(error @ StateError::LockLost { .. }) = place.renew(&lock, lease).await {
            return tracing::error!(%error, "the lock cannot be kept");
        }
    }
}
