//! The engine on a store, with a vendor as the test wants it.

mod adopting;
mod bounds;
mod failures;
mod replicas;
mod sweeping;
mod vendor;

use std::{sync::Arc, time::Duration};

use serde_json::json;
use sutler_secrets::KeyRing;
use sutler_spec::{
    Asynchrony, DeprovisionQuery, Deprovisioned, InstanceId, LastOperation, LastOperationQuery,
    OperationState, PlanId, ProvisionRequest, Provisioned, ServiceId,
};
use tempfile::TempDir;
use tokio::{runtime::Handle, time::Instant};

use self::vendor::Vendor;
use super::{Broker, BrokerError, Caller, Parts, Polled};
use crate::{
    config::{DeletedLastOperation, Tuning},
    metrics::Metrics,
    providers::{
        Registry,
        scripted::{SERVICE, STANDARD},
    },
    store::{Actor, BrokerStore, Subject, sqlite::SqliteStore},
};

/// A store, and what brokers on it share.
struct Stage {
    store: Arc<dyn BrokerStore>,
    ring: Arc<KeyRing>,
    _folder: TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ring = Arc::new(KeyRing::generate(jiff::Timestamp::now()));
        let store = SqliteStore::open(&folder.path().join("broker.db"), ring.clone()).unwrap();
        Self { store: Arc::new(store), ring, _folder: folder }
    }

    /// A broker whose work runs on this runtime. Its worker looks for work if it is started.
    fn broker(&self, vendor: &Vendor, tuning: Tuning, runtime: Handle) -> Arc<Broker> {
        let registry = Registry::new(vec![Arc::new(vendor.clone())], None).unwrap();
        let parts = Parts {
            registry,
            store: self.store.clone(),
            ring: self.ring.clone(),
            tuning,
            deleted_last_operation: DeletedLastOperation::default(),
            metrics: Arc::new(Metrics::default()),
            jitter: Arc::new(|| 1.0),
        };
        Arc::new(Broker::new(parts, runtime))
    }

    /// One that is started. Nobody takes over from anybody: another broker on the store may be alive.
    fn started(&self, vendor: &Vendor, tuning: Tuning) -> Arc<Broker> {
        let broker = self.broker(vendor, tuning, Handle::current());
        broker.engine.start_worker();
        broker
    }
}

/// Times for tests that wait for nothing.
fn quick() -> Tuning {
    Tuning {
        inline_budget: Duration::ZERO,
        poll_interval: Duration::from_millis(5),
        backoff_cap: Duration::from_millis(20),
        longest_wait: Duration::from_millis(50),
        call_timeout: Duration::from_millis(200),
        lease: Duration::from_secs(1),
        fetch_cache: Duration::ZERO,
        ..Tuning::default()
    }
}

fn id(text: &str) -> InstanceId {
    InstanceId::new(text).unwrap()
}

fn caller(asynchrony: Asynchrony) -> Caller {
    let actor = Actor { credential: Some("platform".to_owned()), ..Actor::default() };
    Caller { actor, asynchrony }
}

async fn provision(broker: &Broker, name: &str, asynchrony: Asynchrony) -> Result<Provisioned, BrokerError> {
    let request = json!({
        "service_id": SERVICE, "plan_id": STANDARD, "organization_guid": "o", "space_guid": "s",
    });
    let request: ProvisionRequest = serde_json::from_value(request).unwrap();
    broker.provision(&id(name), &request, &caller(asynchrony)).await
}

async fn deprovision(broker: &Broker, name: &str) -> Result<Deprovisioned, BrokerError> {
    let query = DeprovisionQuery {
        service_id: ServiceId::new(SERVICE).unwrap(),
        plan_id: PlanId::new(STANDARD).unwrap(),
    };
    broker.deprovision(&id(name), &query, &caller(Asynchrony::Refused)).await
}

/// How the last operation of an instance stands, and how long a platform is told to wait.
async fn polled(broker: &Broker, name: &str) -> (LastOperation, Option<Duration>) {
    let query = LastOperationQuery::default();
    match broker.last_operation(&Subject::Instance(id(name)), &query).await.unwrap() {
        Polled::State { last_operation, retry_after } => (last_operation, retry_after),
        Polled::Gone => panic!("{name} is gone"),
    }
}

/// Polls until the work has ended.
async fn settled(broker: &Broker, name: &str) -> LastOperation {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let (last, _) = polled(broker, name).await;
        if last.state != OperationState::InProgress {
            return last;
        }
        assert!(Instant::now() < deadline, "{name} does not end: {last:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Polls until what a platform is told is as expected.
async fn told(
    broker: &Broker,
    name: &str,
    expected: impl Fn(&LastOperation, Duration) -> bool,
) -> LastOperation {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let (last, retry_after) = polled(broker, name).await;
        if expected(&last, retry_after.unwrap_or_default()) {
            return last;
        }
        assert!(Instant::now() < deadline, "{name} is never as expected: {last:?} {retry_after:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until it is so.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
