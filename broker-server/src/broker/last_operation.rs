//! Last operation: one indexed read, never a vendor call.

use std::time::Duration;

use sutler_spec::{LastOperation, LastOperationQuery, OperationState};

use tracing::error;

use super::{Broker, BrokerError, error::chain};
use crate::{
    config::DeletedLastOperation,
    operation::{OperationId, OperationStatus},
    providers::Work,
    store::Subject,
};

/// The answer to polling.
#[derive(Debug, Clone, PartialEq)]
pub enum Polled {
    /// 200.
    State {
        /// How the operation stands.
        last_operation: LastOperation,
        /// When to ask again, while it runs.
        retry_after: Option<Duration>,
    },
    /// 410: deleted, as was asked.
    Gone,
}

/// What is said while the store cannot be read.
fn unknown() -> Polled {
    let description = "The broker cannot tell at the moment how far this is.".to_owned();
    Polled::State {
        last_operation: LastOperation {
            state: OperationState::InProgress,
            description: Some(description),
            instance_usable: None,
            update_repeatable: None,
        },
        retry_after: Some(Duration::from_secs(10)),
    }
}

impl Broker {
    /// How the named operation, or the last one, stands. The hints are checked by nobody: the operation says it all.
    ///
    /// An operation we handed out is in progress as long as the store does not say otherwise: several platforms take any
    /// error here for the end of the work (quirk 10).
    ///
    /// # Errors
    /// When the resource was never seen, or is forgotten.
    pub async fn last_operation(
        &self,
        subject: &Subject,
        query: &LastOperationQuery,
    ) -> Result<Polled, BrokerError> {
        let named = query.operation.as_ref().map(|operation| OperationId::from(operation.as_str()));
        match (self.engine.store.status(subject, named.as_ref()).await, named) {
            (Ok(Some(status)), _) => Ok(self.polled(status)),
            (Ok(None), _) => Err(BrokerError::NotFound("There is no such operation.".to_owned())),
            (Err(problem), Some(operation)) => {
                error!(%operation, error = chain(&problem), "the store cannot say how an operation stands");
                Ok(unknown())
            }
            (Err(problem), None) => Err(problem.into()),
        }
    }

    fn polled(&self, status: OperationStatus) -> Polled {
        let deleted = matches!(status.work, Work::Deprovision | Work::Unbind);
        if deleted
            && status.state == OperationState::Succeeded
            && self.deleted_last_operation == DeletedLastOperation::Gone
        {
            return Polled::Gone;
        }
        let is_running = status.state == OperationState::InProgress;
        let retry_after = is_running.then(|| self.retry_after(&status));
        let last_operation = LastOperation {
            state: status.state,
            description: status.description.filter(|text| !text.is_empty()).or_else(|| {
                let text = match status.state {
                    OperationState::InProgress => "in progress",
                    OperationState::Succeeded => "done",
                    OperationState::Failed => "failed",
                };
                Some(format!("{}: {text}", status.work.as_str()))
            }),
            instance_usable: status.instance_usable,
            update_repeatable: status.update_repeatable,
        };
        Polled::State { last_operation, retry_after }
    }

    /// When something can have changed, by the engine's own schedule.
    fn retry_after(&self, status: &OperationStatus) -> Duration {
        self.engine.next_look(status)
    }
}
