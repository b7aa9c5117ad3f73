//! Keeps the lock while a plan is carried out.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::shared::Shared;
use crate::state::StateError;

/// Renews the lock until it is lost, and then ends the run.
pub(super) async fn keep(shared: Arc<Shared>) -> StateError {
    let context = &shared.context;
    let lease = context.options.lease;
    let interval = (lease / 3).max(Duration::from_millis(10));
    let mut expires = Instant::now() + lease;
    loop {
        tokio::time::sleep(interval).await;
        match context.backend.renew(&context.lock, lease).await {
            Ok(()) => expires = Instant::now() + lease,
            // Storage may recover while the lease lasts; afterwards somebody else may write.
            Err(StateError::Busy { .. } | StateError::Storage { .. }) if Instant::now() < expires => {}
            Err(error) => {
                tracing::error!(%error, "the lock cannot be kept");
                shared.halt();
                return error;
            }
        }
    }
}
