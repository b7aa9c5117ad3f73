//! The crash campaign as a command; `scripts/campaign` builds and runs it.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::{Parser, ValueEnum};
use sutler_tests::{
    faultkit::{
        Case, Counts, HUNTS, Hunt, Lane, LaneOptions, Row, Running, StoreChoice, answers_of, backups,
        database, disks, failures, foreign_in_the_way, hunt, keys, kills, messages, migrations, points,
        restarts, run_case, run_rows, shuffled,
    },
    world::{Binaries, WorldError},
};

/// Kills a broker, lies to it and cuts it off, and looks whether its invariants hold. Exit code 1 when one does not.
#[derive(Debug, Parser)]
#[command(name = "sutler-campaign")]
struct Arguments {
    /// How long to go on: every part gets its share, random deaths get what is left
    #[arg(long, default_value_t = 15.0)]
    minutes: f64,
    /// Decides what is random; printed at the start
    #[arg(long)]
    seed: Option<u64>,
    /// Only these cases, as a failure names them
    #[arg(long)]
    case: Vec<Case>,
    /// Only this part; may be given several times
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// The store of the brokers
    #[arg(long, value_enum, default_value_t = Stores::Both)]
    store: Stores,
    /// Test the campaign itself: every mistake a broker can make has to be found
    #[arg(long)]
    mutants: bool,
    /// The mistake the broker makes
    #[arg(long)]
    mutant: Option<String>,
    /// Worlds at the same time
    #[arg(long, default_value_t = 4)]
    lanes: usize,
}

/// What is done to the brokers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Death and failure in each migration of the store
    Migrations,
    /// Things of others with the names that ours would get
    Foreign,
    /// Death and failure in the middle of a backup
    Backups,
    /// Death and failure at each point
    Points,
    /// Every message between platform, broker and vendor
    Messages,
    /// Every message between broker and database
    Database,
    /// The database server crashes
    Restarts,
    /// Bad answers of the vendor
    Answers,
    /// Full disks
    Disks,
    /// Death and failure at each record while keys are exchanged
    Keys,
    /// Random deaths, with the other faults on top
    Kills,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stores {
    Sqlite,
    Postgres,
    Both,
}

impl Stores {
    async fn choices(self) -> Result<Vec<StoreChoice>, WorldError> {
        Ok(match self {
            Self::Sqlite => vec![StoreChoice::Sqlite],
            Self::Postgres => vec![StoreChoice::postgres().await?],
            Self::Both => vec![StoreChoice::Sqlite, StoreChoice::postgres().await?],
        })
    }
}

impl Part {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether it can be done to brokers with this store.
    fn fits(self, store: &StoreChoice) -> bool {
        match self {
            Self::Database | Self::Restarts => matches!(store, StoreChoice::Postgres(_)),
            Self::Backups => matches!(store, StoreChoice::Sqlite),
            _ => true,
        }
    }

    /// Its cases, if it has such.
    fn rows(self, seed: u64, store: &StoreChoice) -> Vec<Row> {
        let rows = match self {
            Self::Migrations | Self::Foreign | Self::Backups => return Vec::new(),
            Self::Kills => return kills(seed, 200_000, store),
            Self::Points => points(12),
            Self::Messages => messages(12),
            Self::Database => database(12),
            Self::Restarts => restarts(),
            Self::Answers => answers_of(12),
            Self::Disks => disks(),
            Self::Keys => keys(6),
        };
        shuffled(rows, seed)
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

async fn run(arguments: Arguments) -> Result<Counts, WorldError> {
    // before the time begins to run
    Binaries::build().map_err(|error| WorldError::new("building the binaries", error))?;
    let stores = arguments.store.choices().await?;
    if arguments.mutants {
        return hunt_all(&stores, arguments.mutant.as_deref()).await;
    }
    if !arguments.case.is_empty() {
        return run_cases(&stores, &arguments).await;
    }
    let seed = arguments.seed.map_or_else(random_seed, Ok)?;
    anstream::println!("seed {seed}: scripts/campaign --seed {seed} does the same again");
    let until = Instant::now() + Duration::from_secs_f64(arguments.minutes * 60.0);
    let mut parts: Vec<(Part, &StoreChoice)> = Vec::new();
    for part in Part::value_variants() {
        let is_wanted = arguments.only.is_empty() || arguments.only.contains(part);
        parts.extend(stores.iter().filter(|store| is_wanted && part.fits(store)).map(|store| (*part, store)));
    }
    let (mut counts, mut table) = (Counts::default(), vec![Counts::TABLE_HEAD.to_owned()]);
    for (done, (part, store)) in parts.iter().enumerate() {
        let share =
            until.saturating_duration_since(Instant::now()) / u32::try_from(parts.len() - done).unwrap_or(1);
        let options = LaneOptions {
            store: (*store).clone(),
            mutant: arguments.mutant.clone(),
            ..LaneOptions::default()
        };
        let running = Running { until: Some(Instant::now() + share), lanes: arguments.lanes, options };
        let found = run_part(*part, seed, running).await?;
        let (name, store) = (part.name(), store.name());
        anstream::println!("-- {name} on {store}\n{found}");
        table.push(found.table_row(&name, store));
        counts.add(&found);
    }
    anstream::println!("{}\n", table.join("\n"));
    Ok(counts)
}

async fn run_part(part: Part, seed: u64, running: Running) -> Result<Counts, WorldError> {
    let options = running.options.clone();
    match part {
        Part::Migrations => migrations(&options.store).await,
        Part::Backups => backups(options).await,
        Part::Foreign => {
            let mut lane = Lane::start(options).await?;
            let found = foreign_in_the_way(&mut lane).await?;
            lane.counts.violations.extend(found.iter().map(|violation| format!("{violation:?}")));
            Ok(lane.counts)
        }
        Part::Restarts => {
            // nobody else has a server that crashes
            let options = LaneOptions { store: StoreChoice::postgres().await?, ..options };
            run_rows(part.rows(seed, &options.store), Running { lanes: 1, options, ..running }).await
        }
        // there is no end of these
        Part::Kills => {
            let counts = run_rows(part.rows(seed, &options.store), running).await?;
            Ok(Counts { rows_left: 0, ..counts })
        }
        _ => run_rows(part.rows(seed, &options.store), running).await,
    }
}

fn random_seed() -> Result<u64, WorldError> {
    getrandom::u64().map_err(|error| WorldError::new("a seed", error))
}

async fn run_cases(stores: &[StoreChoice], arguments: &Arguments) -> Result<Counts, WorldError> {
    let mut counts = Counts::default();
    for store in stores {
        let mutant = arguments.mutant.clone();
        let mut lane =
            Lane::start(LaneOptions { store: store.clone(), mutant, ..LaneOptions::default() }).await?;
        for case in &arguments.case {
            let from = Instant::now();
            let outcome = run_case(&mut lane, case).await?;
            let (struck, took) = (outcome.struck, from.elapsed());
            anstream::println!("{} {case}: {struck} faults struck, {took:?}", store.word());
            counts.violations.extend(outcome.found.iter().map(|violation| format!("{violation:?}")));
        }
        let folder = failures().join(format!("last-{}", store.word()));
        lane.keep(&folder, &[]).await.map_err(|error| WorldError::new("keeping the last case", error))?;
        anstream::println!("what explains the last one is in {}", folder.display());
        let leaks = lane.leaks().await?;
        counts.violations.extend(leaks.iter().map(|violation| format!("{violation:?}")));
        counts.add(&lane.counts);
    }
    Ok(counts)
}

async fn hunt_all(stores: &[StoreChoice], only: Option<&str>) -> Result<Counts, WorldError> {
    let (mut counts, mut table) =
        (Counts::default(), vec!["| Store | Mutants found |\n|---|--:|".to_owned()]);
    for store in stores {
        let wanted = |one: &&Hunt| only.is_none_or(|only| only == one.mutant);
        let (mut all, mut caught) = (0, 0);
        for one in HUNTS.iter().filter(wanted) {
            let from = Instant::now();
            let found = hunt(one, store, true).await?;
            counts.cases += 1;
            all += 1;
            let (mutant, word, took) = (one.mutant, store.word(), from.elapsed());
            match found.first() {
                Some(first) => {
                    caught += 1;
                    let (invariant, what) = (first.invariant, &first.what);
                    anstream::println!("{word} {mutant}: found in {took:?}: {invariant}: {what:.160}");
                }
                None => counts.violations.push(format!("{word}: the mutant {mutant} was not found")),
            }
            for violation in hunt(one, store, false).await? {
                counts.violations.push(format!("{word}: without the mutant {mutant}: {violation:?}"));
            }
        }
        table.push(format!("| {} | {caught} of {all} |", store.name()));
    }
    anstream::println!("{}\n", table.join("\n"));
    Ok(counts)
}
