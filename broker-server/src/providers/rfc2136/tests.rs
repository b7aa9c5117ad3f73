//! Records and proofs in a zone of a real BIND, step by step.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sutler_spec::{InstanceId, Parameters, PlanId, ServiceId};

use super::{Record, Rfc2136Config, Server};
use crate::{
    operation::OperationId,
    providers::{
        Attempt, BEGIN, Change, Checkpoint, IdempotencyKey, InstanceFacts, Marker, Observation, Progress,
        Provider, ProviderError, ProvisionedInstance, Refusal, Step, Usability,
        dns::{Challenges, DnsName, RecordType},
    },
    testing::bind::{Bind, STRANGER, WRITER},
};

const ZONE: &str = "example.test";

async fn bind() -> Bind {
    Bind::start(&[ZONE]).await.expect("the server starts")
}

fn config(bind: &Bind) -> Rfc2136Config {
    Rfc2136Config {
        server: bind.address().to_string(),
        zone: ZONE.to_owned(),
        key_name: WRITER.to_owned(),
        algorithm: "hmac-sha256".to_owned(),
        secret: bind.secret(),
        name_servers: vec![bind.address()],
        call_timeout: Duration::from_secs(5),
    }
}

fn server(bind: &Bind) -> Server {
    Server::new(&config(bind)).expect("the configuration is right")
}

fn parameters(value: Value) -> Parameters {
    Parameters::new(value.as_object().cloned().unwrap_or_default())
}

/// One instance.
struct Life {
    provider: Record,
    instance: InstanceFacts,
    marker: Marker,
    key: IdempotencyKey,
}

type Made = Result<Progress<ProvisionedInstance>, ProviderError>;

impl Life {
    fn of(server: &Server, wanted: Value) -> Self {
        let id = InstanceId::new("instance").expect("an id");
        let instance = InstanceFacts {
            id: id.clone(),
            service_id: ServiceId::new("service").expect("an id"),
            plan_id: PlanId::new("plan").expect("an id"),
            name: None,
            parameters: parameters(wanted),
            record: None,
        };
        let key = IdempotencyKey::new(&OperationId::from("operation"), BEGIN, (0, Duration::ZERO));
        let marker = Marker::for_instance("installation", &id);
        Self { provider: Record::new(server), instance, marker, key }
    }

    fn step<'a>(&'a self, checkpoint: &'a Checkpoint) -> Step<'a> {
        let (instance, marker, key) = (&self.instance, &self.marker, &self.key);
        Step { instance, checkpoint, attempt: Attempt::First, marker, key }
    }

    async fn provision_at(&self, checkpoint: &Checkpoint) -> Made {
        self.provider.provision(self.step(checkpoint)).await
    }

    /// Until it is ready. Whatever is awaited makes it fail.
    async fn provision(&mut self) -> Result<(), ProviderError> {
        let mut checkpoint = Checkpoint::begin();
        loop {
            match self.provision_at(&checkpoint).await? {
                Progress::Next(next) => checkpoint = next,
                Progress::Pending { description, .. } => panic!("{description}"),
                Progress::Done(done) => {
                    self.instance.record = Some(done.record);
                    return Ok(());
                }
            }
        }
    }

    async fn update(&mut self, wanted: Value) -> Result<(), ProviderError> {
        let plan_id = self.instance.plan_id.clone();
        let change = Change { plan_id, parameters: parameters(wanted), named: Vec::new() };
        let mut checkpoint = Checkpoint::begin();
        loop {
            match self.provider.update(self.step(&checkpoint), &change).await? {
                Progress::Next(next) => checkpoint = next,
                Progress::Pending { description, .. } => panic!("{description}"),
                Progress::Done(done) => {
                    self.instance.record = Some(done.record);
                    self.instance.parameters = change.parameters;
                    return Ok(());
                }
            }
        }
    }

    async fn deprovision(&self) {
        let mut checkpoint = Checkpoint::begin();
        loop {
            match self.provider.deprovision(self.step(&checkpoint)).await.expect("deletion succeeds") {
                Progress::Next(next) | Progress::Pending { checkpoint: next, .. } => checkpoint = next,
                Progress::Done(()) => return,
            }
        }
    }

    async fn fetched(&self) -> Observation {
        self.provider.fetch(&self.instance, &self.marker).await.expect("it can be fetched")
    }

    /// The parameters that differ.
    async fn drift(&self) -> Vec<String> {
        match self.fetched().await {
            Observation::Found { drift, .. } => drift.into_iter().map(|drift| drift.field).collect(),
            Observation::Gone => panic!("it is gone"),
        }
    }
}

/// Everything in the zone but what makes it one.
async fn records(bind: &Bind) -> Vec<String> {
    let all = bind.records(ZONE).await.expect("the zone can be listed");
    all.into_iter().filter(|line| !line.starts_with("ns1.") && !line.contains(" NS ns1.")).collect()
}

fn address(values: &[&str]) -> Value {
    json!({ "name": "www.example.test", "type": "A", "ttl": 60, "values": values })
}

fn is_conflict(error: &ProviderError) -> bool {
    matches!(error, ProviderError::Refused { refusal: Refusal::Conflict, .. })
}

#[tokio::test]
async fn a_record_is_made_with_its_mark_changed_and_removed() {
    let bind = bind().await;
    let mut life = Life::of(&server(&bind), address(&["192.0.2.1"]));
    life.provision().await.unwrap();
    let made = records(&bind).await;
    assert_eq!(made.len(), 2, "{made:?}");
    assert!(made[0].starts_with("_osb-") && made[0].contains(&life.marker.hex(32)), "{made:?}");
    assert_eq!(made[1], "www.example.test 60 A 192.0.2.1");
    assert_eq!(life.drift().await, [""; 0]);
    life.update(address(&["192.0.2.3", "192.0.2.2"])).await.unwrap();
    let changed = records(&bind).await;
    assert_eq!(changed[1..], ["www.example.test 60 A 192.0.2.2", "www.example.test 60 A 192.0.2.3"]);
    life.deprovision().await;
    assert_eq!(records(&bind).await, [""; 0]);
    assert_eq!(life.fetched().await, Observation::Gone);
    life.deprovision().await;
}

#[tokio::test]
async fn a_message_that_was_done_and_not_recorded_is_not_sent_again() {
    let bind = bind().await;
    let life = Life::of(&server(&bind), address(&["192.0.2.1"]));
    let Progress::Next(write) = life.provision_at(&Checkpoint::begin()).await.unwrap() else { panic!() };
    let Progress::Next(_) = life.provision_at(&write).await.unwrap() else { panic!() };
    let (before, changes) = (records(&bind).await, bind.changes(ZONE).await.unwrap());
    let Progress::Next(awaited) = life.provision_at(&write).await.unwrap() else { panic!() };
    assert_eq!((awaited.step.as_str(), records(&bind).await), ("await", before));
    assert_eq!(bind.changes(ZONE).await.unwrap(), changes);
}

#[tokio::test]
async fn what_others_have_at_the_name_is_left_alone() {
    let bind = bind().await;
    bind.add(ZONE, "www.example.test", RecordType::A, "192.0.2.1").await.unwrap();
    bind.add(ZONE, "alias.example.test", RecordType::CNAME, "www.example.test").await.unwrap();
    bind.add(ZONE, "sub.example.test", RecordType::NS, "ns.example.org").await.unwrap();
    let before = records(&bind).await;
    for wanted in [
        address(&["192.0.2.1"]),
        json!({ "name": "alias.example.test", "type": "A", "values": ["192.0.2.1"] }),
        json!({ "name": "www.example.test", "type": "CNAME", "values": ["a.example.org"] }),
        json!({ "name": "a.sub.example.test", "type": "A", "values": ["192.0.2.1"] }),
    ] {
        let mut life = Life::of(&server(&bind), wanted.clone());
        let error = life.provision().await.unwrap_err();
        assert!(is_conflict(&error), "{wanted}: {error:?}");
        life.deprovision().await;
        assert_eq!(records(&bind).await, before, "{wanted}");
    }
}

#[tokio::test]
async fn what_others_change_is_told_and_not_undone_and_what_they_add_stays() {
    let bind = bind().await;
    let mut life = Life::of(&server(&bind), address(&["192.0.2.1"]));
    life.provision().await.unwrap();
    bind.add(ZONE, "www.example.test", RecordType::A, "192.0.2.99").await.unwrap();
    assert_eq!(life.drift().await, ["values"]);
    let before = records(&bind).await;
    let error = life.update(address(&["192.0.2.2"])).await.unwrap_err();
    assert!(is_conflict(&error), "{error:?}");
    assert_eq!(records(&bind).await, before);
    life.deprovision().await;
    assert_eq!(records(&bind).await, ["www.example.test 60 A 192.0.2.99"]);
}

#[tokio::test]
async fn a_mark_that_somebody_removed_is_told_and_the_record_is_nobodys_then() {
    let bind = bind().await;
    let mut life = Life::of(&server(&bind), address(&["192.0.2.1"]));
    life.provision().await.unwrap();
    let mark = records(&bind).await[0].split(' ').next().unwrap().to_owned();
    bind.remove(ZONE, &mark, RecordType::TXT).await.unwrap();
    assert_eq!(life.drift().await, ["mark"]);
    life.deprovision().await;
    assert_eq!(records(&bind).await, ["www.example.test 60 A 192.0.2.1"]);
}

#[tokio::test]
async fn every_type_is_written_and_found_as_it_was_asked_for() {
    let bind = bind().await;
    let long = "x".repeat(300);
    for (number, (name, of, value)) in [
        ("a", "AAAA", "2001:DB8::1"),
        ("b", "CAA", "0 issue \"ca.example.org\""),
        ("c", "CNAME", "Www.Example.org"),
        ("d", "MX", "10 mail.example.org"),
        ("sub", "NS", "host.example.org"),
        ("f", "PTR", "host.example.org"),
        ("_s._tcp", "SRV", "1 2 443 host.example.org"),
        ("h", "TXT", long.as_str()),
        ("*", "CNAME", "www.example.org"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("{name}.example.test");
        let mut life =
            Life::of(&server(&bind), json!({ "name": name, "type": of, "ttl": 60, "values": [value] }));
        life.marker = Marker::for_instance("installation", &InstanceId::new(number.to_string()).unwrap());
        life.provision().await.unwrap_or_else(|error| panic!("{name} {of}: {error}"));
        assert_eq!(life.drift().await, [""; 0], "{name} {of}");
        assert_eq!(records(&bind).await.len(), 2, "{name} {of}");
        life.deprovision().await;
        assert_eq!(records(&bind).await, [""; 0], "{name} {of}");
    }
}

#[tokio::test]
async fn it_is_ready_only_when_all_name_servers_of_the_zone_show_it() {
    let first = bind().await;
    let second = first.beside(&[ZONE]).await.unwrap();
    let config = Rfc2136Config { name_servers: vec![first.address(), second.address()], ..config(&first) };
    let life = Life::of(&Server::new(&config).unwrap(), address(&["192.0.2.1"]));
    let mut checkpoint = Checkpoint::begin();
    let waiting = loop {
        match life.provision_at(&checkpoint).await.unwrap() {
            Progress::Next(next) => checkpoint = next,
            Progress::Pending { checkpoint, description, .. } => break (checkpoint, description),
            Progress::Done(_) => panic!("the second server does not have it"),
        }
    };
    assert!(waiting.1.contains("1 of 2"), "{}", waiting.1);
    let mut late = waiting.0.clone();
    late.data["since"] = json!(Timestamp::now() - SignedDuration::from_mins(31));
    let error = life.provision_at(&late).await.unwrap_err();
    assert!(matches!(error, ProviderError::Failed { usable: Usability::Usable, .. }), "{error:?}");
    second.add(ZONE, "www.example.test", RecordType::A, "192.0.2.1").await.unwrap();
    assert!(matches!(life.provision_at(&waiting.0).await, Ok(Progress::Done(_))));
}

#[tokio::test]
async fn a_key_that_may_not_change_the_zone_is_the_operators_business_and_is_not_shown() {
    let bind = bind().await;
    let wrong = "c2VjcmV0LXRoYXQtbm9ib2R5LWhhcy1zZWNyZXQ=";
    for config in [
        Rfc2136Config { key_name: STRANGER.to_owned(), ..config(&bind) },
        Rfc2136Config { key_name: "nobody".to_owned(), ..config(&bind) },
        Rfc2136Config { secret: wrong.into(), ..config(&bind) },
    ] {
        let mut life = Life::of(&Server::new(&config).unwrap(), address(&["192.0.2.1"]));
        let error = life.provision().await.unwrap_err();
        let is_credentials = matches!(error, ProviderError::Refused { refusal: Refusal::Credentials, .. });
        assert!(is_credentials && error.to_string().contains("operator"), "{error:?}");
        let shown = format!("{error} {error:?} {config:?}");
        assert!(!shown.contains(wrong) && !shown.contains(bind.secret().expose().as_str()), "{shown}");
        assert!(!error.to_string().contains("127.0.0.1"), "{error}");
    }
    assert_eq!(records(&bind).await, [""; 0]);
}

#[tokio::test]
async fn proofs_stand_beside_each_other_and_go_one_by_one() {
    let bind = bind().await;
    let server = server(&bind);
    let name: DnsName = "_acme-challenge.example.test".parse().unwrap();
    for value in ["one", "two", "two"] {
        server.present(&name, value).await.unwrap();
    }
    assert!(server.is_shown(&name, "one").await.unwrap() && server.is_shown(&name, "two").await.unwrap());
    for _ in 0..2 {
        server.withdraw(&name, "one").await.unwrap();
    }
    assert!(!server.is_shown(&name, "one").await.unwrap());
    assert_eq!(records(&bind).await, ["_acme-challenge.example.test 60 TXT \"two\""]);
    let outside: DnsName = "_acme-challenge.example.org".parse().unwrap();
    let error = server.present(&outside, "one").await.unwrap_err();
    assert!(error.to_string().contains("not in the zone"), "{error}");
}
