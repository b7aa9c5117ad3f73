//! The plan `rfc2136` of `domain-record`: a real BIND, behind a way that breaks.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::{Value, json};
use sutler_broker_server::{
    operation::Work,
    providers::{
        Provider,
        contract::{Fault, Object, Staged, Target, Wishes},
        dns::RecordType,
        rfc2136::{Record, Rfc2136Config, Server},
    },
    testing::{
        bind::{Bind, WRITER},
        way::Way,
    },
};

const ZONE: &str = "example.test";
/// What somebody else has.
const FOREIGN: &str = "foreign.example.test";

pub(crate) struct Stage {
    bind: Bind,
    way: Way,
}

fn record(name: &str, of: &str, values: &[&str]) -> Value {
    json!({ "name": name, "type": of, "ttl": 60, "values": values })
}

#[async_trait]
impl Staged for Stage {
    async fn set() -> Self {
        let bind = Bind::start(&[ZONE]).await.unwrap();
        bind.add(ZONE, FOREIGN, RecordType::A, "192.0.2.99").await.unwrap();
        let way = Way::before(bind.address()).await.unwrap();
        Self { bind, way }
    }

    fn provider(&self) -> Arc<dyn Provider> {
        let server = Server::new(&Rfc2136Config {
            server: self.way.address().to_string(),
            zone: ZONE.to_owned(),
            key_name: WRITER.to_owned(),
            algorithm: "hmac-sha256".to_owned(),
            secret: self.bind.secret(),
            name_servers: vec![self.way.address()],
            // what may arrive late is waited for twice as long
            call_timeout: Duration::from_secs(1),
        });
        Arc::new(Record::new(&server.unwrap().poll_every(Duration::from_millis(5))))
    }

    fn wishes(&self) -> Wishes {
        Wishes::new(record("www.example.test", "A", &["192.0.2.1"]))
            .update(json!({ "ttl": 120, "values": ["192.0.2.2", "192.0.2.3"] }))
            .refused(record("www.example.test", "A", &[]))
            .refused(record("www.example.test", "A", &["no address"]))
            .refused(record("www.example.org", "A", &["192.0.2.1"]))
            .refused(record("_acme-challenge.example.test", "TXT", &["t"]))
            .refused(record("example.test", "NS", &["ns1.example.org"]))
            .refused(record("www.example.test", "SOA", &["x"]))
            .refused(record(FOREIGN, "A", &["192.0.2.99"]))
            .refused(record(FOREIGN, "CNAME", &["www.example.org"]))
            .secret(self.bind.secret().expose())
    }

    async fn objects(&self) -> Vec<Object> {
        let records = self.bind.records(ZONE).await.unwrap();
        let object = |line: String| {
            let mut words = line.splitn(4, ' ');
            let (name, of, data) = (words.next(), words.nth(1), words.next());
            let of = of.unwrap_or_default().to_owned();
            Object::new(&of, format!("{name:?} {data:?}"), &line)
        };
        records.into_iter().map(object).collect()
    }

    /// Each change is one serial number more.
    async fn changes(&self) -> Option<u64> {
        Some(u64::from(self.bind.changes(ZONE).await.unwrap()))
    }

    async fn strike(&self, nth: u64, fault: &Fault) -> bool {
        // no message of DNS asks to come again later
        if matches!(fault, Fault::Answer(page) if page.status == 429) {
            return false;
        }
        self.way.strike(nth, fault);
        true
    }

    async fn heal(&self) -> bool {
        self.way.heal()
    }

    /// The same record, without our mark.
    async fn occupy(&self, _target: &Target<'_>) -> Option<Work> {
        self.bind.add(ZONE, "www.example.test", RecordType::A, "192.0.2.1").await.unwrap();
        Some(Work::Provision)
    }

    async fn vanish(&self) -> bool {
        for line in self.bind.records(ZONE).await.unwrap() {
            let name = line.split(' ').next().unwrap_or_default();
            if name.ends_with("www.example.test") {
                let of = if name.starts_with('_') { RecordType::TXT } else { RecordType::A };
                self.bind.remove(ZONE, name, of).await.unwrap();
            }
        }
        true
    }
}
