//! The crash campaign as a command; `scripts/campaign` builds and runs it.

mod brokers;
mod runs;

use std::{
    process::ExitCode,
    str::FromStr,
    time::{Duration, Instant},
};

use clap::{Parser, ValueEnum};
use sutler_tests::{
    applykit::{self, Backend},
    faultkit::{self, Counts, LaneOptions, Running, StoreChoice},
    world::{Binaries, WorldError},
};

/// Kills brokers and runs of sutler, lies to them and cuts them off, and looks whether their invariants hold. Exit code 1
/// when one does not.
#[derive(Debug, Parser)]
#[command(name = "sutler-campaign")]
struct Arguments {
    /// How long to go on: every part gets its share, random deaths of brokers get what is left
    #[arg(long, default_value_t = 15.0)]
    minutes: f64,
    /// Decides what is random; printed at the start
    #[arg(long)]
    seed: Option<u64>,
    /// Only these cases, as a failure names them
    #[arg(long)]
    case: Vec<AnyCase>,
    /// Only this part, `brokers` or `runs`; may be given several times
    #[arg(long, value_parser = Only::parse)]
    only: Vec<Only>,
    /// Where brokers keep what they know, and runs their state
    #[arg(long, value_enum, default_value_t = Stores::All)]
    store: Stores,
    /// Test the campaign itself: every mistake that a broker or a run can make has to be found
    #[arg(long)]
    mutants: bool,
    /// The mistake that is made
    #[arg(long)]
    mutant: Option<String>,
    /// Worlds at the same time
    #[arg(long, default_value_t = 4)]
    lanes: usize,
    /// Kill the test build at its system calls, not the release build, which is then not needed
    #[arg(long)]
    test_build: bool,
}

/// A case of either half.
#[derive(Debug, Clone)]
enum AnyCase {
    Broker(faultkit::Case),
    Run(applykit::Case),
}

impl FromStr for AnyCase {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // operations of runs begin with a capital letter
        if text.starts_with(|first: char| first.is_ascii_uppercase()) {
            text.parse().map(Self::Run)
        } else {
            text.parse().map(Self::Broker)
        }
    }
}

/// A part, or all parts of one half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Only {
    Broker(brokers::Part),
    Brokers,
    Run(runs::Part),
    Runs,
}

impl Only {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "brokers" => return Ok(Self::Brokers),
            "runs" => return Ok(Self::Runs),
            _ => {}
        }
        let broker = brokers::Part::from_str(text, false).map(Self::Broker);
        broker.or_else(|_| runs::Part::from_str(text, false).map(Self::Run)).map_err(|_| {
            let mut names = vec!["brokers".to_owned(), "runs".to_owned()];
            names.extend(brokers::Part::value_variants().iter().map(|part| part.name()));
            names.extend(runs::Part::value_variants().iter().map(|part| part.name()));
            format!("there is no such part; there are: {}", names.join(" "))
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stores {
    Sqlite,
    Postgres,
    /// An S3 server: state of runs only
    Bucket,
    All,
}

impl Stores {
    async fn choices(self) -> Result<Vec<StoreChoice>, WorldError> {
        Ok(match self {
            Self::Sqlite => vec![StoreChoice::Sqlite],
            Self::Postgres => vec![StoreChoice::postgres().await?],
            Self::Bucket => Vec::new(),
            Self::All => vec![StoreChoice::Sqlite, StoreChoice::postgres().await?],
        })
    }

    fn backends(self) -> Vec<Backend> {
        match self {
            Self::Sqlite => vec![Backend::Sqlite],
            Self::Postgres => vec![Backend::Postgres],
            Self::Bucket => vec![Backend::Bucket],
            Self::All => Backend::ALL.to_vec(),
        }
    }
}

impl Arguments {
    fn wants(&self, part: Only) -> bool {
        let half = if matches!(part, Only::Broker(_)) { Only::Brokers } else { Only::Runs };
        self.only.is_empty() || self.only.contains(&part) || self.only.contains(&half)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let ended = tokio::select! {
        ended = run(Arguments::parse()) => ended,
        // whoever is told to stop ends what it has started: brokers, and database servers
        _ = tokio::signal::ctrl_c() => Err(WorldError::new("running the campaign", "interrupted")),
    };
    match ended {
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

/// One part on one store: a row of the table.
enum Job<'a> {
    Broker(brokers::Part, &'a StoreChoice),
    Run(runs::Part, Backend),
}

impl Job<'_> {
    fn name(&self) -> (String, &'static str) {
        match self {
            Self::Broker(part, store) => (part.name(), store.name()),
            Self::Run(part, backend) => (part.name(), backend.name()),
        }
    }
}

async fn run(arguments: Arguments) -> Result<Counts, WorldError> {
    // before the time begins to run
    Binaries::build().map_err(|error| WorldError::new("building the binaries", error))?;
    if arguments.mutants {
        return hunt_all(&arguments).await;
    }
    if !arguments.case.is_empty() {
        return run_cases(&arguments).await;
    }
    let seed = arguments.seed.map_or_else(random_seed, Ok)?;
    anstream::println!("seed {seed}: scripts/campaign --seed {seed} does the same again");
    let broker_parts: Vec<brokers::Part> = brokers::Part::value_variants().to_vec();
    let wanted: Vec<_> =
        broker_parts.into_iter().filter(|part| arguments.wants(Only::Broker(*part))).collect();
    let stores = if wanted.is_empty() { Vec::new() } else { arguments.store.choices().await? };
    let run_parts = runs::Part::value_variants().iter().filter(|part| arguments.wants(Only::Run(**part)));
    let backends = arguments.store.backends();
    let mut jobs: Vec<Job<'_>> = run_parts
        .flat_map(|part| {
            backends.iter().filter(|backend| part.fits(**backend)).map(|on| Job::Run(*part, *on))
        })
        .collect();
    // random deaths of brokers come last: there is no end of these
    jobs.extend(wanted.into_iter().flat_map(|part| {
        stores.iter().filter(move |store| part.fits(store)).map(move |store| Job::Broker(part, store))
    }));
    carry_out(&jobs, &arguments, seed).await
}

async fn carry_out(jobs: &[Job<'_>], arguments: &Arguments, seed: u64) -> Result<Counts, WorldError> {
    let of_runs = jobs.iter().any(|job| matches!(job, Job::Run(..)));
    let setup = if of_runs { Some(runs::Setup::new(arguments).await?) } else { None };
    let until = Instant::now() + Duration::from_secs_f64(arguments.minutes * 60.0);
    let (mut counts, mut table) = (Counts::default(), vec![Counts::TABLE_HEAD.to_owned()]);
    for (done, job) in jobs.iter().enumerate() {
        let share =
            until.saturating_duration_since(Instant::now()) / u32::try_from(jobs.len() - done).unwrap_or(1);
        let until = Instant::now() + share;
        let found = match (job, &setup) {
            (Job::Broker(part, store), _) => {
                let options = LaneOptions {
                    store: (*store).clone(),
                    mutant: arguments.mutant.clone(),
                    ..LaneOptions::default()
                };
                let running = Running { until: Some(until), lanes: arguments.lanes, options };
                brokers::run_part(*part, seed, running).await?
            }
            (Job::Run(part, backend), Some(setup)) => setup.run_part(*part, *backend, (seed, until)).await?,
            (Job::Run(..), None) => continue,
        };
        let (name, store) = job.name();
        anstream::println!("-- {name} on {store}\n{found}");
        table.push(found.table_row(&name, store));
        counts.add(&found);
    }
    anstream::println!("{}\n", table.join("\n"));
    Ok(counts)
}

fn random_seed() -> Result<u64, WorldError> {
    getrandom::u64().map_err(|error| WorldError::new("a seed", error))
}

async fn run_cases(arguments: &Arguments) -> Result<Counts, WorldError> {
    let mut counts = Counts::default();
    let of_brokers: Vec<faultkit::Case> = arguments
        .case
        .iter()
        .filter_map(|case| match case {
            AnyCase::Broker(case) => Some(case.clone()),
            AnyCase::Run(_) => None,
        })
        .collect();
    if !of_brokers.is_empty() {
        let stores = arguments.store.choices().await?;
        counts.add(&brokers::run_cases(&stores, (&of_brokers, arguments.mutant.as_deref())).await?);
    }
    let setup = runs::Setup::new(arguments).await?;
    for case in &arguments.case {
        if let AnyCase::Run(case) = case {
            counts.add(&setup.run_case(case).await?);
        }
    }
    Ok(counts)
}

async fn hunt_all(arguments: &Arguments) -> Result<Counts, WorldError> {
    let (mut counts, only) = (Counts::default(), arguments.mutant.as_deref());
    let wants = |half| arguments.only.is_empty() || arguments.only.contains(&half);
    if wants(Only::Runs) {
        counts.add(&runs::Setup::new(arguments).await?.hunt_all(only).await?);
    }
    if wants(Only::Brokers) {
        counts.add(&brokers::hunt_all(&arguments.store.choices().await?, only).await?);
    }
    Ok(counts)
}
