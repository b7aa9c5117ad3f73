//! A state travels from kind to kind, and each time the program that moves it dies, or fails, at another point. Then it is
//! gone on with.
//!
//! ```text
//! SUTLER_SWEEP=all cargo test -p sutler --test state killed_at_any_point                 each fault on every way
//! SUTLER_MOVE='S06-sent=kill' cargo test -p sutler --test state killed_at_any_point      one fault
//! ```

use std::time::{Duration, Instant};

use serde_json::Value;
use sutler::faults::{MOVE_MUTANTS, MOVE_POINTS};

use super::judge::{Side, Stands, judge};
use super::places::{Kind, Places, look};
use crate::project::{Finished, INSTANCES, Project};

/// The way that it goes, again and again.
const ROUND: [Kind; 3] = [Kind::Postgres, Kind::Bucket, Kind::Sqlite];

/// A state on its way.
struct Traveller {
    project: Project,
    places: Places,
    /// What is made wrong on purpose.
    mutant: Option<&'static str>,
    /// What the program told where it is now.
    told: Option<Told>,
}

/// Everything that the program tells of a state.
#[derive(Debug, PartialEq)]
struct Told {
    export: Value,
    events: Value,
    revisions: Value,
}

impl Traveller {
    /// A state with history: three runs, a removal, three revisions, in a file.
    async fn new() -> Self {
        let project = Project::sqlite().await;
        for size in ["1", "2", "3"] {
            project.declare(&INSTANCES.replace("size: 1", &format!("size: {size}")));
            project.run(&["apply", "--yes"], 0).await;
        }
        project.run(&["state", "rm", "spare", "--yes"], 0).await;
        Self { project, places: Places::new(), mutant: None, told: None }
    }

    async fn run(&self, arguments: &[&str], fault: &str) -> Finished {
        let mut variables = vec![("SUTLER_FAULTS", fault)];
        variables.extend(self.mutant.map(|name| ("SUTLER_MUTANT", name)));
        self.project.run_with(&variables, arguments).await
    }

    async fn ok(&self, arguments: &[&str], code: i32) -> Result<Finished, String> {
        let finished = self.run(arguments, "").await;
        if finished.code == Some(code) {
            Ok(finished)
        } else {
            Err(format!("sutler {arguments:?} was to end with {code}: {finished:#?}"))
        }
    }

    async fn told(&self) -> Result<Told, String> {
        self.ok(&["state", "verify", "--full"], 0).await?;
        let mut revisions = self.ok(&["state", "revisions", "--json"], 0).await?.json();
        revisions["location"].take();
        Ok(Told {
            export: self.ok(&["state", "export"], 0).await?.json(),
            events: Value::String(self.ok(&["events", "--json"], 0).await?.stdout),
            revisions,
        })
    }

    /// The only place that may be used is the current one, and the other one says what to do.
    async fn agrees(&mut self, (from, to): (&str, &str), truth: &Stands) -> Result<Side, String> {
        let (source, target) = (look(&self.project, from).await, look(&self.project, to).await);
        let side = judge(&source, &target, truth)?;
        for (url, is_current) in [(to, side == Side::Target), (from, side == Side::Source)] {
            self.project.live_at(url);
            let seen = if url == to { &target } else { &source };
            let is_current = is_current && seen.standing.get("arriving").is_none();
            if is_current {
                self.ok(&["state", "verify", "--full"], 0).await?;
            } else if seen.stands.is_some() {
                let refused = self.ok(&["state", "export"], 7).await?;
                let next = if seen.standing.get("left").is_some() { "Write `state: " } else { "--resume" };
                if !refused.stderr.contains(next) {
                    return Err(format!("it does not say what is next: {refused:#?}"));
                }
            }
        }
        Ok(side)
    }

    /// One way, with one fault on it. Returns whether the point was reached.
    async fn travel(&mut self, kind: Kind, fault: &Fault) -> Result<bool, String> {
        let from = self.project.url().to_owned();
        let to = self.places.fresh(kind, &self.project).await;
        let before = match self.told.take() {
            Some(told) => told,
            None => self.told().await?,
        };
        let truth = look(&self.project, &from).await.stands.ok_or("there is no state")?;
        let began = ["state", "migrate", "--to", &to];
        let struck = self.strike(&began, fault).await?;
        self.project.live_at(&from);
        let side = self.agrees((&from, &to), &truth).await?;
        self.finish((&from, &to), side, fault).await?;
        let (source, target) = (look(&self.project, &from).await, look(&self.project, &to).await);
        if judge(&source, &target, &truth)? != Side::Target || !target.standing.is_null() {
            return Err("the move did not come to its end".to_owned());
        }
        self.project.live_at(&to);
        let after = self.told().await?;
        if after != before {
            return Err(format!("{after:#?} is not {before:#?}"));
        }
        self.told = Some(after);
        let fence = target.stands.map_or(0, |stands| stands.fence);
        if fence <= truth.fence {
            return Err(format!("the fence went from {} to {fence}", truth.fence));
        }
        Ok(struck)
    }

    /// Brings it to the point where the fault is, and lets it happen. Whether it did.
    async fn strike(&mut self, began: &[&str], fault: &Fault) -> Result<bool, String> {
        let rule = fault.rule();
        let struck = match fault.at {
            "S09-before" | "S09-after" => {
                self.run(began, "S04-before=kill").await;
                self.run(&["state", "migrate", "--resume"], &rule).await
            }
            "S09-given-up" => {
                self.run(began, "S05-before=kill").await;
                self.run(&["state", "migrate", "--abort"], &rule).await
            }
            "S08-before" | "S08-after" => {
                self.ok(began, 0).await?;
                self.run(&["state", "migrate", "--remove-source", "--yes"], &rule).await
            }
            _ => self.run(began, &rule).await,
        };
        let expected = if fault.action == "kill" { None } else { Some(1) };
        Ok(struck.code == expected)
    }

    /// What a person does next, told by the program.
    async fn finish(&mut self, (from, to): (&str, &str), side: Side, fault: &Fault) -> Result<(), String> {
        self.project.live_at(from);
        match fault.at {
            "S01-before" => self.ok(&["state", "migrate", "--to", to], 0).await?,
            "S08-before" | "S08-after" => {
                self.ok(&["state", "migrate", "--remove-source", "--yes"], 0).await?;
                self.ok(&["state", "migrate", "--verify"], 0).await?
            }
            "S09-given-up" => {
                self.ok(&["state", "migrate", "--abort"], 0).await?;
                let gone = look(&self.project, to).await;
                if gone.stands.is_some() {
                    return Err(format!("something is left of what was given up: {gone:?}"));
                }
                self.ok(&["state", "rm", "nothing", "--yes"], 2).await?;
                self.ok(&["state", "migrate", "--to", to], 0).await?
            }
            at => {
                if side == Side::Source {
                    let refused = self.ok(&["state", "rm", "web", "--yes"], 5).await?;
                    if !refused.stderr.contains("--resume") || !refused.stderr.contains("--abort") {
                        return Err(format!("a writer is not told what to do: {refused:#?}"));
                    }
                } else {
                    let refused = self.ok(&["state", "migrate", "--abort"], 1).await?;
                    if !refused.stderr.contains("cannot be given up any more") {
                        return Err(format!("{refused:#?}"));
                    }
                }
                // from either end
                if at.ends_with("after") && look(&self.project, to).await.standing.get("arriving").is_some() {
                    self.project.live_at(to);
                }
                self.ok(&["state", "migrate", "--resume"], 0).await?
            }
        };
        Ok(())
    }
}

/// What happens where.
#[derive(Debug, Clone)]
struct Fault {
    at: &'static str,
    action: &'static str,
    nth: Option<usize>,
}

impl Fault {
    fn rule(&self) -> String {
        let nth = self.nth.map(|nth| format!("@{nth}")).unwrap_or_default();
        format!("{}={}{nth}", self.at, self.action)
    }
}

/// Each point with each thing that can happen there; of what happens part by part, the first and a later one.
fn faults() -> Vec<Fault> {
    let only = std::env::var("SUTLER_MOVE").ok();
    let mut faults = Vec::new();
    for (at, _) in MOVE_POINTS {
        let times = if ["S02-after", "S03-after"].contains(at) { vec![Some(1), Some(3)] } else { vec![None] };
        for nth in times {
            faults.push(Fault { at, action: "kill", nth });
            if !at.ends_with("-sent") {
                faults.push(Fault { at, action: "fail", nth });
            }
        }
    }
    faults.retain(|fault| only.as_ref().is_none_or(|only| *only == fault.rule()));
    faults
}

#[tokio::test(flavor = "multi_thread")]
async fn i_27_a_move_killed_at_any_point_leaves_one_place_current_and_is_gone_on_with() {
    let mut traveller = Traveller::new().await;
    let all = std::env::var("SUTLER_SWEEP").is_ok_and(|what| what == "all");
    let (begun, mut count) = (Instant::now(), 0);
    let mut ways = ROUND.into_iter().cycle();
    for fault in faults() {
        // each on one way, which is another one for the next; asked for all, on every way
        let times = if all { ROUND.len() } else { 1 };
        for kind in ways.by_ref().take(times) {
            let rule = fault.rule();
            let struck = traveller.travel(kind, &fault).await;
            let struck = struck.unwrap_or_else(|why| {
                panic!("{rule} on the way to {kind:?}: {why}\nonce more: SUTLER_MOVE='{rule}'")
            });
            assert!(struck, "{rule} was not met on the way to {kind:?}");
            count += 1;
        }
    }
    println!("{count} moves, each struck once, in {:?}", begun.elapsed());
}

/// Which fault finds which mistake.
const HUNTS: [(&str, Fault); 4] = [
    ("arrives_before_the_flip", Fault { at: "S05-before", action: "kill", nth: None }),
    ("flips_before_it_copies", Fault { at: "S02-after", action: "kill", nth: Some(1) }),
    ("forgets_to_verify", Fault { at: "S04-before", action: "kill", nth: None }),
    ("thaws_too_early", Fault { at: "S05-before", action: "fail", nth: None }),
];

#[tokio::test(flavor = "multi_thread")]
async fn i_27_a_move_killed_at_any_moment_again_and_again_comes_to_its_end() {
    let mut traveller = Traveller::new().await;
    let (mut deaths, mut delay) = (0, 7_u64);
    // the other way round
    for kind in [Kind::Bucket, Kind::Postgres, Kind::Sqlite] {
        let from = traveller.project.url().to_owned();
        let to = traveller.places.fresh(kind, &traveller.project).await;
        let before = traveller.told().await.unwrap();
        let truth = look(&traveller.project, &from).await.stands.unwrap();
        let mut arguments = vec!["state", "migrate", "--to", &to];
        let mut patience = 60;
        loop {
            let mut run = traveller.project.start(&arguments);
            // spread over a run of this length, and longer the longer it takes
            delay = (delay * 16_807) % 2_147_483_647;
            let wait = Duration::from_millis(20 + delay % patience);
            let ended = tokio::time::timeout(wait, run.wait()).await;
            let (source, target) = match ended {
                Ok(ended) => {
                    assert_eq!(ended.unwrap().code(), Some(0), "{kind:?}");
                    break;
                }
                Err(_) => {
                    run.kill().await.unwrap();
                    deaths += 1;
                    (look(&traveller.project, &from).await, look(&traveller.project, &to).await)
                }
            };
            judge(&source, &target, &truth).unwrap();
            arguments = match source.standing.is_null() {
                true => vec!["state", "migrate", "--to", &to],
                false => vec!["state", "migrate", "--resume"],
            };
            patience += 60;
        }
        traveller.project.live_at(&to);
        assert_eq!(traveller.told().await.unwrap(), before);
    }
    println!("{deaths} deaths on 3 ways");
    assert!(deaths >= 3, "it was killed {deaths} times only");
}

#[tokio::test(flavor = "multi_thread")]
async fn f05_a_disk_that_is_full_stops_a_move_and_with_space_it_goes_on() {
    let mut traveller = Traveller::new().await;
    let from = traveller.project.url().to_owned();
    let to = traveller.places.fresh(Kind::Sqlite, &traveller.project).await;
    let before = traveller.told().await.unwrap();
    let truth = look(&traveller.project, &from).await.stands.unwrap();
    let (began, resumed) = (["state", "migrate", "--to", &to], ["state", "migrate", "--resume"]);
    let (mut failures, mut limit) = (0, 32);
    loop {
        let source = look(&traveller.project, &from).await;
        let arguments: &[&str] = if source.standing.is_null() { &began } else { &resumed };
        let ended = traveller.project.run_confined(limit, arguments).await;
        if ended.code == Some(0) {
            break;
        }
        assert_eq!(ended.code, Some(1), "{limit} KiB: {ended:#?}");
        let (source, target) = (look(&traveller.project, &from).await, look(&traveller.project, &to).await);
        judge(&source, &target, &truth).unwrap_or_else(|why| panic!("{limit} KiB: {why}"));
        failures += 1;
        limit += 1;
        assert!(limit < 4096, "it never ended: {ended:#?}");
    }
    println!("{failures} times full, up to {limit} KiB");
    assert!(failures > 3, "it failed {failures} times only");
    traveller.project.live_at(&to);
    assert_eq!(traveller.told().await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn i_42_every_mistake_of_a_move_made_on_purpose_is_found() {
    for (mutant, what) in MOVE_MUTANTS {
        assert!(HUNTS.iter().any(|(name, _)| name == mutant), "nothing looks for {mutant} ({what})");
    }
    for (mutant, fault) in HUNTS.into_iter().filter(|(name, _)| *name != "forgets_to_verify") {
        let mut traveller = Traveller::new().await;
        assert_eq!(traveller.travel(Kind::Postgres, &fault).await, Ok(true), "without {mutant} all is well");
        traveller.mutant = Some(mutant);
        let found = traveller.travel(Kind::Sqlite, &fault).await;
        assert!(found.is_err(), "{mutant} is not found by {}", fault.rule());
    }
}

/// A copy that was damaged while the move was dead.
async fn damaged(mutant: Option<&'static str>) -> Result<Finished, String> {
    let mut traveller = Traveller::new().await;
    traveller.mutant = mutant;
    let to = traveller.places.fresh(Kind::Sqlite, &traveller.project).await;
    let died = traveller.run(&["state", "migrate", "--to", &to], "S04-before=kill").await;
    assert_eq!(died.code, None, "{died:#?}");
    let path = traveller.project.folder.path().join(to.strip_prefix("sqlite:").unwrap());
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute("UPDATE journal SET what = 'something else' WHERE sequence = 2", []).unwrap();
    drop(connection);
    traveller.ok(&["state", "migrate", "--resume", "--json"], 0).await
}

#[tokio::test(flavor = "multi_thread")]
async fn i_27_torn_bytes_at_the_target_are_found_and_written_again() {
    let mended = damaged(None).await.unwrap().json();
    assert_eq!((&mended["outcome"], &mended["mended"]), (&"moved".into(), &1.into()));
    assert_eq!(mended["copied"], 0, "the cursor was durable");
    assert!(damaged(Some("forgets_to_verify")).await.is_err(), "forgets_to_verify is not found");
}
