//! Mailboxes and their passwords, made once and deleted for sure.
//!
//! ```text
//! provision: begin ──▶ create ──▶ resize ──▶ done        update: begin ──▶ resize ──▶ done
//! bind:      begin ──▶ mint ──▶ done                     in doubt: mint ──▶ sweep ──▶ mint
//! unbind, deprovision: begin ──▶ delete ──▶ done
//! ```

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sutler_broker_server::providers::*;
use sutler_catalog::Offering;

use crate::{
    offering::{Access, Mailbox, offering},
    vendor::{Acme, Password, Shown, Trouble},
};

const CREATE: &str = "create";
const RESIZE: &str = "resize";
const MINT: &str = "mint";
const SWEEP: &str = "sweep";
const DELETE: &str = "delete";

/// The longest name that ACME takes.
const NAME_LENGTH: usize = 63;

/// Provides `acme-mailbox`.
#[derive(Debug)]
pub struct Mailboxes {
    /// The vendor.
    pub acme: Acme,
}

// ANCHOR: known
/// What is known of a mailbox: the data of every checkpoint, and the record in the end.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Known {
    /// Decided before it is made, and never again: people may rename the instance.
    name: String,
    /// ACME's id, once ACME has said it.
    id: Option<u64>,
}

/// What is to be deleted.
#[derive(Debug, Serialize, Deserialize)]
struct Doomed {
    id: u64,
}
// ANCHOR_END: known

impl Known {
    fn with(self, found: &Shown) -> Self {
        Self { id: Some(found.id), ..self }
    }

    fn id(&self) -> Result<u64, ProviderError> {
        self.id.ok_or_else(|| ProviderError::failed("the mailbox was never made"))
    }
}

/// What is known of an instance that is there.
fn present(instance: &InstanceFacts) -> Result<Known, ProviderError> {
    instance.record().ok_or_else(|| ProviderError::failed("the mailbox was never made"))
}

// ANCHOR: create
impl Mailboxes {
    /// Reads only. Nothing was made yet, unless an earlier creation left something: what has the name is foreign.
    async fn begin(&self, step: &Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let left_over: Option<Known> = step.left_over();
        let is_first = left_over.is_none();
        let name = step.marker.name(step.instance.name.as_deref(), NAME_LENGTH);
        let known = left_over.unwrap_or(Known { name, id: None });
        match self.acme.named(&known.name).await? {
            None => Progress::next(CREATE, &Known { id: None, ..known }),
            Some(_) if is_first => Err(Trouble::Taken.into()),
            Some(found) => Progress::next(RESIZE, &known.with(&found)),
        }
    }

    /// One changing call. In doubt, what has the name is what the earlier attempt made.
    async fn create(&self, step: &Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let known: Known = step.data()?;
        if step.attempt == Attempt::Again
            && let Some(found) = self.acme.named(&known.name).await?
        {
            return Progress::next(RESIZE, &known.with(&found));
        }
        let wanted: Mailbox = step.parameters()?;
        let made = self.acme.create(&known.name, wanted.region).await?;
        Progress::next(RESIZE, &known.with(&made))
    }

    /// One changing call, which may be repeated as it is.
    async fn resize(
        &self,
        known: Known,
        wanted: &Mailbox,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let shown = self.acme.resize(known.id()?, wanted.quota).await?;
        Ok(Progress::Done(
            ProvisionedInstance::of(&known)?
                .attribute("address", address(&known))
                .attribute("quota", shown.quota),
        ))
    }
}
// ANCHOR_END: create

fn address(known: &Known) -> String {
    format!("{}@acme.example", known.name)
}

// ANCHOR: bind
impl Mailboxes {
    /// The password that carries the binding's mark.
    async fn marked_password(&self, marker: &Marker) -> Result<Option<Password>, ProviderError> {
        let label = marker.hex(32);
        Ok(self.acme.passwords().await?.into_iter().find(|password| password.label == label))
    }

    /// One changing call. In doubt, what an earlier attempt made is of no use: its value was shown once, to nobody.
    async fn mint(&self, step: &Step<'_>) -> Result<Progress<CreatedBinding>, ProviderError> {
        if step.attempt == Attempt::Again
            && let Some(lost) = self.marked_password(step.marker).await?
        {
            return Progress::next(SWEEP, &Doomed { id: lost.id });
        }
        let known = present(step.instance)?;
        let made = self.acme.mint(known.id()?, &step.marker.hex(32)).await?;
        let password = made.value.ok_or_else(|| ProviderError::failed("ACME did not show the password"))?;
        let access = Access { address: address(&known), password };
        Ok(Progress::Done(CreatedBinding::of(&Doomed { id: made.id }, &access)?))
    }

    async fn sweep(&self, step: &Step<'_>) -> Result<Progress<CreatedBinding>, ProviderError> {
        let Doomed { id } = step.data()?;
        gone(self.acme.revoke(id).await)?;
        Progress::next(MINT, &())
    }
}

/// Deleting what is not there is success.
fn gone(deleted: Result<(), Trouble>) -> Result<(), ProviderError> {
    match deleted {
        Ok(()) | Err(Trouble::Missing) => Ok(()),
        Err(trouble) => Err(trouble.into()),
    }
}
// ANCHOR_END: bind

// ANCHOR: provider
#[async_trait]
impl Provider for Mailboxes {
    fn offering(&self) -> Offering {
        offering()
    }

    fn recovery(&self, _work: Work, step: &StepName) -> RecoveryClass {
        match step {
            BEGIN => RecoveryClass::ReadOnly,
            CREATE => RecoveryClass::UniqueName,
            MINT => RecoveryClass::ShownOnce,
            _ => RecoveryClass::Repeatable,
        }
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        match step.name() {
            BEGIN => self.begin(&step).await,
            CREATE => self.create(&step).await,
            RESIZE => self.resize(step.data()?, &step.parameters()?).await,
            _ => Err(step.unknown()),
        }
    }

    async fn update(
        &self,
        step: Step<'_>,
        change: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        match step.name() {
            BEGIN => Progress::next(RESIZE, &present(step.instance)?),
            RESIZE => self.resize(step.data()?, &change.parameters()?).await,
            _ => Err(step.unknown()),
        }
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        if step.name() == DELETE {
            gone(self.acme.delete(step.data::<Doomed>()?.id).await)?;
            return Ok(Progress::Done(()));
        }
        // without memory of it, nothing was ever made
        let Some(known) = step.known::<Known>() else { return Ok(Progress::Done(())) };
        match self.acme.named(&known.name).await? {
            Some(found) => Progress::next(DELETE, &Doomed { id: found.id }),
            None => Ok(Progress::Done(())),
        }
    }

    async fn bind(
        &self,
        step: Step<'_>,
        _: &BindingFacts,
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        match step.name() {
            // after a bind that failed, what it left is swept first
            BEGIN => match self.marked_password(step.marker).await? {
                Some(lost) => Progress::next(SWEEP, &Doomed { id: lost.id }),
                None => Progress::next(MINT, &()),
            },
            MINT => self.mint(&step).await,
            SWEEP => self.sweep(&step).await,
            _ => Err(step.unknown()),
        }
    }

    async fn unbind(&self, step: Step<'_>, _: &BindingFacts) -> Result<Progress<()>, ProviderError> {
        if step.name() == DELETE {
            gone(self.acme.revoke(step.data::<Doomed>()?.id).await)?;
            return Ok(Progress::Done(()));
        }
        match self.marked_password(step.marker).await? {
            Some(found) => Progress::next(DELETE, &Doomed { id: found.id }),
            None => Ok(Progress::Done(())),
        }
    }

    async fn fetch(&self, instance: &InstanceFacts, _: &Marker) -> Result<Observation, ProviderError> {
        let (known, wanted): (Known, Mailbox) = (present(instance)?, instance.parameters()?);
        match self.acme.read(known.id()?).await {
            Ok(found) => {
                let attributes = ProvisionedInstance::of(&known)?
                    .attribute("address", address(&known))
                    .attribute("quota", found.quota)
                    .attributes;
                Ok(Observation::Found { attributes, drift: drift(&wanted, &found) })
            }
            Err(Trouble::Missing) => Ok(Observation::Gone),
            Err(trouble) => Err(trouble.into()),
        }
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        let marked = |shown: Shown| {
            let (_, mark) = shown.name.rsplit_once('-').filter(|(_, mark)| mark.len() >= 24)?;
            Some(MarkedObject { id: shown.id.to_string(), mark: mark.to_owned(), name: shown.name })
        };
        let objects = self.acme.mailboxes().await?.into_iter().filter_map(marked).collect();
        Ok(Listing::Objects { bearers: Bearers::Instances, objects })
    }
}
// ANCHOR_END: provider

fn drift(wanted: &Mailbox, found: &Shown) -> Vec<FieldDrift> {
    if wanted.quota == found.quota {
        return Vec::new();
    }
    vec![FieldDrift { field: "quota".to_owned(), wanted: wanted.quota.into(), found: found.quota.into() }]
}
