//! Automatic renewal: the only thing about a registration that can be changed.

use serde::{Deserialize, Serialize};

use super::{CHECK, Registrar, Registration, SET, registrar::Registered, unclear, watch::Known};
use crate::providers::{Progress, ProviderError, ProvisionedInstance, Repeatability, Step, Usability};

/// How many looks a change is given to come about.
const MAX_LOOKS: u32 = 120;

type Set = Result<Progress<ProvisionedInstance>, ProviderError>;

/// A change on its way.
#[derive(Serialize, Deserialize)]
pub(super) struct Changing {
    #[serde(flatten)]
    pub(super) known: Known,
    #[serde(default)]
    pub(super) looks: u32,
}

impl<R: Registrar> Registration<R> {
    /// Looks first, and changes only what differs.
    pub(super) async fn begin_update(&self, step: &Step<'_>, on: bool) -> Set {
        let known = Self::remembered(step.instance)?;
        match self.surely(&known.domain).await? {
            Some(found) if known.is(&found) => self.with_renewal(known, &found, on).await,
            Some(_) => {
                Err(ProviderError::failed(format!("{} was registered anew by somebody else", known.domain)))
            }
            None => Err(gone(&known)),
        }
    }

    /// Done, if it renews itself or not as it should.
    pub(super) async fn with_renewal(&self, known: Known, found: &Registered, on: bool) -> Set {
        if found.renews_itself == on {
            return self.done(&known, found).await;
        }
        // what has been seen is remembered from here on
        Progress::next(SET, &Known { identity: Some(found.identity.clone()), ..known })
    }

    pub(super) async fn set(&self, step: &Step<'_>, on: bool) -> Set {
        let known: Known = step.data()?;
        self.registrar.renew_itself(&known.domain, on).await.map_err(kept)?;
        Progress::next(CHECK, &Changing { known, looks: 0 })
    }

    pub(super) async fn check_renewal(&self, step: &Step<'_>, on: bool) -> Set {
        let Changing { known, looks } = step.data()?;
        match self.registrar.registration(&known.domain).await.map_err(unclear)? {
            Some(found) if found.renews_itself == on => self.done(&known, &found).await,
            None => Err(gone(&known)),
            Some(_) if looks >= MAX_LOOKS => Err(not_kept(&known)),
            Some(_) => {
                let description =
                    format!("waiting until the registrar has changed the renewal of {}", known.domain);
                let after = self.registrar.poll_interval();
                Progress::pending(CHECK, &Changing { known, looks: looks + 1 }, after, description)
            }
        }
    }
}

/// The registrar says yes each time, and shows something else afterwards.
pub(super) fn not_kept(known: &Known) -> ProviderError {
    ProviderError::Failed {
        description: format!(
            "the registrar does not change the renewal of {}; look at its dashboard",
            known.domain
        ),
        usable: Usability::Usable,
        repeat: Repeatability::Repeatable,
    }
}

fn gone(known: &Known) -> ProviderError {
    ProviderError::failed(format!("{} is not registered in this account any more", known.domain))
}

/// The domain is there, whatever becomes of its renewal.
fn kept(error: ProviderError) -> ProviderError {
    match error {
        ProviderError::Refused { description, .. } => ProviderError::Failed {
            description,
            usable: Usability::Usable,
            repeat: Repeatability::Repeatable,
        },
        other => other,
    }
}
