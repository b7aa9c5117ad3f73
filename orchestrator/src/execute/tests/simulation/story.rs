//! One story: lives of a process, one after another, until the faults stop; then the truth.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use sutler_broker_client::{Client, Pacing};
use sutler_catalog::{Index, Limits};
use sutler_secrets::KeyRing;
use tokio::sync::{Semaphore, mpsc, watch};
use uuid::Uuid;

use super::super::world::stack;
use super::model::{Manner, Model, catalog};
use super::network::{End, Fate, Network, Storage};
use super::random::Random;
use crate::brokers::{BrokerSet, ConnectedBroker};
use crate::config::{self, Config, Format, OnAmbiguous, Source};
use crate::execute::{Context, Options, Report, Stop, Until, execute};
use crate::name::{BrokerName, InstanceRef};
use crate::plan::{self, Intent, PlanInput, Rotate, Undeclared, Which};
use crate::sink::SinkSet;
use crate::state::status::BindingStatus;
use crate::state::{Claim, Extent, Holder, MemoryBackend, State, StateBackend, Vault};

thread_local! {
    static CHANCE: RefCell<Random> = RefCell::new(Random::new(0));
}

fn mint() -> Uuid {
    CHANCE.with_borrow_mut(|random| Uuid::from_u64_pair(random.next(), random.next()))
}

fn jitter() -> f64 {
    CHANCE.with_borrow_mut(|random| random.below(1_000) as f64 / 1_000.0)
}

/// What both brokers offer; checked once.
fn index() -> Arc<Index> {
    static INDEX: OnceLock<Arc<Index>> = OnceLock::new();
    let check = || Index::check(serde_json::from_value(catalog()).unwrap(), Limits::default()).unwrap();
    Arc::clone(INDEX.get_or_init(|| Arc::new(check())))
}

/// A story that ended well.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) trace: Vec<String>,
    /// How often the process or its storage ended before its work did.
    pub(super) deaths: u64,
}

/// One instance, as it is declared.
#[derive(Debug, Clone)]
struct Declared {
    broker: &'static str,
    plan: &'static str,
    size: usize,
    needs: Vec<usize>,
}

struct Story {
    random: Random,
    declared: BTreeMap<usize, Declared>,
    models: [Arc<Mutex<Model>>; 2],
    state: Arc<MemoryBackend>,
    ring: Arc<KeyRing>,
    index: Arc<Index>,
    trace: Vec<String>,
    deaths: u64,
}

/// How one life goes.
struct Life {
    trouble: usize,
    end: (End, usize),
    options: Options,
    intent: Intent,
    /// What the intent is about; everything when empty.
    targets: Vec<InstanceRef>,
    undeclared: Undeclared,
}

/// Tells the story of a seed.
pub(super) fn tell(seed: u64) -> Result<Told, String> {
    let mut random = Random::new(seed);
    CHANCE.set(Random::new(random.next()));
    let mut story = Story::new(random);
    let told = story.unquiet().and_then(|()| story.quiet());
    told.map_err(|why| format!("{}\n{why}", story.trace.join("\n")))?;
    Ok(Told { trace: story.trace, deaths: story.deaths })
}

impl Story {
    fn new(mut random: Random) -> Self {
        let models =
            ["edge", "core"].map(|name| Arc::new(Mutex::new(Model::new(name, Random::new(random.next())))));
        let mut story = Self {
            random,
            declared: BTreeMap::new(),
            models,
            state: Arc::new(MemoryBackend::new(stack())),
            ring: Arc::new(KeyRing::generate(jiff::Timestamp::UNIX_EPOCH)),
            index: index(),
            trace: Vec::new(),
            deaths: 0,
        };
        for at in 0..2 + story.random.below(4) {
            let needs = (0..at).filter(|_| story.random.chance(40)).collect();
            story.declared.insert(at, Declared { broker: "edge", plan: "small", size: 1, needs });
        }
        story
    }

    /// Several lives in which everything may go wrong, and in between somebody edits the file.
    fn unquiet(&mut self) -> Result<(), String> {
        let manner = Manner { asynchronous: self.random.below(101), failing: self.random.below(25) };
        self.models().for_each(|mut model| model.manner = manner);
        for _ in 0..2 + self.random.below(4) {
            let life = self.any_life();
            self.live(&life)?;
            self.instant()?;
            if self.random.chance(40) {
                self.edit();
            }
        }
        Ok(())
    }

    fn any_life(&mut self) -> Life {
        let random = &mut self.random;
        let end = match random.below(10) {
            0..=5 => End::Killed,
            6 => End::StorageBreaks,
            7 => End::LockLost,
            _ => End::Lives,
        };
        let on_ambiguous = match random.below(10) {
            0..=5 => None,
            6 | 7 => Some(OnAmbiguous::Mitigate),
            8 => Some(OnAmbiguous::Resume),
            _ => Some(OnAmbiguous::Pause),
        };
        let until = if random.chance(20) { Until::Accepted } else { Until::Done };
        let teardown = random.chance(10);
        let mut targets = Vec::new();
        if random.chance(15) {
            for at in self.declared.keys() {
                if random.chance(50) {
                    targets.push(InstanceRef::new(&format!("i{at}")).expect("a ref"));
                }
            }
        }
        Life {
            trouble: if random.chance(30) { 0 } else { random.below(35) },
            end: (end, 1 + random.below(60)),
            options: options(1 + random.below(4), on_ambiguous, until),
            intent: match (teardown, targets.is_empty()) {
                (true, _) => Intent::Teardown,
                (false, true) => Intent::Apply,
                (false, false) => Intent::Rotate(Rotate { which: Which::Named, grace: Duration::ZERO }),
            },
            targets: if teardown { Vec::new() } else { targets },
            undeclared: if random.chance(50) { Undeclared::Pruned } else { Undeclared::Kept },
        }
    }

    /// Somebody changes what is declared.
    fn edit(&mut self) {
        let at = self.random.below(self.declared.len());
        let Some((&at, _)) = self.declared.iter().nth(at) else { return };
        let needed = self.declared.values().any(|other| other.needs.contains(&at));
        let choice = self.random.below(5);
        let Some(declared) = self.declared.get_mut(&at) else { return };
        match choice {
            0 => declared.size += 1,
            1 => declared.plan = if declared.plan == "small" { "large" } else { "small" },
            2 => declared.broker = if declared.broker == "edge" { "core" } else { "edge" },
            3 if !needed && self.declared.len() > 1 => drop(self.declared.remove(&at)),
            _ => {
                let new = self.declared.keys().max().map_or(20, |last| (last + 1).max(20));
                let declared = Declared { broker: "core", plan: "small", size: 1, needs: vec![at] };
                self.declared.insert(new, declared);
            }
        }
    }

    /// Faults have stopped: a few runs later everything is as declared, once, and a further one changes nothing.
    fn quiet(&mut self) -> Result<(), String> {
        self.models().for_each(|mut model| model.manner.failing = 0);
        self.reach_rest(Intent::Apply)?;
        self.settled()?;
        let serial = self.now().serial;
        self.live(&calm(Intent::Apply))?;
        if self.now().serial != serial {
            return Err("a further run with nothing to do wrote state".to_owned());
        }
        self.reach_rest(Intent::Teardown)?;
        let left: Vec<_> =
            self.models().flat_map(|model| model.instances.keys().cloned().collect::<Vec<_>>()).collect();
        let bound: Vec<_> =
            self.models().flat_map(|model| model.bindings.keys().cloned().collect::<Vec<_>>()).collect();
        let records = self.now().records.len();
        if !left.is_empty() || !bound.is_empty() || records > 0 {
            return Err(format!("after teardown: instances {left:?}, bindings {bound:?}, {records} records"));
        }
        self.now_verified()
    }

    fn reach_rest(&mut self, intent: Intent) -> Result<(), String> {
        let mut last = String::new();
        for _ in 0..8 {
            let report = self.live(&calm(intent))?;
            self.instant()?;
            match report {
                Some(report) if report.is_complete() && report.warnings.is_empty() => return Ok(()),
                Some(report) => last = format!("{report:#?}"),
                None => return Err("nobody killed it, and it did not end".to_owned()),
            }
        }
        Err(format!("eight quiet runs did not finish it; the last: {last}"))
    }

    /// One life of the process, on a runtime of its own: what is under way dies with it. Nothing when it was killed.
    fn live(&mut self, life: &Life) -> Result<Option<Report>, String> {
        let fate = Arc::new(Fate::new(Random::new(self.random.next()), life.trouble, life.end));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let run = self.run(life, &fate);
        let report = runtime.block_on(async {
            let hours = tokio::time::timeout(Duration::from_secs(400 * 60 * 60), run);
            tokio::select! {
                biased;
                () = fate.killed.notified() => Ok(None),
                report = hours => match report {
                    Ok(report) => report.map(Some),
                    Err(_) => Err("it hangs: four hundred hours passed".to_owned()),
                },
            }
        });
        drop(runtime);
        self.trace.append(&mut fate.trace.lock().unwrap_or_else(PoisonError::into_inner));
        let report = report?;
        let cut =
            report.as_ref().is_none_or(|report| matches!(report.ended, crate::execute::Ended::State(_)));
        self.trace.push(format!("— {}", if cut { "it ends before its time" } else { "it ends" }));
        self.deaths += u64::from(cut);
        let violations: Vec<String> = self.models().flat_map(|model| model.violations.clone()).collect();
        if violations.is_empty() { Ok(report) } else { Err(violations.join("\n")) }
    }

    async fn run(&self, life: &Life, fate: &Arc<Fate>) -> Result<Report, String> {
        let backend = Arc::new(Storage { inner: Arc::clone(&self.state), fate: Arc::clone(fate) });
        let state = self.now();
        let vault =
            Vault::with_ring(Arc::clone(&self.ring), &state, "simulation").map_err(|e| e.to_string())?;
        // A lease that is over at once: whoever comes next takes over, as from a process that is dead.
        let (holder, seed) = (Holder::this_process("ada", "simulation"), vault.seed());
        let claim = Claim { holder, lease: Duration::ZERO, seed };
        let lock = Arc::new(self.state.lock(&claim).await.map_err(|error| error.to_string())?);
        let config = Arc::new(self.config());
        let brokers = self.brokers(fate);
        let input = PlanInput {
            config: &config,
            records: &state.records,
            serial: state.serial,
            catalogs: &brokers.catalogs(),
            ring: &self.ring,
            now: jiff::Timestamp::UNIX_EPOCH,
            options: plan::Options {
                undeclared: life.undeclared,
                intent: life.intent,
                targets: life.targets.clone(),
                ..plan::Options::default()
            },
        };
        let plan = plan::plan(&input).map_err(|problems| problems.to_string())?;
        let (events, _heard) = mpsc::unbounded_channel();
        let (_never, stop) = watch::channel(Stop::Never);
        let sinks = Arc::new(SinkSet::new(&config, &self.ring));
        let context = Context {
            brokers: Arc::new(brokers),
            backend,
            lock,
            vault,
            sinks,
            config,
            options: life.options.clone(),
            durations: Arc::default(),
            events,
            stop,
        };
        Ok(execute(&plan, state.records, context).await)
    }

    fn brokers(&self, fate: &Arc<Fate>) -> BrokerSet {
        BrokerSet::of(self.models.iter().map(|model| {
            let network =
                Network { model: Arc::clone(model), state: Arc::clone(&self.state), fate: Arc::clone(fate) };
            let url = "http://127.0.0.1:1/".parse().unwrap();
            ConnectedBroker {
                name: BrokerName::new(lock(model).name).unwrap(),
                client: Client::over(url, Arc::new(network)),
                index: Arc::clone(&self.index),
                limit: Arc::new(Semaphore::new(3)),
            }
        }))
    }

    fn config(&self) -> Config {
        let mut text = "stack: shop\nstate: 'memory:'\nbrokers:\n  edge: { url: 'http://127.0.0.1:1' }\n  \
             core: { url: 'http://127.0.0.1:2', on_ambiguous: mitigate }\ninstances:\n"
            .to_owned();
        for (at, Declared { broker, plan, size, needs }) in &self.declared {
            let replace = if size % 3 == 0 { "delete_first" } else { "create_first" };
            let uses: Vec<String> = needs.iter().map(|need| format!("'@i{need}.token'")).collect();
            text.push_str(&format!(
                "  i{at}: {{ service: {broker}/thing, plan: {plan}, replace: {replace}, \
                 params: {{ size: {size}, uses: [{}] }} }}\n",
                uses.join(", ")
            ));
        }
        let path = PathBuf::from("/simulation/sutler.yaml");
        let source = Source { path, text: text.into(), format: Format::Yaml };
        config::parse(&source).unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn now(&self) -> State {
        futures_util::FutureExt::now_or_never(self.state.load()).unwrap().unwrap()
    }

    fn now_verified(&self) -> Result<(), String> {
        let verified = futures_util::FutureExt::now_or_never(self.state.verify(Extent::Everything));
        verified.unwrap().map_err(|error| error.to_string())
    }

    fn models(&self) -> impl Iterator<Item = MutexGuard<'_, Model>> {
        self.models.iter().map(|model| lock(model))
    }

    /// I-01 at every instant, also right after a death: whatever a broker has, state knows of.
    fn instant(&self) -> Result<(), String> {
        let state = self.now();
        let orphans = || state.records.iter().flat_map(|record| record.left_over());
        for model in self.models() {
            for id in model.instances.keys() {
                let known = state.records.iter().any(|record| record.instance_id.as_str() == id)
                    || orphans().any(|orphan| orphan.instance_id.as_str() == id);
                if !known {
                    return Err(format!("I-01: nobody knows of instance {id} at {}", model.name));
                }
            }
            for id in model.bindings.keys() {
                let of = |binding: &sutler_spec::BindingId| binding.as_str() == id;
                let known = state
                    .records
                    .iter()
                    .filter_map(|record| record.binding.as_ref())
                    .any(|binding| of(&binding.binding_id) || of(&binding.in_force().binding_id))
                    || orphans().any(|orphan| orphan.binding_id.as_ref().is_some_and(of));
                if !known {
                    return Err(format!("I-01: nobody knows of binding {id} at {}", model.name));
                }
            }
        }
        Ok(())
    }

    /// Everything is as declared, and once.
    fn settled(&self) -> Result<(), String> {
        let state = self.now();
        let mut tokens = BTreeMap::new();
        for (at, declared) in &self.declared {
            let reference = format!("i{at}");
            let record = state.records.iter().find(|record| record.reference.as_str() == reference);
            let record = record.ok_or_else(|| format!("{reference} is not recorded"))?;
            let model = self.models().find(|model| model.name == declared.broker);
            let model = model.ok_or("there is such a broker")?;
            let there = model.instances.get(record.instance_id.as_str());
            let there = there.ok_or_else(|| format!("{reference} is not at {}", declared.broker))?;
            if there.plan != declared.plan || there.parameters["size"] != declared.size {
                return Err(format!("{reference} is not as declared: {there:?}"));
            }
            let used: Vec<_> = declared.needs.iter().map(|need| tokens.get(need).cloned()).collect();
            let has = there.parameters["uses"].as_array().cloned().unwrap_or_default();
            if used != has.iter().map(|value| value.as_str().map(str::to_owned)).collect::<Vec<_>>() {
                return Err(format!("{reference} uses {has:?} instead of {used:?}"));
            }
            if let Some(binding) = &record.binding {
                let live = model.bindings.get(binding.binding_id.as_str());
                let live = live.ok_or_else(|| format!("the binding of {reference} is not there"))?;
                if binding.status != BindingStatus::Bound || live.instance != record.instance_id.as_str() {
                    return Err(format!("the binding of {reference} is {binding:?}"));
                }
                tokens.insert(*at, live.token.clone());
            }
        }
        let instances: usize = self.models().map(|model| model.instances.len()).sum();
        let bindings: usize = self.models().map(|model| model.bindings.len()).sum();
        let bound = state.records.iter().filter(|record| record.binding.is_some()).count();
        let listed: usize = state.records.iter().map(|record| record.left_over().len()).sum();
        if instances != self.declared.len() || bindings != bound || listed > 0 {
            return Err(format!(
                "{} declared, {instances} there; {bound} bound, {bindings} there; {listed} on the list",
                self.declared.len()
            ));
        }
        Ok(())
    }
}

fn lock(model: &Mutex<Model>) -> MutexGuard<'_, Model> {
    model.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A life in which nothing goes wrong.
fn calm(intent: Intent) -> Life {
    Life {
        trouble: 0,
        end: (End::Lives, 0),
        options: options(4, None, Until::Done),
        intent,
        targets: Vec::new(),
        undeclared: Undeclared::Pruned,
    }
}

fn options(parallelism: usize, on_ambiguous: Option<OnAmbiguous>, until: Until) -> Options {
    Options {
        parallelism,
        // Renewed once in a long while: nobody else is there.
        lease: Duration::from_secs(1_000 * 60 * 60),
        pacing: Pacing { jitter, ..Pacing::default() },
        on_ambiguous,
        until,
        mint,
        ..Options::default()
    }
}
