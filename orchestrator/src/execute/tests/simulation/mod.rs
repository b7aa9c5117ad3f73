//! The whole engine on one thread, with time that does not pass by itself: one seed decides what is declared, what the
//! brokers do, what the network and storage do, and when the process dies. Equal seeds tell equal stories.
//!
//! ```text
//! SUTLER_SIMULATION_SEED=17 cargo test -p sutler --lib simulation::one_story -- --nocapture   one story again
//! SUTLER_SIMULATION_SEEDS=200000 cargo test -p sutler --lib simulation::every_seed                     many more
//! ```

mod model;
mod network;
mod random;
mod story;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use story::tell;

/// So many stories are told in a test run.
const SEEDS: u64 = 1_000;
/// On so many threads.
const THREADS: u64 = 2;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

fn replay(seed: u64, why: &str) -> String {
    // The last line says what is wrong; the others what happened before, which the replay prints.
    let why = why.lines().rev().take(30).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n");
    format!(
        "seed {seed}: {why}\nreplay it: SUTLER_SIMULATION_SEED={seed} cargo test -p sutler --lib \
         simulation::one_story -- --nocapture"
    )
}

#[test]
fn every_seed_ends_with_nothing_lost_nothing_twice_and_nothing_left_over() {
    let seeds = number("SUTLER_SIMULATION_SEEDS").unwrap_or(SEEDS);
    let first = number("SUTLER_SIMULATION_FIRST").unwrap_or(0);
    let (next, begun) = (AtomicU64::new(first), Instant::now());
    let (deaths, effects) = (AtomicU64::new(0), AtomicU64::new(0));
    let found = AtomicBool::new(false);
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if found.load(Ordering::Relaxed) || seed >= first + seeds {
            return;
        }
        match tell(seed) {
            Ok(told) => {
                deaths.fetch_add(told.deaths, Ordering::Relaxed);
                effects.fetch_add(told.trace.len() as u64, Ordering::Relaxed);
            }
            Err(why) => {
                found.store(true, Ordering::Relaxed);
                panic!("{}", replay(seed, &why));
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
    let (deaths, effects) = (deaths.into_inner(), effects.into_inner());
    println!("{seeds} stories, {deaths} untimely ends, {effects} effects, {:?}", begun.elapsed());
    assert!(deaths > seeds / 2, "the stories are too quiet: {deaths} untimely ends");
}

#[test]
fn i_25_equal_seeds_tell_equal_stories() {
    for seed in 0..40 {
        let (once, again) = (tell(seed), tell(seed));
        let (once, again) = (once.expect("it ends well"), again.expect("it ends well"));
        assert_eq!(once.trace, again.trace, "seed {seed}");
    }
}

/// Replays the story of `SUTLER_SIMULATION_SEED`, effect by effect; the first one where none is named.
#[test]
fn one_story_is_told_effect_by_effect() {
    let seed = number("SUTLER_SIMULATION_SEED").unwrap_or(0);
    match tell(seed) {
        Ok(told) => println!("{}\nseed {seed} ends well", told.trace.join("\n")),
        Err(why) => panic!("seed {seed}: {why}"),
    }
}

/// Mistakes that the stories have to find, each within the seeds of a test run.
const FOUND: [&str; 8] = [
    "no_intent",
    "no_binding_intent",
    "new_id_on_resume",
    "new_binding_on_resume",
    "mitigation_skipped",
    "orphan_list_dropped",
    "deletion_forgotten",
    "change_forgotten",
];

#[test]
fn i_42_mistakes_made_on_purpose_are_found() {
    let program = std::env::current_exe().expect("this program has a path");
    for mutant in FOUND {
        let begun = Instant::now();
        let output = std::process::Command::new(&program)
            .args(["--exact", "execute::tests::simulation::every_seed_ends_with_nothing_lost_nothing_twice_and_nothing_left_over"])
            .env("SUTLER_MUTANT", mutant)
            .env("RUST_BACKTRACE", "0")
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && said.contains("replay it:"), "{mutant} is not found: {said}");
        assert!(begun.elapsed() < Duration::from_secs(120), "{mutant}: {:?}", begun.elapsed());
    }
}
