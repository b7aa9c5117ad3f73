//! Money moves at most once, whatever gets lost, dies or arrives late.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;
use sutler_broker_server::providers::{ProviderError, cloudflare};
use sutler_tests::cloudflare::{CannedAnswer, Fault, FaultAction, Kind};

use super::drive::Instance;
use super::{policy, things, wanted};
use crate::cloudflare::Vendor;

const SHOP: &str = "shop.com";

/// A buyer at a registrar that takes every order and charges for it.
async fn buyer() -> (Vendor, Instance) {
    let vendor = Vendor::start().await;
    vendor.control().make_the_registrar_careless();
    let provider = Arc::new(cloudflare::registration(&vendor.client(), policy()));
    let instance = Instance::new(provider, wanted(SHOP));
    (vendor, instance)
}

/// How many orders reached the registrar.
fn orders(vendor: &Vendor) -> usize {
    let ledger = vendor.control().ledger();
    ledger.iter().filter(|entry| entry.operation.as_deref() == Some("registrar.create")).count()
}

fn charges(vendor: &Vendor) -> usize {
    things(vendor, Kind::Charge).len()
}

fn strike(vendor: &Vendor, action: FaultAction) {
    vendor.control().add_fault(Fault::new("POST", "/accounts/*/registrar/registrations", action));
}

#[tokio::test]
async fn an_order_that_nobody_answered_is_found_and_not_given_again() {
    for action in [
        FaultAction::DropResponse,
        FaultAction::Answer(CannedAnswer::html(502).after_work()),
        FaultAction::AlterAnswer { merge: json!({ "result": null }), checked: false },
    ] {
        let (vendor, mut instance) = buyer().await;
        strike(&vendor, action);
        instance.provision().await.unwrap();
        assert_eq!((orders(&vendor), charges(&vendor)), (1, 1));
    }
}

#[tokio::test]
async fn an_order_that_arrives_after_its_time_was_up_is_awaited_and_not_given_again() {
    let (vendor, mut instance) = buyer().await;
    strike(&vendor, FaultAction::Delay { milliseconds: 1_500, after_work: false });
    instance.provision().await.unwrap();
    assert_eq!((orders(&vendor), charges(&vendor)), (1, 1));
    assert!(instance.told.iter().any(|told| told.contains("arrive late")), "{:?}", instance.told);
}

#[tokio::test]
async fn an_order_that_never_arrived_is_given_again_after_another_look_at_everything() {
    let (vendor, mut instance) = buyer().await;
    strike(&vendor, FaultAction::DropRequest);
    instance.provision().await.unwrap();
    let ledger = vendor.control().ledger();
    let asked: Vec<&str> =
        ledger.iter().filter_map(|entry| entry.path.rsplit("/registrar/").next()).collect();
    let orders: Vec<usize> =
        (0..asked.len()).filter(|at| asked[*at] == "registrations" && ledger[*at].method == "POST").collect();
    assert_eq!((orders.len(), charges(&vendor)), (2, 1), "{asked:?}");
    let between = &asked[orders[0] + 1..orders[1]];
    let status = format!("registrations/{SHOP}/registration-status");
    // after the doubt, after the wait, and before the next order, which asks for the price again
    assert_eq!(between.iter().filter(|path| **path == status).count(), 3, "{between:?}");
    assert_eq!(between.last(), Some(&"domain-check"));
}

#[tokio::test]
async fn a_process_that_dies_at_any_step_buys_once() {
    for death in 1..=6 {
        let (vendor, mut instance) = buyer().await;
        instance.deaths = vec![death, death + 1];
        instance.provision().await.unwrap();
        assert_eq!(charges(&vendor), 1, "died after step {death}");
    }
}

#[tokio::test]
async fn orders_that_never_arrive_come_to_an_end() {
    let (vendor, mut instance) = buyer().await;
    let nowhere = Fault::new("POST", "/accounts/*/registrar/registrations", FaultAction::DropRequest);
    vendor.control().add_fault(nowhere.for_calls(10));
    let error = instance.provision().await.unwrap_err();
    assert!(matches!(error, ProviderError::Failed { .. }), "{error:?}");
    let tried = vendor.control().ledger().iter().filter(|entry| entry.faults == ["drop_request"]).count();
    assert_eq!((tried, charges(&vendor)), (3, 0));
}

#[tokio::test]
async fn a_price_that_rose_since_it_was_confirmed_buys_nothing() {
    let (vendor, mut instance) = buyer().await;
    let dearer = json!({ "result": { "domains": [{
        "name": SHOP, "registrable": true, "tier": "standard",
        "pricing": { "currency": "USD", "registration_cost": "20.01", "renewal_cost": "20.01" },
    }] } });
    let rise = FaultAction::AlterAnswer { merge: dearer, checked: true };
    vendor.control().add_fault(Fault::new("POST", "*/domain-check", rise));
    let error = instance.provision().await.unwrap_err();
    assert!(
        matches!(&error, ProviderError::Refused { .. }) && error.to_string().contains("20.01"),
        "{error}"
    );
    assert_eq!((orders(&vendor), charges(&vendor)), (0, 0));
}

pub(super) fn any_action() -> impl Strategy<Value = FaultAction> {
    prop_oneof![
        Just(FaultAction::DropRequest),
        Just(FaultAction::DropResponse),
        Just(FaultAction::Answer(CannedAnswer::html(502))),
        Just(FaultAction::Answer(CannedAnswer::html(502).after_work())),
        Just(FaultAction::Answer(CannedAnswer::json(429, json!({ "success": false, "errors": [] })))),
        Just(FaultAction::Delay { milliseconds: 1_300, after_work: false }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 0, ..ProptestConfig::default() })]

    /// Any calls of a purchase are struck, and the process dies anywhere.
    #[test]
    fn whatever_is_lost_money_moves_at_most_once(
        faults in proptest::collection::vec((1_u64..14, any_action()), 0..4),
        deaths in proptest::collection::vec(1_u32..10, 0..3),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (outcome, charges, registered) = runtime.block_on(async {
            let (vendor, mut instance) = buyer().await;
            for (nth, action) in faults {
                vendor.control().add_fault(Fault::new("*", "*", action).from_call(nth));
            }
            instance.deaths = deaths;
            let outcome = instance.provision().await;
            (outcome, charges(&vendor), things(&vendor, Kind::Registration).len())
        });
        prop_assert!(charges <= 1, "{charges} charges, {outcome:?}");
        if outcome.is_ok() {
            prop_assert_eq!((charges, registered), (1, 1));
        }
    }
}
