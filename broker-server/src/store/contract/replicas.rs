//! What makes many processes on one store safe: lapsed leases, doubts and their age, one call budget for all.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use sutler_spec::InstanceId;

use super::{LONG, begun, creation, finish, id, new_instance};
use crate::{
    budget::{AccountKey, Budget, Obstacle, Terms, Turn},
    circuit::{Circuit, Heard, Rules},
    instance::InstanceState,
    operation::{Lease, Operation, OperationId},
    store::{Begun, BrokerStore, Hold, RowChange, Rows, Save, StoreError, Which},
};

pub(super) async fn run(store: Arc<dyn BrokerStore>) {
    i_17_who_let_its_lease_lapse_has_lost_it_once_somebody_claims(store.as_ref()).await;
    a_doubt_has_an_age_until_it_is_settled(store.as_ref()).await;
    instances_are_listed_present_and_past(store.as_ref()).await;
    one_budget_for_everyone(store.clone()).await;
    a_closed_account_is_closed_for_everyone(store.as_ref()).await;
    a_silent_vendor_is_silent_for_everyone_and_one_call_probes_it(store.clone()).await;
    f09_an_operation_is_as_old_as_the_store_says(store.as_ref()).await;
}

async fn i_17_who_let_its_lease_lapse_has_lost_it_once_somebody_claims(store: &dyn BrokerStore) {
    let begin = creation("slept");
    let begin = crate::store::Begin { hold: Duration::from_millis(1), ..begin };
    let (lease, operation) = (begin.lease.clone(), begin.operation.clone());
    assert_eq!(store.begin(begin).await.expect("begin"), Begun::Accepted);
    let (taken, found) = claim(store, &operation).await;
    assert_eq!(taken.fence, lease.fence + 1);
    assert!(found.in_doubt && found.intent.is_some(), "what the sleeper was about to do can be seen");
    let late = save(&lease, &operation, Hold::Keep(LONG));
    assert!(matches!(store.save(late).await, Err(StoreError::LeaseLost)));
    finish(store, &taken, found, InstanceState::Ready).await;
}

async fn a_doubt_has_an_age_until_it_is_settled(store: &dyn BrokerStore) {
    let (lease, operation) = begun(store, "doubted").await;
    assert_eq!(operation.doubted_for, Duration::ZERO);
    let doubted = Operation { in_doubt: true, intent: None, failures: 1, ..operation };
    store.save(save(&lease, &doubted, Hold::Park(Duration::ZERO))).await.expect("park");
    let mut age = Duration::ZERO;
    while age < Duration::from_millis(5) {
        age = store.operation(&doubted.id).await.expect("read").expect("there").doubted_for;
        tokio::task::yield_now().await;
    }
    let (lease, found) = claim(store, &doubted).await;
    assert!(found.doubted_for >= age, "the first attempt counts, not the last");
    let next = Operation { in_doubt: false, turn: found.turn + 1, failures: 0, ..found };
    store.save(save(&lease, &next, Hold::Keep(LONG))).await.expect("save");
    let read = store.operation(&next.id).await.expect("read").expect("there");
    assert_eq!((read.doubted_for, read.turn), (Duration::ZERO, next.turn));
    assert_eq!(read.actor, next.actor, "on whose behalf it works is not forgotten");
    finish(store, &lease, next, InstanceState::Ready).await;
}

async fn instances_are_listed_present_and_past(store: &dyn BrokerStore) {
    let names = ["listed-a", "listed-b", "listed-c"];
    for name in names {
        let (lease, operation) = begun(store, name).await;
        finish(store, &lease, operation, InstanceState::Ready).await;
    }
    let (lease, operation) = begun(store, "listed-gone").await;
    let rows = Rows { instance: RowChange::Remove, ..Rows::default() };
    store.save(Save { rows, ..save(&lease, &operation, Hold::End) }).await.expect("save");
    let all = |which| async move {
        let (mut all, mut after) = (Vec::<InstanceId>::new(), None);
        loop {
            let page = store.instances(which, after.as_ref(), 2).await.expect("read");
            assert!(page.len() <= 2);
            let Some(last) = page.last().cloned() else { break };
            all.extend(page);
            after = Some(last);
        }
        assert!(all.is_sorted_by(|one, other| one.as_str() < other.as_str()), "in order, each once");
        all
    };
    let (present, ever) = (all(Which::Present).await, all(Which::Ever).await);
    for name in names {
        assert!(present.contains(&id(name)) && ever.contains(&id(name)), "{name}");
    }
    assert!(!present.contains(&id("listed-gone")) && ever.contains(&id("listed-gone")));
    assert_eq!(store.instance(&id("listed-a")).await.expect("read").map(|row| row.id), Some(id("listed-a")));
    assert_eq!(new_instance("listed-a").id, id("listed-a"));
}

async fn one_budget_for_everyone(store: Arc<dyn BrokerStore>) {
    let (account, terms) = (AccountKey::new("vendor", "shared"), terms(100));
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let (store, account) = (store.clone(), account.clone());
        tasks.push(tokio::spawn(async move {
            let mut granted = 0;
            for _ in 0..10 {
                match store.reserve(&account, 4, terms).await.expect("reserve").0 {
                    Turn::Calls(calls) => granted += calls,
                    Turn::WaitFor(wait, Obstacle::Budget) => assert!(!wait.is_zero()),
                    turn => panic!("the vendor answers: {turn:?}"),
                }
            }
            granted
        }));
    }
    let mut granted = 0;
    for task in tasks {
        granted += task.await.expect("no panic");
    }
    assert_eq!(granted, terms.budget.burst(), "an hour's pace gives nothing more within a test");
    let other = AccountKey::new("vendor", "other");
    let reserved = store.reserve(&other, 1, terms).await.expect("reserve");
    assert_eq!(reserved, (Turn::Calls(1), Circuit::NEW), "each account has its own");
}

async fn a_closed_account_is_closed_for_everyone(store: &dyn BrokerStore) {
    let account = AccountKey::new("vendor", "closed");
    store.slow_down(&account, Duration::from_secs(100)).await.expect("slow down");
    store.slow_down(&account, Duration::from_secs(10)).await.expect("slow down");
    match store.reserve(&account, 1, terms(100)).await.expect("reserve").0 {
        Turn::WaitFor(wait, Obstacle::Budget) => {
            assert!(wait > Duration::from_secs(90) && wait <= Duration::from_secs(100), "{wait:?}");
        }
        turn => panic!("{turn:?} on a closed account"),
    }
}

async fn a_silent_vendor_is_silent_for_everyone_and_one_call_probes_it(store: Arc<dyn BrokerStore>) {
    let account = AccountKey::new("vendor", "silent");
    // open for a moment, so that the test need not wait; a probe is given longer than the test takes
    let rules = Rules { shortest: Duration::from_millis(1), ..terms(100_000).rules };
    let terms = Terms { rules, ..terms(100_000) };
    for heard in 1..rules.threshold {
        let circuit = store.hear(&account, Heard::Silence, rules).await.expect("hear");
        assert_eq!(
            circuit,
            Circuit::Closed { silences: heard },
            "whoever heard them, they are counted together"
        );
    }
    let circuit = store.hear(&account, Heard::Silence, rules).await.expect("hear");
    assert!(matches!(circuit, Circuit::Open { openings: 1, .. }), "{circuit:?}");
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    let mut probes = 0;
    while probes == 0 && std::time::Instant::now() < deadline {
        let asking: Vec<_> = (0..8)
            .map(|_| {
                let (store, account) = (store.clone(), account.clone());
                tokio::spawn(async move { store.reserve(&account, 8, terms).await.expect("reserve").0 })
            })
            .collect();
        for asked in asking {
            match asked.await.expect("no panic") {
                Turn::Probe => probes += 1,
                Turn::WaitFor(wait, Obstacle::Circuit) => assert!(wait <= rules.longest, "{wait:?}"),
                turn => panic!("{turn:?} of a vendor that is silent"),
            }
        }
    }
    assert_eq!(probes, 1, "one of all who asked");
    let circuit = store.hear(&account, Heard::Answer, rules).await.expect("hear");
    assert_eq!(circuit, Circuit::NEW);
    assert_eq!(store.reserve(&account, 8, terms).await.expect("reserve"), (Turn::Calls(8), Circuit::NEW));
}

/// Ids are made by processes, whose clocks may be wrong by years.
async fn f09_an_operation_is_as_old_as_the_store_says(store: &dyn BrokerStore) {
    let year = 365 * 24 * 60 * 60;
    let told = store.now().await.expect("the time");
    for (name, seconds) in [("born-early", 1_000_000_000), ("born-late", 100 * year)] {
        let id = uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, 0)).to_string();
        let mut begin = creation(name);
        begin.operation.id = OperationId::from(id.as_str());
        begin.lease = Lease::first(begin.operation.id.clone());
        begin.event.operation = Some(begin.operation.id.clone());
        begin.hold = Duration::from_millis(1);
        let operation = begin.operation.clone();
        assert_eq!(store.begin(begin).await.expect("begin"), Begun::Accepted);
        let (lease, found) = claim(store, &operation).await;
        let since = store.now().await.expect("the time").duration_since(told).expect("time goes on");
        assert!(found.age <= since + Duration::from_millis(1), "{name}: {:?} in {since:?}", found.age);
        finish(store, &lease, found, InstanceState::Ready).await;
    }
}

/// So many calls an hour, and left alone for a minute.
fn terms(calls: u32) -> Terms {
    let minute = Duration::from_secs(60);
    let calls = NonZeroU32::new(calls).expect("a number");
    Terms {
        budget: Budget::new(calls, 60 * minute),
        rules: Rules { threshold: 3, shortest: minute, longest: minute, patience: minute },
    }
}

fn save(lease: &Lease, operation: &Operation, hold: Hold) -> Save {
    Save { lease: lease.clone(), operation: operation.clone(), hold, rows: Rows::default(), event: None }
}

/// Claims until the operation is among what was claimed: its lease lapses by itself.
pub(super) async fn claim(store: &dyn BrokerStore, operation: &Operation) -> (Lease, Operation) {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while std::time::Instant::now() < deadline {
        let claimed = store.claim(LONG, 1_000).await.expect("claim");
        if let Some(found) = claimed.into_iter().find(|(_, found)| found.id == operation.id) {
            return found;
        }
        tokio::task::yield_now().await;
    }
    panic!("{} is never due", operation.id);
}
