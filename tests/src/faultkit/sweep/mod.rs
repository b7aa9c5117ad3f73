//! Which cases there are, and running them on several lanes.

mod rows;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

pub use self::rows::{Row, answers_of, database, disks, keys, kills, messages, points, restarts, shuffled};
use super::{
    case::{Case, Outcome, run_case},
    counts::Counts,
    evidence::Violation,
    lane::{Lane, LaneOptions},
};
use crate::world::WorldError;

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
    let waiting = rows.clone();
    while let Some(ended) = lanes.join_next().await {
        counts.add(&ended.map_err(|error| WorldError::new("a lane", error))??);
    }
    counts.rows_left += waiting.lock().await.len() as u64;
    Ok(counts)
}

async fn run_lane(rows: Arc<Mutex<VecDeque<Row>>>, running: Running) -> Result<Counts, WorldError> {
    let mut lane = Lane::start(running.options.clone()).await?;
    let mut counts = Counts::default();
    while running.until.is_none_or(|until| Instant::now() < until) {
        let Some(row) = rows.lock().await.pop_front() else { break };
        for nth in 1..=row.deepest() {
            let case: Case =
                row.text(nth).parse().map_err(|error| WorldError::new("reading a case", error))?;
            match run_case(&mut lane, &case).await {
                Ok(Outcome { found, struck }) => {
                    report(&mut counts, &lane, &case, &found).await;
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
                    report(&mut counts, &lane, &case, &found).await;
                    counts.add(&lane.counts);
                    lane = Lane::start(running.options.clone()).await?;
                    break;
                }
            }
        }
    }
    let leaks = lane.leaks().await?;
    counts.violations.extend(leaks.iter().map(|leak| format!("{}: {}", leak.invariant, leak.what)));
    counts.add(&lane.counts);
    Ok(counts)
}

/// Notes what was found, with the command that repeats it, and keeps what explains it.
async fn report(counts: &mut Counts, lane: &Lane, case: &Case, found: &[Violation]) {
    if found.is_empty() {
        return;
    }
    let store = lane.store();
    let name = format!("{case} {store}");
    let folder = super::failures().join(name.replace(['/', '>', '=', '*', ':', ',', ' '], "_"));
    if let Err(error) = lane.keep(&folder, found).await {
        tracing::error!(%error, "what explains a failure could not be kept");
    }
    for Violation { invariant, what } in found {
        // what follows is in the files that are kept
        let what = what.lines().next().unwrap_or_default();
        let folder = folder.display();
        let line = format!(
            "{invariant}: {what}\n    scripts/campaign --store {store} --case '{case}'; kept in {folder}"
        );
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
    use super::{super::memory::StoreChoice, *};

    #[test]
    fn every_row_is_cases() {
        let kills = kills(7, 200, &StoreChoice::Sqlite);
        let all = [points(3), messages(3), answers_of(3), disks(), database(3), restarts(), keys(3), kills];
        for row in all.iter().flatten() {
            row.text(1).parse::<Case>().unwrap();
        }
    }

    #[test]
    fn every_point_of_the_broker_is_in_the_sweep() {
        let all: String = points(1).iter().chain(&keys(1)).map(|row| row.text(1)).collect();
        for (point, what) in sutler_broker_server::faults::POINTS {
            let is_struck = all.contains(&format!("{point}=kill")) && all.contains(&format!("{point}=error"));
            // that of the migration is passed before there is anything to ask for, that of a copy in another process:
            // both have parts of their own
            assert!(is_struck || ["B22", "B25"].contains(point), "{point} ({what}) is in no case");
        }
    }

    #[test]
    fn every_operation_meets_every_kind_of_fault_in_every_mode() {
        for part in [points(1), messages(1), answers_of(1)] {
            let all: Vec<Case> = part.iter().map(|row| row.text(1).parse().unwrap()).collect();
            for scenario in super::super::scenario::Scenario::ALL {
                for mode in scenario.modes() {
                    assert!(
                        all.iter().any(|case| case.scenario == scenario && case.mode == *mode),
                        "{scenario} {mode:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_seed_is_a_run() {
        let texts =
            |seed| kills(seed, 50, &StoreChoice::Sqlite).iter().map(|row| row.text(1)).collect::<Vec<_>>();
        assert_eq!(texts(7), texts(7));
        assert_ne!(texts(7), texts(8));
        let order = |seed| shuffled(points(1), seed).iter().map(|row| row.text(1)).collect::<Vec<_>>();
        assert_eq!(order(7), order(7));
        assert_ne!(order(7), order(8));
    }
}
