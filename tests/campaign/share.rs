//! A broker keeps its invariants, whatever happens to it: every kind of fault, within minutes.

use sutler_tests::faultkit::{
    Counts, Lane, LaneOptions, Row, Running, bad_answers, foreign_in_the_way, full_disks, messages,
    migrations, points, random_kills, run_rows,
};
use tokio::sync::Mutex;

/// Parts take turns: each has lanes of its own, and a machine has only so many processors.
pub(crate) static TURN: Mutex<()> = Mutex::const_new(());

/// Every n-th row: all kinds of faults, not all of everything.
fn every(nth: usize, rows: Vec<Row>) -> Vec<Row> {
    rows.into_iter().step_by(nth).collect()
}

async fn run(rows: Vec<Row>) -> Counts {
    let _turn = TURN.lock().await;
    let counts = run_rows(rows, Running { lanes: 3, ..Running::default() }).await.expect("the lanes come up");
    assert!(counts.violations.is_empty(), "{counts}");
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn i_01_to_i_15_a_broker_that_dies_or_fails_at_any_point_finishes_every_operation() {
    let counts = run(points(2)).await;
    // migrations have a test of their own, and the exchange of keys is interrupted by the contract of stores
    let others = ["B22", "B23"];
    for (point, what) in
        sutler_broker_server::faults::POINTS.iter().filter(|(point, _)| !others.contains(point))
    {
        assert!(counts.faults.contains_key(*point), "{point} ({what}) was never reached: {counts}");
    }
    assert!(counts.faults["deaths"] > 100, "{counts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b22_a_store_whose_making_was_interrupted_is_made_at_the_next_start() {
    let _turn = TURN.lock().await;
    let counts = migrations().await.expect("the brokers come up");
    assert!(counts.violations.is_empty(), "{counts}");
    assert!(counts.faults["B22"] >= 8, "{counts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_02_i_11_lost_late_and_repeated_messages_make_no_twin_and_lose_nothing() {
    // eighteen things that happen, to seven operations: each operation meets every fifth of them
    let counts = run(every(5, messages(3))).await;
    for kind in ["answer lost", "request lost", "request duplicated", "reset"] {
        assert!(counts.faults.contains_key(kind), "{kind}: {counts}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i_08_a_bad_answer_of_the_vendor_changes_nothing_and_kills_nobody() {
    let counts = run(every(11, bad_answers(3))).await;
    assert!(counts.struck() > 60, "{counts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_09_files_that_cannot_grow_lose_nothing_and_the_broker_goes_on_when_they_can() {
    let counts = run(every(3, full_disks())).await;
    assert!(counts.faults["files cannot grow"] > 8, "{counts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_01_random_deaths_leave_nothing_behind() {
    // a fixed seed: a change is not to fail for what another one did
    let counts = run(random_kills(20_260_101, 40)).await;
    assert!(counts.faults["deaths"] > 20, "{counts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_03_i_04_what_somebody_else_made_is_a_conflict() {
    let _turn = TURN.lock().await;
    let mut lane = Lane::start(LaneOptions::default()).await.expect("the lane comes up");
    let found = foreign_in_the_way(&mut lane).await.expect("it goes on");
    assert!(found.is_empty(), "{found:#?}");
}
