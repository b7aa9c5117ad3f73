//! Making the database, once: its name is unique in the account and derived from the marker.

use serde::{Deserialize, Serialize};

use super::{
    super::{
        client::CallError,
        recorded::{self, at, next},
    },
    ADOPT, CREATE, D1, Goal, Known, conflict,
};
use crate::{
    faults,
    providers::{Attempt, Progress, ProviderError, ProvisionedInstance, Repeatability, Step, Usability},
};

/// How many looks a database that exists is given to appear in the list.
const MAX_LOOKS: u32 = 60;

/// A database that exists and is not listed yet.
#[derive(Serialize, Deserialize)]
struct Unlisted {
    #[serde(flatten)]
    known: Known,
    looks: u32,
}

impl D1 {
    /// Decides the name. Nothing was created yet, unless earlier work left something: what has the name is foreign.
    pub(super) async fn begin_creation(
        &self,
        step: &Step<'_>,
        goal: &Goal,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let left_over: Option<Known> = recorded::left_over(step.checkpoint);
        if let Some(known) = &left_over
            && known.database_id.is_some()
        {
            return self.pick_up(known, goal).await;
        }
        let known = left_over.clone().unwrap_or_else(|| Known::named(Self::name(step.instance, step.marker)));
        let found = self.databases.named(&known.database_name).await;
        match found.map_err(|error| error.while_trying_to("look for the database"))? {
            None => next(CREATE, &known),
            Some(found) if left_over.is_some() || faults::mutant("foreign_adopted") => {
                self.after_creation(Known { database_id: Some(found.uuid), ..known }, goal)
            }
            Some(_) => Err(conflict(&known.database_name)),
        }
    }

    /// Goes on with the database of an earlier creation that failed; it may have been deleted since.
    async fn pick_up(
        &self,
        known: &Known,
        goal: &Goal,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        match self.databases.read(known.id()?).await {
            Ok(_) => {
                known.check_history(&goal.wanted).map_err(|problem| ProviderError::Failed {
                    description: problem,
                    usable: Usability::Usable,
                    repeat: Repeatability::Pointless,
                })?;
                self.after_creation(known.clone(), goal)
            }
            Err(CallError::Missing { .. }) => next(CREATE, &Known::named(known.database_name.clone())),
            Err(error) => Err(error.while_trying_to("look for the database")),
        }
    }

    /// Creates the database. If an attempt is in doubt, what has the name is what that attempt made.
    pub(super) async fn create(
        &self,
        step: &Step<'_>,
        goal: &Goal,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let known: Known = recorded::data(step.checkpoint)?;
        let name = &known.database_name;
        let is_in_doubt = step.attempt == Attempt::Again;
        if is_in_doubt {
            let found = self.databases.named(name).await;
            if let Some(found) = found.map_err(|error| error.while_trying_to("look for the database"))? {
                return self.after_creation(Known { database_id: Some(found.uuid), ..known }, goal);
            }
        }
        match self.databases.create(name, &goal.wanted).await {
            Ok(made) => self.after_creation(Known { database_id: Some(made.uuid), ..known }, goal),
            Err(CallError::Exists { .. }) if is_in_doubt => next(ADOPT, &Unlisted { known, looks: 0 }),
            Err(CallError::Exists { .. }) => Err(conflict(name)),
            Err(error) => Err(error.while_trying_to("create the database")),
        }
    }

    /// Waits until the database that an attempt in doubt made is listed: lists lag behind.
    pub(super) async fn adopt(
        &self,
        step: &Step<'_>,
        goal: &Goal,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let Unlisted { known, looks } = recorded::data(step.checkpoint)?;
        let found = self.databases.named(&known.database_name).await;
        match found.map_err(|error| error.while_trying_to("look for the database"))? {
            Some(found) => self.after_creation(Known { database_id: Some(found.uuid), ..known }, goal),
            None if looks >= MAX_LOOKS => Err(ProviderError::Failed {
                description: format!(
                    "Cloudflare says that the database {} exists, but does not list it; delete the instance and \
                     create it again",
                    known.database_name
                ),
                usable: Usability::Unusable,
                repeat: Repeatability::Repeatable,
            }),
            None => Ok(Progress::Pending {
                checkpoint: at(ADOPT, &Unlisted { known, looks: looks + 1 })?,
                after: self.databases.client().poll_interval(),
                description: "waiting until Cloudflare lists the database that was created".to_owned(),
            }),
        }
    }
}
