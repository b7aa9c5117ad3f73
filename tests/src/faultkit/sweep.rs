//! Which cases there are, and running them on several lanes.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

use super::{
    answers::BAD_ANSWERS,
    case::{Case, Outcome, run_case},
    counts::Counts,
    evidence::Violation,
    lane::{Lane, LaneOptions},
    random::Random,
    scenario::Scenario,
};
use crate::world::WorldError;

/// Points that every operation passes by itself, and whether it does so more than once.
const ON_THE_WAY: &[(&str, bool)] = &[
    ("B01", false),
    ("B02", false),
    ("B03", false),
    ("B04", false),
    ("B05", true),
    ("B08", true),
    ("B09", true),
    ("B10", true),
    ("B11", true),
    ("B12", true),
    ("B13", true),
    ("B14", true),
    ("B15", true),
    ("B16", false),
    ("B17", false),
    ("B18", true),
    ("B19", true),
];

/// Points that are passed only after a death in the middle of a vendor call, and how often in a row.
const AFTERWARDS: &[(&str, usize)] = &[("B06", 1), ("B07", 1), ("B21", 1), ("B21", 3), ("B24", 1)];

/// What networks do to the messages between broker and vendor. They do not repeat a request by themselves: a vendor that
/// shows a value once would make a second one of which nobody knows; `sweep` tells of it.
const TO_THE_VENDOR: &[&str] = &[
    "drop-response",
    "drop-request",
    "late:700",
    "stall",
    "reset",
    "truncate:20",
    "truncate:200",
    "garble",
    "endless",
    "delay-response:700",
];

/// What networks do to the messages between platform and broker.
const FROM_THE_PLATFORM: &[&str] =
    &["drop-response", "drop-request", "late:80", "reset", "truncate:30", "garble", "duplicate:4", "echo:80"];

/// Cases that differ in a number only: the first time, the second time, and so on while there is one.
pub struct Row {
    deepest: u64,
    case: Box<dyn Fn(u64) -> String + Send>,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Row({})", (self.case)(1))
    }
}

impl Row {
    fn new(deepest: u64, case: impl Fn(u64) -> String + Send + 'static) -> Self {
        Self { deepest, case: Box::new(case) }
    }
}

/// F01: every point, to die and to fail, in every operation. `deepest` bounds how often a point is passed before.
#[must_use]
pub fn points(deepest: u64) -> Vec<Row> {
    let mut rows = Vec::new();
    for scenario in Scenario::ALL {
        for action in ["kill", "error"] {
            for &(point, again) in ON_THE_WAY {
                let deepest = if again { deepest } else { 1 };
                rows.push(Row::new(deepest, move |nth| {
                    format!("{scenario}/{}/{point}={action}@{nth}", mode(&point, nth))
                }));
            }
            for &(point, repeat) in AFTERWARDS {
                rows.push(Row::new(1, move |nth| {
                    let again = format!(">{point}={action}@1").repeat(repeat);
                    format!("{scenario}/{}/{}{again}", mode(&point, nth), scenario.interrupted())
                }));
            }
            rows.push(Row::new(1, move |_| {
                format!("{scenario}/async/B20={action}@1+vendor.*@2=delay:60+TERM:25000")
            }));
        }
        rows.push(Row::new(deepest, move |nth| format!("{scenario}/async/B19=delay:1300@{nth}")));
        rows.push(Row::new(1, move |_| format!("{scenario}/async/B08=panic@2")));
        rows.push(Row::new(1, move |_| format!("{scenario}/async/B08=hang@2")));
    }
    rows
}

/// Polling and waiting take turns.
fn mode(of: &impl std::fmt::Display, nth: u64) -> &'static str {
    let length = of.to_string().bytes().map(u64::from).sum::<u64>();
    if (length + nth).is_multiple_of(2) { "async" } else { "sync" }
}

/// F10, F12, F13: every message, lost, late, cut off, twice.
#[must_use]
pub fn messages(deepest: u64) -> Vec<Row> {
    let mut rows = Vec::new();
    for scenario in Scenario::ALL {
        for act in TO_THE_VENDOR {
            rows.push(Row::new(deepest, move |nth| {
                format!("{scenario}/{}/vendor.*@{nth}={act}", mode(act, nth))
            }));
        }
        for act in FROM_THE_PLATFORM {
            // the request, its repeat, and the first polls
            rows.push(Row::new(deepest.min(4), move |nth| {
                format!("{scenario}/{}/platform.*@{nth}={act}", mode(act, nth))
            }));
        }
    }
    rows
}

/// F11: every bad answer to every call, instead of the call or after it.
#[must_use]
pub fn bad_answers(deepest: u64) -> Vec<Row> {
    let mut rows = Vec::new();
    for scenario in Scenario::ALL {
        for answer in BAD_ANSWERS {
            for when in ["answer", "answer-after"] {
                // 'too many calls' says that nothing was done; a vendor that lies about it is not survived
                if when == "answer-after" && answer.starts_with("429") {
                    continue;
                }
                rows.push(Row::new(deepest, move |nth| {
                    format!("{scenario}/{}/vendor.*@{nth}={when}:{answer}", mode(answer, nth))
                }));
            }
        }
    }
    rows
}

/// F05: files that cannot grow, from each of these moments on (microseconds).
#[must_use]
pub fn full_disks() -> Vec<Row> {
    let mut rows = Vec::new();
    for scenario in Scenario::ALL {
        for after in [0, 1_000, 4_000, 10_000, 25_000] {
            rows.push(Row::new(1, move |nth| {
                format!("{scenario}/{}/vendor.*@1=delay:5+FULL:{after}:300", mode(&after, nth))
            }));
        }
    }
    rows
}

/// F03: deaths and pauses at random moments; the seed says which.
#[must_use]
pub fn random_kills(seed: u64, count: usize) -> Vec<Row> {
    let mut random = Random::new(seed);
    let mut rows = Vec::new();
    for _ in 0..count {
        let scenario = Scenario::ALL[random.below(Scenario::ALL.len() as u64) as usize];
        let mode = if random.below(2) == 0 { "async" } else { "sync" };
        let kills: Vec<String> =
            (0..=random.below(3)).map(|_| random.moment(100, 80_000).to_string()).collect();
        let mut troubles = format!("KILL:{}", kills.join(","));
        if random.below(3) == 0 {
            let act = TO_THE_VENDOR[random.below(TO_THE_VENDOR.len() as u64) as usize];
            troubles.push_str(&format!("+vendor.*@{}={act}", 1 + random.below(5)));
        }
        if random.below(4) == 0 {
            troubles.push_str("+B08=error%10,B09=error%5,B11=error%5,B13=error%5,B14=error%5,B17=error%10");
        }
        if random.below(12) == 0 {
            troubles = format!("PAUSE:{}:1300", random.moment(1_000, 60_000));
        }
        rows.push(Row::new(1, move |_| format!("{scenario}/{mode}/{troubles}")));
    }
    rows
}

/// How rows are run.
#[derive(Debug, Clone, Default)]
pub struct Running {
    /// When to stop beginning new cases.
    pub until: Option<Instant>,
    /// Lanes at the same time.
    pub lanes: usize,
    /// How each lane is made.
    pub options: LaneOptions,
}

/// Runs rows in their order, or as many as there is time for.
///
/// # Errors
/// When a lane cannot be made.
pub async fn run_rows(rows: Vec<Row>, running: Running) -> Result<Counts, WorldError> {
    let rows = Arc::new(Mutex::new(VecDeque::from(rows)));
    let mut lanes = tokio::task::JoinSet::new();
    for _ in 0..running.lanes.max(1) {
        lanes.spawn(run_lane(rows.clone(), running.clone()));
    }
    let mut counts = Counts::default();
    while let Some(ended) = lanes.join_next().await {
        counts.add(&ended.map_err(|error| WorldError::new("a lane", error))??);
    }
    Ok(counts)
}

async fn run_lane(rows: Arc<Mutex<VecDeque<Row>>>, running: Running) -> Result<Counts, WorldError> {
    let mut lane = Lane::start(running.options.clone()).await?;
    let mut counts = Counts::default();
    while running.until.is_none_or(|until| Instant::now() < until) {
        let Some(row) = rows.lock().await.pop_front() else { break };
        for nth in 1..=row.deepest {
            let text = (row.case)(nth);
            let case: Case = text.parse().map_err(|error| WorldError::new("reading a case", error))?;
            match run_case(&mut lane, &case).await {
                Ok(Outcome { found, struck }) => {
                    report(&mut counts, &lane, &case, &found);
                    if !found.is_empty() {
                        // what it left would be found again and again
                        counts.add(&lane.counts);
                        lane = Lane::start(running.options.clone()).await?;
                        break;
                    }
                    if struck == 0 {
                        break;
                    }
                }
                Err(error) => {
                    let mut found = lane.finish_case();
                    found.push(Violation::new("I-14", error.to_string()));
                    report(&mut counts, &lane, &case, &found);
                    counts.add(&lane.counts);
                    lane = Lane::start(running.options.clone()).await?;
                    break;
                }
            }
        }
    }
    let leaks = lane.leaks().map_err(|error| WorldError::new("looking for secrets", error))?;
    counts.violations.extend(leaks.iter().map(|leak| format!("{}: {}", leak.invariant, leak.what)));
    counts.add(&lane.counts);
    Ok(counts)
}

/// Notes what was found, with the command that repeats it, and keeps what explains it.
fn report(counts: &mut Counts, lane: &Lane, case: &Case, found: &[Violation]) {
    if found.is_empty() {
        return;
    }
    let folder = super::failures().join(case.to_string().replace(['/', '>', '=', '*', ':', ','], "_"));
    if let Err(error) = lane.keep(&folder, found) {
        tracing::error!(%error, "what explains a failure could not be kept");
    }
    for Violation { invariant, what } in found {
        let folder = folder.display();
        let line = format!("{invariant}: {what}\n    scripts/campaign --case '{case}'; kept in {folder}");
        counts.violations.push(line);
    }
}

/// A moment so many minutes from now.
#[must_use]
pub fn in_minutes(minutes: f64) -> Option<Instant> {
    Some(Instant::now() + Duration::from_secs_f64(minutes * 60.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_cases() {
        let all = [points(3), messages(3), bad_answers(3), full_disks(), random_kills(7, 100)];
        for row in all.iter().flatten() {
            (row.case)(1).parse::<Case>().unwrap();
        }
    }

    #[test]
    fn every_point_of_the_broker_is_in_the_sweep() {
        let all: String = points(1).iter().map(|row| (row.case)(1)).collect();
        for (point, what) in sutler_broker_server::faults::POINTS {
            // that of the migration is passed before there is anything to ask for, and keys are exchanged on request
            // only: the contract of stores interrupts that at every row
            let is_struck = all.contains(&format!("{point}=kill")) && all.contains(&format!("{point}=error"));
            assert!(is_struck || ["B22", "B23"].contains(point), "{point} ({what}) is in no case");
        }
    }

    #[test]
    fn a_seed_is_a_run() {
        let texts = |seed| random_kills(seed, 50).iter().map(|row| (row.case)(1)).collect::<Vec<_>>();
        assert_eq!(texts(7), texts(7));
        assert_ne!(texts(7), texts(8));
    }
}
