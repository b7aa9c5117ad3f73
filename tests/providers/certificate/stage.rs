//! The stage of the contract.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::contract::{Fault, Object, Staged, Wishes};
use sutler_broker_server::testing::pebble::Habits;

use super::place::Place;

/// An authority and a name server, and what is at them.
pub(crate) struct Certificates {
    place: Place,
}

#[async_trait]
impl Staged for Certificates {
    async fn set() -> Self {
        Self { place: Place::new(Habits::default()).await }
    }

    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(self.place.provider())
    }

    fn wishes(&self) -> Wishes {
        let names = ["example.org", "*.example.org"];
        let key: Vec<&str> = self.place.key.lines().filter(|line| !line.starts_with('-')).collect();
        Wishes::new(json!({ "names": names, "revoke_on_delete": true }))
            .update(json!({ "edition": "2" }))
            .refused(json!({ "names": [] }))
            .refused(json!({ "names": ["Example.org"] }))
            .refused(json!({ "names": ["www.example.org", "*.example.org"] }))
            .refused(json!({ "names": names, "key_type": "rsa-1024" }))
            .secret(key[0])
    }

    /// Certificates that were not revoked, and records that were not removed.
    async fn objects(&self) -> Vec<Object> {
        let certificates = self.place.gate.certificates().into_iter();
        let certificates = certificates.map(|id| Object::new("certificate", id, "issued"));
        let proofs = self.place.proofs().await.into_iter().map(|line| Object::new("record", line, ""));
        certificates.chain(proofs).collect()
    }

    async fn strike(&self, nth: u64, fault: &Fault) -> bool {
        self.place.gate.strike(nth, fault);
        true
    }

    async fn heal(&self) -> bool {
        self.place.gate.heal()
    }
}
