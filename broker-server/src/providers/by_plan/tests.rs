use std::{sync::Mutex, time::Duration};

use serde_json::{Map, Value, json};
use sutler_catalog::{Guid, Plan};
use sutler_spec::{InstanceId, ServiceId};

use super::*;
use crate::{
    operation::OperationId,
    providers::{Attempt, Bearers, IdempotencyKey, MarkedObject, Record},
};

const SERVICE: &str = "5c9d9a3e-0002-4a6e-8f57-0c3a51c1a001";
const NORTH: &str = "5c9d9a3e-0002-4a6e-8f57-0c3a51c1a002";
const SOUTH: &str = "5c9d9a3e-0002-4a6e-8f57-0c3a51c1a003";

/// Does one plan, in two steps, and lists two pages of one object.
#[derive(Debug)]
struct Vendor {
    name: &'static str,
    plan: &'static str,
    class: RecoveryClass,
    steps: Mutex<Vec<String>>,
}

impl Vendor {
    fn new(name: &'static str, plan: &'static str, class: RecoveryClass) -> Arc<Self> {
        Arc::new(Self { name, plan, class, steps: Mutex::default() })
    }

    fn note(&self, step: &Step<'_>) {
        self.steps.lock().unwrap().push(step.checkpoint.step.clone());
    }

    fn made(&self) -> ProvisionedInstance {
        ProvisionedInstance {
            record: Record(json!(self.name)),
            dashboard_url: None,
            labels: Map::new(),
            attributes: Map::new(),
        }
    }
}

#[async_trait]
impl Provider for Vendor {
    fn offering(&self) -> Offering {
        let plan = Plan::new(Guid::new(self.plan), self.name, "One of two");
        Offering::new(Guid::new(SERVICE), "acme-clock", "A clock").with_plan(plan)
    }

    fn recovery(&self, _work: Work, step: &StepName) -> RecoveryClass {
        if step == BEGIN { RecoveryClass::ReadOnly } else { self.class }
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        self.note(&step);
        match step.checkpoint.step.as_str() {
            BEGIN => Ok(Progress::Next(Checkpoint::at("create", Value::Null))),
            "create" => Ok(Progress::Pending {
                checkpoint: Checkpoint::at("look", Value::Null),
                after: Duration::ZERO,
                description: "soon".to_owned(),
            }),
            _ => Ok(Progress::Done(self.made())),
        }
    }

    async fn update(
        &self,
        step: Step<'_>,
        _: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        self.note(&step);
        Ok(Progress::Done(self.made()))
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        self.note(&step);
        Ok(Progress::Done(()))
    }

    async fn fetch(&self, _: &InstanceFacts, _: &Marker) -> Result<Observation, ProviderError> {
        Ok(Observation::Gone)
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        let mark =
            MarkedObject { id: self.name.to_owned(), name: self.name.to_owned(), mark: "0".repeat(12) };
        Ok(Listing::Objects { bearers: Bearers::Instances, objects: vec![mark] })
    }

    fn discovery(&self) -> Option<&dyn Discovery> {
        Some(self)
    }
}

#[async_trait]
impl Discovery for Vendor {
    async fn page(&self, cursor: Option<&str>) -> Result<ObjectsPage, ProviderError> {
        let thing = |id: &str| VendorThing {
            id: id.to_owned(),
            name: self.name.to_owned(),
            mark: None,
            parameters: Map::new(),
            not_adoptable: None,
        };
        Ok(match cursor {
            None => ObjectsPage { objects: vec![thing("1")], next: Some("a:b".to_owned()) },
            Some("a:b") => ObjectsPage { objects: vec![thing("2")], next: None },
            Some(other) => panic!("{other} is no cursor of ours"),
        })
    }

    async fn object(&self, id: &str) -> Result<Option<VendorThing>, ProviderError> {
        let all = self.page(None).await?.objects;
        Ok(all.into_iter().find(|thing| thing.id == id))
    }

    async fn adopt(&self, step: Step<'_>, id: &str) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        self.note(&step);
        assert_eq!(id, "1");
        Ok(Progress::Done(self.made()))
    }

    fn object_of(&self, _: &InstanceFacts) -> Option<String> {
        Some("1".to_owned())
    }
}

fn both() -> (Arc<Vendor>, Arc<Vendor>, ByPlan) {
    let north = Vendor::new("north", NORTH, RecoveryClass::UniqueName);
    let south = Vendor::new("south", SOUTH, RecoveryClass::ListByMarker);
    let all = ByPlan::of(vec![north.clone(), south.clone()]).expect("there are parts");
    (north, south, all)
}

fn facts(plan: &str) -> InstanceFacts {
    InstanceFacts {
        id: InstanceId::new("instance").unwrap(),
        service_id: ServiceId::new(SERVICE).unwrap(),
        plan_id: PlanId::new(plan).unwrap(),
        name: None,
        parameters: Parameters::default(),
        record: None,
    }
}

/// Asks for a step as the engine does.
async fn ask<T>(plan: &str, checkpoint: &Checkpoint, what: impl AsyncFnOnce(Step<'_>) -> T) -> T {
    let instance = facts(plan);
    let marker = Marker::for_instance("installation", &instance.id);
    let key = IdempotencyKey::new(&OperationId::from("operation"), &checkpoint.step, (0, Duration::ZERO));
    what(Step { instance: &instance, checkpoint, attempt: Attempt::First, marker: &marker, key: &key }).await
}

#[test]
fn all_plans_are_in_one_offering() {
    let (.., all) = both();
    let names: Vec<String> = all.offering().plans().iter().map(|plan| plan.name().to_owned()).collect();
    assert_eq!(names, ["north", "south"]);
    assert!(ByPlan::of(Vec::new()).is_none());
}

#[tokio::test]
async fn each_plan_is_done_by_its_own_provider_step_by_step() {
    let (north, south, all) = both();
    let mut checkpoint = Checkpoint::begin();
    let mut kept = Vec::new();
    let made = loop {
        let progress = ask(SOUTH, &checkpoint, async |step| all.provision(step).await).await.unwrap();
        checkpoint = match progress {
            Progress::Next(next) | Progress::Pending { checkpoint: next, .. } => next,
            Progress::Done(made) => break made,
        };
        kept.push(checkpoint.step.clone());
    };
    assert_eq!(made.record, Record(json!("south")));
    assert_eq!(*south.steps.lock().unwrap(), [BEGIN, "create", "look"]);
    assert_eq!(kept, ["south:create", "south:look"]);
    assert!(north.steps.lock().unwrap().is_empty());
}

#[test]
fn a_step_is_recovered_as_its_own_provider_says() {
    let (.., all) = both();
    assert_eq!(all.recovery(Work::Provision, "north:create"), RecoveryClass::UniqueName);
    assert_eq!(all.recovery(Work::Provision, "south:create"), RecoveryClass::ListByMarker);
    assert_eq!(all.recovery(Work::Provision, BEGIN), RecoveryClass::ReadOnly);
}

#[tokio::test]
async fn an_instance_whose_vendor_is_not_configured_any_more_waits_for_it() {
    let north = Vendor::new("north", NORTH, RecoveryClass::UniqueName);
    let all = ByPlan::of(vec![north.clone()]).unwrap();
    let begin = Checkpoint::begin();
    let error = ask(SOUTH, &begin, async |step| all.deprovision(step).await).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable { sent: Sent::No, .. }), "{error}");
    // a step of another part is never handed to this one
    let foreign = Checkpoint::at("south:create", Value::Null);
    let error = ask(NORTH, &foreign, async |step| all.provision(step).await).await.unwrap_err();
    assert!(matches!(error, ProviderError::Refused { .. }), "{error}");
    assert!(north.steps.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nothing_is_moved_from_one_vendor_to_another() {
    let (north, south, all) = both();
    let change = |plan: &str| Change {
        plan_id: PlanId::new(plan).unwrap(),
        parameters: Parameters::default(),
        named: Vec::new(),
    };
    let begin = Checkpoint::begin();
    let moved = ask(NORTH, &begin, async |step| all.update(step, &change(SOUTH)).await).await;
    assert!(matches!(moved, Err(ProviderError::Refused { refusal: Refusal::Unsupported, .. })), "{moved:?}");
    ask(NORTH, &begin, async |step| all.update(step, &change(NORTH)).await).await.unwrap();
    assert_eq!(*north.steps.lock().unwrap(), [BEGIN]);
    assert!(south.steps.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_listed_is_listed_of_all_parts_page_by_page() {
    let (.., all) = both();
    let (mut cursor, mut ids) = (None, Vec::new());
    loop {
        let page = all.page(cursor.as_deref()).await.unwrap();
        ids.extend(page.objects.into_iter().map(|thing| thing.id));
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(ids, ["north:1", "north:2", "south:1", "south:2"]);
    for bad in ["", "a:b", "west:", "north"] {
        assert!(all.page(Some(bad)).await.is_err(), "{bad}");
    }
    assert_eq!(all.object("south:1").await.unwrap().unwrap().id, "south:1");
    assert!(all.object("1").await.unwrap().is_none());
    let Listing::Objects { objects, .. } = all.marked().await.unwrap() else { panic!("they carry marks") };
    assert_eq!(objects.len(), 2);
}

#[tokio::test]
async fn an_object_is_adopted_into_a_plan_of_its_own_vendor_alone() {
    let (north, south, all) = both();
    let begin = Checkpoint::begin();
    ask(NORTH, &begin, async |step| all.adopt(step, "north:1").await).await.unwrap();
    for foreign in ["south:1", "1"] {
        let refused = ask(NORTH, &begin, async |step| all.adopt(step, foreign).await).await;
        assert!(matches!(refused, Err(ProviderError::Refused { .. })), "{foreign}");
    }
    assert_eq!(*north.steps.lock().unwrap(), [BEGIN]);
    assert!(south.steps.lock().unwrap().is_empty());
    assert_eq!(all.object_of(&facts(SOUTH)).as_deref(), Some("south:1"));
}
