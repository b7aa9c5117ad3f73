//! `domain-verification` against real name servers.

mod dnssec;
mod person;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use sutler_broker_server::operation::OperationId;
use sutler_broker_server::providers::contract::{self, Object, Staged, Wishes};
use sutler_broker_server::providers::dns::{Anchors, Reach, RecordType};
use sutler_broker_server::providers::verification::{Verification, VerificationConfig};
use sutler_broker_server::providers::{
    Attempt, Checkpoint, IdempotencyKey, InstanceFacts, Marker, Observation, Progress, Provider,
    ProviderError, ProvisionedInstance, Step,
};
use sutler_broker_server::testing::bind::Bind;
use sutler_spec::{InstanceId, Parameters};

use person::{Person, wish};

const DOMAIN: &str = "example.org";
const RECORD: &str = "_osb-challenge.example.org";
/// Where an alias leads.
const ELSEWHERE: &str = "proofs.example.net";
const OTHER_ZONE: &str = "example.net";

/// Two name servers of the same zones, which need not agree. The first is asked who answers for a name, too.
struct Servers {
    first: Bind,
    second: Bind,
}

impl Servers {
    async fn start() -> Self {
        let zones = [DOMAIN, OTHER_ZONE];
        let servers = Self::pair(&zones).await;
        for zone in zones {
            for bind in [&servers.first, &servers.second] {
                let other = format!("ns2.{zone}");
                bind.add(zone, &other, RecordType::A, "127.0.0.2").await.unwrap();
                bind.add(zone, zone, RecordType::NS, &other).await.unwrap();
            }
        }
        servers
    }

    /// The second one needs the first one's port at the next address, which somebody else may have.
    async fn pair(zones: &[&str]) -> Self {
        let mut last = None;
        for _ in 0..10 {
            let first = Bind::start(zones).await.unwrap();
            match first.beside(zones).await {
                Ok(second) => return Self { first, second },
                Err(error) => last = Some(error),
            }
        }
        panic!("{last:?}")
    }

    fn provider(&self) -> Verification {
        self.provider_until(None)
    }

    fn provider_until(&self, limit: Option<Duration>) -> Verification {
        Verification::new(&self.config(limit))
    }

    /// Nothing is trusted but what is asked: as in a network of one's own that is not signed.
    fn config(&self, limit: Option<Duration>) -> VerificationConfig {
        VerificationConfig {
            resolvers: vec![self.first.address()],
            reach: Reach::Anywhere,
            port: self.first.address().port(),
            anchors: Anchors::none(),
            first_gap: Some(Duration::from_millis(5)),
            limit,
        }
    }
}

/// An instance without an engine.
struct Instance {
    provider: Verification,
    facts: InstanceFacts,
    marker: Marker,
    checkpoint: Checkpoint,
}

impl Instance {
    fn of(provider: Verification) -> Self {
        let id = InstanceId::new("instance").unwrap();
        let offered = provider.offering();
        let parameters = json!({ "domain": DOMAIN });
        let facts = InstanceFacts {
            service_id: offered.id().clone(),
            plan_id: offered.plans()[0].id().clone(),
            name: None,
            parameters: Parameters::new(parameters.as_object().unwrap().clone()),
            record: None,
            id: id.clone(),
        };
        let marker = Marker::for_instance("installation", &id);
        Self { provider, facts, marker, checkpoint: Checkpoint::begin() }
    }

    /// Goes on until it waits or ends.
    async fn go_on(&mut self) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        loop {
            let key = IdempotencyKey::new(&OperationId::new(), &self.checkpoint.step, (0, Duration::ZERO));
            let step = Step {
                instance: &self.facts,
                checkpoint: &self.checkpoint,
                attempt: Attempt::First,
                marker: &self.marker,
                key: &key,
            };
            match self.provider.provision(step).await? {
                Progress::Next(next) => self.checkpoint = next,
                Progress::Pending { checkpoint, after, description } => {
                    self.checkpoint = checkpoint.clone();
                    return Ok(Progress::Pending { checkpoint, after, description });
                }
                Progress::Done(made) => {
                    self.facts.record = Some(made.record.clone());
                    return Ok(Progress::Done(made));
                }
            }
        }
    }

    /// Looks once more; what users are told if that was not enough.
    async fn look(&mut self) -> Result<(), (String, Duration)> {
        match self.go_on().await.unwrap() {
            Progress::Done(_) => Ok(()),
            Progress::Pending { description, after, .. } => Err((description, after)),
            Progress::Next(_) => panic!("it goes on"),
        }
    }

    async fn fetched(&self) -> (Value, Vec<Value>) {
        match self.provider.fetch(&self.facts, &self.marker).await.unwrap() {
            Observation::Found { attributes, drift } => {
                (attributes["verification"].clone(), drift.into_iter().map(|field| field.found).collect())
            }
            Observation::Gone => panic!("a verification is never gone"),
        }
    }
}

/// The text that was asked for.
async fn told(instance: &mut Instance) -> String {
    let (description, _) = instance.look().await.unwrap_err();
    let (name, value) = wish(&description).unwrap();
    assert_eq!(name, RECORD);
    value
}

#[tokio::test(flavor = "multi_thread")]
async fn both_name_servers_have_to_show_the_text_among_whatever_others() {
    let servers = Servers::start().await;
    let mut instance = Instance::of(servers.provider());
    let value = told(&mut instance).await;
    servers.first.add(DOMAIN, RECORD, RecordType::TXT, "osb-verify=somebody-else").await.unwrap();
    servers.first.add(DOMAIN, RECORD, RecordType::TXT, &value).await.unwrap();
    let (_, gap) = instance.look().await.unwrap_err();
    let (_, longer) = instance.look().await.unwrap_err();
    assert!(longer > gap, "it is looked for less and less often");
    servers.second.add(DOMAIN, RECORD, RecordType::TXT, &value).await.unwrap();
    instance.look().await.unwrap();
    assert_eq!(instance.fetched().await, (json!("verified"), vec![]));
    let mut other = Instance::of(servers.provider());
    assert_ne!(told(&mut other).await, value, "every instance has a text of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_alias_is_followed_and_no_second_one() {
    let servers = Servers::start().await;
    let mut instance = Instance::of(servers.provider());
    let value = told(&mut instance).await;
    for bind in [&servers.first, &servers.second] {
        bind.add(DOMAIN, RECORD, RecordType::CNAME, ELSEWHERE).await.unwrap();
        bind.add(OTHER_ZONE, ELSEWHERE, RecordType::CNAME, "further.example.net").await.unwrap();
        bind.add(OTHER_ZONE, "further.example.net", RecordType::TXT, &value).await.unwrap();
    }
    instance.look().await.unwrap_err();
    for bind in [&servers.first, &servers.second] {
        bind.remove(OTHER_ZONE, ELSEWHERE, RecordType::CNAME).await.unwrap();
        bind.add(OTHER_ZONE, ELSEWHERE, RecordType::TXT, &value).await.unwrap();
    }
    instance.look().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_removed_is_missing_and_silence_is_unknown() {
    let servers = Servers::start().await;
    let mut instance = Instance::of(servers.provider());
    let value = told(&mut instance).await;
    for bind in [&servers.first, &servers.second] {
        bind.add(DOMAIN, RECORD, RecordType::TXT, &value).await.unwrap();
    }
    instance.look().await.unwrap();
    servers.second.remove(DOMAIN, RECORD, RecordType::TXT).await.unwrap();
    assert_eq!(instance.fetched().await, (json!("missing"), vec![json!("missing")]));
    servers.second.add(DOMAIN, RECORD, RecordType::TXT, &value).await.unwrap();
    let Servers { first, second } = servers;
    drop(second);
    assert_eq!(instance.fetched().await, (json!("unknown"), vec![]));
    drop(first);
    assert_eq!(instance.fetched().await, (json!("unknown"), vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_does_not_come_in_time_ends_the_wait() {
    let servers = Servers::start().await;
    let mut instance = Instance::of(servers.provider_until(Some(Duration::ZERO)));
    let error = instance.go_on().await.unwrap_err();
    let ProviderError::Failed { description, .. } = error else { panic!("{error:?}") };
    assert!(description.contains("was not found") && description.contains(RECORD), "{description}");
}

/// The stage of the contract: name servers, and somebody who does what is told.
struct Verifications {
    servers: Arc<Servers>,
}

#[async_trait]
impl Staged for Verifications {
    async fn set() -> Self {
        Self { servers: Arc::new(Servers::start().await) }
    }

    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(Person::who_reads(self.servers.provider(), self.servers.clone()))
    }

    fn wishes(&self) -> Wishes {
        Wishes::new(json!({ "domain": DOMAIN }))
            .refused(json!({}))
            .refused(json!({ "domain": "localhost" }))
            .refused(json!({ "domain": "Example.org" }))
    }

    /// All but the texts, which are a person's.
    async fn objects(&self) -> Vec<Object> {
        let mut objects = Vec::new();
        for (bind, number) in [(&self.servers.first, 1), (&self.servers.second, 2)] {
            let records = bind.records(DOMAIN).await.unwrap();
            let records = records.into_iter().filter(|line| !line.starts_with("_osb-challenge."));
            objects.extend(records.map(|line| Object::new("record", format!("{number}: {line}"), "")));
        }
        objects
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn domain_verification_keeps_the_contract() {
    let report = contract::run::<Verifications>().await;
    // there are only questions to name servers, and nothing is bound, changed or made
    let expected = [
        "update_repeated",
        "bind_and_unbind_repeated",
        "unbind_revokes",
        "what_is_made_is_marked",
        "unbind_after_a_failed_bind_at_every_step",
        "a_failed_update_at_every_step_is_taken_up",
        "what_vanished_is_gone_and_can_be_deleted",
        "foreign_object_of_the_same_name_is_not_touched",
        "second_page",
        "every_call_lost_on_the_way",
        "every_call_lost_its_answer",
        "too_many_requests_with_and_without_retry_after",
        "server_errors_and_html_are_unknown_not_absent",
        "errors_after_the_work_was_done",
        "rejected_credentials",
        "no_secret_in_errors",
        "a_state_that_nobody_knows_has_an_end",
    ];
    assert_eq!(report.not_tried(), expected, "{report}");
}
