//! Deleting the object, and only ours.

use serde::{Deserialize, Serialize};

use super::{DELETE, Failure, Kind, Known, LOOK_AGAIN, Names, Object, Way};
use crate::providers::{
    Progress, ProviderError, Refusal, Step,
    recorded::{self, at, next},
};

/// What is to be deleted: several where names are not unique and a creation is in doubt.
#[derive(Serialize, Deserialize)]
struct Doomed {
    ids: Vec<String>,
}

impl<K: Kind> Object<K> {
    /// Finds the object. Without memory of it, none was ever made. An id that leads to something without our mark is not
    /// followed; a name is followed only when its creation was begun and never answered.
    pub(super) async fn begin_deletion(
        &self,
        step: &Step<'_>,
        wanted: &K::Wanted,
    ) -> Result<Progress<()>, ProviderError> {
        let Some(known) = recorded::known::<Known<K::Memory>>(step.instance, step.checkpoint) else {
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
        match self.kind.read(known.id::<K>()?, wanted).await {
            Ok(found) if known.adopted || K::is_ours(&found, &known, step.marker) => {
                self.guard(&found, wanted).await?;
                self.with_twins(&known, wanted).await
            }
            Ok(_) => Ok(Progress::Done(())),
            Err(error) if error.is_missing() => Ok(Progress::Done(())),
            Err(error) => Err(error.while_trying_to(&Self::looking())),
        }
    }

    /// Refuses what must not be deleted.
    async fn guard(&self, found: &K::Found, wanted: &K::Wanted) -> Result<(), ProviderError> {
        let hindrance = self.kind.hindrance(found, wanted).await;
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
            match self.kind.read(id, wanted).await {
                Ok(found) => self.guard(&found, wanted).await?,
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
        if ids.is_empty() { Ok(Progress::Done(())) } else { next(DELETE, &Doomed { ids }) }
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
