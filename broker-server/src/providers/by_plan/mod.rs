//! One offering whose plans are done by different providers, such as one for each vendor that can do it.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use sutler_catalog::Offering;
use sutler_spec::{Parameters, PlanId};

use super::{
    Account, Announced, BEGIN, BindingFacts, Change, Checkpoint, CreatedBinding, Discovery, InstanceFacts,
    Listing, Marker, Need, ObjectsPage, Observation, Progress, Provider, ProviderError, ProvisionedInstance,
    RecoveryClass, Refusal, Sent, Step, StepName, VendorThing, Work,
};
use crate::expense::Expense;

/// Stands between the plan and whatever its provider calls something: a step, an object, a page.
const BEHIND: char = ':';

/// An offering in parts. Each plan is done by the provider that brought it; what it calls its steps, objects and pages is
/// kept behind the plan's name, so that parts never meet.
pub struct ByPlan {
    offering: Offering,
    parts: Vec<Part>,
}

struct Part {
    plan: PlanId,
    name: String,
    provider: Arc<dyn Provider>,
}

impl ByPlan {
    /// Puts the plans of all parts into the offering of the first. Nothing without parts. A part with another offering is
    /// a mistake in the program: its plans are not offered.
    #[must_use]
    pub fn of(parts: Vec<Arc<dyn Provider>>) -> Option<Self> {
        let mut all: Option<Self> = None;
        for provider in parts {
            let offering = provider.offering();
            let plans = offering.plans().iter().map(|plan| Part {
                plan: plan.id().clone(),
                name: plan.name().to_owned(),
                provider: provider.clone(),
            });
            let plans: Vec<Part> = plans.collect();
            match &mut all {
                None => all = Some(Self { offering, parts: plans }),
                Some(all) if all.offering.id() == offering.id() => {
                    all.offering =
                        offering.plans().iter().cloned().fold(all.offering.clone(), Offering::with_plan);
                    all.parts.extend(plans);
                }
                Some(_) => tracing::error!(offering = offering.name(), "not a part of the same offering"),
            }
        }
        all
    }

    fn part(&self, plan: &PlanId) -> Result<&Part, ProviderError> {
        // its vendor was taken out of the configuration: it may come back, so nothing is given up
        self.parts.iter().find(|part| part.plan == *plan).ok_or_else(|| {
            ProviderError::unavailable(
                "the vendor behind this plan is not configured; the operator of the broker has to look after it",
                Sent::No,
            )
        })
    }

    /// The part that something belongs to, and what it calls it.
    fn behind<'s>(&self, text: &'s str) -> Option<(&Part, &'s str)> {
        let (name, own) = text.split_once(BEHIND)?;
        self.parts.iter().find(|part| part.name == name).map(|part| (part, own))
    }

    /// The parts, each provider once.
    fn providers(&self) -> impl Iterator<Item = &Part> {
        let is_first = |(at, part): &(usize, &Part)| {
            self.parts[..*at].iter().all(|earlier| !Arc::ptr_eq(&earlier.provider, &part.provider))
        };
        self.parts.iter().enumerate().filter(is_first).map(|(_, part)| part)
    }
}

impl Part {
    fn prefixed(&self, own: &str) -> String {
        format!("{}{BEHIND}{own}", self.name)
    }

    /// A checkpoint as the part's provider knows it. Where work begins is called the same everywhere.
    fn own(&self, checkpoint: &Checkpoint) -> Result<Checkpoint, ProviderError> {
        let step = match checkpoint.step.split_once(BEHIND) {
            Some((name, step)) if name == self.name => step,
            None if checkpoint.step == BEGIN => BEGIN,
            _ => {
                let what = format!("the broker does not know how to go on with step {}", checkpoint.step);
                return Err(ProviderError::refused(Refusal::Unsupported, what));
            }
        };
        Ok(Checkpoint::at(step, checkpoint.data.clone()))
    }

    fn kept(&self, checkpoint: Checkpoint) -> Checkpoint {
        Checkpoint { step: self.prefixed(&checkpoint.step), data: checkpoint.data }
    }

    fn progress<T>(&self, progress: Progress<T>) -> Progress<T> {
        match progress {
            Progress::Next(checkpoint) => Progress::Next(self.kept(checkpoint)),
            Progress::Pending { checkpoint, after, description } => {
                Progress::Pending { checkpoint: self.kept(checkpoint), after, description }
            }
            Progress::Done(done) => Progress::Done(done),
        }
    }
}

#[async_trait]
impl Provider for ByPlan {
    fn offering(&self) -> Offering {
        self.offering.clone()
    }

    fn recovery(&self, work: Work, step: &StepName) -> RecoveryClass {
        match self.behind(step) {
            Some((part, step)) => part.provider.recovery(work, step),
            // the strictest of all, should a first step of one of them change something
            None => self
                .parts
                .iter()
                .map(|part| part.provider.recovery(work, step))
                .find(|class| *class != RecoveryClass::ReadOnly)
                .unwrap_or(RecoveryClass::ReadOnly),
        }
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let part = self.part(&step.instance.plan_id)?;
        let checkpoint = part.own(step.checkpoint)?;
        let step = Step { checkpoint: &checkpoint, ..step };
        part.provider.provision(step).await.map(|progress| part.progress(progress))
    }

    async fn update(
        &self,
        step: Step<'_>,
        change: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let part = self.part(&step.instance.plan_id)?;
        if self.part(&change.plan_id).is_ok_and(|wanted| !Arc::ptr_eq(&wanted.provider, &part.provider)) {
            let what = "an instance cannot be taken from one vendor to another; make another instance";
            return Err(ProviderError::refused(Refusal::Unsupported, what));
        }
        let checkpoint = part.own(step.checkpoint)?;
        let step = Step { checkpoint: &checkpoint, ..step };
        part.provider.update(step, change).await.map(|progress| part.progress(progress))
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        let part = self.part(&step.instance.plan_id)?;
        let checkpoint = part.own(step.checkpoint)?;
        let step = Step { checkpoint: &checkpoint, ..step };
        part.provider.deprovision(step).await.map(|progress| part.progress(progress))
    }

    async fn bind(
        &self,
        step: Step<'_>,
        binding: &BindingFacts,
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        let part = self.part(&step.instance.plan_id)?;
        let checkpoint = part.own(step.checkpoint)?;
        let step = Step { checkpoint: &checkpoint, ..step };
        part.provider.bind(step, binding).await.map(|progress| part.progress(progress))
    }

    async fn unbind(&self, step: Step<'_>, binding: &BindingFacts) -> Result<Progress<()>, ProviderError> {
        let part = self.part(&step.instance.plan_id)?;
        let checkpoint = part.own(step.checkpoint)?;
        let step = Step { checkpoint: &checkpoint, ..step };
        part.provider.unbind(step, binding).await.map(|progress| part.progress(progress))
    }

    async fn fetch(&self, instance: &InstanceFacts, marker: &Marker) -> Result<Observation, ProviderError> {
        self.part(&instance.plan_id)?.provider.fetch(instance, marker).await
    }

    fn announced(&self, instance: &InstanceFacts, marker: &Marker) -> Announced {
        self.part(&instance.plan_id).map(|part| part.provider.announced(instance, marker)).unwrap_or_default()
    }

    async fn needs(&self) -> Vec<Need> {
        let mut needs = Vec::new();
        for part in self.providers() {
            needs.extend(part.provider.needs().await);
        }
        needs
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        let (mut carriers, mut all) = (None, Vec::new());
        for part in self.providers() {
            match part.provider.marked().await? {
                Listing::Objects { bearers, objects } if carriers.is_none_or(|known| known == bearers) => {
                    carriers = Some(bearers);
                    all.extend(objects);
                }
                Listing::Objects { .. } => {
                    let reason = "its plans put their marks on different things".to_owned();
                    return Ok(Listing::NotPossible(reason));
                }
                not_possible @ Listing::NotPossible(_) => return Ok(not_possible),
            }
        }
        let nothing = || Listing::NotPossible("none of its plans is there".to_owned());
        Ok(carriers.map_or_else(nothing, |bearers| Listing::Objects { bearers, objects: all }))
    }

    fn discovery(&self) -> Option<&dyn Discovery> {
        self.parts.iter().any(|part| part.provider.discovery().is_some()).then_some(self as &dyn Discovery)
    }

    fn account(&self, plan: &PlanId) -> Option<&Account> {
        self.part(plan).ok()?.provider.account(plan)
    }

    fn expense(&self, work: Work, plan: &PlanId, checkpoint: &Checkpoint) -> Option<Expense> {
        let part = self.part(plan).ok()?;
        part.provider.expense(work, plan, &part.own(checkpoint).ok()?)
    }

    fn check(
        &self,
        plan: &PlanId,
        wanted: &Parameters,
        present: Option<&InstanceFacts>,
    ) -> Result<(), Vec<String>> {
        let part = self.part(plan).map_err(|error| vec![error.to_string()])?;
        part.provider.check(plan, wanted, present)
    }
}

/// The pages of the parts, one part after another.
#[async_trait]
impl Discovery for ByPlan {
    async fn page(&self, cursor: Option<&str>) -> Result<ObjectsPage, ProviderError> {
        let listing: Vec<(&Part, &dyn Discovery)> =
            self.providers().filter_map(|part| Some((part, part.provider.discovery()?))).collect();
        let (at, own) = match cursor {
            None => (0, None),
            Some(cursor) => {
                let place = self.behind(cursor).and_then(|(part, own)| {
                    let at = listing.iter().position(|(listed, _)| listed.name == part.name)?;
                    Some((at, Some(own).filter(|own| !own.is_empty())))
                });
                let unknown = "the cursor is none that an earlier page gave";
                place.ok_or_else(|| ProviderError::refused(Refusal::Unsupported, unknown))?
            }
        };
        let Some((part, discovery)) = listing.get(at) else { return Ok(ObjectsPage::default()) };
        let page = discovery.page(own).await?;
        let following = || listing.get(at + 1).map(|(part, _)| part.prefixed(""));
        let next = page.next.map(|next| part.prefixed(&next)).or_else(following);
        Ok(ObjectsPage { objects: page.objects.into_iter().map(|thing| part.thing(thing)).collect(), next })
    }

    async fn object(&self, id: &str) -> Result<Option<VendorThing>, ProviderError> {
        let Some((part, own)) = self.behind(id) else { return Ok(None) };
        let Some(discovery) = part.provider.discovery() else { return Ok(None) };
        Ok(discovery.object(own).await?.map(|thing| part.thing(thing)))
    }

    async fn adopt(&self, step: Step<'_>, id: &str) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let part = self.part(&step.instance.plan_id)?;
        let owned = self.behind(id).filter(|(owner, _)| Arc::ptr_eq(&owner.provider, &part.provider));
        let (Some((_, own)), Some(discovery)) = (owned, part.provider.discovery()) else {
            let what = format!("the object is not one of the plan {}", part.name);
            return Err(ProviderError::refused(Refusal::Unsupported, what));
        };
        let checkpoint = part.own(step.checkpoint)?;
        let step = Step { checkpoint: &checkpoint, ..step };
        discovery.adopt(step, own).await.map(|progress| part.progress(progress))
    }

    fn object_of(&self, instance: &InstanceFacts) -> Option<String> {
        let part = self.part(&instance.plan_id).ok()?;
        let own = part.provider.discovery()?.object_of(instance)?;
        // the name that pages give it: that of the provider's first plan
        let listed = self.providers().find(|listed| Arc::ptr_eq(&listed.provider, &part.provider))?;
        Some(listed.prefixed(&own))
    }
}

impl Part {
    fn thing(&self, thing: VendorThing) -> VendorThing {
        VendorThing { id: self.prefixed(&thing.id), ..thing }
    }
}
