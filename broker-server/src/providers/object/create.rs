//! Making the object, once.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{ADOPT, CREATE, Failure, Kind, Known, Names, Object, SETTLE, Way};
use crate::providers::{
    Attempt, Progress, ProviderError, ProvisionedInstance, Refusal, Repeatability, Step, Usability,
    recorded::{self, at, next},
};

/// How many looks an object that exists is given to appear in the list.
const MAX_LOOKS: u32 = 60;

/// An object that exists and is not listed yet.
#[derive(Serialize, Deserialize)]
#[serde(bound(serialize = "M: Serialize", deserialize = "M: DeserializeOwned + Default"))]
struct Unlisted<M> {
    known: Known<M>,
    looks: u32,
}

impl<K: Kind> Object<K> {
    /// Decides the name. Nothing was created yet, unless earlier work left something: what has the name is foreign.
    pub(super) async fn begin_creation(
        &self,
        step: &Step<'_>,
        wanted: &K::Wanted,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let left_over: Option<Known<K::Memory>> = recorded::left_over(step.checkpoint);
        let is_first = left_over.is_none();
        let known = left_over.unwrap_or_else(|| Self::named(step, wanted));
        if known.id.is_some() {
            return self.pick_up(&known, wanted).await;
        }
        let found = self.kind.find(&known.name, wanted).await;
        match found.map_err(|error| error.while_trying_to(&Self::looking()))?.into_iter().next() {
            None => next(CREATE, &known),
            Some(_) if is_first => Err(Self::conflict(&known.name)),
            Some(id) => self.after_doubt(known.with_id(id)),
        }
    }

    /// An object of which only the name is decided.
    fn named(step: &Step<'_>, wanted: &K::Wanted) -> Known<K::Memory> {
        let name = K::name(step.instance, step.marker, wanted);
        Known { memory: K::memory(&name, wanted), name, id: None, adopted: false }
    }

    /// Goes on with the object of an earlier creation that failed; it may have been deleted since.
    async fn pick_up(
        &self,
        known: &Known<K::Memory>,
        wanted: &K::Wanted,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        match self.kind.read_itself(known.id::<K>()?, wanted).await {
            Ok(_) => self.after_doubt(known.clone()),
            Err(error) if error.is_missing() => {
                let (name, memory) = (known.name.clone(), K::memory(&known.name, wanted));
                next(CREATE, &Known { name, id: None, memory, adopted: false })
            }
            Err(error) => Err(error.while_trying_to(&Self::looking())),
        }
    }

    /// Creates the object. If an attempt is in doubt, what has the name is what that attempt made.
    pub(super) async fn create(
        &self,
        step: &Step<'_>,
        wanted: &K::Wanted,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let known: Known<K::Memory> = recorded::data(step.checkpoint)?;
        let is_in_doubt = step.attempt == Attempt::Again;
        if is_in_doubt {
            let found = self.kind.find(&known.name, wanted).await;
            let found = found.map_err(|error| error.while_trying_to(&Self::looking()))?;
            if let Some(id) = found.into_iter().next() {
                return self.after_doubt(known.with_id(id));
            }
        }
        match self.kind.create(&known.name, wanted).await {
            Ok(id) if is_in_doubt => self.after_doubt(known.with_id(id)),
            Ok(id) => Self::go_on(known.with_id(id)),
            Err(error) if error.is_taken() && is_in_doubt => next(ADOPT, &Unlisted { known, looks: 0 }),
            Err(error) if error.is_taken() => Err(Self::conflict(&known.name)),
            Err(error) => Err(error.while_trying_to(&format!("create the {}", K::NOUN))),
        }
    }

    /// Waits until the object that an attempt in doubt made is listed: lists lag behind.
    pub(super) async fn adopt(
        &self,
        step: &Step<'_>,
        wanted: &K::Wanted,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let Unlisted { known, looks } = recorded::data(step.checkpoint)?;
        let found = self.kind.find(&known.name, wanted).await;
        match found.map_err(|error| error.while_trying_to(&Self::looking()))?.into_iter().next() {
            Some(id) => self.after_doubt(known.with_id(id)),
            None if looks >= MAX_LOOKS => Err(ProviderError::Failed {
                description: format!(
                    "{} says that the {} {} exists, but does not list it; delete the instance and create it again",
                    K::Client::VENDOR,
                    K::NOUN,
                    known.name
                ),
                usable: Usability::Unusable,
                repeat: Repeatability::Repeatable,
            }),
            None => Progress::pending(
                ADOPT,
                &Unlisted { known, looks: looks + 1 },
                self.kind.client().poll_interval(),
                format!("waiting until {} lists the {} that was created", K::Client::VENDOR, K::NOUN),
            ),
        }
    }

    /// An attempt is in doubt. Where names are not unique, it may yet arrive and make a twin.
    fn after_doubt(&self, known: Known<K::Memory>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        if K::NAMES == Names::Unique {
            return Self::go_on(known);
        }
        Ok(Progress::Pending {
            checkpoint: at(SETTLE, &known)?,
            after: self.kind.client().call_timeout() * 2,
            description: format!("making sure that no second {} arrives late", K::NOUN),
        })
    }

    /// Deletes one object that has the name and is not the one we know, until there is none.
    pub(super) async fn settle(
        &self,
        step: &Step<'_>,
        wanted: &K::Wanted,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let known: Known<K::Memory> = recorded::data(step.checkpoint)?;
        let found = self.kind.find(&known.name, wanted).await;
        let found = found.map_err(|error| error.while_trying_to(&Self::looking()))?;
        let Some(twin) = found.into_iter().find(|id| known.id.as_ref() != Some(id)) else {
            return Self::go_on(known);
        };
        match self.kind.delete(&twin, wanted).await {
            Err(error) if !error.is_gone() => {
                Err(error.while_trying_to(&format!("delete a second {} of the instance", K::NOUN)))
            }
            _ => next(SETTLE, &known),
        }
    }

    /// An object that is not ours is in the way.
    fn conflict(name: &str) -> ProviderError {
        ProviderError::refused(
            Refusal::Conflict,
            format!(
                "a {} named {name} exists already and was not made by this instance; it is left alone",
                K::NOUN
            ),
        )
    }
}
