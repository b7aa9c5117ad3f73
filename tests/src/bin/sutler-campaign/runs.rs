//! The parts that are about runs of `sutler`.

use std::{
    path::PathBuf,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::ValueEnum;
use sutler_tests::{
    applykit::{
        self, Backend, Case, HUNTS, Hunted, Lane, LaneOptions, Manner, Met, Operation, Pool, Row, Running,
        Servers, hunt, run_case, run_rows, shuffled,
    },
    faultkit::Counts,
    world::{Binaries, WorldError},
};
use tokio::process::Command;

use super::{AnyCase, Arguments, Stores};

/// So many stories are told at once.
const STORIES: u64 = 2_000;

/// What is done to runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Death at each point of the protocol
    RunPoints,
    /// Death of the release build at each system call
    RunCalls,
    /// Full and broken disks
    RunDisks,
    /// Every message between a run and a broker
    RunBrokers,
    /// Every message between a run and its state
    RunMessages,
    /// The database server crashes
    RunRestarts,
    /// Two runs at once
    RunTwins,
    /// State files that are not what was written
    RunDamage,
    /// Random deaths
    RunKills,
    /// The engine alone, in stories that a seed tells
    Simulation,
}

impl Part {
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn kind(self) -> Option<applykit::Part> {
        Some(match self {
            Self::RunPoints => applykit::Part::Points,
            Self::RunCalls => applykit::Part::Calls,
            Self::RunDisks => applykit::Part::Disks,
            Self::RunBrokers => applykit::Part::Brokers,
            Self::RunMessages => applykit::Part::Messages,
            Self::RunRestarts => applykit::Part::Restarts,
            Self::RunTwins => applykit::Part::Twins,
            Self::RunDamage => applykit::Part::Damage,
            Self::RunKills => applykit::Part::Kills,
            Self::Simulation => return None,
        })
    }

    /// Whether it can be done to runs with state there. State of a story is in memory: it is told once.
    pub(crate) fn fits(self, backend: Backend) -> bool {
        self.kind().map_or(backend == Backend::Sqlite, |kind| kind.fits(backend))
    }

    /// How brokers answer in it.
    fn manners(self) -> &'static [Manner] {
        match self {
            Self::RunPoints | Self::RunBrokers | Self::RunKills => &[Manner::Sync, Manner::Async],
            _ => &[Manner::Sync],
        }
    }

    /// Which operations it is done to.
    fn operations(self) -> Vec<Operation> {
        let wanted = |operation: &Operation| match self {
            // these make no difference to a broker, and two of them would not be the same work
            Self::RunBrokers | Self::RunTwins => {
                !matches!(operation, Operation::Plan | Operation::Saved | Operation::Rekey)
            }
            Self::RunDamage => matches!(operation, Operation::Update | Operation::Teardown),
            _ => true,
        };
        Operation::ALL.into_iter().filter(wanted).collect()
    }
}

/// What all parts share.
pub(crate) struct Setup {
    servers: Servers,
    mutant: Option<String>,
    lanes: usize,
    /// The program that is killed at its system calls.
    release: Option<PathBuf>,
}

impl Setup {
    pub(crate) async fn new(arguments: &Arguments) -> Result<Self, WorldError> {
        let calls = arguments.case.is_empty()
            && !arguments.mutants
            && arguments.wants(super::Only::Run(Part::RunCalls));
        let release = (calls && !arguments.test_build).then(Binaries::release_sutler).transpose();
        let release = release.map_err(|error| WorldError::new("building the release binary", error))?;
        let of_case = |case: &AnyCase| match case {
            AnyCase::Run(case) => Some(case.backend),
            AnyCase::Broker(_) => None,
        };
        let backends = match (arguments.mutants, arguments.case.is_empty()) {
            (true, _) => Stores::Sqlite.backends(),
            (false, true) => arguments.store.backends(),
            (false, false) => arguments.case.iter().filter_map(of_case).collect(),
        };
        let servers = Servers::start(&backends).await?;
        Ok(Self { servers, mutant: arguments.mutant.clone(), lanes: arguments.lanes, release })
    }

    fn options(&self, manner: Manner, backend: Backend) -> LaneOptions {
        let (servers, mutant) = (self.servers.clone(), self.mutant.clone());
        LaneOptions { manner, backend, servers, program: None, mutant }
    }

    /// Runs one part on one backend.
    pub(crate) async fn run_part(
        &self,
        part: Part,
        backend: Backend,
        (seed, until): (u64, Instant),
    ) -> Result<Counts, WorldError> {
        let Some(kind) = part.kind() else { return stories(seed, until).await };
        let mut counts = Counts::default();
        let manners = part.manners();
        for (done, manner) in manners.iter().enumerate() {
            let left = u32::try_from(manners.len() - done).unwrap_or(1);
            let until = Instant::now() + until.saturating_duration_since(Instant::now()) / left;
            let mut options = self.options(*manner, backend);
            let mut lanes = self.lanes;
            if part == Part::RunRestarts {
                // nobody else has a server that crashes
                options.servers = Servers::start(&[backend]).await?;
                lanes = 1;
            }
            if part == Part::RunCalls {
                options.program = self.release.clone();
            }
            let pool = Arc::new(Pool::new(options));
            let operations = shuffled(part.operations(), seed);
            for (done, operation) in operations.iter().enumerate() {
                if Instant::now() >= until {
                    anstream::println!(
                        "no time for {:?} with a broker that answers {manner}",
                        &operations[done..]
                    );
                    break;
                }
                let rows = rows(kind, &pool, (*operation, seed)).await?;
                let left = u32::try_from(operations.len() - done).unwrap_or(1);
                let until = Instant::now() + until.saturating_duration_since(Instant::now()) / left;
                counts
                    .add(&run_rows(rows, &Running { until: Some(until), lanes, pool: pool.clone() }).await?);
            }
        }
        Ok(counts)
    }

    /// One case, as a failure names it.
    pub(crate) async fn run_case(&self, case: &Case) -> Result<Counts, WorldError> {
        let mut counts = Counts::default();
        let lane = Lane::start(self.options(case.manner, case.backend)).await?;
        let from = Instant::now();
        let met = run_case(&lane, case, &mut counts).await;
        let word = match met {
            Some(Met::Yes) => "it holds",
            Some(Met::No) => "it did not happen",
            None => "it does not hold",
        };
        anstream::println!("{case}: {word}, {:?}", from.elapsed());
        Ok(counts)
    }

    /// Every mistake that a run can make has to be found.
    pub(crate) async fn hunt_all(&self, only: Option<&str>) -> Result<Counts, WorldError> {
        let (mut counts, mut all, mut caught) = (Counts::default(), 0, 0);
        let options = LaneOptions { mutant: None, ..self.options(Manner::Sync, Backend::Sqlite) };
        for one in HUNTS.iter().filter(|hunt| only.is_none_or(|only| only == hunt.mutant)) {
            let from = Instant::now();
            counts.cases += 1;
            all += 1;
            match hunt(one, &options).await? {
                Hunted::Found(why) => {
                    caught += 1;
                    anstream::println!("run {}: found in {:?}: {why:.160}", one.mutant, from.elapsed());
                }
                other => counts.violations.push(format!("run {} by {}: {other:?}", one.mutant, one.case)),
            }
        }
        anstream::println!("| Mutants of runs | {caught} of {all} |");
        Ok(counts)
    }
}

/// What there is to do to an operation, in an order that the seed decides.
async fn rows(
    kind: applykit::Part,
    pool: &Pool,
    (operation, seed): (Operation, u64),
) -> Result<Vec<Row>, WorldError> {
    let (scout, _) = pool.take().await?;
    let rows = kind.rows(&scout, operation, seed).await;
    pool.put(scout).await;
    rows.map(|rows| shuffled(rows, seed)).map_err(|why| WorldError::new("counting what there is to do", why))
}

/// Stories, as many as there is time for.
async fn stories(seed: u64, until: Instant) -> Result<Counts, WorldError> {
    let step = "telling stories";
    let mut counts = Counts::default();
    // seeds of a campaign are others than those of a test run
    let mut first = 1_000_000 + seed % 1_000_000_000;
    loop {
        let told = Command::new("cargo")
            .args([
                "test",
                "--quiet",
                "--locked",
                "-p",
                "sutler",
                "--lib",
                "simulation::every_seed",
                "--",
                "--nocapture",
            ])
            .current_dir(Binaries::workspace())
            .env("SUTLER_SIMULATION_FIRST", first.to_string())
            .env("SUTLER_SIMULATION_SEEDS", STORIES.to_string())
            .stdin(Stdio::null())
            .output()
            .await
            .map_err(|error| WorldError::new(step, error))?;
        let said = String::from_utf8_lossy(&told.stdout);
        if !told.status.success() {
            let (out, more) = (said.trim(), String::from_utf8_lossy(&told.stderr));
            counts.violations.push(format!("{out}\n{more}"));
            return Ok(counts);
        }
        counts.cases += STORIES;
        counts.checks += STORIES;
        *counts.faults.entry("untimely ends of stories".to_owned()).or_default() +=
            number_before(&said, " untimely ends");
        first += STORIES;
        if Instant::now() + Duration::from_secs(1) > until {
            return Ok(counts);
        }
    }
}

/// The number that stands before these words.
fn number_before(text: &str, words: &str) -> u64 {
    let before = text.split(words).next().unwrap_or_default();
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
