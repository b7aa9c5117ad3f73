//! The plan `dnsimple` of `domain-record`.

use std::sync::Arc;

use serde_json::{Value, json};
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::contract::{Target, Wishes};
use sutler_broker_server::providers::dns::{Challenges, DnsName};
use sutler_broker_server::providers::dnsimple::{Client, DomainRecord, Proofs};
use sutler_broker_server::providers::{Observation, Provider, ProviderError, Refusal};
use sutler_tests::dnsimple::{CannedAnswer, Fault, FaultAction, Kind, Pace};

use super::asked;
use crate::dnsimple::{Service, Vendor};
use crate::drive::Instance;

pub(crate) struct Records;

const ZONE: &str = "example.com";
pub(super) const FOREIGN: &str = "foreign";
pub(super) const WWW: &str = "www.example.com";

fn make(vendor: &Vendor, name: &str, of: &str, content: &str) -> Value {
    vendor.somebody(
        "records.create",
        &[("zone", ZONE)],
        json!({ "name": name, "type": of, "content": content }),
    )
}

impl Service for Records {
    fn prepare(vendor: &Vendor) {
        vendor.domain(ZONE);
        make(vendor, FOREIGN, "A", "192.0.2.99");
    }

    fn provider(client: &Client) -> Arc<dyn Provider> {
        Arc::new(DomainRecord::new(client))
    }

    fn wishes() -> Wishes {
        let mut elsewhere = asked("www.example.net", "A", &["192.0.2.1"]);
        elsewhere["zone"] = json!("example.net");
        Wishes::new(asked(WWW, "A", &["192.0.2.1"]))
            .update(json!({ "ttl": 120, "values": ["192.0.2.2", "192.0.2.3", "192.0.2.4"] }))
            .refused(asked(WWW, "A", &[]))
            .refused(asked(WWW, "A", &["no address"]))
            .refused(asked("www.example.org", "A", &["192.0.2.1"]))
            .refused(asked("_acme-challenge.example.com", "TXT", &["t"]))
            .refused(asked("example.com", "NS", &["ns1.example.org"]))
            .refused(asked("foreign.example.com", "A", &["192.0.2.1"]))
            .refused(asked("foreign.example.com", "CNAME", &["www.example.org"]))
            .refused(elsewhere)
    }

    /// The same record, made by somebody.
    fn occupy(vendor: &Vendor, _target: &Target<'_>) -> Option<Work> {
        make(vendor, "www", "A", "192.0.2.1");
        Some(Work::Provision)
    }

    /// Others' records of the same name: they are listed together with ours.
    fn crowd(vendor: &Vendor) -> bool {
        for number in 0..101 {
            make(vendor, "www", "TXT", &format!("crowd {number}"));
        }
        true
    }

    fn vanish(vendor: &Vendor) {
        for found in vendor.control().things() {
            if found.kind == Kind::Record && found.shown["name"] != FOREIGN {
                let parameters = [("zone", ZONE), ("record", &found.id.to_string())];
                vendor.somebody("records.delete", &parameters, Value::Null);
            }
        }
    }
}

async fn stage() -> Vendor {
    let vendor = Vendor::start().await;
    Records::prepare(&vendor);
    vendor
}

fn instance(vendor: &Vendor, wanted: Value) -> Instance {
    Instance::new(Records::provider(&vendor.client()), "dnsimple", wanted)
}

/// What the records of a name and type say, and their numbers.
fn there(vendor: &Vendor, name: &str, of: &str) -> Vec<(String, u64)> {
    let things = vendor.control().things().into_iter();
    let records = things.filter(|found| found.shown["name"] == name && found.shown["type"] == of);
    let told = records.filter_map(|found| Some((found.shown["content"].as_str()?.to_owned(), found.id)));
    let mut told: Vec<_> = told.collect();
    told.sort();
    told
}

pub(super) fn says(vendor: &Vendor, name: &str, of: &str) -> Vec<String> {
    there(vendor, name, of).into_iter().map(|(content, _)| content).collect()
}

async fn drift(instance: &Instance) -> Vec<String> {
    match instance.fetch().await.unwrap() {
        Observation::Found { drift, .. } => {
            drift.iter().map(|one| format!("{} {} {}", one.field, one.wanted, one.found)).collect()
        }
        other @ Observation::Gone => panic!("not there: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_ready_when_all_name_servers_have_each_of_them() {
    let vendor = stage().await;
    vendor.control().set_pace(Pace { distribution_reads: 2, ..Pace::default() });
    let mut instance = instance(&vendor, asked(WWW, "A", &["192.0.2.1", "192.0.2.2"]));
    instance.provision().await.unwrap();
    let asked = vendor.control().ledger();
    let looks = asked.iter().filter(|entry| format!("{entry:?}").contains("/distribution")).count();
    assert_eq!(looks, 6, "three times for each");
    assert_eq!(says(&vendor, "www", "A"), ["192.0.2.1", "192.0.2.2"]);
}

#[tokio::test]
async fn that_dnsimple_could_not_find_out_is_no_answer() {
    let vendor = stage().await;
    let failing = CannedAnswer::json(504, json!({ "message": "Could not query zone, connection timed out" }));
    let fault = Fault::new("GET", "*/distribution", FaultAction::Answer(failing)).for_calls(3);
    vendor.control().add_fault(fault);
    let mut instance = instance(&vendor, asked(WWW, "A", &["192.0.2.1"]));
    instance.provision().await.unwrap();
    let asked = vendor.control().ledger();
    assert_eq!(asked.iter().filter(|entry| format!("{entry:?}").contains("/distribution")).count(), 4);
}

#[tokio::test]
async fn an_update_that_is_refused_on_the_way_leaves_nothing_new() {
    let vendor = stage().await;
    let mut instance = instance(&vendor, asked(WWW, "A", &["192.0.2.1"]));
    instance.provision().await.unwrap();
    let before = there(&vendor, "www", "A");
    let refusal = CannedAnswer::json(400, json!({ "message": "Validation failed", "errors": {} }));
    vendor.control().add_fault(Fault::new("POST", "*", FaultAction::Answer(refusal)).from_call(2));
    let wanted = asked(WWW, "A", &["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
    let refused = instance.update(wanted.clone()).await;
    assert!(matches!(refused, Err(ProviderError::Failed { .. })), "{refused:?}");
    assert_eq!(there(&vendor, "www", "A"), before);
    vendor.control().clear_faults();
    instance.update(wanted).await.unwrap();
    assert_eq!(says(&vendor, "www", "A"), ["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
}

#[tokio::test]
async fn a_record_whose_answer_was_lost_is_ours_and_there_once() {
    let vendor = stage().await;
    vendor.control().add_fault(Fault::new("POST", "*", FaultAction::DropResponse));
    let mut instance = instance(&vendor, asked(WWW, "A", &["192.0.2.1"]));
    instance.provision().await.unwrap();
    assert_eq!(says(&vendor, "www", "A"), ["192.0.2.1"]);
    instance.deprovision().await.unwrap();
    assert_eq!(says(&vendor, "www", "A"), [""; 0]);
    assert_eq!(says(&vendor, FOREIGN, "A"), ["192.0.2.99"]);
}

#[tokio::test]
async fn an_update_changes_its_own_records_and_leaves_those_beside_them() {
    let vendor = stage().await;
    let mut instance = instance(&vendor, asked(WWW, "A", &["192.0.2.1", "192.0.2.2"]));
    instance.provision().await.unwrap();
    make(&vendor, "www", "A", "192.0.2.77");
    let before = there(&vendor, "www", "A");
    instance.update(asked(WWW, "A", &["192.0.2.3", "192.0.2.2"])).await.unwrap();
    let after = there(&vendor, "www", "A");
    let ids = |records: &[(String, u64)]| {
        let mut ids: Vec<u64> = records.iter().map(|(_, id)| *id).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(&before), ids(&after), "changed in place");
    assert_eq!(says(&vendor, "www", "A"), ["192.0.2.2", "192.0.2.3", "192.0.2.77"]);
    assert_eq!(drift(&instance).await, [""; 0], "what others have is theirs");
    instance.deprovision().await.unwrap();
    assert_eq!(says(&vendor, "www", "A"), ["192.0.2.77"]);
}

#[tokio::test]
async fn an_update_to_what_somebody_else_has_is_refused_before_anything_is_changed() {
    let vendor = stage().await;
    let mut instance = instance(&vendor, asked(WWW, "A", &["192.0.2.1"]));
    instance.provision().await.unwrap();
    make(&vendor, "www", "A", "192.0.2.77");
    let wanted = asked(WWW, "A", &["192.0.2.5", "192.0.2.77"]);
    let refused = instance.update(wanted).await;
    assert!(
        matches!(&refused, Err(ProviderError::Refused { refusal: Refusal::Conflict, description })
            if description.contains("192.0.2.77")),
        "{refused:?}"
    );
    assert_eq!(says(&vendor, "www", "A"), ["192.0.2.1", "192.0.2.77"]);
}

#[tokio::test]
async fn what_somebody_changed_is_told_value_by_value_and_repaired() {
    let vendor = stage().await;
    let wanted = asked(WWW, "A", &["192.0.2.1", "192.0.2.2"]);
    let mut instance = instance(&vendor, wanted.clone());
    instance.provision().await.unwrap();
    let records = there(&vendor, "www", "A");
    let id = |at: usize| records[at].1.to_string();
    let other = json!({ "content": "192.0.2.8", "ttl": 60 });
    vendor.somebody("records.update", &[("zone", ZONE), ("record", &id(0))], other);
    vendor.somebody("records.delete", &[("zone", ZONE), ("record", &id(1))], Value::Null);
    let expected = [r#"values "192.0.2.1" "192.0.2.8""#, r#"values "192.0.2.2" null"#, "ttl 300 60"];
    assert_eq!(drift(&instance).await, expected);
    instance.update(wanted).await.unwrap();
    assert_eq!(drift(&instance).await, [""; 0]);
    assert_eq!(says(&vendor, "www", "A"), ["192.0.2.1", "192.0.2.2"]);
}

#[tokio::test]
async fn a_record_of_mail_has_its_preference_in_a_field_of_its_own_also_at_the_top() {
    let vendor = stage().await;
    let mut instance = instance(&vendor, asked(ZONE, "MX", &["10 mail.example.com", "20 late.example.com"]));
    instance.provision().await.unwrap();
    let things = vendor.control().things().into_iter().filter(|found| found.shown["type"] == "MX");
    let mut told: Vec<String> = things
        .map(|found| {
            format!("{} {} {}", found.shown["name"], found.shown["priority"], found.shown["content"])
        })
        .collect();
    told.sort();
    assert_eq!(told, [r#""" 10 "mail.example.com""#, r#""" 20 "late.example.com""#]);
    assert_eq!(drift(&instance).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_stand_beside_each_other_at_dnsimple_and_go_one_by_one() {
    const OWNER: &str = "_acme-challenge.www";
    let vendor = stage().await;
    let proofs = Proofs::new(&vendor.client());
    let name: DnsName = "_acme-challenge.www.example.com".parse().unwrap();
    for value in ["one", "two", "two"] {
        proofs.present(&name, value).await.unwrap();
    }
    assert_eq!(says(&vendor, OWNER, "TXT"), ["one", "two"]);
    vendor.control().set_pace(Pace { distribution_reads: 1, ..Pace::default() });
    assert!(!proofs.is_shown(&name, "three").await.unwrap(), "not there");
    assert!(!proofs.is_shown(&name, "one").await.unwrap(), "not everywhere");
    assert!(proofs.is_shown(&name, "one").await.unwrap());
    for _ in 0..2 {
        proofs.withdraw(&name, "one").await.unwrap();
    }
    assert_eq!(says(&vendor, OWNER, "TXT"), ["two"]);
    let outside: DnsName = "_acme-challenge.example.org".parse().unwrap();
    assert!(proofs.present(&outside, "one").await.is_err());
}
