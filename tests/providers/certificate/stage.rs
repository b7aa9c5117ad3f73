//! The stage of the contract.

use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::contract::{Fault, Object, Staged, Wishes};
use sutler_broker_server::testing::pebble::Habits;

use super::place::Place;

/// What is asked for.
pub(crate) trait Asked: Send + Sync + 'static {
    /// The names.
    fn names() -> Value;
    /// A change, if there is one.
    fn change() -> Option<Value>;
}

/// One name.
pub(crate) struct Simple;

impl Asked for Simple {
    fn names() -> Value {
        json!(["example.org"])
    }

    fn change() -> Option<Value> {
        None
    }
}

/// A name and its wildcard, renewed.
pub(crate) struct Renewed;

impl Asked for Renewed {
    fn names() -> Value {
        json!(["example.org", "*.example.org"])
    }

    fn change() -> Option<Value> {
        Some(json!({ "edition": "2" }))
    }
}

/// An authority and a name server, and what is at them.
pub(crate) struct Certificates<A> {
    place: Place,
    asked: PhantomData<A>,
}

#[async_trait]
impl<A: Asked> Staged for Certificates<A> {
    async fn set() -> Self {
        Self { place: Place::new(Habits::default()).await, asked: PhantomData }
    }

    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(self.place.provider())
    }

    fn wishes(&self) -> Wishes {
        let key: Vec<&str> = self.place.key.lines().filter(|line| !line.starts_with('-')).collect();
        let wishes = Wishes::new(json!({ "names": A::names(), "revoke_on_delete": true }))
            .refused(json!({ "names": [] }))
            .refused(json!({ "names": ["Example.org"] }))
            .refused(json!({ "names": ["www.example.org", "*.example.org"] }))
            .refused(json!({ "names": A::names(), "key_type": "rsa-1024" }))
            .secret(key[0]);
        match A::change() {
            Some(change) => wishes.update(change),
            None => wishes,
        }
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
