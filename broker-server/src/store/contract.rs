//! What every store must do, as tests that run against any of them.

mod expenses;
mod halting;
mod handles;
mod moving;
mod replicas;
mod rotation;

use std::{sync::Arc, time::Duration};

pub use handles::run_shared;
pub use moving::run_moving;
pub use rotation::run_rotation;
use serde_json::{Map, json};
use sutler_secrets::Digest;
use sutler_spec::{BindingId, InstanceId, OperationState, Parameters, PlanId, ServiceId};

use super::{
    Actor, AgeBand, Amended, Begin, Begun, BrokerStore, Census, Event, Hold, OperationStatus, RowChange,
    Rows, Save, Standing, StoreError, Subject,
};
use crate::{
    binding::{Binding, BindingState},
    instance::{Instance, InstanceState},
    operation::{Intent, Lease, Operation, OperationId, Work},
};

const LONG: Duration = Duration::from_secs(60);

/// Runs every check against an empty store.
///
/// # Panics
/// When the store breaks its contract.
pub async fn run(store: Arc<dyn BrokerStore>) {
    what_is_begun_is_there(store.as_ref()).await;
    one_operation_per_instance(store.clone()).await;
    a_decision_on_an_old_revision_is_made_again(store.as_ref()).await;
    only_the_holder_writes(store.as_ref()).await;
    an_end_is_final_and_erases(store.as_ref()).await;
    a_lapsed_claim_is_taken_over_and_doubted(store.as_ref()).await;
    a_parked_operation_waits_until_it_is_due(store.as_ref()).await;
    halting::run(store.as_ref()).await;
    bindings_go_with_their_revocation(store.as_ref()).await;
    the_last_operation_of_what_is_there_is_never_forgotten(store.as_ref()).await;
    replicas::run(store.clone()).await;
    expenses::run(store.clone()).await;
    the_census_counts_what_is_in_progress(store.as_ref()).await;
    a_text_with_nul_is_refused_everywhere(store.as_ref()).await;
    store.check().await.expect("a healthy store");
}

/// Writes what one instant provision writes, in its two transactions: the unit that benchmarks compare with.
///
/// # Panics
/// When the store refuses it.
pub async fn provision_at_once(store: &dyn BrokerStore, instance: &str) {
    let (lease, operation) = begun(store, instance).await;
    finish(store, &lease, operation, InstanceState::Ready).await;
}

async fn the_census_counts_what_is_in_progress(store: &dyn BrokerStore) {
    let before = store.census().await.expect("census");
    let (lease, operation) = begun(store, "counted-parked").await;
    park(store, &lease, &operation, LONG).await;
    let (running, _) = begun(store, "counted-running").await;
    let (lease, operation) = begun(store, "counted-queued").await;
    park(store, &lease, &operation, Duration::ZERO).await;
    let (lease, operation) = begun(store, "counted-ended").await;
    finish(store, &lease, operation, InstanceState::Ready).await;
    let after = store.census().await.expect("census");
    for standing in Standing::ALL {
        let of = |census: &Census| {
            census.count(|group| {
                (group.work, group.standing, group.age) == (Work::Provision, standing, AgeBand::Minute)
            })
        };
        assert_eq!(of(&after), of(&before) + 1, "{standing:?} (the lease is {running:?})");
    }
    assert!(after.oldest(Work::Provision) < Duration::from_secs(60));
    let statistics = store.statistics();
    assert!(statistics.commits > 0 && statistics.writes >= statistics.commits, "{statistics:?}");
    assert!(statistics.connections > 0 && statistics.connections_in_use <= statistics.connections);
}

async fn what_is_begun_is_there(store: &dyn BrokerStore) {
    let mut begin = creation("begun");
    begin.operation.revoking = Some(binding_id("the first to be revoked"));
    let (instance, operation) = (begin.operation.instance.clone(), begin.operation.clone());
    assert_eq!(store.begin(begin).await.expect("begin"), Begun::Accepted);
    let row = store.instance(&instance).await.expect("read").expect("the instance");
    assert_eq!(row, Instance { revision: row.revision, ..new_instance("begun") });
    let found = store.operation(&operation.id).await.expect("read").expect("the operation");
    assert_eq!(Operation { age: operation.age, ..found }, operation, "but for its age");
    let subject = Subject::Instance(instance.clone());
    let status = store.status(&subject, None).await.expect("read").expect("the status");
    assert_eq!((status.id.clone(), status.state), (operation.id.clone(), OperationState::InProgress));
    let named = store.status(&subject, Some(&operation.id)).await.expect("read").expect("the same status");
    // The store's clock may have moved between the two reads.
    assert_eq!(OperationStatus { due_in: status.due_in, ..named }, status);
    assert_eq!(store.status(&subject, Some(&OperationId::new())).await.expect("read"), None);
    let other = Subject::Instance(id("other"));
    assert_eq!(store.status(&other, Some(&operation.id)).await.expect("read"), None);
}

async fn one_operation_per_instance(store: Arc<dyn BrokerStore>) {
    let mut tasks = Vec::new();
    for _ in 0..16 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move { store.begin(creation("contended")).await.expect("begin") }));
    }
    let mut accepted = 0;
    for task in tasks {
        accepted += usize::from(task.await.expect("no panic") == Begun::Accepted);
    }
    assert_eq!(accepted, 1);
}

async fn a_decision_on_an_old_revision_is_made_again(store: &dyn BrokerStore) {
    let (lease, operation) = begun(store, "revised").await;
    finish(store, &lease, operation, InstanceState::Ready).await;
    let row = store.instance(&id("revised")).await.expect("read").expect("the instance");
    for stale in [None, Some(row.revision - 1), Some(row.revision + 1)] {
        let begin = Begin { decided_on: stale, ..update("revised") };
        assert_eq!(store.begin(begin).await.expect("begin"), Begun::Moved, "{stale:?}");
    }
    let event = event("revised");
    let amended = Instance { dashboard_url: Some("https://new".to_owned()), ..row.clone() };
    assert_eq!(store.amend(amended.clone(), event.clone()).await.expect("amend"), Amended::Written);
    assert_eq!(store.amend(amended, event).await.expect("amend"), Amended::Moved);
    let begin = Begin { decided_on: Some(row.revision + 1), ..update("revised") };
    assert_eq!(store.begin(begin).await.expect("begin"), Begun::Accepted);
}

async fn only_the_holder_writes(store: &dyn BrokerStore) {
    let (lease, operation) = begun(store, "held").await;
    for wrong in [
        Lease { owner: "somebody".to_owned(), ..lease.clone() },
        Lease { fence: lease.fence + 1, ..lease.clone() },
        Lease { operation: OperationId::new(), ..lease.clone() },
    ] {
        let rows = Rows { instance: RowChange::Remove, ..Rows::default() };
        let mut changed = operation.clone();
        changed.id = wrong.operation.clone();
        let save = Save { lease: wrong, operation: changed, hold: Hold::End, rows, event: None };
        assert!(matches!(store.save(save).await, Err(StoreError::LeaseLost)));
    }
    assert!(store.instance(&id("held")).await.expect("read").is_some());
    let found = store.operation(&operation.id).await.expect("read").expect("the operation");
    assert_eq!(Operation { age: operation.age, ..found }, operation, "but for its age");
    park(store, &lease, &operation, LONG).await;
    let late = Save { lease, operation, hold: Hold::Keep(LONG), rows: Rows::default(), event: None };
    assert!(matches!(store.save(late).await, Err(StoreError::LeaseLost)), "who let go has lost it");
}

async fn an_end_is_final_and_erases(store: &dyn BrokerStore) {
    let (lease, operation) = begun(store, "ended").await;
    finish(store, &lease, operation.clone(), InstanceState::Ready).await;
    let ended = store.operation(&operation.id).await.expect("read").expect("remembered");
    assert_eq!(ended.state, OperationState::Succeeded);
    assert!(ended.checkpoint.is_null() && ended.change.is_none());
    let again = Save { lease, operation, hold: Hold::Keep(LONG), rows: Rows::default(), event: None };
    assert!(matches!(store.save(again).await, Err(StoreError::LeaseLost)));
    assert_eq!(store.active(&id("ended")).await.expect("read"), None);
}

async fn a_lapsed_claim_is_taken_over_and_doubted(store: &dyn BrokerStore) {
    let begin = Begin { hold: Duration::from_millis(1), ..creation("lapsed") };
    let (lease, operation) = (begin.lease.clone(), begin.operation.clone());
    assert_eq!(store.begin(begin).await.expect("begin"), Begun::Accepted);
    let (taken, found) = replicas::claim(store, &operation).await;
    assert_eq!(taken.fence, lease.fence + 1);
    assert_ne!(taken.owner, lease.owner);
    assert!(found.in_doubt && found.touched, "an intent without a result");
    let late = Save {
        lease,
        operation: operation.clone(),
        hold: Hold::Keep(LONG),
        rows: Rows::default(),
        event: None,
    };
    assert!(matches!(store.save(late).await, Err(StoreError::LeaseLost)));
    finish(store, &taken, found, InstanceState::Ready).await;
}

async fn a_parked_operation_waits_until_it_is_due(store: &dyn BrokerStore) {
    let (lease, operation) = begun(store, "parked").await;
    park(store, &lease, &operation, LONG).await;
    let claims = |claimed: Vec<(Lease, Operation)>| claimed.iter().any(|(_, found)| found.id == operation.id);
    assert!(!claims(store.claim(LONG, 1_000).await.expect("claim")));
    let status = store.active(&id("parked")).await.expect("read").expect("in progress");
    assert!(status.is_parked && status.due_in > 50_000, "{status:?}");
    let (lease, operation) = begun(store, "due").await;
    park(store, &lease, &operation, Duration::ZERO).await;
    assert_eq!(store.next_due().await.expect("read"), Some(Duration::ZERO));
    let claimed = store.claim(LONG, 1_000).await.expect("claim");
    let (_, found) = claimed.iter().find(|(_, found)| found.id == operation.id).expect("it is due");
    assert!(!found.in_doubt, "no call was under way");
}

async fn bindings_go_with_their_revocation(store: &dyn BrokerStore) {
    let (lease, operation) = begun(store, "bound").await;
    finish(store, &lease, operation, InstanceState::Ready).await;
    let row = store.instance(&id("bound")).await.expect("read").expect("the instance");
    let rows = Rows { binding: RowChange::put(new_binding("bound", "b")), ..Rows::default() };
    let mut begin = Begin { decided_on: Some(row.revision), ..beginning(Work::Bind, "bound", rows) };
    begin.operation.binding = Some(binding_id("b"));
    let (lease, operation) = (begin.lease.clone(), begin.operation.clone());
    assert_eq!(store.begin(begin).await.expect("begin"), Begun::Accepted);
    let found = store.binding(&id("bound"), &binding_id("b")).await.expect("read");
    assert_eq!(found, Some(new_binding("bound", "b")));
    assert_eq!(store.bindings(&id("bound")).await.expect("read"), [binding_id("b")]);
    let subject = Subject::Binding(id("bound"), binding_id("b"));
    let status = store.status(&subject, None).await.expect("read").expect("the status");
    assert_eq!(status.work, Work::Bind);
    let revoked = Rows { revoked: Some(binding_id("b")), ..Rows::default() };
    let ended = Operation { state: OperationState::Succeeded, ..operation };
    let save = Save { lease, operation: ended, hold: Hold::End, rows: revoked, event: Some(event("bound")) };
    store.save(save).await.expect("save");
    assert_eq!(store.bindings(&id("bound")).await.expect("read"), []);
}

async fn the_last_operation_of_what_is_there_is_never_forgotten(store: &dyn BrokerStore) {
    let (lease, operation) = begun(store, "remembered").await;
    finish(store, &lease, operation.clone(), InstanceState::Ready).await;
    let (lease, gone) = begun(store, "forgotten").await;
    let rows = Rows { instance: RowChange::Remove, ..Rows::default() };
    let ended = Operation { state: OperationState::Failed, ..gone.clone() };
    store.save(Save { lease, operation: ended, hold: Hold::End, rows, event: None }).await.expect("save");
    assert_eq!(store.forget(LONG).await.expect("forget"), 0);
    // what ended in this very millisecond is not older than nothing
    while store.operation(&gone.id).await.expect("read").is_some() {
        store.forget(Duration::ZERO).await.expect("forget");
        tokio::task::yield_now().await;
    }
    assert!(store.operation(&operation.id).await.expect("read").is_some());
}

async fn a_text_with_nul_is_refused_everywhere(store: &dyn BrokerStore) {
    let mut begin = creation("nul");
    if let RowChange::Put(instance) = &mut begin.rows.instance {
        instance.space = "sp\0ace".to_owned();
    }
    assert!(matches!(store.begin(begin).await, Err(StoreError::Nul { column: "instances.space" })));
    assert_eq!(store.instance(&id("nul")).await.expect("read"), None, "nothing is written");
    // what is sealed is kept as it is
    let mut begin = creation("nul");
    if let RowChange::Put(instance) = &mut begin.rows.instance {
        instance.parameters = [("text".to_owned(), json!("a\0b\u{feff}\u{202e}"))].into_iter().collect();
    }
    let wanted = begin.rows.instance.clone();
    assert_eq!(store.begin(begin).await.expect("begin"), Begun::Accepted);
    let found = store.instance(&id("nul")).await.expect("read").expect("the instance");
    assert_eq!(RowChange::put(Instance { revision: 0, ..found }), wanted);
}

pub(super) fn id(text: &str) -> InstanceId {
    InstanceId::new(text).expect("an id")
}

fn binding_id(text: &str) -> BindingId {
    BindingId::new(text).expect("an id")
}

fn parameters() -> Parameters {
    [("secret".to_owned(), json!("hunter2"))].into_iter().collect()
}

fn new_instance(name: &str) -> Instance {
    Instance {
        id: id(name),
        service: ServiceId::new("service").expect("an id"),
        plan: PlanId::new("plan").expect("an id"),
        organization: "organization".to_owned(),
        space: "space".to_owned(),
        context: serde_json::from_value(json!({ "platform": "test", "instance_name": name })).ok(),
        parameters: parameters(),
        digest: Digest::from_bytes([1; 32]),
        maintenance_version: Some("1.0.0".to_owned()),
        state: InstanceState::Provisioning,
        state_before: Some(InstanceState::Ready),
        record: Some(json!({ "id": 1 })),
        unfinished: Some(json!([1, 2])),
        dashboard_url: Some("https://vendor.example".to_owned()),
        labels: Map::from_iter([("team".to_owned(), json!("shop"))]),
        attributes: Map::from_iter([("region".to_owned(), json!("eu"))]),
        revision: 0,
    }
}

fn new_binding(instance: &str, name: &str) -> Binding {
    Binding {
        instance: id(instance),
        id: binding_id(name),
        state: BindingState::Binding,
        digest: Digest::from_bytes([2; 32]),
        application: Some("application".to_owned()),
        predecessor: Some(binding_id("before")),
        parameters: parameters(),
        record: Some(json!({ "id": 2 })),
        unfinished: Some(json!("half")),
        body: serde_json::from_value(json!({ "credentials": { "token": "hunter2" } })).ok(),
    }
}

fn actor() -> Actor {
    let identity = json!({ "platform": "test", "value": { "user": "u" } });
    Actor {
        credential: Some("a".to_owned()),
        request: Some("r".to_owned()),
        originating_identity: Some(identity),
        trace: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
    }
}

pub(super) fn event(instance: &str) -> Event {
    let actor = actor();
    let (operation, detail) = (None, Some("a detail".to_owned()));
    Event { kind: "test", instance: id(instance), binding: None, operation, actor, detail }
}

fn beginning(work: Work, instance: &str, rows: Rows) -> Begin {
    let operation = Operation {
        id: OperationId::new(),
        instance: id(instance),
        binding: None,
        work,
        state: OperationState::InProgress,
        description: None,
        instance_usable: None,
        update_repeatable: None,
        digest: Digest::from_bytes([3; 32]),
        change: Some(json!({ "secret": "hunter2" })),
        revoking: None,
        checkpoint: json!({ "step": "begin", "data": "hunter2" }),
        intent: Some(Intent { step: "begin".to_owned(), class: "unique_name".to_owned(), attempt: 1 }),
        in_doubt: false,
        touched: false,
        failures: 0,
        turn: 0,
        doubted_for: Duration::ZERO,
        age: Duration::ZERO,
        actor: actor(),
    };
    let lease = Lease::first(operation.id.clone());
    let event = event(instance);
    Begin { operation, lease, hold: LONG, decided_on: None, supersedes: None, rows, event }
}

pub(crate) fn creation(instance: &str) -> Begin {
    let rows = Rows { instance: RowChange::put(new_instance(instance)), ..Rows::default() };
    beginning(Work::Provision, instance, rows)
}

fn update(instance: &str) -> Begin {
    beginning(Work::Update, instance, Rows::default())
}

pub(super) async fn begun(store: &dyn BrokerStore, instance: &str) -> (Lease, Operation) {
    let begin = creation(instance);
    let (lease, operation) = (begin.lease.clone(), begin.operation.clone());
    assert_eq!(store.begin(begin).await.expect("begin"), Begun::Accepted);
    (lease, operation)
}

async fn park(store: &dyn BrokerStore, lease: &Lease, operation: &Operation, after: Duration) {
    let operation = Operation { intent: None, ..operation.clone() };
    let save =
        Save { lease: lease.clone(), operation, hold: Hold::Park(after), rows: Rows::default(), event: None };
    store.save(save).await.expect("park");
}

pub(super) async fn finish(
    store: &dyn BrokerStore,
    lease: &Lease,
    operation: Operation,
    state: InstanceState,
) {
    let row = Instance { state, ..new_instance(operation.instance.as_str()) };
    let rows = Rows { instance: RowChange::put(row), ..Rows::default() };
    let operation = Operation { state: OperationState::Succeeded, intent: None, ..operation };
    let event = Some(event(operation.instance.as_str()));
    store.save(Save { lease: lease.clone(), operation, hold: Hold::End, rows, event }).await.expect("finish");
}
