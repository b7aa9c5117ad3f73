//! `sutler` is killed at every point of its protocol, in every operation, and run again: no orphan, no twin, nothing
//! lost. `scripts/campaign --only run-points` strikes all of them on each backend, also the last time that each is
//! reached; `scripts/campaign --case 'Create/Sync/sqlite/O04-sent=kill@1'` one.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use sutler::faults::{MUTANTS, POINTS};
use sutler_tests::applykit::{
    Backend, Case, HUNTS, Hunted, Lane, LaneOptions, Manner, Met, Operation, Servers, Trouble, hunt,
};

/// Points that only accepted work reaches. The share strikes all others with the broker that answers at once: one that
/// goes on by itself is asked again after a second at the earliest.
const OF_ACCEPTED_WORK: [&str; 3] = ["O05", "O06", "O16-accepted"];
/// Points that only a state in a bucket has.
const OF_BUCKETS: [&str; 2] = ["O22-written", "O22-named"];

async fn options(manner: Manner, backend: Backend) -> LaneOptions {
    let servers = Servers::start(&[backend]).await.expect("the server comes up");
    LaneOptions { manner, backend, servers, program: None, mutant: None }
}

/// Strikes the points that are wanted, once in each operation; says which were struck, and how it went.
async fn sweep(
    (manner, backend): (Manner, Backend),
    operations: &[Operation],
    wanted: impl Fn(&str) -> bool,
) -> (BTreeSet<String>, String) {
    let lane = Lane::start(options(manner, backend).await).await.expect("the lane comes up");
    let begun = Instant::now();
    let (mut count, mut struck, mut missed) = (0, BTreeSet::new(), 0);
    for operation in operations.iter().copied() {
        let reached = lane.reached(operation).await.expect("undisturbed, it is done");
        for point in reached.into_keys().filter(|point| wanted(point)) {
            let trouble = Trouble::Point(format!("{point}=kill@1"));
            let case = Case { operation, manner, backend, trouble };
            count += 1;
            match lane.case(&case).await {
                Ok(Met::Yes) => drop(struck.insert(point)),
                Ok(Met::No) => missed += 1,
                Err(why) => panic!("{case}: {why}\nonce more: scripts/campaign --case '{case}'"),
            }
        }
    }
    let took = begun.elapsed();
    (struck, format!("{manner} {backend}: {count} cases, {missed} did not meet their point, {took:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_killed_at_any_point_of_its_protocol_is_finished_by_the_next_one() {
    let accepted = |point: &str| OF_ACCEPTED_WORK.iter().any(|of| point.starts_with(of));
    let of_buckets = |point: &str| OF_BUCKETS.contains(&point);
    // what is saved is carried out as any other change is
    let operations: Vec<_> = Operation::ALL
        .into_iter()
        .filter(|one| !matches!(one, Operation::Saved | Operation::Rotate))
        .collect();
    // what a rotation does besides is what every run does
    let of_rotations = |point: &str| ["O08", "O09", "O10", "O24"].iter().any(|of| point.starts_with(of));
    let (sync, later, bucket, rotation) = tokio::join!(
        sweep((Manner::Sync, Backend::Sqlite), &operations, |_| true),
        sweep((Manner::Async, Backend::Sqlite), &operations, accepted),
        sweep((Manner::Sync, Backend::Bucket), &[Operation::Update], of_buckets),
        sweep((Manner::Sync, Backend::Sqlite), &[Operation::Rotate], of_rotations),
    );
    println!("{}\n{}\n{}\n{}", sync.1, later.1, bucket.1, rotation.1);
    assert!(rotation.0.len() >= 8, "points of a rotation: {:?}", rotation.0);
    for (point, what) in POINTS {
        let struck = [&sync.0, &later.0, &bucket.0].iter().any(|struck| struck.contains(*point));
        assert!(struck, "{point} ({what}) is reached by no operation");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i_42_every_mistake_made_on_purpose_is_found_by_a_case_of_the_sweep() {
    for (mutant, what) in MUTANTS {
        assert!(HUNTS.iter().any(|hunt| hunt.mutant == *mutant), "nothing looks for {mutant} ({what})");
    }
    let options = options(Manner::Sync, Backend::Sqlite).await;
    let hunts = Arc::new(Mutex::new(VecDeque::from(HUNTS)));
    let mut hunters = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let (hunts, options) = (Arc::clone(&hunts), options.clone());
        hunters.spawn(async move {
            loop {
                let next = hunts.lock().expect("nobody panics with it").pop_front();
                let Some(one) = next else { return };
                match hunt(&one, &options).await.expect("the lane comes up") {
                    Hunted::Found(_) => {}
                    other => panic!("{} by {}: {other:?}", one.mutant, one.case),
                }
            }
        });
    }
    while let Some(ended) = hunters.join_next().await {
        ended.expect("a hunt that found its mistake");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_doubt_is_exit_code_four_and_says_how_to_go_on() {
    let lane = Lane::start(options(Manner::Sync, Backend::Sqlite).await).await.expect("the lane comes up");
    lane.prepare(Operation::Mitigate).await.expect("a run has died");
    let paused = lane.run(&["apply", "--yes", "--on-ambiguous", "pause"], &[]).await.expect("it ends");
    assert_eq!(paused.code, Some(4), "{}", paused.everything());
    assert!(paused.stderr.contains("--on-ambiguous mitigate"), "{}", paused.everything());
    lane.rest(Operation::Create)
        .await
        .expect("to resume is what happens by itself: everything is there, once");
}
