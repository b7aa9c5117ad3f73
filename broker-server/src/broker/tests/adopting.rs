//! What exists becomes an instance once, whoever asks at the same time; and an adoption that does not end deletes nothing.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use sutler_catalog::{
    Extension,
    probe::{Behaviour, Home},
};
use sutler_spec::{
    Asynchrony, DeprovisionQuery, Deprovisioned, InstanceId, ObjectOwner, PlanId, ProvisionRequest,
    Provisioned, ServiceId,
};
use tokio::runtime::Handle;

use super::{Stage, caller, id, quick};
use crate::{
    broker::{Broker, BrokerError, Parts, Sought},
    config::DeletedLastOperation,
    metrics::Metrics,
    providers::{Probe, Registry},
};

fn service() -> ServiceId {
    Home::Main.id().into()
}

/// A broker of the probe that allows everything.
fn broker(stage: &Stage) -> Arc<Broker> {
    let registry = Registry::with(Probe::all(Duration::ZERO), None, &Extension::ALL).unwrap();
    let parts = Parts {
        registry,
        store: stage.store.clone(),
        ring: stage.ring.clone(),
        tuning: quick(),
        deleted_last_operation: DeletedLastOperation::default(),
        metrics: Arc::new(Metrics::default()),
        jitter: Arc::new(|| 1.0),
    };
    let broker = Arc::new(Broker::new(parts, Handle::current()));
    broker.engine.start_worker();
    broker
}

async fn adopt(broker: &Broker, name: &InstanceId, object: &str) -> Result<Provisioned, BrokerError> {
    let plan: PlanId = Behaviour::Instant.id().into();
    let request: ProvisionRequest = serde_json::from_value(json!({
        "service_id": service(), "plan_id": plan, "organization_guid": "o", "space_guid": "s",
        "context": { "platform": "test", "x-sutler-adopt": object },
    }))
    .unwrap();
    broker.provision(name, &request, &caller(Asynchrony::Refused)).await
}

async fn owner(broker: &Broker, object: &str) -> ObjectOwner {
    let page = broker.discover(&service(), Sought::Object(object)).await.unwrap();
    page.objects.into_iter().next().unwrap().owner
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_of_many_who_adopt_an_object_at_once_on_two_replicas_at_most_one_gets_it() {
    let stage = Stage::new();
    let replicas = [broker(&stage), broker(&stage)];
    for round in 0..10 {
        let object = if round % 2 == 0 { "stray-1" } else { "stray-3" };
        let mut asked = tokio::task::JoinSet::new();
        for number in 0..6_usize {
            let broker = replicas[number % 2].clone();
            asked.spawn(async move {
                let name = id(&format!("{round}-{number}"));
                let made = adopt(&broker, &name, object).await;
                (name, made)
            });
        }
        let mut got = Vec::new();
        while let Some(ended) = asked.join_next().await {
            match ended.unwrap() {
                (name, Ok(Provisioned::Created(_))) => got.push(name),
                (_, Err(BrokerError::Conflict(_) | BrokerError::Work { .. })) => {}
                (name, other) => panic!("{name}: {other:?}"),
            }
        }
        assert!(got.len() <= 1, "round {round}: {got:?}");
        // those that were refused claim nothing any more
        let winner = match got.pop() {
            Some(winner) => winner,
            None => {
                let late = id(&format!("{round}-late"));
                adopt(&replicas[0], &late, object).await.unwrap();
                late
            }
        };
        assert_eq!(owner(&replicas[1], object).await, ObjectOwner::Instance { instance_id: winner.clone() });
        let query = DeprovisionQuery { service_id: service(), plan_id: Behaviour::Instant.id().into() };
        let gone = replicas[0].deprovision(&winner, &query, &caller(Asynchrony::Refused)).await.unwrap();
        assert_eq!(gone, Deprovisioned::Deleted);
        assert_eq!(owner(&replicas[0], object).await, ObjectOwner::Nobody);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a62_a_list_is_told_page_by_page_and_says_whose_each_object_is() {
    let stage = Stage::new();
    let broker = broker(&stage);
    let held = id("held");
    adopt(&broker, &held, "stray-3").await.unwrap();
    let first = broker.discover(&service(), Sought::Page(None)).await.unwrap();
    assert_eq!(first.objects.len(), 2);
    let owners: Vec<_> = first.objects.iter().map(|object| object.owner.clone()).collect();
    assert_eq!(owners, [ObjectOwner::Nobody, ObjectOwner::Elsewhere]);
    let adoptable: Vec<_> = first.objects.iter().map(|object| object.not_adoptable.is_none()).collect();
    assert_eq!(adoptable, [true, false]);
    let last = broker.discover(&service(), Sought::Page(first.next.as_deref())).await.unwrap();
    assert_eq!((last.objects.len(), &last.next), (1, &None));
    assert_eq!(last.objects[0].owner, ObjectOwner::Instance { instance_id: held });
    let wrong = broker.discover(&service(), Sought::Page(Some("third"))).await;
    assert!(matches!(wrong, Err(BrokerError::Invalid(_))), "{wrong:?}");
    let unknown = broker.discover(&ServiceId::new("no").unwrap(), Sought::Page(None)).await;
    assert!(matches!(unknown, Err(BrokerError::Invalid(_))), "{unknown:?}");
    let stranger = adopt(&broker, &id("two"), "stray-2").await;
    assert!(matches!(stranger, Err(BrokerError::Work { .. })), "{stranger:?}");
}
