//! `domain-registration` at DNSimple.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use proptest::prelude::*;
use serde_json::{Value, json};
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::contract::{self, Fault, Object, Staged, Target, Wishes};
use sutler_broker_server::providers::{Observation, Provider, ProviderError, dnsimple};
use sutler_tests::dnsimple::{Control, Ending, Fault as FakeFault, FaultAction, Kind, Pace, Thing};

use super::drive::Instance;
use super::money::any_action;
use super::policy;

const DOMAIN: &str = "contract.com";

/// DNSimple, with a contact.
struct Vendor {
    vendor: crate::dnsimple::Vendor,
    contact: u64,
    /// How many calls there were when the last fault was ordered.
    ordered: AtomicU64,
}

impl Vendor {
    async fn start() -> Self {
        let vendor = crate::dnsimple::Vendor::start().await;
        vendor.control().set_pace(Pace { registration_reads: 1, ..Pace::default() });
        let contact = json!({
            "first_name": "Ada", "last_name": "Nobody", "email": "ada@example.com", "phone": "+1.5550001234",
            "address1": "1 Main Street", "city": "Springfield", "state_province": "OR", "postal_code": "97477",
            "country": "US",
        });
        let made = vendor.somebody("contacts.create", &[], contact);
        Self { contact: made["id"].as_u64().unwrap(), vendor, ordered: AtomicU64::new(0) }
    }

    fn control(&self) -> Control {
        self.vendor.control()
    }

    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(dnsimple::registration(&self.vendor.client(), policy()))
    }

    fn wanted(&self, domain: &str) -> Value {
        json!({
            "domain": domain, "registrant_id": self.contact, "auto_renew": true, "release": true,
            "max_registration_cost": "20.00", "currency": "USD", "accept_charges": true,
        })
    }

    /// How many orders reached DNSimple itself.
    fn orders(&self) -> usize {
        let ledger = self.control().ledger();
        ledger.iter().filter(|entry| entry.operation.as_deref() == Some("registrar.register")).count()
    }

    /// What no longer renews itself runs out.
    fn let_time_pass(&self) {
        let control = self.control();
        for thing in control.things().iter().filter(|thing| thing.kind == Kind::Domain) {
            if thing.shown["state"] == json!("registered") && thing.shown["auto_renew"] == json!(false) {
                control.somebody("domains.delete", &[("domain", &thing.name)], json!(null)).unwrap();
            }
        }
    }
}

#[async_trait]
impl Staged for Vendor {
    async fn set() -> Self {
        Self::start().await
    }

    fn provider(&self) -> Arc<dyn Provider> {
        self.provider()
    }

    fn wishes(&self) -> Wishes {
        let but = |name: &str, value: Value| {
            let mut wanted = self.wanted(DOMAIN);
            wanted[name] = value;
            wanted
        };
        let control = self.control();
        control.take_elsewhere("taken.com");
        control.price("premium.com", 10.0, true);
        Wishes::new(self.wanted(DOMAIN))
            .refused(but("accept_charges", json!(false)))
            .refused(but("max_registration_cost", json!("19.99")))
            .refused(but("currency", json!("EUR")))
            .refused(but("registrant_id", json!(999_999)))
            .refused(but("domain", json!("taken.com")))
            .refused(but("domain", json!("premium.com")))
            .refused(but("domain", json!("contract.io")))
    }

    /// Domains, and the orders of those that are there. What changes by being looked at is left out.
    async fn objects(&self) -> Vec<Object> {
        self.let_time_pass();
        let things = self.control().things();
        let domains: Vec<u64> =
            things.iter().filter(|thing| thing.kind == Kind::Domain).map(|thing| thing.id).collect();
        let is_seen = |thing: &&Thing| match thing.kind {
            Kind::Domain => true,
            Kind::Registration => thing.shown["domain_id"].as_u64().is_some_and(|id| domains.contains(&id)),
            _ => false,
        };
        let object = |thing: &Thing| {
            let kind = if thing.kind == Kind::Domain { "domain" } else { "order" };
            Object::new(kind, thing.id.to_string(), &thing.name)
        };
        things.iter().filter(is_seen).map(object).collect()
    }

    async fn strike(&self, nth: u64, fault: &Fault) -> bool {
        let control = self.control();
        control.clear_faults();
        self.ordered.store(control.ledger_length(), Ordering::SeqCst);
        control.add_fault(crate::cloudflare::faults::of(fault).from_call(nth));
        true
    }

    async fn puzzle(&self, word: &str) -> bool {
        let control = self.control();
        control.clear_faults();
        control.add_fault(crate::cloudflare::faults::puzzle(word));
        true
    }

    async fn heal(&self) -> bool {
        let control = self.control();
        control.clear_faults();
        control.ledger_after(self.ordered.load(Ordering::SeqCst)).iter().any(|entry| !entry.faults.is_empty())
    }

    async fn changes(&self) -> Option<u64> {
        Some(self.control().ledger().iter().filter(|entry| !entry.outcome.is_empty()).count() as u64)
    }

    async fn occupy(&self, _target: &Target<'_>) -> Option<Work> {
        self.control().somebody("domains.create", &[], json!({ "name": DOMAIN })).unwrap();
        Some(Work::Provision)
    }

    async fn vanish(&self) -> bool {
        self.control().somebody("domains.delete", &[("domain", DOMAIN)], json!(null)).unwrap();
        true
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn domain_registration_at_dnsimple_keeps_the_contract() {
    let report = contract::run::<Vendor>().await;
    let mut expected = vec!["update_repeated"];
    expected.extend(crate::NEITHER_BOUND_NOR_MARKED);
    // a domain is asked for by its name
    expected.extend(["a_failed_update_at_every_step_is_taken_up", "second_page"]);
    assert_eq!(report.not_tried(), expected, "{report}");
}

#[tokio::test]
async fn an_order_at_dnsimple_arrives_once_whatever_is_lost() {
    for (action, orders) in [
        (FaultAction::DropResponse, 1),
        (FaultAction::DropRequest, 1),
        (FaultAction::Delay { milliseconds: 1_500, after_work: false }, 1),
    ] {
        let vendor = Vendor::start().await;
        vendor.control().add_fault(FakeFault::new("POST", "*/registrations", action.clone()));
        let mut instance = Instance::new(vendor.provider(), vendor.wanted("shop.com"));
        instance.provision().await.unwrap();
        assert_eq!((vendor.orders(), vendor.control().charges().len()), (orders, 1), "{action:?}");
    }
}

#[tokio::test]
async fn a_process_that_dies_at_any_step_buys_once_at_dnsimple() {
    for death in 1..=5 {
        let vendor = Vendor::start().await;
        let mut instance = Instance::new(vendor.provider(), vendor.wanted("shop.com"));
        instance.deaths = vec![death, death + 1];
        instance.provision().await.unwrap();
        assert_eq!((vendor.orders(), vendor.control().charges().len()), (1, 1), "died after step {death}");
    }
}

#[tokio::test]
async fn an_order_that_fails_or_is_cancelled_is_never_given_again() {
    for ending in [Ending::Failed, Ending::Cancelled] {
        let vendor = Vendor::start().await;
        vendor.control().end_registration("shop.com", ending);
        let mut instance = Instance::new(vendor.provider(), vendor.wanted("shop.com"));
        for _ in 0..2 {
            let error = instance.provision().await.unwrap_err();
            assert!(matches!(error, ProviderError::Failed { .. }), "{error:?}");
        }
        assert_eq!(vendor.orders(), 1, "{ending:?}");
    }
}

#[tokio::test]
async fn a_price_of_dnsimple_is_compared_to_the_cent() {
    for (price, buys) in [(20.0, true), (20.01, false), (9.99, true)] {
        let vendor = Vendor::start().await;
        vendor.control().price("shop.com", price, false);
        let mut instance = Instance::new(vendor.provider(), vendor.wanted("shop.com"));
        assert_eq!(instance.provision().await.is_ok(), buys, "{price}");
        assert_eq!(vendor.orders(), usize::from(buys), "{price}");
    }
}

#[tokio::test]
async fn renewal_at_dnsimple_is_changed_and_an_expired_domain_is_an_alarm() {
    let vendor = Vendor::start().await;
    let mut instance = Instance::new(vendor.provider(), vendor.wanted("shop.com"));
    let made = instance.provision().await.unwrap();
    assert_eq!(made.attributes["auto_renew"], json!(true));
    let servers =
        json!(["ns1.dnsimple.com", "ns2.dnsimple-edge.net", "ns3.dnsimple.com", "ns4.dnsimple-edge.org",]);
    assert_eq!(made.attributes["name_servers"], servers);
    let mut off = vendor.wanted("shop.com");
    off["auto_renew"] = json!(false);
    instance.left_over = Value::Null;
    let changed = instance.update(off).await.unwrap();
    assert_eq!(changed.attributes["auto_renew"], json!(false));
    vendor.control().expire("shop.com");
    let Observation::Found { drift, .. } = instance.fetch().await.unwrap() else { panic!("it is there") };
    assert_eq!((drift[0].field.as_str(), &drift[0].found), ("status", &json!("expired")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 0, ..ProptestConfig::default() })]

    /// Any calls of a purchase are struck, and the process dies anywhere.
    #[test]
    fn whatever_is_lost_money_moves_at_most_once_at_dnsimple(
        faults in proptest::collection::vec((1_u64..12, any_action()), 0..4),
        deaths in proptest::collection::vec(1_u32..10, 0..3),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (outcome, charges, state) = runtime.block_on(async {
            let vendor = Vendor::start().await;
            for (nth, action) in faults {
                vendor.control().add_fault(FakeFault::new("*", "*", action).from_call(nth));
            }
            let mut instance = Instance::new(vendor.provider(), vendor.wanted("shop.com"));
            instance.deaths = deaths;
            let outcome = instance.provision().await;
            let things = vendor.control().things();
            let domain = things.into_iter().find(|thing| thing.kind == Kind::Domain);
            let state = domain.map(|domain| domain.shown["state"].clone());
            (outcome, vendor.control().charges().len(), state)
        });
        prop_assert!(charges <= 1, "{charges} charges, {outcome:?}");
        if outcome.is_ok() {
            prop_assert_eq!((charges, state), (1, Some(json!("registered"))));
        }
    }
}
