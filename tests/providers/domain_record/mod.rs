//! `domain-record`: the plan `cloudflare`, and beside it the others.

pub(crate) mod at_dnsimple;
mod given_up;

use std::sync::Arc;

use serde_json::{Value, json};
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::cloudflare::{Client, DomainRecord, Proofs};
use sutler_broker_server::providers::contract::{Target, Wishes};
use sutler_broker_server::providers::dns::{Challenges, DnsName, RecordType};
use sutler_broker_server::testing::bind::Bind;
use sutler_tests::cloudflare::Kind;

use crate::cloudflare::{Service, Vendor, ZONE};

pub(crate) struct Records;

const FOREIGN: &str = "foreign.example.com";

fn make(vendor: &Vendor, name: &str, content: &str) {
    let record = json!({ "name": name, "type": "A", "content": content });
    vendor.somebody("records.create", &[("zone_id", ZONE)], record);
}

fn asked(name: &str, of: &str, values: &[&str]) -> Value {
    json!({ "zone": "example.com", "name": name, "type": of, "values": values })
}

impl Service for Records {
    fn prepare(vendor: &Vendor) {
        vendor.known_zone();
        make(vendor, FOREIGN, "192.0.2.99");
    }

    fn provider(client: &Client) -> Arc<dyn Provider> {
        Arc::new(DomainRecord::new(client))
    }

    fn wishes() -> Wishes {
        let mut elsewhere = asked("www.example.net", "A", &["192.0.2.1"]);
        elsewhere["zone"] = json!("example.net");
        Wishes::new(asked("www.example.com", "A", &["192.0.2.1"]))
            .update(json!({ "values": ["192.0.2.2", "192.0.2.3"], "proxied": true }))
            .refused(asked("www.example.com", "A", &[]))
            .refused(asked("www.example.com", "A", &["no address"]))
            .refused(asked("www.example.org", "A", &["192.0.2.1"]))
            .refused(asked("_acme-challenge.example.com", "TXT", &["t"]))
            .refused(asked("example.com", "NS", &["ns1.example.org"]))
            .refused(asked(FOREIGN, "A", &["192.0.2.99"]))
            .refused(elsewhere)
    }

    /// The same record, without our mark.
    fn occupy(vendor: &Vendor, _target: &Target<'_>) -> Option<Work> {
        make(vendor, "www.example.com", "192.0.2.1");
        Some(Work::Provision)
    }

    /// Others' zones: they are listed together with ours.
    fn crowd(vendor: &Vendor) -> bool {
        for number in 0..51 {
            vendor.zone(&format!("crowd-{number}.example.net"));
        }
        true
    }

    fn vanish(vendor: &Vendor) {
        for found in vendor.control().state().things {
            if found.kind == Kind::DnsRecord && found.name != FOREIGN {
                let parameters = [("zone_id", ZONE), ("dns_record_id", &found.id)];
                vendor.somebody("records.delete", &parameters, json!(null));
            }
        }
    }
}

/// The texts of the zone.
fn texts(vendor: &Vendor) -> Vec<String> {
    let things = vendor.control().state().things.into_iter();
    let records = things.filter(|thing| thing.kind == Kind::DnsRecord && thing.shown["type"] == "TXT");
    let mut texts: Vec<String> = records
        .filter_map(|record| Some(record.shown["content"].as_str()?.trim_matches('"').to_owned()))
        .collect();
    texts.sort();
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_stand_beside_each_other_at_cloudflare_and_go_one_by_one() {
    let vendor = Vendor::start().await;
    vendor.known_zone();
    vendor.zone("other.example.net");
    let proofs = Proofs::new(&vendor.client());
    let name: DnsName = "_acme-challenge.www.example.com".parse().unwrap();
    for value in ["one", "two", "two"] {
        proofs.present(&name, value).await.unwrap();
    }
    assert_eq!(texts(&vendor), ["one", "two"]);
    let before = vendor.changes();
    proofs.present(&name, "one").await.unwrap();
    assert_eq!(vendor.changes(), before, "it is there already");
    for _ in 0..2 {
        proofs.withdraw(&name, "one").await.unwrap();
    }
    assert_eq!(texts(&vendor), ["two"]);
    let outside: DnsName = "_acme-challenge.example.org".parse().unwrap();
    assert!(proofs.present(&outside, "one").await.is_err());
}

/// At two real name servers that need not agree.
#[tokio::test(flavor = "multi_thread")]
async fn a_proof_at_cloudflare_is_shown_when_every_name_server_of_the_zone_answers_with_it() {
    const ZONE_NAME: &str = "example.com";
    const OWNER: &str = "_acme-challenge.www.example.com";
    let (vendor, first) = (Vendor::start().await, Bind::start(&[ZONE_NAME]).await.unwrap());
    let second = first.beside(&[ZONE_NAME]).await.unwrap();
    vendor.known_zone();
    let served_by = |servers: &[String]| {
        vendor.somebody("zones.delegate", &[("zone_id", ZONE)], json!({ "name_servers": servers }));
    };
    let [one, other] = [&first, &second].map(|bind| bind.address().ip().to_string());
    served_by(&[one.clone(), other.clone()]);
    let proofs = Proofs::new(&vendor.client()).at_port(first.address().port());
    let name: DnsName = OWNER.parse().unwrap();
    let is_shown = async |value: &str| proofs.is_shown(&name, value).await.unwrap();
    assert!(!is_shown("proof").await, "nobody has it");
    first.add(ZONE_NAME, OWNER, RecordType::TXT, "proof").await.unwrap();
    assert!(!is_shown("proof").await, "one of two has it");
    second.add(ZONE_NAME, OWNER, RecordType::TXT, "another").await.unwrap();
    assert!(!is_shown("proof").await, "the second has another text");
    second.add(ZONE_NAME, OWNER, RecordType::TXT, "proof").await.unwrap();
    assert!(is_shown("proof").await, "both have it, whatever stands beside it");
    assert!(!is_shown("pro").await, "a part is not it");
    served_by(&[one, other, "127.0.0.3".to_owned()]);
    assert!(!is_shown("proof").await, "a name server that does not answer may not have it");
    served_by(&[]);
    assert!(!is_shown("proof").await, "without name servers nobody can see it");
}
