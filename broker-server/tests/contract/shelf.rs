//! A provider of boxes (found again by listing the mark) whose bindings are keys (shown once), and its flaws.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sutler_broker_server::providers::*;
use sutler_catalog::{
    Guid, Offering, Plan, Sensitivity,
    schemars::{self, JsonSchema},
};
use sutler_spec::{BindingBody, Parameters, PlanId};

use crate::vendor::{Thing, Trouble, Vendor};

/// What a provider can get wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    CreatesBlindly,
    Adopts,
    UnclearIsGone,
    RejectedIsGone,
    ReadsOnePage,
    QuotesTheVendor,
    QuotesStates,
    KeepsKeys,
    LiesAboutReading,
    DeletesOnce,
    ForgetsTheUnfinished,
    LeavesLids,
    DoesNotWait,
    ChecksTooLate,
    HandsOutOldKeys,
    ListsNothing,
}

/// A box.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// How big.
    size: u64,
}

/// The data of every checkpoint and record.
#[derive(Clone, Serialize, Deserialize)]
struct Known {
    name: String,
    id: Option<u64>,
}

pub(crate) struct Shelf {
    pub(crate) vendor: Arc<Vendor>,
    pub(crate) flaw: Option<Flaw>,
}

impl Shelf {
    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// Everything of a kind, from all pages, whose name fits.
    fn find(&self, kind: &str, fits: impl Fn(&str) -> bool) -> Result<Option<Thing>, ProviderError> {
        for page in 0.. {
            let rows = self.vendor.list(kind, page).map_err(|trouble| self.error(trouble, Sent::No))?;
            if let Some(found) = rows.iter().find(|thing| fits(&thing.name)) {
                return Ok(Some(found.clone()));
            }
            if rows.is_empty() || self.has(Flaw::ReadsOnePage) {
                break;
            }
        }
        Ok(None)
    }

    fn error(&self, trouble: Trouble, sent: Sent) -> ProviderError {
        let unavailable = |description: &str, retry_after, sent| ProviderError::Unavailable {
            description: description.to_owned(),
            retry_after,
            sent,
        };
        match trouble {
            Trouble::Silence => unavailable("nobody answered", None, sent),
            Trouble::Missing => ProviderError::refused(Refusal::Unsupported, "it is not there"),
            Trouble::Status { status: 429, retry_after, .. } => {
                let seconds = retry_after.filter(|_| !self.has(Flaw::DoesNotWait));
                let wish = seconds.map(|seconds| Duration::from_secs(seconds.into()));
                unavailable("the vendor asks to wait", wish, Sent::No)
            }
            Trouble::Status { status: 401 | 403, .. } => {
                ProviderError::refused(Refusal::Credentials, "the broker is not welcome")
            }
            Trouble::Status { status: 400..500, body, .. } if self.has(Flaw::QuotesTheVendor) => {
                ProviderError::refused(Refusal::Unsupported, body)
            }
            Trouble::Status { status: 400..500, .. } => {
                ProviderError::refused(Refusal::Unsupported, "the vendor refuses it")
            }
            Trouble::Status { .. } => unavailable("the vendor gave no clear answer", None, sent),
        }
    }

    fn is_missing(&self, trouble: &Trouble) -> bool {
        match trouble {
            Trouble::Missing => true,
            Trouble::Status { status: 401 | 403, .. } => self.has(Flaw::RejectedIsGone),
            Trouble::Status { status: 200 | 500.., .. } => self.has(Flaw::UnclearIsGone),
            _ => false,
        }
    }

    /// Nothing was made yet, unless earlier work left something: what has the name is foreign.
    fn begin(&self, step: &Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let name = step.marker.name(step.instance.name.as_deref(), 63);
        let before = if self.has(Flaw::ForgetsTheUnfinished) { None } else { known(step).ok() };
        match self.find("box", |found| found == name)? {
            None => next("create", Known { name, id: None }),
            Some(found) if before.is_some() || self.has(Flaw::Adopts) => {
                next("resize", Known { name, id: Some(found.id) })
            }
            Some(_) => Err(ProviderError::refused(Refusal::Conflict, "a foreign box has that name")),
        }
    }

    fn create(&self, step: &Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let known = known(step)?;
        if step.attempt == Attempt::Again
            && !self.has(Flaw::CreatesBlindly)
            && let Some(found) = self.find("box", |found| found == known.name)?
        {
            return next("resize", Known { id: Some(found.id), ..known });
        }
        let made = self.vendor.create("box", &known.name);
        let made = made.map_err(|trouble| self.error(trouble, Sent::Perhaps))?;
        next("resize", Known { id: Some(made.id), ..known })
    }

    fn resize(
        &self,
        known: Known,
        wanted: &Parameters,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let Wanted { size } = serde_json::from_value(json!(wanted)).map_err(|_| strange())?;
        if size == 13 {
            return Err(ProviderError::refused(Refusal::Unsupported, "size: thirteen is not possible"));
        }
        let id = known.id.ok_or_else(strange)?;
        let resized = self.vendor.resize(id, size);
        resized.map_err(|trouble| self.error(trouble, Sent::Perhaps))?;
        if self.has(Flaw::QuotesStates) {
            let shown = self.vendor.read(id).map_err(|trouble| self.error(trouble, Sent::Perhaps))?;
            if shown.state != "ready" {
                let what = format!("the box is {}", shown.state);
                return Err(ProviderError::refused(Refusal::Unsupported, what));
            }
        }
        Ok(Progress::Done(ProvisionedInstance {
            record: Record(json!(known)),
            dashboard_url: None,
            attributes: Map::new(),
            labels: Map::new(),
        }))
    }

    /// For the time of a change the box gets a lid, which only this change knows of.
    fn lift(&self, known: Known) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let lid = self.vendor.create("lid", "lid");
        let lid = lid.map_err(|trouble| self.error(trouble, Sent::Perhaps))?;
        next("close", Known { id: Some(lid.id), ..known })
    }

    fn close(&self, step: &Step<'_>, known: Known) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let Known { id, .. } = self::known(step)?;
        self.delete(id.ok_or_else(strange)?, Sent::Perhaps)?;
        next("resize", known)
    }

    /// Deletes one thing with the mark, until there is none.
    fn remove(&self, kind: &str, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        if step.checkpoint.step == BEGIN || !self.has(Flaw::DeletesOnce) {
            let mark = step.marker.hex(24);
            return match self.find(kind, |name| name.ends_with(&mark))? {
                None if self.has(Flaw::DeletesOnce) && step.checkpoint.data.is_null() => Err(strange()),
                None => Ok(Progress::Done(())),
                Some(found) if step.checkpoint.step == BEGIN => {
                    next("remove", Known { name: found.name, id: Some(found.id) })
                }
                Some(found) => self.delete(found.id, Sent::Perhaps),
            };
        }
        self.delete(known(step)?.id.ok_or_else(strange)?, Sent::Perhaps)
    }

    fn delete(&self, id: u64, sent: Sent) -> Result<Progress<()>, ProviderError> {
        match self.vendor.delete(id) {
            Ok(()) => Ok(Progress::Done(())),
            Err(trouble) if self.is_missing(&trouble) && !self.has(Flaw::DeletesOnce) => {
                Ok(Progress::Done(()))
            }
            Err(trouble) => Err(self.error(trouble, sent)),
        }
    }

    /// Makes a key. If an attempt is in doubt, its key is of no use: nobody knows the value.
    fn mint(&self, step: &Step<'_>) -> Result<Progress<CreatedBinding>, ProviderError> {
        let known = known(step)?;
        let lost = match step.attempt {
            Attempt::First => None,
            Attempt::Again => self.find("key", |name| *name == known.name)?,
        };
        if let Some(lost) = lost {
            if self.has(Flaw::HandsOutOldKeys) {
                return Ok(Progress::Done(bound(&lost.id.to_string())));
            }
            return next("sweep", Known { id: Some(lost.id), ..known });
        }
        let made = self.vendor.create("key", &known.name);
        Ok(Progress::Done(bound(&made.map_err(|trouble| self.error(trouble, Sent::Perhaps))?.value)))
    }

    fn sweep(&self, step: &Step<'_>) -> Result<Progress<CreatedBinding>, ProviderError> {
        let known = known(step)?;
        self.delete(known.id.ok_or_else(strange)?, Sent::Perhaps)?;
        next("mint", Known { id: None, ..known })
    }
}

fn bound(value: &str) -> CreatedBinding {
    let credentials = [("key".to_owned(), json!(value))].into_iter().collect();
    let body = BindingBody { credentials: Some(credentials), ..BindingBody::default() };
    CreatedBinding { record: Record(Value::Null), body }
}

fn known(step: &Step<'_>) -> Result<Known, ProviderError> {
    Known::deserialize(&step.checkpoint.data).map_err(|_| strange())
}

fn next<T>(step: &str, known: Known) -> Result<Progress<T>, ProviderError> {
    Ok(Progress::Next(Checkpoint::at(step, json!(known))))
}

fn strange() -> ProviderError {
    ProviderError::Failed {
        description: "the record of this work is strange".to_owned(),
        usable: Usability::Unusable,
        repeat: Repeatability::Pointless,
    }
}

#[async_trait]
impl Provider for Shelf {
    fn offering(&self) -> Offering {
        let plan = Plan::new(Guid::new("6a0e0c5e-52a4-4c39-9a0f-2f8d5f4f1102"), "standard", "One box");
        Offering::new(Guid::new("6a0e0c5e-52a4-4c39-9a0f-2f8d5f4f1101"), "shelf", "Boxes on a shelf")
            .bindable(true)
            .instances_retrievable(true)
            .bindings_retrievable(true)
            .output("key", "Opens the box", Sensitivity::Secret)
            .with_plan(plan.provision::<Wanted>().update::<Wanted>())
    }

    fn recovery(&self, _work: Work, step: &StepName) -> RecoveryClass {
        match step {
            BEGIN => RecoveryClass::ReadOnly,
            "create" if self.has(Flaw::LiesAboutReading) => RecoveryClass::ReadOnly,
            "create" => RecoveryClass::ListByMarker,
            "mint" => RecoveryClass::ShownOnce,
            _ => RecoveryClass::Repeatable,
        }
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        match step.checkpoint.step.as_str() {
            BEGIN => self.begin(&step),
            "create" => self.create(&step),
            _ => self.resize(known(&step)?, &step.instance.parameters),
        }
    }

    async fn update(
        &self,
        step: Step<'_>,
        change: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let record = step.instance.record.as_ref().ok_or_else(strange)?;
        let known = Known::deserialize(&record.0).map_err(|_| strange())?;
        match step.checkpoint.step.as_str() {
            BEGIN if self.has(Flaw::LeavesLids) => next("lift", known),
            "lift" => self.lift(known),
            "close" => self.close(&step, known),
            BEGIN => next("resize", known),
            _ => self.resize(known, &change.parameters),
        }
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        self.remove("box", &step)
    }

    async fn bind(
        &self,
        step: Step<'_>,
        _: &BindingFacts,
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        match step.checkpoint.step.as_str() {
            BEGIN => next("mint", Known { name: step.marker.name(Some("key"), 63), id: None }),
            "mint" => self.mint(&step),
            _ => self.sweep(&step),
        }
    }

    async fn unbind(&self, step: Step<'_>, _: &BindingFacts) -> Result<Progress<()>, ProviderError> {
        if self.has(Flaw::KeepsKeys) {
            return Ok(Progress::Done(()));
        }
        self.remove("key", &step)
    }

    async fn fetch(&self, instance: &InstanceFacts, _: &Marker) -> Result<Observation, ProviderError> {
        let record = instance.record.as_ref().ok_or_else(strange)?;
        let known = Known::deserialize(&record.0).map_err(|_| strange())?;
        match self.vendor.read(known.id.ok_or_else(strange)?) {
            Ok(_) => Ok(Observation::Found { attributes: Map::new(), drift: Vec::new() }),
            Err(trouble) if self.is_missing(&trouble) => Ok(Observation::Gone),
            Err(trouble) => Err(self.error(trouble, Sent::No)),
        }
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        let mut objects = Vec::new();
        for kind in ["box", "key"] {
            for page in 0.. {
                let rows = self.vendor.list(kind, page).map_err(|trouble| self.error(trouble, Sent::No))?;
                if rows.is_empty() {
                    break;
                }
                objects.extend(rows.into_iter().filter_map(|Thing { id, name, .. }| {
                    let (_, mark) = name.rsplit_once('-').filter(|(_, mark)| mark.len() == 24)?;
                    Some(MarkedObject { id: id.to_string(), mark: mark.to_owned(), name })
                }));
            }
        }
        let bearers = Bearers::InstancesAndBindings;
        let objects = if self.has(Flaw::ListsNothing) { Vec::new() } else { objects };
        Ok(Listing::Objects { bearers, objects })
    }

    fn check(&self, _: &PlanId, wanted: &Parameters, _: Option<&InstanceFacts>) -> Result<(), Vec<String>> {
        match wanted.expose().get("size") {
            Some(size) if *size == json!(13) && !self.has(Flaw::ChecksTooLate) => {
                Err(vec!["size: thirteen is not possible".to_owned()])
            }
            _ => Ok(()),
        }
    }
}
