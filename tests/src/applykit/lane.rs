//! A world and what happens in it, one case after another.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    Backend, Case, Declared, Manner, Operation, Servers,
    declared::{Addresses, SAVED, configuration},
    disturb::{Disturbed, disturb},
    place::Place,
    truth::{self, Look},
};
use crate::{
    faultkit::{Proxy, StoreDump},
    world::{Finished, Running, World, WorldError, WorldOptions},
};

/// How a lane is made.
#[derive(Debug, Clone)]
pub struct LaneOptions {
    /// How its broker answers.
    pub manner: Manner,
    /// Where state is.
    pub backend: Backend,
    /// The servers that state may be on.
    pub servers: Servers,
    /// The program that is disturbed; the one that everything else is done with when left out.
    pub program: Option<PathBuf>,
    /// The mistake that `sutler` makes.
    pub mutant: Option<String>,
}

/// See the module.
pub struct Lane {
    pub(super) world: World,
    pub(super) options: LaneOptions,
    pub(super) place: Place,
    /// Between `sutler` and its broker, when messages between them are in trouble.
    pub(super) proxy: Proxy,
    /// What was looked at already: so many looks, and the journal up to this entry.
    looked: Mutex<Looked>,
}

#[derive(Debug, Default)]
struct Looked {
    times: u64,
    journal: u64,
}

/// The whole of a state's history is looked at each so many times: it grows with every case of a lane.
const WHOLE_EVERY: u64 = 16;

/// What a case came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// What was to happen happened.
    Yes,
    /// This time the run ended before.
    No,
}

impl Lane {
    /// A lane that nobody used.
    ///
    /// # Errors
    /// When its world does not come up.
    pub async fn start(options: LaneOptions) -> Result<Self, WorldError> {
        let inline_budget = if options.manner == Manner::Sync { "5s" } else { "1ms" };
        let world = WorldOptions { inline_budget, log_level: "warn", ..WorldOptions::default() };
        let world = World::shop(world).await?;
        let place = Place::new(options.backend, &options.servers).await?;
        let broker = world.broker("data").url();
        let address: SocketAddr = broker
            .trim_start_matches("http://")
            .parse()
            .map_err(|error| WorldError::new("reading the broker's address", error))?;
        let proxy = Proxy::start(address).await?;
        Ok(Self { world, options, place, proxy, looked: Mutex::default() })
    }

    /// From now on `sutler` makes this mistake.
    pub(super) fn make_mistakes(&mut self, mutant: &str) {
        self.options.mutant = Some(mutant.to_owned());
    }

    /// Where everything is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.world.root()
    }

    /// The world.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The variables of every run.
    pub(super) fn variables(&self, more: &[(&str, String)]) -> Vec<(String, String)> {
        let mut all = self.place.variables();
        let mutant = self.options.mutant.iter().map(|name| ("SUTLER_MUTANT".to_owned(), name.clone()));
        all.extend(mutant);
        all.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        all
    }

    /// Starts `sutler`.
    pub(super) fn begin(&self, arguments: &[&str], more: &[(&str, String)]) -> Result<Running, WorldError> {
        self.world.start_sutler_with(arguments, &self.variables(more))
    }

    /// Runs `sutler` to its end.
    ///
    /// # Errors
    /// When it cannot be started, or does not end.
    pub async fn run(&self, arguments: &[&str], more: &[(&str, String)]) -> Result<Finished, WorldError> {
        self.begin(arguments, more)?.wait().await
    }

    /// Runs `sutler`, which has to succeed.
    pub(super) async fn succeed(&self, arguments: &[&str]) -> Result<Finished, String> {
        let finished = self.run(arguments, &[]).await.map_err(|error| error.to_string())?;
        match finished.code {
            Some(0) => Ok(finished),
            _ => Err(format!(
                "sutler {}: success was expected\n{}",
                arguments.join(" "),
                finished.everything()
            )),
        }
    }

    /// Declares something, at the broker's own address or behind the proxy.
    pub(super) fn declare(&self, declared: Declared, broker: &str) -> Result<(), String> {
        let (state, events) = (self.place.url(), self.events().display().to_string());
        // whichever machine it is: what is written ends up in one place
        let sink = self.folder().join("sealed.env").display().to_string();
        let addresses = Addresses { broker, state: &state, events: &events, sink: &sink };
        let text = configuration(declared, addresses);
        self.world.write_config(&text).map_err(|error| error.to_string())
    }

    pub(super) fn broker(&self) -> String {
        self.world.broker("data").url()
    }

    /// Where events go.
    pub(super) fn events(&self) -> PathBuf {
        self.folder().join("events.jsonl")
    }

    /// What the operation begins with, from a clean slate.
    ///
    /// # Errors
    /// What is not as it has to be.
    pub async fn prepare(&self, operation: Operation) -> Result<(), String> {
        if let Some(before) = operation.before() {
            self.declare(before, &self.broker())?;
            self.succeed(&["apply", "--yes"]).await?;
        }
        self.declare(operation.after(), &self.broker())?;
        if let Some(fault) = operation.earlier() {
            let died = self.run(&["apply", "--yes"], &[("SUTLER_FAULTS", fault.to_owned())]).await;
            let died = died.map_err(|error| error.to_string())?;
            if died.code.is_some() {
                return Err(format!("it was to die at {fault}\n{}", died.everything()));
            }
        }
        for arguments in operation.runs().split_last().into_iter().flat_map(|(_, before)| before) {
            self.succeed(arguments).await?;
        }
        Ok(())
    }

    /// Which points an operation reaches, and how often.
    ///
    /// # Errors
    /// What is not as it has to be.
    pub async fn reached(&self, operation: Operation) -> Result<BTreeMap<String, usize>, String> {
        let mut reached = BTreeMap::new();
        self.prepare(operation).await?;
        let told = self.folder().join("reached");
        let _fresh = std::fs::remove_file(&told);
        let path = told.display().to_string();
        let run = self.run(operation.disturbed(), &[("SUTLER_FAULTS_REACHED", path)]).await;
        let run = run.map_err(|error| error.to_string())?;
        if run.code != Some(0) {
            return Err(run.everything());
        }
        self.wipe().await?;
        for point in std::fs::read_to_string(&told).unwrap_or_default().lines() {
            *reached.entry(point.to_owned()).or_default() += 1;
        }
        Ok(reached)
    }

    /// How long an undisturbed run takes.
    ///
    /// # Errors
    /// What is not as it has to be.
    pub async fn measure(&self, operation: Operation) -> Result<Duration, String> {
        self.prepare(operation).await?;
        let begun = Instant::now();
        self.succeed(operation.disturbed()).await?;
        let took = begun.elapsed();
        self.wipe().await?;
        Ok(took)
    }

    /// One case, from a clean slate to a clean slate: whether what was to happen happened, or what is not as it has to be.
    ///
    /// # Errors
    /// What is not as it has to be.
    pub async fn case(&self, case: &Case) -> Result<Met, String> {
        let met = self.case_until_rest(case).await?;
        self.wipe().await?;
        Ok(met)
    }

    /// One case, up to where everything is done.
    pub(super) async fn case_until_rest(&self, case: &Case) -> Result<Met, String> {
        let operation = case.operation;
        self.prepare(operation).await?;
        let Disturbed { met, ran } = disturb(self, operation, &case.trouble).await?;
        self.declare(operation.after(), &self.broker())?;
        self.known_to_state().await?;
        if operation == Operation::Plan {
            // there is a plan, the one before or the one after it
            self.succeed(&["show", SAVED]).await?;
        }
        for finished in &ran {
            truth::of_the_run(finished, &case.trouble)?;
        }
        self.rest(operation).await?;
        Ok(met)
    }

    /// The next run finishes, whatever policy the first one had; it is told nothing. Then everything is looked at.
    ///
    /// # Errors
    /// What is not as it has to be.
    pub async fn rest(&self, operation: Operation) -> Result<(), String> {
        self.succeed(operation.finishing()).await?;
        if operation == Operation::Rekey {
            self.succeed(&["state", "rekey"]).await?;
        }
        let look = self.look(operation).await?;
        look.judge()?;
        // what was told rightly is not looked at again
        let mut looked = self.looked();
        looked.times += 1;
        looked.journal = look.last().unwrap_or(looked.journal);
        std::fs::write(self.events(), "").map_err(|error| error.to_string())
    }

    fn looked(&self) -> MutexGuard<'_, Looked> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// I-01, as it has to be at every instant: what the broker has, state knows.
    async fn known_to_state(&self) -> Result<(), String> {
        let store = self.store()?;
        let state = self.succeed(&["state", "export"]).await?.stdout;
        let ids = store.instances.iter().map(|row| &row.id).chain(store.bindings.iter().map(|row| &row.id));
        match ids.into_iter().find(|id| !state.contains(id.as_str())) {
            None => Ok(()),
            Some(id) => Err(format!("I-01: the broker has {id}, of which state knows nothing:\n{state}")),
        }
    }

    fn store(&self) -> Result<StoreDump, String> {
        let store = StoreDump::of_sqlite(&self.world.broker("data").store(), &[]);
        store.map_err(|error| error.to_string())
    }

    /// Everything that says what is true.
    async fn look(&self, operation: Operation) -> Result<Look, String> {
        let gone = operation == Operation::Teardown;
        let declared = (!gone).then(|| operation.after());
        if !gone {
            // exit 3 when anything would be done
            self.succeed(&["plan", "--prune", "--detailed-exitcode"]).await?;
        }
        let (after, whole) = {
            let looked = self.looked();
            (looked.journal.to_string(), looked.times.is_multiple_of(WHOLE_EVERY))
        };
        let verify: &[&str] = if whole { &["state", "verify", "--full"] } else { &["state", "verify"] };
        self.succeed(verify).await?;
        self.succeed(&["events", "--deliver"]).await?;
        let json = |finished: Finished| finished.json().map_err(|error| error.to_string());
        let env = self.succeed(&["env", "--format", "json"]).await?;
        Ok(Look {
            declared,
            live: self.world.fake().live().await.map_err(|error| error.to_string())?,
            store: self.store()?,
            env: json(env)?,
            status: json(self.succeed(&["status", "--json"]).await?)?,
            journal: self.succeed(&["events", "--json", "--after", &after]).await?.stdout,
            told: std::fs::read_to_string(self.events()).map_err(|error| error.to_string())?,
        })
    }

    /// Everything goes; afterwards nothing is there.
    ///
    /// # Errors
    /// What is left.
    pub async fn wipe(&self) -> Result<(), String> {
        self.succeed(&["teardown", "--yes"]).await?;
        let left = self.world.fake().live().await.map_err(|error| error.to_string())?.managed_objects();
        if left.is_empty() { Ok(()) } else { Err(format!("after teardown there is {left:?}")) }
    }
}
