//! Removing our own secrets, and no others.

use serde::{Deserialize, Serialize};

use super::{
    super::{
        client::CallError,
        recorded::{self, at, next},
    },
    LISTING, LOOK_AGAIN, REMOVE, Secrets, refused,
    set::Known,
};
use crate::providers::{Progress, ProviderError, Step};

/// What is to be removed: the data of the checkpoint before it.
#[derive(Serialize, Deserialize)]
struct Removal {
    script: String,
    names: Vec<String>,
}

impl Secrets {
    /// Looks which of ours are there. Without memory of any, none was ever written.
    pub(super) async fn begin_removal(&self, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        let left: Option<Known> = recorded::left_over(step.checkpoint);
        let is_certain = left.is_none();
        let Some(known) = Known::taken_up(recorded::remembered(step.instance.record.as_ref()), left) else {
            return Ok(Progress::Done(()));
        };
        match self.look(&known).await? {
            Some(removal) => next(REMOVE, &removal),
            None if is_certain => Ok(Progress::Done(())),
            None => Ok(Progress::Pending {
                checkpoint: at(LOOK_AGAIN, &known)?,
                after: self.workers.client().call_timeout() * 2,
                description: "making sure that no secret arrives late".to_owned(),
            }),
        }
    }

    pub(super) async fn look_again(&self, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        match self.look(&recorded::data(step.checkpoint)?).await? {
            Some(removal) => next(REMOVE, &removal),
            None => Ok(Progress::Done(())),
        }
    }

    async fn look(&self, known: &Known) -> Result<Option<Removal>, ProviderError> {
        let names = match self.workers.names(&known.script).await {
            Ok(found) => known.present(&found.into_iter().collect()),
            Err(CallError::Missing { .. }) => Vec::new(),
            Err(error) => return Err(error.while_trying_to(LISTING)),
        };
        Ok((!names.is_empty()).then(|| Removal { script: known.script.clone(), names }))
    }

    /// Removes ours. That the Worker is gone is success: its secrets went with it.
    pub(super) async fn remove(&self, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        let Removal { script, names } = recorded::data(step.checkpoint)?;
        match self.workers.change(&script, names.iter().map(|name| (name.as_str(), None))).await {
            Ok(()) | Err(CallError::Missing { .. }) => Ok(Progress::Done(())),
            Err(error) => Err(refused(error, &script, "remove the secrets from the Worker")),
        }
    }
}
