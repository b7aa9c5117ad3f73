//! `sutler` is killed at every point of its protocol, in every operation, and run again: no orphan, no twin, nothing
//! lost. What is true is asked of the vendor, of the broker's store, of the sink, and of a further plan.
//!
//! ```text
//! SUTLER_SWEEP=all cargo test -p sutler-tests --test e2e points       also the last time that a point is reached
//! SUTLER_SWEEP_CASE=Create/Sync/O04-sent=kill@1 …                    one case
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use sutler::faults::{MUTANTS, POINTS};
use sutler_tests::faultkit::StoreDump;
use sutler_tests::world::{Finished, World, WorldOptions};

use crate::shop::opened_env;

/// What is done to the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Operation {
    Create,
    Update,
    Replace,
    Unbind,
    Delete,
    Teardown,
    /// A creation in doubt is deleted and made anew.
    Mitigate,
    /// A binding in doubt is set aside and made anew.
    Renew,
}

use Operation::{Create, Delete, Mitigate, Renew, Replace, Teardown, Unbind, Update};

const OPERATIONS: [Operation; 8] = [Create, Update, Replace, Unbind, Delete, Teardown, Mitigate, Renew];

/// How the broker answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Manner {
    /// With what it has done.
    Sync,
    /// That it goes on by itself.
    Async,
}

#[derive(Debug, Clone)]
struct Case {
    operation: Operation,
    manner: Manner,
    fault: String,
    mutant: Option<&'static str>,
}

impl Case {
    fn name(&self) -> String {
        let Self { operation, manner, fault, .. } = self;
        format!("{operation:?}/{manner:?}/{fault}")
    }
}

/// What is declared: two databases, and a token for one of them.
#[derive(Debug, Clone, Copy)]
struct Declared {
    replication: &'static str,
    hint: &'static str,
    bound: bool,
    token: bool,
}

const PLAIN: Declared = Declared { replication: "disabled", hint: "weur", bound: true, token: true };

impl Operation {
    /// What is there before, if anything.
    fn before(self) -> Option<Declared> {
        match self {
            Create | Mitigate | Renew => None,
            Update | Replace | Unbind | Delete | Teardown => Some(PLAIN),
        }
    }

    /// What is to be there afterwards.
    fn after(self) -> Declared {
        match self {
            Create | Teardown | Mitigate | Renew => PLAIN,
            Update => Declared { replication: "auto", ..PLAIN },
            Replace => Declared { hint: "enam", ..PLAIN },
            Unbind => Declared { bound: false, ..PLAIN },
            Delete => Declared { token: false, ..PLAIN },
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Teardown => &["teardown", "--yes"],
            Mitigate | Renew => &["apply", "--yes", "--on-ambiguous", "mitigate"],
            _ => &["apply", "--yes", "--prune"],
        }
    }

    /// Where an earlier run has died, whose doubt is what this operation is about.
    fn earlier(self) -> Option<&'static str> {
        match self {
            Mitigate => Some("O04-after=kill@1"),
            Renew => Some("O09-after=kill@1"),
            _ => None,
        }
    }
}

fn text(world: &World, declared: Declared) -> String {
    let Declared { replication, hint, bound, token } = declared;
    let bind = if bound { "    bind: { token: DB_TOKEN }\n" } else { "" };
    let token = if token {
        format!(
            "  token:\n    service: cloudflare-token\n    name: sweep-token\n    params: {{ resources: {{ database: \
             \"@db.database_id\" }}, ttl_hours: 720 }}\n{bind}"
        )
    } else {
        String::new()
    };
    format!(
        "stack: sweep\nbrokers:\n  data:\n    url: {url}\n    auth: {{ basic: {{ username: platform, password: {{ env: \
         DATA_BROKER_PASSWORD }} }} }}\nstate: sqlite:.sutler/state.db\nsinks: {{ env: {{ dotenv: .env }} }}\n\
         instances:\n  db:\n    service: cloudflare-d1\n    name: sweep-db\n    params: {{ primary_location_hint: \
         {hint}, read_replication: {replication} }}\n    bind: {{ database_id: DB_ID }}\n  other: {{ service: \
         cloudflare-d1, name: sweep-other }}\n{token}",
        url = world.broker("data").url(),
    )
}

/// Whether the process died where it was to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Death {
    There,
    /// This time the point was not reached.
    NotMet,
}

/// A world and what happens in it, one case after another.
struct Lane {
    world: World,
    manner: Manner,
}

impl Lane {
    async fn new(manner: Manner) -> Self {
        let inline_budget = if manner == Manner::Sync { "5s" } else { "1ms" };
        let options = WorldOptions { inline_budget, log_level: "warn", ..WorldOptions::default() };
        let world = World::shop(options).await.expect("the world comes up");
        Self { world, manner }
    }

    async fn run(&self, arguments: &[&str], more: &[(&str, String)]) -> Finished {
        let more: Vec<_> = more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let running = self.world.start_sutler_with(arguments, &more).expect("sutler starts");
        running.wait().await.expect("sutler ends")
    }

    fn declare(&self, declared: Declared) {
        self.world.write_config(&text(&self.world, declared)).expect("it is written");
    }

    /// A clean slate, then what the operation begins with.
    async fn prepare(&self, operation: Operation) -> Result<(), String> {
        if let Some(before) = operation.before() {
            self.declare(before);
            ok(self.run(&["apply", "--yes"], &[]).await, 0)?;
        }
        self.declare(operation.after());
        if let Some(fault) = operation.earlier() {
            let died = self.run(&["apply", "--yes"], &[("SUTLER_FAULTS", fault.to_owned())]).await;
            if died.code.is_some() {
                return Err(format!("it was to die at {fault}\n{}", died.everything()));
            }
        }
        Ok(())
    }

    /// Which points an operation reaches, and how often.
    async fn reached(&self, operation: Operation) -> BTreeMap<String, usize> {
        self.prepare(operation).await.expect("it is prepared");
        let told = self.world.root().join("reached");
        let _fresh = std::fs::remove_file(&told);
        let path = told.display().to_string();
        ok(self.run(operation.arguments(), &[("SUTLER_FAULTS_REACHED", path)]).await, 0).expect("it is done");
        self.wipe().await.expect("it is wiped");
        let mut reached = BTreeMap::new();
        for point in std::fs::read_to_string(&told).unwrap_or_default().lines() {
            *reached.entry(point.to_owned()).or_default() += 1;
        }
        reached
    }

    /// One case: whether the process died where it was to, or what is not as it has to be.
    async fn case(&self, case: &Case) -> Result<Death, String> {
        let operation = case.operation;
        self.prepare(operation).await?;
        let mut more = vec![("SUTLER_FAULTS", case.fault.clone())];
        let mutant: Vec<_> = case.mutant.map(|name| ("SUTLER_MUTANT", name.to_owned())).into_iter().collect();
        more.extend(mutant.clone());
        let killed = self.run(operation.arguments(), &more).await;
        // Whether a broker answers at once or goes on by itself is decided by the clock.
        let death = if killed.code.is_none() { Death::There } else { Death::NotMet };
        // The next run finishes, whatever policy the first one had. It is told nothing.
        let finishing = if operation == Teardown { Teardown.arguments() } else { Create.arguments() };
        ok(self.run(finishing, &mutant).await, 0)?;
        self.truth(operation, &mutant).await?;
        Ok(death)
    }

    /// What the vendor, the broker's store, the sink and a further plan say.
    async fn truth(&self, operation: Operation, mutant: &[(&str, String)]) -> Result<(), String> {
        let gone = operation == Teardown;
        let Declared { replication, bound, token, .. } = operation.after();
        let live = self.world.fake().live().await.map_err(|error| error.to_string())?;
        let mut databases: Vec<_> = live
            .snapshot()
            .databases
            .iter()
            .map(|database| (database.name.as_str(), database.read_replication.as_str()))
            .collect();
        databases.sort_unstable();
        // The broker marks what it makes: the name is ours with something after it.
        let expected: Vec<(&str, &str)> = match gone {
            true => Vec::new(),
            false => vec![("sweep-db", replication), ("sweep-other", "disabled")],
        };
        let as_expected = databases.len() == expected.len()
            && databases
                .iter()
                .zip(&expected)
                .all(|((name, is), (named, wanted))| name.starts_with(named) && is == wanted);
        if !as_expected {
            return Err(format!("databases are {databases:?} and were to be {expected:?}"));
        }
        let tokens = live.tokens();
        let wanted = usize::from(!gone && token && bound);
        if tokens.len() != wanted {
            return Err(format!("{} tokens at the vendor, and {wanted} were to be", tokens.len()));
        }
        let store = StoreDump::of_sqlite(&self.world.broker("data").store(), &[]);
        let store = store.map_err(|error| error.to_string())?;
        let rows = if gone { 0 } else { 2 + usize::from(token) };
        let bindings = if gone { 0 } else { 1 + usize::from(token && bound) };
        if store.instances.len() != rows || store.bindings.len() != bindings {
            return Err(format!("the broker has {:?} and {:?}", store.instances, store.bindings));
        }
        if !gone {
            ok(self.run(&["plan", "--prune", "--detailed-exitcode"], mutant).await, 0)?;
        }
        let env = opened_env(&self.world).await;
        let id =
            live.databases().into_iter().find(|(name, _)| name.starts_with("sweep-db")).map(|(_, id)| id);
        if env["DB_ID"].as_str() != id.as_deref()
            || env["DB_TOKEN"].as_str() != tokens.first().map(String::as_str)
        {
            return Err("the sink does not hold what is there".to_owned());
        }
        let status = self.run(&["status", "--json"], &[]).await.json().map_err(|error| error.to_string())?;
        let left: Vec<_> = status["instances"].as_array().into_iter().flatten().collect();
        let ready =
            left.iter().all(|one| one["status"] == "ready" && one["to_be_deleted"] == serde_json::json!([]));
        if left.len() != rows || !ready || !status["lock"].is_null() {
            return Err(format!("state says {status}"));
        }
        Ok(())
    }

    async fn wipe(&self) -> Result<(), String> {
        ok(self.run(Teardown.arguments(), &[]).await, 0)?;
        let left = self.world.fake().live().await.map_err(|error| error.to_string())?.managed_objects();
        if left.is_empty() { Ok(()) } else { Err(format!("after teardown there is {left:?}")) }
    }
}

fn ok(finished: Finished, code: i32) -> Result<(), String> {
    match finished.code {
        Some(is) if is == code => Ok(()),
        _ => Err(format!("exit code {code} was expected\n{}", finished.everything())),
    }
}

/// Points that only accepted work reaches. The share strikes all others with the broker that answers at once: one that
/// goes on by itself may need a lease to notice that its client died.
const OF_ACCEPTED_WORK: [&str; 3] = ["O05", "O06", "O16-accepted"];

/// The cases of one manner, by the points they strike.
async fn cases(lane: &Lane) -> Vec<(String, Case)> {
    let all = std::env::var("SUTLER_SWEEP").is_ok_and(|what| what == "all");
    let only = std::env::var("SUTLER_SWEEP_CASE").ok();
    let manner = lane.manner;
    let mut cases = Vec::new();
    for operation in OPERATIONS {
        for (point, times) in lane.reached(operation).await {
            if !all && manner == Manner::Async && !OF_ACCEPTED_WORK.iter().any(|of| point.starts_with(of)) {
                continue;
            }
            let last = (all && times > 1).then_some(times);
            for nth in [Some(1), last].into_iter().flatten() {
                let fault = format!("{point}=kill@{nth}");
                cases.push((point.clone(), Case { operation, manner, fault, mutant: None }));
            }
        }
    }
    cases.retain(|(_, case)| only.as_ref().is_none_or(|only| *only == case.name()));
    cases
}

/// Runs every case of one manner; says which points were struck, and how it went.
async fn sweep(manner: Manner) -> (BTreeSet<String>, String) {
    let lane = Lane::new(manner).await;
    let cases = cases(&lane).await;
    let (begun, count, mut struck, mut missed) = (Instant::now(), cases.len(), BTreeSet::new(), 0);
    for (point, case) in cases {
        let name = case.name();
        let result = lane.case(&case).await;
        let wiped = lane.wipe().await;
        match result.and_then(|death| wiped.map(|()| death)) {
            Ok(Death::There) => drop(struck.insert(point)),
            Ok(Death::NotMet) => missed += 1,
            Err(why) => panic!(
                "{name}: {why}\nonce more: SUTLER_SWEEP_CASE='{name}' cargo test -p sutler-tests --test e2e points"
            ),
        }
    }
    let took = begun.elapsed();
    (struck, format!("{manner:?}: {count} cases, {missed} did not meet their point, {took:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_killed_at_any_point_of_its_protocol_is_finished_by_the_next_one() {
    let ((sync, told), (later, told_later)) = tokio::join!(sweep(Manner::Sync), sweep(Manner::Async));
    println!("{told}\n{told_later}");
    if std::env::var("SUTLER_SWEEP_CASE").is_ok() {
        return;
    }
    for (point, what) in POINTS {
        assert!(
            sync.contains(*point) || later.contains(*point),
            "{point} ({what}) is reached by no operation"
        );
    }
}

/// Which case finds which mistake.
const HUNTS: [(&str, Operation, Manner, &str); 11] = [
    ("no_intent", Create, Manner::Sync, "O04-after=kill@1"),
    ("no_binding_intent", Create, Manner::Sync, "O09-after=kill@2"),
    ("new_id_on_resume", Create, Manner::Sync, "O04-after=kill@1"),
    ("new_binding_on_resume", Create, Manner::Sync, "O09-after=kill@2"),
    ("mitigation_skipped", Mitigate, Manner::Sync, "O15-before=kill@1"),
    ("orphan_list_dropped", Renew, Manner::Sync, "O08-after=kill@1"),
    ("sink_before_state", Replace, Manner::Sync, "O11-before=kill@1"),
    ("record_dropped_early", Teardown, Manner::Sync, "O16-intent=kill@1"),
    ("deletion_forgotten", Teardown, Manner::Sync, "O16-intent=kill@1"),
    ("unbinding_forgotten", Unbind, Manner::Sync, "O16-unbinding=kill@1"),
    ("change_forgotten", Update, Manner::Sync, "O23-intent=kill@1"),
];

#[tokio::test(flavor = "multi_thread")]
async fn i_42_every_mistake_made_on_purpose_is_found_by_a_case_of_the_sweep() {
    for (mutant, what) in MUTANTS {
        assert!(HUNTS.iter().any(|(name, ..)| name == mutant), "nothing looks for {mutant} ({what})");
    }
    let lanes: Vec<_> = (0..2).map(|_| Lane::new(Manner::Sync)).collect();
    let hunts = Arc::new(Mutex::new(VecDeque::from(HUNTS)));
    let mut hunters = tokio::task::JoinSet::new();
    for lane in lanes {
        let hunts = Arc::clone(&hunts);
        hunters.spawn(async move {
            let mut lane = lane.await;
            loop {
                let next = hunts.lock().expect("nobody panics with it").pop_front();
                let Some((mutant, operation, manner, fault)) = next else { return };
                let right = Case { operation, manner, fault: fault.to_owned(), mutant: None };
                let death = lane.case(&right).await.expect("without the mistake all is well");
                assert_eq!(death, Death::There, "{}", right.name());
                lane.wipe().await.expect("it is wiped");
                let case = Case { mutant: Some(mutant), ..right };
                let found = lane.case(&case).await;
                assert!(found.is_err(), "{mutant} is not found by {}", case.name());
                // What the mistake left is nobody's: another world.
                lane = Lane::new(lane.manner).await;
            }
        });
    }
    while let Some(ended) = hunters.join_next().await {
        ended.expect("a hunt that found its mistake");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_doubt_is_exit_code_four_and_says_how_to_go_on() {
    let lane = Lane::new(Manner::Sync).await;
    lane.prepare(Mitigate).await.expect("a run has died");
    let paused = lane.run(&["apply", "--yes", "--on-ambiguous", "pause"], &[]).await;
    assert_eq!(paused.code, Some(4), "{}", paused.everything());
    assert!(paused.stderr.contains("--on-ambiguous mitigate"), "{}", paused.everything());
    ok(lane.run(&["apply", "--yes"], &[]).await, 0).expect("to resume is what happens by itself");
    lane.truth(Create, &[]).await.expect("everything is there, once");
}
