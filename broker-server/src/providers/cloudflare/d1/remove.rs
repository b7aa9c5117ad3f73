//! Deleting the database, and only ours.

use super::{
    super::{
        client::CallError,
        recorded::{self, at, next},
    },
    D1, DELETE, Known, LOOK_AGAIN,
};
use crate::providers::{Progress, ProviderError, Step};

impl D1 {
    /// Finds the database. Without memory of it, none was ever made. An id that leads to a name without our mark is not
    /// followed; a name is followed only when its creation was begun and never answered.
    pub(super) async fn begin_deletion(&self, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        let Some(known) = recorded::known::<Known>(step.instance, step.checkpoint) else {
            return Ok(Progress::Done(()));
        };
        if known.database_id.is_none() {
            return match self.look(&known).await? {
                Some(known) => next(DELETE, &known),
                None => Ok(Progress::Pending {
                    checkpoint: at(LOOK_AGAIN, &known)?,
                    after: self.databases.client().call_timeout() * 2,
                    description: "making sure that no database arrives late".to_owned(),
                }),
            };
        }
        match self.databases.read(known.id()?).await {
            Ok(found) if known.adopted || Self::is_ours(&found.name, step.marker) => next(DELETE, &known),
            Ok(_) | Err(CallError::Missing { .. }) => Ok(Progress::Done(())),
            Err(error) => Err(error.while_trying_to(LOOKING)),
        }
    }

    /// Deletes it. That it is not there is success.
    pub(super) async fn delete(&self, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        let known: Known = recorded::data(step.checkpoint)?;
        match self.databases.delete(known.id()?).await {
            Ok(()) => Ok(Progress::Done(())),
            Err(error) if error.is_gone() => Ok(Progress::Done(())),
            Err(error) => Err(error.while_trying_to("delete the database")),
        }
    }

    /// The creation that nobody answered may have arrived after the first look.
    pub(super) async fn look_again(&self, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        match self.look(&recorded::data(step.checkpoint)?).await? {
            Some(known) => next(DELETE, &known),
            None => Ok(Progress::Done(())),
        }
    }

    async fn look(&self, known: &Known) -> Result<Option<Known>, ProviderError> {
        let found = self.databases.named(&known.database_name).await;
        let found = found.map_err(|error| error.while_trying_to(LOOKING))?;
        Ok(found.map(|found| Known { database_id: Some(found.uuid), ..known.clone() }))
    }
}

const LOOKING: &str = "look for the database";
