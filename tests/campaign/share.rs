//! A broker keeps its invariants, whatever happens to it: every kind of fault, on both stores, within minutes.

use sutler_broker_server::testing::postgres::Cluster;
use sutler_tests::faultkit::{
    Counts, Lane, LaneOptions, Row, Running, StoreChoice, answers_of, backups, database, disks,
    foreign_in_the_way, keys, kills, messages, migrations, points, restarts, run_rows,
};
use tokio::sync::Mutex;

/// Parts take turns: each has lanes of its own, and a machine has only so many processors.
pub(crate) static TURN: Mutex<()> = Mutex::const_new(());

/// Lanes at the same time: much of a case is waiting, for leases and for those who do not answer.
const LANES: usize = 4;

/// The server that all parts share; it is there as long as one of them waits for its turn.
pub(crate) fn postgres() -> StoreChoice {
    StoreChoice::Postgres(Cluster::shared().expect("PostgreSQL comes up"))
}

/// Every n-th row: all kinds of faults, not all of everything. The numbers have no divisor in common with the number of
/// kinds, so that operations and kinds meet in all combinations of two.
fn every(nth: usize, rows: Vec<Row>) -> Vec<Row> {
    rows.into_iter().step_by(nth).collect()
}

async fn run(rows: Vec<Row>, store: StoreChoice) -> Counts {
    let _turn = TURN.lock().await;
    let options = LaneOptions { store, ..LaneOptions::default() };
    let running = Running { lanes: LANES, options, until: None };
    let counts = run_rows(rows, running).await.expect("the lanes come up");
    assert!(counts.violations.is_empty(), "{counts}");
    counts
}

/// Of which kinds of faults there have to be some.
fn assert_struck(counts: &Counts, kinds: &[&str]) {
    for kind in kinds {
        assert!(counts.faults.contains_key(*kind), "{kind}: {counts}");
    }
}

fn assert_all_points(counts: &Counts) {
    // these have parts of their own
    let others = ["B22", "B23", "B25"];
    for (point, what) in
        sutler_broker_server::faults::POINTS.iter().filter(|(point, _)| !others.contains(point))
    {
        assert!(counts.faults.contains_key(*point), "{point} ({what}) was never reached: {counts}");
    }
    assert!(counts.faults["deaths"] > 50, "{counts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_01_to_i_15_a_broker_that_dies_or_fails_at_any_point_finishes_every_operation() {
    assert_all_points(&run(every(13, points(2)), StoreChoice::Sqlite).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn i_01_to_i_15_the_same_holds_on_postgres() {
    assert_all_points(&run(every(17, points(2)), postgres()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn b22_a_store_whose_making_was_interrupted_is_made_at_the_next_start() {
    for store in [StoreChoice::Sqlite, postgres()] {
        let _turn = TURN.lock().await;
        let counts = migrations(&store).await.expect("the brokers come up");
        assert!(counts.violations.is_empty(), "{counts}");
        assert!(counts.faults["B22"] >= 8, "{counts}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b23_keys_are_exchanged_whoever_dies_meanwhile() {
    for (store, nth) in [(StoreChoice::Sqlite, 4), (postgres(), 5)] {
        let counts = run(every(nth, keys(3)), store).await;
        assert!(counts.faults["B23"] >= 8, "{counts}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b25_a_backup_that_dies_leaves_nothing_that_looks_like_one() {
    let _turn = TURN.lock().await;
    let counts = backups(LaneOptions::default()).await.expect("the lane comes up");
    assert!(counts.violations.is_empty(), "{counts}");
    assert_eq!(counts.faults["B25"], 32, "{counts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_02_i_11_lost_late_and_repeated_messages_make_no_twin_and_lose_nothing() {
    let kinds =
        ["answer lost", "request lost", "request duplicated", "reset", "request delivered after a later one"];
    for (store, nth) in [(StoreChoice::Sqlite, 9), (postgres(), 19)] {
        assert_struck(&run(every(nth, messages(2)), store).await, &kinds);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f10_what_happens_between_broker_and_database_loses_nothing_and_does_nothing_twice() {
    let counts = run(every(11, database(3)), postgres()).await;
    assert_struck(
        &counts,
        &[
            "database: request lost",
            "database: answer lost",
            "database: half a request, reset",
            "database: reset",
            "database: answer cut off",
            "database: request late",
            "database: answer late",
            "database: half closed",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn f07_a_database_server_that_crashes_loses_nothing() {
    // nobody else has a server that crashes
    let store = StoreChoice::postgres().await.expect("PostgreSQL comes up");
    let _turn = TURN.lock().await;
    let options = LaneOptions { store, ..LaneOptions::default() };
    let running = Running { lanes: 1, options, until: None };
    let counts = run_rows(every(13, restarts()), running).await.expect("the lane comes up");
    assert!(counts.violations.is_empty(), "{counts}");
    assert!(counts.faults["the database server crashes"] >= 8, "{counts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_08_a_bad_answer_of_the_vendor_changes_nothing_and_kills_nobody() {
    let counts = run(every(29, answers_of(2)), StoreChoice::Sqlite).await;
    assert!(counts.struck() > 60, "{counts}");
    let counts = run(every(83, answers_of(2)), postgres()).await;
    assert!(counts.struck() > 20, "{counts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_09_a_store_that_takes_no_writes_loses_nothing_and_the_broker_goes_on_when_it_does() {
    let counts = run(every(9, disks()), StoreChoice::Sqlite).await;
    assert!(counts.faults["files cannot grow"] > 8, "{counts}");
    let counts = run(every(12, disks()), postgres()).await;
    assert!(counts.faults["the database takes no writes"] > 6, "{counts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_01_random_deaths_leave_nothing_behind() {
    // a fixed seed: a change is not to fail for what another one did
    for (store, count) in [(StoreChoice::Sqlite, 40), (postgres(), 30)] {
        let counts = run(kills(20_260_101, count, &store), store).await;
        assert!(counts.faults["deaths"] > 15, "{counts}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i_03_i_04_what_somebody_else_made_is_a_conflict() {
    for store in [StoreChoice::Sqlite, postgres()] {
        let _turn = TURN.lock().await;
        let options = LaneOptions { store, ..LaneOptions::default() };
        let mut lane = Lane::start(options).await.expect("the lane comes up");
        let found = foreign_in_the_way(&mut lane).await.expect("it goes on");
        assert!(found.is_empty(), "{found:#?}");
    }
}
