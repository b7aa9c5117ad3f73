//! The crash campaign as a command; `scripts/campaign` builds and runs it.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;
use sutler_tests::{
    faultkit::{
        Case, Counts, HUNTS, Lane, LaneOptions, Row, Running, bad_answers, foreign_in_the_way, full_disks,
        hunt, messages, migrations, points, random_kills, run_case, run_rows,
    },
    world::WorldError,
};

/// Makes the cases of a part.
type Rows = fn() -> Vec<Row>;

/// Kills a broker, lies to it and cuts it off, and looks whether its invariants hold. Exit code 1 when one does not.
#[derive(Debug, Parser)]
#[command(name = "sutler-campaign")]
struct Arguments {
    /// How long to go on: first every case once, then random ones
    #[arg(long, default_value_t = 15.0)]
    minutes: f64,
    /// Decides what is random; printed at the start
    #[arg(long)]
    seed: Option<u64>,
    /// Only these cases, as a failure names them
    #[arg(long)]
    case: Vec<Case>,
    /// Only this part: points, messages, answers, disks, kills, migrations, foreign
    #[arg(long)]
    only: Option<String>,
    /// Test the campaign itself: every mistake a broker can make has to be found
    #[arg(long)]
    mutants: bool,
    /// The mistake the broker makes
    #[arg(long)]
    mutant: Option<String>,
    /// Worlds at the same time
    #[arg(long, default_value_t = 3)]
    lanes: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(counts) => {
            anstream::println!("{counts}");
            if counts.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            anstream::eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<Counts, WorldError> {
    if arguments.mutants {
        return hunt_all(arguments.mutant.as_deref()).await;
    }
    if !arguments.case.is_empty() {
        return run_cases(arguments.case, arguments.mutant).await;
    }
    let seed = arguments.seed.map_or_else(random_seed, Ok)?;
    anstream::println!("seed {seed}: scripts/campaign --seed {seed} does the same again");
    let until = Instant::now() + Duration::from_secs_f64(arguments.minutes * 60.0);
    let wanted = |part: &str| arguments.only.as_deref().is_none_or(|only| only == part);
    let mut counts = Counts::default();
    if wanted("migrations") {
        counts.add(&part("migrations", migrations().await?));
    }
    if wanted("foreign") {
        let mut lane = Lane::start(LaneOptions::default()).await?;
        let found = foreign_in_the_way(&mut lane).await?;
        counts.violations.extend(found.iter().map(|violation| format!("{violation:?}")));
        counts.add(&part("foreign", lane.counts));
    }
    let parts: [(&str, Rows); 4] = [
        ("points", || points(12)),
        ("messages", || messages(12)),
        ("disks", full_disks),
        ("answers", || bad_answers(12)),
    ];
    let running = |until| Running {
        until: Some(until),
        lanes: arguments.lanes,
        options: LaneOptions { mutant: arguments.mutant.clone(), ..LaneOptions::default() },
    };
    for (name, rows) in parts {
        if wanted(name) && Instant::now() < until {
            counts.add(&part(name, run_rows(rows(), running(until)).await?));
        }
    }
    if wanted("kills") && Instant::now() < until {
        counts.add(&part("kills", run_rows(random_kills(seed, 1_000_000), running(until)).await?));
    }
    Ok(counts)
}

fn part(name: &str, counts: Counts) -> Counts {
    anstream::println!("-- {name}\n{counts}");
    counts
}

fn random_seed() -> Result<u64, WorldError> {
    getrandom::u64().map_err(|error| WorldError::new("a seed", error))
}

async fn run_cases(cases: Vec<Case>, mutant: Option<String>) -> Result<Counts, WorldError> {
    let mut lane = Lane::start(LaneOptions { mutant, ..LaneOptions::default() }).await?;
    let mut counts = Counts::default();
    for case in cases {
        let from = Instant::now();
        let outcome = run_case(&mut lane, &case).await?;
        anstream::println!("{case}: {} faults struck, {:?}", outcome.struck, from.elapsed());
        counts.violations.extend(outcome.found.iter().map(|violation| format!("{violation:?}")));
    }
    counts.add(&lane.counts);
    Ok(counts)
}

async fn hunt_all(only: Option<&str>) -> Result<Counts, WorldError> {
    let mut counts = Counts::default();
    for one in HUNTS.iter().filter(|one| only.is_none_or(|only| only == one.mutant)) {
        let from = Instant::now();
        let found = hunt(one, true).await?;
        counts.cases += 1;
        match found.first() {
            Some(first) => anstream::println!(
                "{}: found in {:?}: {}: {:.160}",
                one.mutant,
                from.elapsed(),
                first.invariant,
                first.what
            ),
            None => counts.violations.push(format!("the mutant {} was not found", one.mutant)),
        }
        for violation in hunt(one, false).await? {
            counts.violations.push(format!("without the mutant {}: {violation:?}", one.mutant));
        }
    }
    Ok(counts)
}
