//! Updates at DNSimple that are given up on the way: whatever they have made is known to what follows, also to a process
//! that knows nothing but the store. By the real engine, call by call.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sutler_broker_server::broker::{Broker, BrokerError, Caller};
use sutler_broker_server::config::Tuning;
use sutler_broker_server::store::Actor;
use sutler_spec::{Asynchrony, DeprovisionQuery, Deprovisioned, InstanceId, Updated};
use sutler_tests::dnsimple::{CannedAnswer, Fault, FaultAction};

use super::asked;
use super::at_dnsimple::{FOREIGN, Records, WWW, says};
use crate::dnsimple::{Service, Vendor};
use crate::site::Memory;

const BEFORE: [&str; 1] = ["192.0.2.1"];
/// One record says something else then, and two are made.
const AFTER: [&str; 3] = ["192.0.2.2", "192.0.2.3", "192.0.2.4"];
/// More calls than an update makes.
const MOST_CALLS: u64 = 60;

/// A broker on a store of its own before the fake.
struct Site {
    vendor: Vendor,
    memory: Memory,
    broker: Arc<Broker>,
    service: String,
    plan: String,
}

/// One that gives up when a call gets no answer.
fn impatient() -> Tuning {
    Tuning { attempts: 1, poll_interval: Duration::from_millis(5), ..Tuning::default() }
}

/// One that tries again, after half a second at first.
fn patient() -> Tuning {
    Tuning { attempts: 20, inline_budget: Duration::ZERO, ..impatient() }
}

fn id() -> InstanceId {
    InstanceId::new("instance").unwrap()
}

fn caller(asynchrony: Asynchrony) -> Caller {
    Caller { actor: Actor::default(), asynchrony }
}

impl Site {
    /// With an instance that has its first records.
    async fn set(tuning: Tuning) -> Self {
        let vendor = Vendor::start().await;
        Records::prepare(&vendor);
        let memory = Memory::new();
        let broker = memory.broker(Records::provider(&vendor.client()), tuning).await;
        let offering = Records::provider(&vendor.client()).offering();
        let (service, plan) = (offering.id().to_string(), offering.plans()[0].id().to_string());
        let site = Self { vendor, memory, broker, service, plan };
        let request = json!({
            "service_id": site.service, "plan_id": site.plan, "organization_guid": "o", "space_guid": "s",
            "parameters": asked(WWW, "A", &BEFORE),
        });
        let request = serde_json::from_value(request).unwrap();
        site.broker.provision(&id(), &request, &caller(Asynchrony::Refused)).await.unwrap();
        site
    }

    /// The process dies, and another one takes its place.
    async fn restart(&mut self) {
        self.broker.abort().await;
        let provider = Records::provider(&self.vendor.client());
        self.broker = self.memory.broker(provider, impatient()).await;
    }

    async fn update(&self, values: &[&str], asynchrony: Asynchrony) -> Result<Updated, BrokerError> {
        let request = json!({
            "service_id": self.service, "plan_id": self.plan, "parameters": { "values": values },
        });
        let request = serde_json::from_value(request).unwrap();
        self.broker.update(&id(), &request, &caller(asynchrony)).await
    }

    async fn deprovision(&self) -> Result<Deprovisioned, BrokerError> {
        let query = json!({ "service_id": self.service, "plan_id": self.plan });
        let query: DeprovisionQuery = serde_json::from_value(query).unwrap();
        self.broker.deprovision(&id(), &query, &caller(Asynchrony::Refused)).await
    }

    /// From the nth call on, each fails.
    fn strike(&self, nth: u64, action: FaultAction) {
        self.vendor.control().add_fault(Fault::new("*", "*", action).from_call(nth).for_calls(1_000_000));
    }

    fn says(&self) -> Vec<String> {
        says(&self.vendor, "www", "A")
    }

    /// Nothing of the instance is left, and what is others' is.
    fn assert_clean(&self, when: &str) {
        assert_eq!(self.says(), [""; 0], "{when}");
        assert_eq!(says(&self.vendor, FOREIGN, "A"), ["192.0.2.99"], "{when}");
    }
}

/// What follows an update that was given up.
#[derive(Debug, Clone, Copy)]
enum Then {
    /// The same once more.
    Same,
    /// What was there before.
    Back,
    /// The end.
    Deletion,
}

/// Gives an update up at its nth call, and does what follows. Whether the update has so many calls.
async fn given_up_at(nth: u64, action: FaultAction, then: Then) -> bool {
    let when = format!("given up at call {nth} ({action:?}), then {then:?}");
    let mut site = Site::set(impatient()).await;
    site.strike(nth, action);
    let ended = site.update(&AFTER, Asynchrony::Refused).await;
    site.vendor.control().clear_faults();
    if ended.is_ok() {
        return false;
    }
    site.restart().await;
    let wanted: &[&str] = match then {
        Then::Same => &AFTER,
        Then::Back => &BEFORE,
        Then::Deletion => &[],
    };
    if !wanted.is_empty() {
        site.update(wanted, Asynchrony::Refused).await.unwrap_or_else(|error| panic!("{when}: {error}"));
        assert_eq!(site.says(), wanted, "{when}");
    }
    site.deprovision().await.unwrap_or_else(|error| panic!("{when}: {error}"));
    site.assert_clean(&when);
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_is_given_up_at_any_call_leaves_nothing_that_nobody_knows() {
    let mut tasks = tokio::task::JoinSet::new();
    for action in [FaultAction::DropRequest, FaultAction::DropResponse] {
        for then in [Then::Same, Then::Back, Then::Deletion] {
            let action = action.clone();
            tasks.spawn(async move {
                let mut nth = 1;
                while given_up_at(nth, action.clone(), then).await {
                    nth += 1;
                    assert!(nth < MOST_CALLS, "the update never ends well");
                }
                nth
            });
        }
    }
    while let Some(tried) = tasks.join_next().await {
        let tried = tried.unwrap();
        assert!(tried > 10, "an update of three records has more calls than {tried}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_takes_the_place_of_an_update_deletes_what_that_has_made() {
    for nth in 1..12 {
        let site = Site::set(patient()).await;
        site.strike(nth, FaultAction::DropRequest);
        site.update(&AFTER, Asynchrony::Allowed).await.unwrap();
        let control = site.vendor.control();
        let is_struck = || control.ledger().iter().any(|entry| !entry.faults.is_empty());
        while !is_struck() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        control.clear_faults();
        let deleted = loop {
            match site.deprovision().await {
                // a call is in doubt: the update goes on first
                Err(BrokerError::Concurrency) => tokio::time::sleep(Duration::from_millis(20)).await,
                other => break other,
            }
        };
        deleted.unwrap();
        site.assert_clean(&format!("call {nth}"));
    }
}

/// DNSimple refuses a record clearly: somebody makes the same one a moment later, and it stays theirs.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_refused_to_an_update_is_not_taken_for_one_of_its_own() {
    let site = Site::set(impatient()).await;
    let refusal = CannedAnswer::json(400, json!({ "message": "Validation failed", "errors": {} }));
    site.vendor.control().add_fault(Fault::new("POST", "*", FaultAction::Answer(refusal)));
    site.update(&["192.0.2.1", "192.0.2.7"], Asynchrony::Refused).await.unwrap_err();
    site.vendor.control().clear_faults();
    let theirs = json!({ "name": "www", "type": "A", "content": "192.0.2.7" });
    let _made: Value = site.vendor.somebody("records.create", &[("zone", "example.com")], theirs);
    site.deprovision().await.unwrap();
    assert_eq!(site.says(), ["192.0.2.7"]);
}
