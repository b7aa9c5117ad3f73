//! Two brokers on one store: one that stands still, and what they share of a vendor's account.

use std::{num::NonZeroU32, time::Duration};

use sutler_spec::{Asynchrony, LastOperation, OperationState, Provisioned};

use super::{
    Stage, polled, provision, quick, settled, told, until,
    vendor::{Act, Vendor},
};
use crate::{
    budget::{AccountKey, Budget},
    config::Tuning,
    providers::{Account, Attempt, ProviderError, Sent},
};

/// So many calls an hour: within a test, only the burst.
fn account(calls: u32) -> Account {
    let budget = Budget::new(NonZeroU32::new(calls).unwrap(), Duration::from_secs(60 * 60));
    Account::new(AccountKey::new("vendor", "account"), budget)
}

#[test]
fn i_10_i_16_i_17_a_holder_that_slept_past_its_lease_calls_and_writes_nothing_more() {
    let runtime = |threads| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(threads).enable_all().build().unwrap()
    };
    // the sleeper has one thread: when its provider stands still, all of it does
    let (sleeping, awake) = (runtime(1), runtime(2));
    let stage = Stage::new();
    let (sleeper, successor) = (Vendor::new(), Vendor::new());
    sleeper.act(Act::Stop);
    let gate = sleeper.hold();
    let first = stage.broker(&sleeper, quick(), sleeping.handle().clone());
    awake.block_on(async {
        let accepted = provision(&first, "i", Asynchrony::Allowed).await.unwrap();
        assert!(matches!(accepted, Provisioned::Accepted(_)));
        until("the sleeper sleeps", || !sleeper.calls().is_empty()).await;
        let second = stage.started(&successor, quick());
        let last = settled(&second, "i").await;
        assert_eq!(last.state, OperationState::Succeeded);
        assert_eq!(successor.calls(), [("create", Attempt::Again)], "the other one's call is in doubt");
        drop(gate);
        // the sleeper's runtime does everything that it still had to do before it does this
        let drained = first.clone();
        sleeping.spawn(async move { drained.drain().await }).await.unwrap();
        assert_eq!(sleeper.calls(), [("create", Attempt::First)], "it made no further call");
        assert!(sleeper.objects().is_empty());
        let (last, _) = polled(&second, "i").await;
        assert_eq!(last.state, OperationState::Succeeded);
    });
    sleeping.shutdown_background();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_account_has_one_budget_whoever_calls() {
    let stage = Stage::new();
    let vendors = [account(20), account(20)].map(|account| Vendor::new().with_account(account));
    // a wait for the next place in the budget is minutes long
    let tuning = Tuning { longest_wait: Duration::from_secs(300), ..quick() };
    let brokers = vendors.each_ref().map(|vendor| stage.started(vendor, tuning));
    for (which, broker) in brokers.iter().enumerate() {
        for number in 0..6 {
            let accepted = provision(broker, &format!("i-{which}-{number}"), Asynchrony::Allowed).await;
            assert!(accepted.is_ok(), "a request is accepted whatever the vendor's limits: {accepted:?}");
        }
    }
    let (mut ended, mut waiting) = (0, 0);
    for (which, broker) in brokers.iter().enumerate() {
        for number in 0..6 {
            let name = format!("i-{which}-{number}");
            let is_settled = |last: &LastOperation, wait| {
                last.state == OperationState::Succeeded || wait > Duration::from_secs(30)
            };
            let last = told(broker, &name, is_settled).await;
            if last.state == OperationState::Succeeded {
                ended += 1;
            } else {
                assert!(last.description.unwrap_or_default().contains("waits for its turn"));
                waiting += 1;
            }
        }
    }
    let calls: usize = vendors.iter().map(|vendor| vendor.calls().len()).sum();
    assert_eq!((ended, waiting, calls), (4, 8, 4), "a fifth of the budget is the burst");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_asks_to_wait_is_left_alone_by_everyone() {
    let stage = Stage::new();
    let vendors = [account(1_000), account(1_000)].map(|account| Vendor::new().with_account(account));
    vendors[0].act(Act::Say(Err(ProviderError::Unavailable {
        description: "too many calls".to_owned(),
        retry_after: Some(Duration::from_secs(60)),
        sent: Sent::No,
    })));
    let tuning = Tuning { longest_wait: Duration::from_secs(300), ..quick() };
    let brokers = vendors.each_ref().map(|vendor| stage.started(vendor, tuning));
    provision(&brokers[0], "told", Asynchrony::Allowed).await.unwrap();
    let is_long = |_: &LastOperation, wait| wait > Duration::from_secs(50) && wait <= Duration::from_secs(60);
    told(&brokers[0], "told", is_long).await;
    provision(&brokers[1], "not told", Asynchrony::Allowed).await.unwrap();
    told(&brokers[1], "not told", is_long).await;
    assert!(vendors[1].calls().is_empty(), "the other one never called");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_vendor_is_left_alone_and_requests_are_accepted_all_the_same() {
    let stage = Stage::new();
    let vendor = Vendor::new().with_account(account(100_000));
    vendor.act(Act::Say(Err(ProviderError::Unavailable {
        description: "no answer".to_owned(),
        retry_after: None,
        sent: Sent::No,
    })));
    // long enough that nothing is tried again during the test
    let minute = Duration::from_secs(60);
    let tuning = Tuning { poll_interval: minute, backoff_cap: minute, longest_wait: minute, ..quick() };
    let broker = stage.started(&vendor, tuning);
    let says = |text: &'static str| {
        move |last: &LastOperation, _: Duration| {
            last.description.as_ref().is_some_and(|told| told.contains(text))
        }
    };
    for number in 0..5 {
        let name = format!("i-{number}");
        provision(&broker, &name, Asynchrony::Allowed).await.unwrap();
        told(&broker, &name, |last, wait| says("no answer")(last, wait) || says("not answer")(last, wait))
            .await;
    }
    let accepted = provision(&broker, "later", Asynchrony::Allowed).await;
    assert!(matches!(accepted, Ok(Provisioned::Accepted(_))), "{accepted:?}");
    told(&broker, "later", says("does not answer")).await;
    // one more may have been on its way when the fifth had no answer
    assert!((5..=6).contains(&vendor.calls().len()), "nobody asks while the circuit is open");
    let metrics = broker.scrape().await.unwrap();
    assert!(metrics.contains("circuit_state{account=\"vendor\"} 2"), "{metrics}");
}
