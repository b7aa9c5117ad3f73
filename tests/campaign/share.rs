//! A broker keeps its invariants, whatever happens to it: every fault once or a few times, within minutes.

use sutler_tests::faultkit::{
    Counts, Lane, LaneOptions, Row, Running, bad_answers, foreign_in_the_way, full_disks, messages,
    migrations, points, random_kills, run_rows,
};

/// Every n-th row: all kinds of faults, not all of everything.
fn every(nth: usize, rows: Vec<Row>) -> Vec<Row> {
    rows.into_iter().step_by(nth).collect()
}

async fn run(rows: Vec<Row>) -> Counts {
    let counts = run_rows(rows, Running { lanes: 3, ..Running::default() }).await.expect("the lanes come up");
    assert!(counts.violations.is_empty(), "{counts}");
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn i_01_to_i_15_a_broker_that_dies_or_fails_at_any_point_finishes_every_operation() {
    let counts = run(points(3)).await;
    for (point, what) in sutler_broker_server::faults::POINTS.iter().filter(|(point, _)| *point != "B22") {
        assert!(counts.faults.contains_key(*point), "{point} ({what}) was never reached: {counts}");
    }
    assert!(counts.faults["deaths"] > 150, "{counts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b22_a_store_whose_making_was_interrupted_is_made_at_the_next_start() {
    let counts = migrations().await.expect("the brokers come up");
    assert!(counts.violations.is_empty(), "{counts}");
    assert!(counts.faults["B22"] >= 8, "{counts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_02_i_11_lost_late_and_repeated_messages_make_no_twin_and_lose_nothing() {
    let counts = run(messages(2)).await;
    for kind in ["answer lost", "request lost", "request duplicated", "request repeated later", "reset"] {
        assert!(counts.faults.contains_key(kind), "{kind}: {counts}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i_08_a_bad_answer_of_the_vendor_changes_nothing_and_kills_nobody() {
    // seven operations, two ways: a step that divides neither takes a bit of everything
    let counts = run(every(5, bad_answers(2))).await;
    assert!(counts.struck() > 100, "{counts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_09_files_that_cannot_grow_lose_nothing_and_the_broker_goes_on_when_they_can() {
    let counts = run(every(2, full_disks())).await;
    assert!(counts.faults["files cannot grow"] > 10, "{counts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_01_random_deaths_leave_nothing_behind() {
    // a fixed seed: a change is not to fail for what another one did
    let counts = run(random_kills(20_260_101, 60)).await;
    assert!(counts.faults["deaths"] > 30, "{counts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_03_i_04_what_somebody_else_made_is_a_conflict() {
    let mut lane = Lane::start(LaneOptions::default()).await.expect("the lane comes up");
    let found = foreign_in_the_way(&mut lane).await.expect("it goes on");
    assert!(found.is_empty(), "{found:#?}");
}
