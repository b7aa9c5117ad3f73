//! `domain-registration`: a domain is bought once, watched until it is there, and let go at the end. Nothing is deleted.
//!
//! ```text
//! provision:   begin ──▶ price ──▶ order ──▶ watch … ──▶ (set ──▶ check …) ──▶ done
//!                          ▲         │          ▲
//!                  nothing │         │ answer   │ something of it is seen
//!                          │         ▼ lost     │
//!                          └────── settle ──────┘   after twice the time of a call
//! update:      begin ──▶ set ──▶ check … ──▶ done
//! deprovision: begin ──▶ (leave …) ──▶ quiet ──▶ silence … ──▶ done
//! ```
//!
//! `order` is the only step that costs money. With its intent, the price is counted as spent: where that would break a limit,
//! it is not taken. It asks for what is there and for the price once more, and then makes the one call. If the call's answer
//! is lost, the step only looks from then on; another order is given only when no call of ours can arrive any more, the
//! registrar shows neither registration nor order, and says that the name can be bought.

mod discovery;
mod order;
mod policy;
mod registrar;
mod release;
mod renewal;
mod watch;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sutler_catalog::{Offering, domain::registration::output};
use sutler_spec::{Parameters, PlanId};

pub use policy::Policy;
pub(super) use registrar::{Placed, Price, Quote, Registered, Registrar, State, Status, Wanted, Workflow};

use super::{
    Account, Announced, BEGIN, Change, Checkpoint, Discovery, FieldDrift, InstanceFacts, Listing, Marker,
    Need, Observation, Progress, Provider, ProviderError, ProvisionedInstance, RecoveryClass, Sent, Step,
    StepName, Work, typed,
};
use crate::expense::Expense;
use watch::{Known, Pace, Purchase};

/// Asks for the price.
const PRICE: &str = "price";
/// Gives the order.
const ORDER: &str = "order";
/// Waits until no order of ours can arrive any more, and looks.
const SETTLE: &str = "settle";
/// Looks how far the order is.
const WATCH: &str = "watch";
/// Turns automatic renewal on or off.
const SET: &str = "set";
/// Looks whether that has come about.
const CHECK: &str = "check";
/// Waits for an order that is to be let go.
const LEAVE: &str = "leave";
/// Turns automatic renewal off at the end.
const QUIET: &str = "quiet";
/// Looks whether that has come about.
const SILENCE: &str = "silence";

/// Provides the plan of one registrar.
#[derive(Debug)]
pub(super) struct Registration<R> {
    registrar: R,
}

/// What a look has found.
enum Seen {
    /// The domain is registered in our account, or about to be.
    Registered(Registered),
    /// There is an order, and not the one from before ours.
    Ordered(Workflow),
    /// Neither.
    Nothing,
}

impl<R: Registrar> Registration<R> {
    pub(super) fn at(registrar: R) -> Self {
        Self { registrar }
    }

    /// What there is of a domain.
    async fn look(&self, known: &Known) -> Result<Seen, ProviderError> {
        if let Some(found) = self.registrar.registration(&known.domain).await? {
            return Ok(Seen::Registered(found));
        }
        let workflow = self.registrar.workflow(&known.domain, known.order.as_deref()).await?;
        let ours = workflow.filter(|workflow| known.before.as_ref() != Some(&workflow.key));
        Ok(ours.map_or(Seen::Nothing, Seen::Ordered))
    }

    /// The registration of a domain, of which "none" is believed only when the list does not have it either.
    async fn surely(&self, domain: &str) -> Result<Option<Registered>, ProviderError> {
        let found = self.registrar.registration(domain).await?;
        if found.is_none() && self.registrar.is_listed(domain).await? {
            let what = format!("the registrar lists {domain} and does not show it");
            return Err(ProviderError::unavailable(what, Sent::No));
        }
        Ok(found)
    }

    fn remembered(instance: &InstanceFacts) -> Result<Known, ProviderError> {
        let unfinished = || ProviderError::unavailable("the registration is not finished", Sent::No);
        instance.record().ok_or_else(unfinished)
    }

    fn pace(&self) -> Pace {
        let (interval, blocked) = (self.registrar.poll_interval(), self.registrar.policy().blocked_every);
        Pace { interval, blocked, now: Timestamp::now() }
    }

    async fn done(
        &self,
        known: &Known,
        found: &Registered,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let name_servers = self.registrar.name_servers(&found.domain).await.map_err(unclear)?;
        let known = Known { identity: Some(found.identity.clone()), ..known.clone() };
        let mut done =
            ProvisionedInstance::of(&known)?.dashboard_url(self.registrar.dashboard(&known.domain));
        done.attributes = attributes(found, name_servers);
        Ok(Progress::Done(done))
    }
}

#[async_trait]
impl<R: Registrar> Provider for Registration<R> {
    fn offering(&self) -> Offering {
        self.registrar.offering()
    }

    fn recovery(&self, _work: Work, step: &StepName) -> RecoveryClass {
        match step {
            // the domain is the name
            ORDER => RecoveryClass::UniqueName,
            SET | QUIET => RecoveryClass::Repeatable,
            _ => RecoveryClass::ReadOnly,
        }
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted: R::Wanted = step.parameters()?;
        match step.name() {
            BEGIN => self.begin(&step, &wanted).await,
            PRICE => self.price(&step, &wanted).await,
            ORDER => self.order(&step, &wanted).await,
            SETTLE => self.settle(&step).await,
            WATCH => self.watch(&step, &wanted).await,
            SET => self.set(&step, wanted.renews_itself()).await,
            CHECK => self.check_renewal(&step, wanted.renews_itself()).await,
            _ => Err(step.unknown()),
        }
    }

    async fn update(
        &self,
        step: Step<'_>,
        change: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted: R::Wanted = change.parameters()?;
        match step.name() {
            BEGIN => self.begin_update(&step, wanted.renews_itself()).await,
            SET => self.set(&step, wanted.renews_itself()).await,
            CHECK => self.check_renewal(&step, wanted.renews_itself()).await,
            _ => Err(step.unknown()),
        }
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        match step.name() {
            BEGIN => self.begin_release(&step).await,
            LEAVE => self.leave(&step).await,
            QUIET => self.quiet(&step).await,
            SILENCE => self.silence(&step).await,
            _ => Err(step.unknown()),
        }
    }

    async fn fetch(&self, instance: &InstanceFacts, _marker: &Marker) -> Result<Observation, ProviderError> {
        let known = Self::remembered(instance)?;
        let wanted: R::Wanted = instance.parameters()?;
        Ok(match self.surely(&known.domain).await.map_err(unclear)? {
            Some(found) => {
                let name_servers = self.registrar.name_servers(&found.domain).await.map_err(unclear)?;
                let attributes = attributes(&found, name_servers);
                Observation::Found { attributes, drift: drift(&known, &found, &wanted) }
            }
            None => Observation::Gone,
        })
    }

    fn announced(&self, instance: &InstanceFacts, _marker: &Marker) -> Announced {
        let Ok(wanted) = instance.parameters::<R::Wanted>() else { return Announced::default() };
        let domain = wanted.domain();
        Announced {
            dashboard_url: Some(self.registrar.dashboard(domain)),
            attributes: Map::from_iter([(output::DOMAIN.to_owned(), json!(domain))]),
            ..Announced::default()
        }
    }

    async fn needs(&self) -> Vec<Need> {
        self.registrar.needs().await
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        let reason = "a registration has no place for a mark; it is known by its domain";
        Ok(Listing::NotPossible(reason.to_owned()))
    }

    fn discovery(&self) -> Option<&dyn Discovery> {
        Some(self)
    }

    fn account(&self, _plan: &PlanId) -> Option<&Account> {
        Some(self.registrar.account())
    }

    fn expense(&self, work: Work, _plan: &PlanId, checkpoint: &Checkpoint) -> Option<Expense> {
        let is_order = work == Work::Provision && checkpoint.step == ORDER && !self.registrar.is_free();
        let Purchase { id, cost } = is_order.then(|| checkpoint.data::<Known>().ok()?.purchase).flatten()?;
        let limits = self.registrar.policy().limits();
        Some(Expense { purchase: id, amount: cost.amount, currency: cost.currency, limits })
    }

    /// What the operator does not allow is refused for new instances; what was bought before stays as it is.
    fn check(
        &self,
        _plan: &PlanId,
        wanted: &Parameters,
        present: Option<&InstanceFacts>,
    ) -> Result<(), Vec<String>> {
        let wanted: R::Wanted = typed::parameters(wanted).map_err(|error| vec![error.to_string()])?;
        let mut problems = self.registrar.problems(&wanted);
        if present.is_none() {
            problems.extend(self.registrar.policy().problem(wanted.domain()));
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

/// Where something may have been paid already, a refusal to be looked at is no answer: it is asked again.
fn unclear(error: ProviderError) -> ProviderError {
    match error {
        ProviderError::Refused { description, .. } => ProviderError::unavailable(description, Sent::No),
        other => other,
    }
}

/// Facts for the platform. Whoever registered it is not among them.
fn attributes(found: &Registered, name_servers: Option<Vec<String>>) -> Map<String, Value> {
    let mut attributes = Map::from_iter([
        (output::DOMAIN.to_owned(), json!(found.domain)),
        (output::STATUS.to_owned(), json!(found.status.word())),
        (output::AUTO_RENEW.to_owned(), json!(found.renews_itself)),
    ]);
    if let Some(expires_at) = &found.expires_at {
        attributes.insert(output::EXPIRES_AT.to_owned(), json!(expires_at));
    }
    if let Some(private) = found.private {
        attributes.insert(output::PRIVACY.to_owned(), json!(private));
    }
    if let Some(name_servers) = name_servers {
        attributes.insert(output::NAME_SERVERS.to_owned(), json!(name_servers));
    }
    attributes
}

/// A domain that is expired, or worse, is there: it is an alarm, not gone.
fn drift(known: &Known, found: &Registered, wanted: &impl Wanted) -> Vec<FieldDrift> {
    let mut drift = Vec::new();
    let mut differs = |field: &str, wanted: Value, found: Value| {
        if wanted != found {
            drift.push(FieldDrift { field: field.to_owned(), wanted, found });
        }
    };
    differs(output::STATUS, json!(Status::Active.word()), json!(found.status.word()));
    differs(output::AUTO_RENEW, json!(wanted.renews_itself()), json!(found.renews_itself));
    if !known.is(found) {
        differs(
            output::DOMAIN,
            json!("registered by this instance"),
            json!("registered anew by somebody else"),
        );
    }
    drift
}
