//! How near the end comes to the best list schedule (perf P10).

use std::io::Write as _;
use std::time::{Duration, Instant};

use super::broker::{self, Pace};
use super::shape::Shape;
use super::{Failure, PARALLELISM, apply, control};

const INSTANCES: usize = 200;
const OPERATION: Duration = Duration::from_millis(50);
const ROUNDS: usize = 5;

/// Graphs whose every request takes 50 ms. The schedule counts every request that is made.
pub(crate) async fn makespan() -> Result<(), Failure> {
    let both = Pace { provision: OPERATION, bind: OPERATION };
    one("layers, provisioned and bound", Shape::Bound(PARALLELISM), both).await?;
    let provision = Pace { provision: OPERATION, bind: Duration::ZERO };
    one("layers, provisioned only", Shape::Unbound(PARALLELISM), provision).await?;
    one("independent, provisioned only", Shape::Wide, provision).await?;
    one("layers, bound at once, which the schedule does not count", Shape::Bound(PARALLELISM), provision)
        .await
}

async fn one(name: &str, shape: Shape, pace: Pace) -> Result<(), Failure> {
    let url = broker::start(pace, None)?;
    let config = shape.configuration(&url, INSTANCES);
    let (mut walls, mut controls) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir()?;
        walls.push(apply(folder.path(), &config).await?);
        let begun = Instant::now();
        control::layers(&url, shape, INSTANCES, PARALLELISM).await?;
        controls.push(begun.elapsed());
    }
    let [wall, control] = [walls, controls].map(|mut times| {
        times.sort();
        times[ROUNDS / 2].as_secs_f64()
    });
    let rounds = shape.schedule(INSTANCES, PARALLELISM) as f64;
    // The last layer is not bound.
    let binds = rounds - if matches!(shape, Shape::Bound(_)) { 1.0 } else { rounds };
    let best = rounds * pace.provision.as_secs_f64() + binds * pace.bind.as_secs_f64();
    writeln!(
        std::io::stdout(),
        "makespan of {INSTANCES} {name}, {PARALLELISM} at once: {wall:.3} s; list schedule {best:.3} s: {:.3} (goal P10: \
         <= 1.05); the same requests layer by layer without state {control:.3} s: {:.3}",
        wall / best,
        wall / control,
    )?;
    Ok(())
}
