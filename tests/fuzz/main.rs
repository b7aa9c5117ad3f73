//! Everything that reads what strangers wrote, fed with what no friend would write (S-66).
//!
//! A run of the tests replays the corpus and tries mutants of it for a moment. `SUTLER_FUZZ_MILLIS` makes the moment
//! longer, for each target; `SUTLER_FUZZ_SEED` makes it another one. What fails is written to `target/fuzz/` and goes
//! to the corpus with its repair.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod mutate;
mod targets;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use mutate::Mutator;
use targets::{TARGETS, Target};

/// One input may take so long, with all the noise of a busy machine.
const HANG: Duration = Duration::from_secs(3);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

/// What is kept for a target, in a stable order.
fn corpus(target: &Target) -> Vec<(String, Vec<u8>)> {
    let folder = folder().join(target.name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut corpus: Vec<_> = entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect();
    corpus.sort();
    assert!(!corpus.is_empty(), "{} has no corpus", target.name);
    corpus
}

/// Runs one input; what goes wrong is written down.
fn run(target: &Target, input: &[u8]) {
    let started = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let taken = started.elapsed();
    if outcome.is_ok() && taken < HANG {
        return;
    }
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz");
    std::fs::create_dir_all(&kept).unwrap();
    let path = kept.join(format!("{}-{}", target.name, input.len()));
    std::fs::write(&path, input).unwrap();
    panic!("{} fails or hangs ({taken:?}) on {}", target.name, path.display());
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn s_66_the_corpus_is_replayed() {
    for target in TARGETS {
        for (_, input) in corpus(target) {
            run(target, &input);
        }
    }
    let known: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name.as_str()), "{name} is the corpus of no target");
    }
}

#[test]
fn s_66_mutants_of_the_corpus_neither_crash_nor_hang() {
    let time = Duration::from_millis(number("SUTLER_FUZZ_MILLIS", 300));
    let seed = number("SUTLER_FUZZ_SEED", 1);
    for target in TARGETS {
        let corpus: Vec<Vec<u8>> = corpus(target).into_iter().map(|(_, input)| input).collect();
        let mut mutator = Mutator::new(seed, target.words);
        let (started, mut runs) = (Instant::now(), 0_u64);
        while started.elapsed() < time {
            run(target, &mutator.mutant(&corpus));
            runs += 1;
        }
        assert!(runs > 0);
        println!("{}: {runs} mutants", target.name);
    }
}
