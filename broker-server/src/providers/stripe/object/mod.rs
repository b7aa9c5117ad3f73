//! One object of Stripe's as an instance, whatever kind it is.
//!
//! ```text
//! provision: begin ──▶ create ──▶ change … ──▶ done
//!              └─▶ claim ─────────┘                              (the key is there for ever, and was given up)
//!                      │  ▲          └─▶ settle … ──▶ done     (an attempt was in doubt: look for late twins)
//!   key used up, value lost: ──▶ sweep …
//! update:    begin ──▶ change … ──▶ done
//! remove:    begin ──▶ remove … ──▶ done
//!              └─▶ look again ─▶ remove …                        (a creation was never finished)
//! ```
//!
//! A creation carries an idempotency key: while Stripe keeps it, a repetition gets the answer to the first attempt, with
//! the value that is shown once. Stripe keeps its own failures under the key, too; then the mark tells what was made.

mod change;
mod create;
mod discovery;
mod family;
mod field;
mod find;
mod kind;
mod known;
mod remove;
mod rights;

use std::marker::PhantomData;

use async_trait::async_trait;
use serde_json::Value;
use sutler_catalog::Offering;
use sutler_spec::{BindingBody, Credentials, Parameters, PlanId};

use super::client::{Api, CallError, Client};
use crate::providers::{
    Account, BEGIN, Bearers, BindingFacts, Change, CreatedBinding, Discovery, InstanceFacts, Listing,
    MarkedObject, Marker, Need, Observation, Progress, Provider, ProviderError, ProvisionedInstance, Record,
    RecoveryClass, Refusal, Sent, Step, StepName, Work, typed,
};

pub(super) use discovery::{Adoption, at_places};
pub(super) use family::{Act, Family};
pub(super) use field::{Field, is_same};
pub(super) use kind::{Flag, Identity, Kind, MARK, Naming, Origin, Removal, Traits, Users, mark};
pub(super) use known::Known;

/// Makes the object.
const CREATE: &str = "create";
/// Takes up an object that was given up.
const CLAIM: &str = "claim";
/// Removes an object whose value was lost.
const SWEEP: &str = "sweep";
/// Makes the object what is asked for.
const CHANGE: &str = "change";
/// Removes a twin that arrived late.
const SETTLE: &str = "settle";
/// Removes the objects, one after the other.
const REMOVE: &str = "remove";
/// Looks for objects that may have arrived late.
const LOOK_AGAIN: &str = "look_again";

/// Provides a kind of object.
#[derive(Debug)]
pub(super) struct Object<K> {
    client: Client,
    kind: PhantomData<K>,
}

impl<K: Kind> Object<K> {
    /// Objects of the client's account.
    pub(super) fn new(client: &Client) -> Self {
        Self { client: client.clone(), kind: PhantomData }
    }

    /// What is tried, for sentences: `make the webhook endpoint`.
    fn doing(verb: &str) -> String {
        format!("{verb} the {}", K::TRAITS.what)
    }

    /// What an object is to be like. The mark is a field like any other: should somebody take it away, it is put back.
    fn fields(wanted: &K::Wanted, naming: &Naming<'_>) -> Vec<Field> {
        let mut fields = K::fields(wanted, naming);
        if naming.origin == Origin::Made {
            fields.extend(K::mark_field(naming.marker));
        }
        fields
    }

    /// An object with what belongs to it.
    async fn whole(&self, api: &Api, id: &str) -> Result<(Value, Vec<Value>), CallError> {
        let shown = self.read(api, id).await?;
        Ok((shown, self.family(api, id).await?))
    }

    fn dashboard(&self, instance: &InstanceFacts, id: &str) -> Option<String> {
        let mode = K::mode(&instance.plan_id)?;
        let world = if mode.is_live() { "" } else { "test/" };
        Some(format!("https://dashboard.stripe.com/{world}{}/{id}", K::TRAITS.dashboard))
    }
}

fn naming<'a>(instance: &'a InstanceFacts, marker: &'a Marker) -> Naming<'a> {
    let is_adopted = instance.record().is_some_and(|known: Known| known.adopted);
    Naming { marker, origin: if is_adopted { Origin::Adopted } else { Origin::Made } }
}

#[async_trait]
impl<K: Kind> Provider for Object<K> {
    fn offering(&self) -> Offering {
        K::offering(&self.client.modes())
    }

    fn recovery(&self, _work: Work, step: &StepName) -> RecoveryClass {
        match step {
            BEGIN | LOOK_AGAIN => RecoveryClass::ReadOnly,
            CREATE => RecoveryClass::IdempotencyKey,
            _ => RecoveryClass::Repeatable,
        }
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted: K::Wanted = step.parameters()?;
        match step.name() {
            BEGIN => self.begin(&step, &wanted).await,
            CLAIM => self.claim(&step).await,
            CREATE => self.create(&step, &wanted).await,
            SWEEP => self.sweep(&step).await,
            CHANGE => self.change(&step, &wanted).await,
            SETTLE => self.settle(&step).await,
            _ => Err(step.unknown()),
        }
    }

    async fn update(
        &self,
        step: Step<'_>,
        change: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted: K::Wanted = change.parameters()?;
        match step.name() {
            BEGIN => self.begin_change(&step, &wanted),
            CHANGE => self.change(&step, &wanted).await,
            _ => Err(step.unknown()),
        }
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        match step.name() {
            BEGIN => self.begin_removal(&step).await,
            REMOVE => self.remove(&step).await,
            LOOK_AGAIN => self.look_again(&step).await,
            _ => Err(step.unknown()),
        }
    }

    /// A binding hands out what is known: Stripe has no credentials for less than an account.
    async fn bind(
        &self,
        step: Step<'_>,
        _binding: &BindingFacts,
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        let known: Known = present(step.instance)?;
        let doing = Self::doing("look at");
        let api = self.api(step.instance)?;
        let found = self.whole(&api, &known.id).await;
        let (shown, family) = found.map_err(|error| match error {
            CallError::Missing => {
                let description = format!("the {} does not exist at Stripe any more", K::TRAITS.what);
                ProviderError::refused(Refusal::Conflict, description)
            }
            other => other.while_trying_to(&doing),
        })?;
        let credentials = K::credentials(&known, &shown, &family);
        let body = BindingBody { credentials: Some(Credentials::new(credentials)), ..BindingBody::default() };
        Ok(Progress::Done(CreatedBinding { record: Record::of(&())?, body }))
    }

    async fn fetch(&self, instance: &InstanceFacts, marker: &Marker) -> Result<Observation, ProviderError> {
        let known: Known = present(instance)?;
        let wanted: K::Wanted = instance.parameters()?;
        let api =
            self.api(instance).map_err(|error| ProviderError::unavailable(error.to_string(), Sent::No))?;
        match self.whole(&api, &known.id).await {
            Ok((shown, family)) => {
                let names = naming(instance, marker);
                let mut drift = field::drift(&Self::fields(&wanted, &names), &shown);
                drift.extend(change::use_drift::<K>(&shown));
                drift.extend(K::family_drift(&wanted, &names, &family));
                Ok(Observation::Found { attributes: K::attributes(&shown, &family), drift })
            }
            Err(CallError::Missing) => Ok(Observation::Gone),
            Err(error) => Err(error.while_asking(&Self::doing("look at"))),
        }
    }

    async fn needs(&self) -> Vec<Need> {
        self.tried().await
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        let mut objects = Vec::new();
        for mode in self.client.modes() {
            let all = self.all(&self.client.of(K::TRAITS.table, mode)).await;
            let all = all.map_err(|error| error.while_asking(&Self::doing("list")))?;
            let in_use = all.iter().filter(|shown| K::TRAITS.is_in_use(shown));
            objects.extend(in_use.filter_map(|shown| {
                let (id, mark) = (find::id(shown)?, K::mark_of(shown)?);
                Some(MarkedObject { name: name(shown).unwrap_or(&id).to_owned(), id, mark })
            }));
        }
        Ok(Listing::Objects { bearers: Bearers::Instances, objects })
    }

    fn discovery(&self) -> Option<&dyn Discovery> {
        Some(self)
    }

    fn account(&self, _plan: &PlanId) -> Option<&Account> {
        Some(self.client.budgeted())
    }

    fn check(
        &self,
        _plan: &PlanId,
        wanted: &Parameters,
        _present: Option<&InstanceFacts>,
    ) -> Result<(), Vec<String>> {
        let wanted: K::Wanted = typed::parameters(wanted).map_err(|error| vec![error.to_string()])?;
        let problems = K::problems(&wanted);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

/// What people find an object by.
fn name(shown: &Value) -> Option<&str> {
    ["name", "display_name", "url"].iter().find_map(|field| shown.get(field)?.as_str())
}

/// Nothing can be said of an object whose creation is not finished.
fn present(instance: &InstanceFacts) -> Result<Known, ProviderError> {
    instance
        .record()
        .ok_or_else(|| ProviderError::unavailable("the creation at Stripe is not finished", Sent::No))
}
