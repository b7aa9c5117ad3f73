//! Real brokers on a store, for what only the engine can show.

use std::sync::Arc;

use sutler_broker_server::broker::{Broker, Parts};
use sutler_broker_server::config::{DeletedLastOperation, Tuning};
use sutler_broker_server::metrics::Metrics;
use sutler_broker_server::providers::{Provider, Registry};
use sutler_broker_server::store::{BrokerStore, sqlite::SqliteStore};
use sutler_secrets::KeyRing;
use tempfile::TempDir;
use tokio::runtime::Handle;

/// What is durable: brokers come and go.
pub(crate) struct Memory {
    store: Arc<dyn BrokerStore>,
    ring: Arc<KeyRing>,
    _folder: TempDir,
}

impl Memory {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ring = Arc::new(KeyRing::generate(jiff::Timestamp::now()));
        let store = SqliteStore::open(&folder.path().join("broker.db"), ring.clone()).unwrap();
        Self { store: Arc::new(store), ring, _folder: folder }
    }

    /// A broker that is started.
    pub(crate) async fn broker(&self, provider: Arc<dyn Provider>, tuning: Tuning) -> Arc<Broker> {
        let parts = Parts {
            registry: Registry::new(vec![provider], None).unwrap(),
            store: self.store.clone(),
            ring: self.ring.clone(),
            tuning,
            deleted_last_operation: DeletedLastOperation::default(),
            metrics: Arc::new(Metrics::default()),
            jitter: Arc::new(|| 1.0),
        };
        let broker = Broker::new(parts, Handle::current());
        broker.start().await.unwrap();
        Arc::new(broker)
    }
}
