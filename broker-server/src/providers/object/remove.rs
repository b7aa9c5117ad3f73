//! Deleting the object, and only ours.

use serde::{Deserialize, Serialize};

use super::{CLEAR, Clearing, DELETE, Failure, Kind, Known, LOOK_AGAIN, Names, Object, Way};
use crate::providers::{
    Progress, ProviderError, Refusal, Repeatability, Step, Usability,
    recorded::{self, at, next},
};

/// What is to be deleted: several where names are not unique and a creation is in doubt.
#[derive(Serialize, Deserialize)]
struct Doomed {
    ids: Vec<String>,
}

/// What is to be deleted once nothing is in the way.
#[derive(Serialize, Deserialize)]
struct Cleared {
    ids: Vec<String>,
    /// What is known to be in the way of the last of them.
    present: Vec<String>,
    /// How much was taken away.
    removed: u32,
}

impl<K: Kind> Object<K> {
    /// Finds the object. Without memory of it, none was ever made. An id that leads to something without our mark is not
    /// followed; a name is followed only when its creation was begun and never answered.
    pub(super) async fn begin_deletion(
        &self,
        step: &Step<'_>,
        wanted: &K::Wanted,
    ) -> Result<Progress<()>, ProviderError> {
        let Some(known) = Self::known(step) else {
            return Ok(Progress::Done(()));
        };
        if known.id.is_none() {
            let ids = self.unguarded(&known, wanted).await?;
            if ids.is_empty() {
                return Ok(Progress::Pending {
                    checkpoint: at(LOOK_AGAIN, &known)?,
                    after: self.kind.client().call_timeout() * 2,
                    description: format!("making sure that no {} arrives late", K::NOUN),
                });
            }
            return Self::doom(ids);
        }
        match self.kind.read_itself(known.id::<K>()?, wanted).await {
            Ok(found) if known.adopted || K::is_ours(&found, &known, step.marker) => {
                self.guard(&known, &found, wanted).await?;
                self.with_twins(&known, wanted).await
            }
            Ok(_) => Ok(Progress::Done(())),
            Err(error) if error.is_missing() => Ok(Progress::Done(())),
            Err(error) => Err(error.while_trying_to(&Self::looking())),
        }
    }

    /// Refuses what must not be deleted.
    async fn guard(
        &self,
        known: &Known<K::Memory>,
        found: &K::Found,
        wanted: &K::Wanted,
    ) -> Result<(), ProviderError> {
        let hindrance = self.kind.hindrance(known, found, wanted).await;
        let looking = format!("see whether the {} may be deleted", K::NOUN);
        match hindrance.map_err(|error| error.while_trying_to(&looking))? {
            Some(reason) => Err(ProviderError::refused(Refusal::Protected, reason)),
            None => Ok(()),
        }
    }

    /// The objects that have the name, each of which may be deleted. What was only just made is empty: if one is not,
    /// somebody else may have been faster.
    async fn unguarded(
        &self,
        known: &Known<K::Memory>,
        wanted: &K::Wanted,
    ) -> Result<Vec<String>, ProviderError> {
        let ids = self.unanswered(known, wanted).await?;
        for id in &ids {
            match self.kind.read_itself(id, wanted).await {
                Ok(found) => self.guard(known, &found, wanted).await?,
                Err(error) if error.is_missing() => {}
                Err(error) => return Err(error.while_trying_to(&Self::looking())),
            }
        }
        Ok(ids)
    }

    /// What an answered creation made, and what attempts before it may have made.
    async fn with_twins(
        &self,
        known: &Known<K::Memory>,
        wanted: &K::Wanted,
    ) -> Result<Progress<()>, ProviderError> {
        let id = known.id::<K>()?.to_owned();
        // what has the same name as an adopted one is somebody else's
        if K::NAMES == Names::Unique || known.adopted {
            return Self::doom(vec![id]);
        }
        let mut ids = self.unanswered(known, wanted).await?;
        if !ids.contains(&id) {
            ids.push(id);
        }
        Self::doom(ids)
    }

    /// The objects that have the name.
    async fn unanswered(
        &self,
        known: &Known<K::Memory>,
        wanted: &K::Wanted,
    ) -> Result<Vec<String>, ProviderError> {
        let found = self.kind.find(&known.name, wanted).await;
        found.map_err(|error| error.while_trying_to(&Self::looking()))
    }

    fn doom(ids: Vec<String>) -> Result<Progress<()>, ProviderError> {
        match ids.is_empty() {
            true => Ok(Progress::Done(())),
            false if K::CLEARED => next(CLEAR, &Cleared { ids, present: Vec::new(), removed: 0 }),
            false => next(DELETE, &Doomed { ids }),
        }
    }

    /// Takes away one thing that is in the way.
    pub(super) async fn clear(
        &self,
        step: &Step<'_>,
        wanted: &K::Wanted,
    ) -> Result<Progress<()>, ProviderError> {
        let Cleared { ids, present, removed } = recorded::data(step.checkpoint)?;
        let Some(id) = ids.last() else { return Ok(Progress::Done(())) };
        match self.kind.clear(id, wanted, (present, removed)).await {
            Ok(Clearing::Removed(present)) => {
                next(CLEAR, &Cleared { ids, present, removed: removed.saturating_add(1) })
            }
            Ok(Clearing::TooMuch(description)) => Err(ProviderError::Failed {
                description,
                usable: Usability::Usable,
                repeat: Repeatability::Repeatable,
            }),
            Ok(Clearing::Nothing) => next(DELETE, &Doomed { ids }),
            Err(error) if error.is_missing() => next(DELETE, &Doomed { ids }),
            Err(error) => Err(error.while_trying_to(&format!("empty the {}", K::NOUN))),
        }
    }

    /// Deletes one. That it is not there is success.
    pub(super) async fn delete(
        &self,
        step: &Step<'_>,
        wanted: &K::Wanted,
    ) -> Result<Progress<()>, ProviderError> {
        let Doomed { mut ids } = recorded::data(step.checkpoint)?;
        if let Some(id) = ids.pop() {
            match self.kind.delete(&id, wanted).await {
                Err(error) if !error.is_gone() => {
                    return Err(error.while_trying_to(&format!("delete the {}", K::NOUN)));
                }
                _ => {}
            }
        }
        Self::doom(ids)
    }

    /// The creation that nobody answered may have arrived after the first look.
    pub(super) async fn look_again(
        &self,
        step: &Step<'_>,
        wanted: &K::Wanted,
    ) -> Result<Progress<()>, ProviderError> {
        let known = recorded::data(step.checkpoint)?;
        Self::doom(self.unguarded(&known, wanted).await?)
    }
}
