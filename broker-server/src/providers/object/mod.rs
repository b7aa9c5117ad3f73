//! An object at a vendor that an instance is: made once, brought to what is wanted, deleted.
//!
//! ```text
//! provision:   begin ──▶ create ──▶ adjust ──▶ adjust … ──▶ done
//!                          ├─▶ adopt        it exists, and is not listed yet
//!                          └─▶ settle       names are not unique: a twin may arrive late
//! update:      begin ──▶ adjust … ──▶ done
//! deprovision: begin ──▶ clear … ──▶ delete … ──▶ done    (clear only where something may be in the way)
//!                └─▶ look_again             its creation was never answered
//! ```
//!
//! `adjust` looks at the object each time, and makes the first change that is missing: what was done and not answered
//! is seen, and not done again. What one sort of object has of its own is its [`Kind`].

#![expect(private_bounds, reason = "which sorts of objects there are is decided in this crate")]

mod adjust;
mod create;
mod kind;
mod remove;

use async_trait::async_trait;
use sutler_catalog::Offering;
use sutler_spec::{Parameters, PlanId};

use crate::providers::{
    Account, Announced, BEGIN, BindingFacts, Change, CreatedBinding, Discovery, InstanceFacts, Listing,
    Marker, Need, Observation, Progress, Provider, ProviderError, ProvisionedInstance, RecoveryClass, Sent,
    Step, StepName, Work,
    recorded::{self, unknown_step},
};
pub(crate) use kind::{Clearing, Failed, Failure, Kind, Known, Names, Next, Way, differs, marked};

/// Creates the object.
pub(crate) const CREATE: &str = "create";
/// Waits for an object that exists to be listed.
pub(crate) const ADOPT: &str = "adopt";
/// Deletes twins that arrived late.
pub(crate) const SETTLE: &str = "settle";
/// Makes the next change that is missing.
pub(crate) const ADJUST: &str = "adjust";
/// Takes away what keeps the object from being deleted.
pub(crate) const CLEAR: &str = "clear";
/// Deletes the object.
pub(crate) const DELETE: &str = "delete";
/// Looks for an object that may have arrived late.
pub(crate) const LOOK_AGAIN: &str = "look_again";

/// Provides the offering of one sort of object.
#[derive(Debug)]
pub struct Object<K> {
    pub(crate) kind: K,
}

impl<K: Kind> Object<K> {
    pub(crate) fn of(kind: K) -> Self {
        Self { kind }
    }

    fn looking() -> String {
        format!("look for the {}", K::NOUN)
    }

    /// Nothing can be said of an object that was never finished.
    fn not_created() -> ProviderError {
        ProviderError::unavailable(format!("the creation of the {} is not finished", K::NOUN), Sent::No)
    }

    /// What was asked for, with what the plan decides.
    pub(crate) fn wanted(instance: &InstanceFacts) -> Result<K::Wanted, ProviderError> {
        Ok(K::of_plan(instance.parameters()?, &instance.plan_id))
    }

    /// What is known of the object: what work that was given up knew last, or else what finished work remembers.
    fn known(step: &Step<'_>) -> Option<Known<K::Memory>> {
        let finished: Option<Known<K::Memory>> = recorded::remembered(step.instance.record.as_ref());
        let left: Option<Known<K::Memory>> = recorded::left_over(step.checkpoint);
        match (finished, left) {
            (Some(finished), Some(left)) if left.id == finished.id => Some(left),
            (finished, left) => finished.or(left),
        }
    }

    fn remembered(instance: &InstanceFacts) -> Result<Known<K::Memory>, ProviderError> {
        recorded::remembered(instance.record.as_ref()).ok_or_else(Self::not_created)
    }
}

#[async_trait]
impl<K: Kind> Provider for Object<K> {
    fn offering(&self) -> Offering {
        K::offering()
    }

    fn recovery(&self, work: Work, step: &StepName) -> RecoveryClass {
        match (work, step) {
            (_, BEGIN | ADOPT | LOOK_AGAIN) => RecoveryClass::ReadOnly,
            (Work::Bind | Work::Unbind, step) => K::binding_recovery(step),
            (_, CREATE) if K::NAMES == Names::Shared => RecoveryClass::ListByMarker,
            (_, CREATE) => RecoveryClass::UniqueName,
            _ => RecoveryClass::Repeatable,
        }
    }

    fn announced(&self, instance: &InstanceFacts, marker: &Marker) -> Announced {
        let known: Option<Known<K::Memory>> = recorded::remembered(instance.record.as_ref());
        let id = known.and_then(|known| known.id);
        Announced { dashboard_url: Some(self.kind.dashboard(id.as_deref(), marker)), ..Announced::default() }
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted = Self::wanted(step.instance)?;
        match step.name() {
            BEGIN => self.begin_creation(&step, &wanted).await,
            CREATE => self.create(&step, &wanted).await,
            ADOPT => self.adopt(&step, &wanted).await,
            SETTLE => self.settle(&step, &wanted).await,
            ADJUST => self.adjust(&step, &wanted).await,
            other => Err(unknown_step(other)),
        }
    }

    async fn update(
        &self,
        step: Step<'_>,
        change: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        match step.name() {
            BEGIN => {
                Self::remembered(step.instance)?;
                let known = Self::known(&step).ok_or_else(Self::not_created)?;
                let memory = K::afresh(&known.memory);
                Self::go_on(known.with_memory(memory))
            }
            ADJUST => self.adjust(&step, &K::of_plan(change.parameters()?, &change.plan_id)).await,
            other => Err(unknown_step(other)),
        }
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        let wanted = Self::wanted(step.instance)?;
        match step.name() {
            BEGIN => self.begin_deletion(&step, &wanted).await,
            CLEAR => self.clear(&step, &wanted).await,
            DELETE => self.delete(&step, &wanted).await,
            LOOK_AGAIN => self.look_again(&step, &wanted).await,
            other => Err(unknown_step(other)),
        }
    }

    async fn bind(
        &self,
        step: Step<'_>,
        binding: &BindingFacts,
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        let known = Self::remembered(step.instance)?;
        self.kind.bind(&step, binding, (&known, &Self::wanted(step.instance)?)).await
    }

    async fn unbind(&self, step: Step<'_>, binding: &BindingFacts) -> Result<Progress<()>, ProviderError> {
        self.kind.unbind(&step, binding).await
    }

    async fn fetch(&self, instance: &InstanceFacts, _marker: &Marker) -> Result<Observation, ProviderError> {
        let known = Self::remembered(instance)?;
        let wanted = Self::wanted(instance)?;
        match self.kind.read(known.id::<K>()?, &wanted).await {
            Ok(found) => Ok(Observation::Found {
                attributes: self.kind.attributes(&known, &found, &wanted),
                drift: K::drift(&known, &found, &wanted),
            }),
            Err(error) if error.is_missing() => Ok(Observation::Gone),
            Err(error) => Err(error.while_asking(&format!("read the {}", K::NOUN))),
        }
    }

    async fn needs(&self) -> Vec<Need> {
        let tables: Vec<_> = std::iter::once(K::PRODUCT).chain(K::ALSO.iter().copied()).collect();
        self.kind.client().needs(&tables).await
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        self.kind.marked().await.map_err(|error| error.while_asking(&format!("list each {}", K::NOUN)))
    }

    fn discovery(&self) -> Option<&dyn Discovery> {
        K::discovery(self)
    }

    fn account(&self, _plan: &PlanId) -> Option<&Account> {
        Some(self.kind.client().budgeted())
    }

    fn check(
        &self,
        _plan: &PlanId,
        wanted: &Parameters,
        _present: Option<&InstanceFacts>,
    ) -> Result<(), Vec<String>> {
        let wanted = recorded::wanted(wanted).map_err(|error| vec![error.to_string()])?;
        let problems = K::problems(&wanted);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}
