//! Running rows on several lanes at the same time.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{process::Command, sync::Mutex};

use super::{Case, Lane, LaneOptions, Met, rows::Row};
use crate::{
    faultkit::{Counts, failures},
    world::WorldError,
};

/// A case that takes longer is told: somebody waited for something.
const SLOW: Duration = Duration::from_secs(30);

/// Lanes, made when they are needed, and used again.
pub struct Pool {
    options: LaneOptions,
    idle: Mutex<Vec<Lane>>,
}

impl Pool {
    /// None yet.
    #[must_use]
    pub fn new(options: LaneOptions) -> Self {
        Self { options, idle: Mutex::default() }
    }

    /// One that nobody uses at the moment; whether it was made just now.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn take(&self) -> Result<(Lane, bool), WorldError> {
        let idle = self.idle.lock().await.pop();
        match idle {
            Some(lane) => Ok((lane, false)),
            None => Lane::start(self.options.clone()).await.map(|lane| (lane, true)),
        }
    }

    /// Gives one back that is as clean as a new one.
    pub async fn put(&self, lane: Lane) {
        self.idle.lock().await.push(lane);
    }
}

/// How rows are run.
#[derive(Clone)]
pub struct Running {
    /// When to stop beginning new cases.
    pub until: Option<Instant>,
    /// Lanes at the same time.
    pub lanes: usize,
    /// Where they come from.
    pub pool: Arc<Pool>,
}

/// Runs rows in their order, or as many as there is time for.
///
/// # Errors
/// When a lane cannot be made.
pub async fn run_rows(rows: Vec<Row>, running: &Running) -> Result<Counts, WorldError> {
    let rows = Arc::new(Mutex::new(VecDeque::from(rows)));
    let mut lanes = tokio::task::JoinSet::new();
    for _ in 0..running.lanes.max(1) {
        lanes.spawn(run_lane(rows.clone(), running.clone()));
    }
    let mut counts = Counts::default();
    while let Some(ended) = lanes.join_next().await {
        counts.add(&ended.map_err(|error| WorldError::new("a lane", error))??);
    }
    counts.rows_left += rows.lock().await.len() as u64;
    Ok(counts)
}

async fn run_lane(rows: Arc<Mutex<VecDeque<Row>>>, running: Running) -> Result<Counts, WorldError> {
    let mut counts = Counts::default();
    let mut lane: Option<Lane> = None;
    let pool = &running.pool;
    while running.until.is_none_or(|until| Instant::now() < until) {
        let Some(row) = rows.lock().await.pop_front() else { break };
        for case in row {
            let here = match lane.take() {
                Some(lane) => lane,
                None => {
                    let (lane, is_new) = pool.take().await?;
                    counts.starts += u64::from(is_new);
                    lane
                }
            };
            let met = run_case(&here, &case, &mut counts).await;
            // what a violation left would be found again and again
            if met.is_some() {
                lane = Some(here);
            }
            if met != Some(Met::Yes) || running.until.is_some_and(|until| Instant::now() >= until) {
                break;
            }
        }
    }
    if let Some(lane) = lane {
        pool.put(lane).await;
    }
    Ok(counts)
}

/// One case, counted; what is not as it has to be is kept, with the command that repeats it. Nothing if so.
pub async fn run_case(lane: &Lane, case: &Case, counts: &mut Counts) -> Option<Met> {
    counts.cases += 1;
    counts.checks += 2;
    let begun = Instant::now();
    let ended = lane.case(case).await;
    if begun.elapsed() > SLOW {
        let took = begun.elapsed();
        let kept = keep(lane, case, "it is slow").await;
        anstream::println!("slow: {case} took {took:?}; kept in {kept}");
    }
    match ended {
        Ok(met) => {
            if met == Met::Yes {
                counts.fault(case.trouble.kind());
            }
            Some(met)
        }
        Err(why) => {
            counts.fault(case.trouble.kind());
            let kept = keep(lane, case, &why).await;
            counts.violations.push(format!(
                "{case}: {why}\n  kept in {kept}; once more: scripts/campaign --case '{case}'"
            ));
            None
        }
    }
}

async fn keep(lane: &Lane, case: &Case, why: &str) -> String {
    let name = case.to_string().replace(['/', '>', '=', '*', ':', ',', ' ', '@'], "_");
    let folder = failures().join(name);
    let _old = std::fs::remove_dir_all(&folder);
    let made = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(folder.join("why"), why));
    let copied = Command::new("cp").arg("-a").arg(lane.folder()).arg(folder.join("world")).status().await;
    match (made, copied) {
        (Ok(()), Ok(status)) if status.success() => folder.display().to_string(),
        _ => "no place: it could not be copied".to_owned(),
    }
}
