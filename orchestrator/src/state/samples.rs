//! Records, vaults and claims for tests.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::json;
use sutler_secrets::KeyRing;
use sutler_spec::{InstanceId, PlanId, ServiceId};

use super::backend::{State, StateBackend};
use super::journal::of_text;
use super::ledger::{AppliedBy, LedgerEntry, LedgerKey, LedgerKind, LedgerOutcome};
use super::lock::{Claim, Holder};
use super::record::{Asked, InstanceRecord, Named};
use super::seal::Vault;
use super::status::Status;
use crate::name::{BrokerName, InstanceRef, LedgerId, StackName};

/// What no file and no log may ever hold.
pub(crate) const CANARY: &str = "c4n4ry-0f-p4r4m3ters";

pub(crate) fn stack(text: &str) -> StackName {
    StackName::new(text).expect("a stack name")
}

pub(crate) fn reference(text: &str) -> InstanceRef {
    InstanceRef::new(text).expect("a ref")
}

pub(crate) fn vault(state: &State) -> Vault {
    Vault::with_ring(Arc::new(KeyRing::generate(Timestamp::now())), state, "test").expect("a new state")
}

/// A claim on whatever the backend holds, by this process, with a ring of its own when there is nothing yet.
pub(crate) async fn claim(backend: &dyn StateBackend, purpose: &str) -> Claim {
    let state = backend.load().await.expect("it loads");
    let mut seed = vault(&State { canary: None, ..state.clone() }).seed();
    seed.lineage = state.lineage;
    Claim { holder: Holder::this_process("ada", purpose), lease: Duration::from_secs(60), seed }
}

/// An entry of the ledger that was begun.
pub(crate) fn entry(kind: LedgerKind, id: &str) -> LedgerEntry {
    LedgerEntry {
        key: LedgerKey { kind, id: LedgerId::new(id).expect("an id") },
        outcome: LedgerOutcome::Begun,
        digest: of_text(id),
        started: "2026-11-21T10:00:00Z".to_owned(),
        finished: None,
        duration_ms: 0,
        applied_by: AppliedBy::Cli,
        actor: "ada@host".to_owned(),
        notes: Vec::new(),
    }
}

pub(crate) fn record(name: &str) -> InstanceRecord {
    let ring = KeyRing::generate(Timestamp::now());
    let plan = Named { id: PlanId::new("plan-1").expect("an id"), name: "standard".to_owned() };
    let vault = vault(&State::empty(stack("shop")));
    InstanceRecord {
        reference: reference(name),
        broker: BrokerName::new("edge").expect("a name"),
        service: Named { id: ServiceId::new("service-1").expect("an id"), name: "database".to_owned() },
        service_plan: plan.clone(),
        instance_id: InstanceId::new(uuid::Uuid::new_v4().to_string()).expect("an id"),
        name: format!("shop-{name}"),
        status: Status::Intended,
        protected: false,
        needs: Vec::new(),
        asked: Asked {
            service_plan: plan,
            inputs: ring.digest("inputs", name.as_bytes()),
            parameter_digests: [("size".to_owned(), ring.digest("parameter", b"1"))].into(),
            parameters: vault.seal_parameters(&reference(name), &json!({ "size": 1, "password": CANARY })),
            maintenance_version: None,
        },
        pending: None,
        outputs: crate::state::record::Few::new(),
        binding: None,
        variables: IndexMap::new(),
        sink_digest: None,
        orphans: Vec::new(),
        adopted: None,
        drift: Vec::new(),
        previous: None,
        retired: Vec::new(),
        created_at: "2026-11-21T10:00:00Z".to_owned(),
    }
}
