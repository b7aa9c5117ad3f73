//! The parts that are about brokers.

use std::time::Instant;

use clap::ValueEnum;
use sutler_tests::{
    faultkit::{
        Case, Counts, HUNTS, Hunt, Lane, LaneOptions, Row, Running, StoreChoice, answers_of, backups,
        database, disks, failures, foreign_in_the_way, hunt, keys, kills, messages, migrations, points,
        restarts, run_case, run_rows, shuffled,
    },
    world::WorldError,
};

/// What is done to the brokers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
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

impl Part {
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether it can be done to brokers with this store.
    pub(crate) fn fits(self, store: &StoreChoice) -> bool {
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

/// Runs one part on one store.
pub(crate) async fn run_part(part: Part, seed: u64, running: Running) -> Result<Counts, WorldError> {
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

/// Runs cases, each on every store.
pub(crate) async fn run_cases(
    stores: &[StoreChoice],
    (cases, mutant): (&[Case], Option<&str>),
) -> Result<Counts, WorldError> {
    let mut counts = Counts::default();
    for store in stores {
        let mutant = mutant.map(str::to_owned);
        let mut lane =
            Lane::start(LaneOptions { store: store.clone(), mutant, ..LaneOptions::default() }).await?;
        for case in cases {
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

/// Every mistake that a broker can make has to be found.
pub(crate) async fn hunt_all(stores: &[StoreChoice], only: Option<&str>) -> Result<Counts, WorldError> {
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
