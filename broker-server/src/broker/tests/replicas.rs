//! Two brokers on one store: one that stands still, and what they share of a vendor's account.

use std::{num::NonZeroU32, time::Duration};

use sutler_spec::{Asynchrony, LastOperation, OperationState, Provisioned};

use super::{
    Stage, id, polled, provision, quick, settled, told, until,
    vendor::{Act, Vendor},
};
use crate::{
    broker::BrokerError,
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
    // a wait for the next place in the budget is minutes long, and no call that was taken is lost meanwhile
    let minute = Duration::from_secs(60);
    let longest_wait = Duration::from_secs(300);
    let tuning = Tuning { longest_wait, poll_interval: minute, backoff_cap: minute, ..quick() };
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

/// Never an answer.
fn silence() -> Act {
    Act::Say(Err(ProviderError::Unavailable {
        description: "no answer".to_owned(),
        retry_after: None,
        sent: Sent::No,
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_is_silent_to_one_replica_is_left_alone_by_all_and_probed_by_one() {
    let stage = Stage::new();
    let vendors = [account(100_000), account(100_000)].map(|account| Vendor::new().with_account(account));
    vendors.iter().for_each(|vendor| vendor.act(silence()));
    // open for a second at a time; what waits looks again soon
    let tuning = Tuning { attempts: u32::MAX, ..quick() };
    let brokers = vendors.each_ref().map(|vendor| stage.started(vendor, tuning));
    let calls = || vendors.iter().map(|vendor| vendor.calls().len()).sum::<usize>();
    for number in 0..4 {
        provision(&brokers[0], &format!("i-{number}"), Asynchrony::Allowed).await.unwrap();
    }
    until("the circuit opens", || calls() >= 5).await;
    let opened = calls();
    for number in 4..8 {
        provision(&brokers[1], &format!("i-{number}"), Asynchrony::Allowed).await.unwrap();
    }
    let waits =
        |last: &LastOperation, _| last.description.as_ref().is_some_and(|it| it.contains("not answer"));
    for number in 0..8 {
        told(&brokers[number % 2], &format!("i-{number}"), waits).await;
    }
    // whoever probes and when: one call each second, of eight operations that wait in two processes
    let (before, start) = (calls(), tokio::time::Instant::now());
    until("it is probed again and again", || calls() >= before + 3).await;
    let seconds = usize::try_from(start.elapsed().as_secs()).unwrap();
    assert!(calls() <= before + seconds + 2, "{} probes in {seconds} s", calls() - before);
    assert!(opened <= 8, "those that were under way when it opened: {opened}");

    // an answer to whoever hears it first is one for everyone
    vendors.iter().for_each(|vendor| vendor.act(Act::Make));
    for number in 0..8 {
        let last = settled(&brokers[number % 2], &format!("i-{number}")).await;
        assert_eq!(last.state, OperationState::Succeeded);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_waits_for_nobody_and_says_so_when_the_vendor_may_not_be_asked() {
    let stage = Stage::new();
    let vendor = Vendor::new().with_account(account(10));
    let minute = Duration::from_secs(60);
    let tuning = Tuning { poll_interval: minute, backoff_cap: minute, longest_wait: 10 * minute, ..quick() };
    let broker = stage.started(&vendor, tuning);
    provision(&broker, "i", Asynchrony::Refused).await.unwrap();
    broker.fetch_instance(&id("i")).await.unwrap();
    assert_eq!(vendor.calls().len(), 2, "the fetch counts");
    for _ in 0..3 {
        // the burst of a budget of ten is two
        match broker.fetch_instance(&id("i")).await {
            Err(BrokerError::VendorUnavailable { retry_after, description }) => {
                assert!(retry_after > Duration::from_secs(30), "{retry_after:?}");
                assert!(description.contains("takes no more calls"), "{description}");
            }
            other => panic!("the vendor was asked, or something was made up: {other:?}"),
        }
    }
    assert_eq!(vendor.calls().len(), 2, "nobody asked the vendor");
    // those who only asked took no place from those who wait
    provision(&broker, "queued", Asynchrony::Allowed).await.unwrap();
    let next = |_: &LastOperation, wait| wait > minute && wait <= 8 * minute;
    told(&broker, "queued", next).await;

    let silent = Vendor::new().with_account(account(100_000));
    let stage = Stage::new();
    let broker = stage.started(&silent, tuning);
    provision(&broker, "i", Asynchrony::Refused).await.unwrap();
    silent.act(silence());
    for number in 0..5 {
        provision(&broker, &format!("silent-{number}"), Asynchrony::Allowed).await.unwrap();
        let is_silent = |last: &LastOperation, _| {
            last.description.as_ref().is_some_and(|it| it.contains("no answer") || it.contains("not answer"))
        };
        told(&broker, &format!("silent-{number}"), is_silent).await;
    }
    let asked = silent.calls().len();
    let fetched = broker.fetch_instance(&id("i")).await;
    assert!(matches!(fetched, Err(BrokerError::VendorUnavailable { .. })), "{fetched:?}");
    assert_eq!(silent.calls().len(), asked, "a vendor that is left alone is left alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_14_a_lease_that_lapses_is_taken_over_when_it_does() {
    let (stage, vendor) = (Stage::new(), Vendor::new());
    vendor.act(Act::Hang);
    // shorter than the pause of a worker that has nothing to do
    let tuning = Tuning { call_timeout: Duration::from_millis(500), ..quick() };
    let successor = Vendor::new();
    let heir = stage.started(&successor, tuning);
    // it has looked, found nothing, and sleeps for as long as it may
    tokio::time::sleep(Duration::from_millis(100)).await;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let dying = stage.broker(&vendor, tuning, runtime.handle().clone());
    let start = tokio::time::Instant::now();
    provision(&dying, "i", Asynchrony::Allowed).await.unwrap();
    until("it is in the middle of a step", || !vendor.calls().is_empty()).await;
    runtime.shutdown_background();
    settled(&heir, "i").await;
    // the lease, then the time that a last call may take, and no pause of the worker on top
    let (took, due) = (start.elapsed(), tuning.lease + tuning.call_timeout);
    assert!(took >= due, "{took:?}");
    assert!(took < due + Duration::from_secs(3), "{took:?}");
}
