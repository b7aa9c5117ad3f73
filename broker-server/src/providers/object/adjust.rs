//! From an object that exists to one as it is wanted: one change at a time, each after a look.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{ADJUST, Failed, Failure, Kind, Known, Next, Object, Way};
use crate::providers::{
    Progress, ProviderError, ProvisionedInstance, Repeatability, Step, Usability,
    recorded::{self, next},
};

/// More changes than any object needs: behind them, the vendor does not keep what it is told.
const MAX_CHANGES: u32 = 100;
/// How many looks a new object is given to be seen.
const MAX_LOOKS: u32 = 10;

/// An object on its way.
#[derive(Serialize, Deserialize)]
#[serde(bound(serialize = "M: Serialize", deserialize = "M: DeserializeOwned + Default"))]
struct Adjusting<M> {
    #[serde(flatten)]
    known: Known<M>,
    #[serde(default)]
    changes: u32,
    #[serde(default)]
    looks: u32,
}

impl<K: Kind> Object<K> {
    /// The object is there.
    pub(super) fn go_on(known: Known<K::Memory>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        known.id::<K>()?;
        next(ADJUST, &Adjusting { known, changes: 0, looks: 0 })
    }

    /// Looks at the object, and makes the first change that is missing.
    pub(super) async fn adjust(
        &self,
        step: &Step<'_>,
        wanted: &K::Wanted,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let Adjusting { known, changes, looks } = recorded::data(step.checkpoint)?;
        let id = known.id::<K>()?;
        let found = match self.kind.read_for_next(id, &known.memory, wanted).await {
            Ok(found) => found,
            // what was just made is not seen everywhere at once
            Err(error) if error.is_missing() && step.instance.record.is_none() && looks < MAX_LOOKS => {
                return Progress::pending(
                    ADJUST,
                    &Adjusting { known, changes, looks: looks + 1 },
                    self.kind.client().poll_interval(),
                    format!("waiting until {} shows the {} that was created", K::Client::VENDOR, K::NOUN),
                );
            }
            Err(error) if error.is_missing() => return Err(Self::gone()),
            Err(error) => return Err(error.while_trying_to(&format!("look at the {}", K::NOUN))),
        };
        match K::next(&known, &found, wanted) {
            Next::Done => self.done(&known, &found, wanted, step),
            Next::Remember(memory) => {
                next(ADJUST, &Adjusting { known: known.with_memory(memory), changes, looks })
            }
            Next::Change(change, _) if changes >= MAX_CHANGES => Err(Self::stubborn(&change)),
            Next::Change(change, memory) => {
                let changed = self.kind.change(id, &change, wanted).await;
                changed.map_err(|error| Self::failed(error, &K::doing(&change)))?;
                next(ADJUST, &Adjusting { known: known.with_memory(memory), changes: changes + 1, looks })
            }
            Next::Wait(memory, description) => {
                let after = self.kind.client().poll_interval().saturating_mul(K::patience(&memory));
                let waiting = Adjusting { known: known.with_memory(memory), changes, looks };
                Progress::pending(ADJUST, &waiting, after, description)
            }
            // what was finished before and cannot be changed can still be used
            Next::Failed(description) if step.instance.record.is_some() => Err(ProviderError::Failed {
                description,
                usable: Usability::Usable,
                repeat: Repeatability::Repeatable,
            }),
            Next::Failed(description) => Err(ProviderError::failed(description)),
        }
    }

    pub(crate) fn done(
        &self,
        known: &Known<K::Memory>,
        found: &K::Found,
        wanted: &K::Wanted,
        step: &Step<'_>,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let page = self.kind.dashboard(known.id.as_deref(), step.marker);
        let remembered = known.with_memory(K::afresh(&known.memory));
        let mut done = ProvisionedInstance::of(&remembered)?.dashboard_url(page);
        done.attributes = self.kind.attributes(known, found, wanted);
        Ok(Progress::Done(done))
    }

    /// A change was not made.
    fn failed(error: Failed<K>, doing: &str) -> ProviderError {
        if error.is_missing() { Self::gone() } else { error.while_completing(doing) }
    }

    fn gone() -> ProviderError {
        ProviderError::failed(format!("the {} is gone; delete the instance and create it again", K::NOUN))
    }

    /// The vendor says yes each time, and shows something else afterwards.
    fn stubborn(change: &K::Change) -> ProviderError {
        ProviderError::Failed {
            description: format!("could not {}: {} does not keep it", K::doing(change), K::Client::VENDOR),
            usable: Usability::Usable,
            repeat: Repeatability::Repeatable,
        }
    }
}
