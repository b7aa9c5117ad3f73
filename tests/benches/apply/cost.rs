//! What an instance costs beyond its requests (perf P11), in a process of its own for each size: memory is fresh.

use std::io::Write as _;
use std::time::Duration;

use super::broker::{self, Pace};
use super::process::{peak_memory, processor_time};
use super::shape::Shape;
use super::{Failure, apply, control};

/// Apply and the control in turn.
pub(crate) async fn cost(name: &str, instances: usize) -> Result<(), Failure> {
    let shape = Shape::parse(name).ok_or("layered or wide")?;
    let rounds = if instances > 50_000 { 1 } else { 3 * 10_000_usize.div_ceil(instances).min(3) };
    let url = broker::start(Pace::default(), None)?;
    let config = shape.configuration(&url, instances);
    let (mut applies, mut controls, mut walls) = (Duration::ZERO, Duration::ZERO, Vec::new());
    control::all(&url, shape, 100).await?;
    for _ in 0..rounds {
        let folder = tempfile::tempdir()?;
        let before = processor_time()?;
        walls.push(apply(folder.path(), &config).await?);
        let between = processor_time()?;
        control::all(&url, shape, instances).await?;
        applies += between - before;
        controls += processor_time()? - between;
    }
    walls.sort();
    let each = |total: Duration| total.as_secs_f64() * 1e6 / (rounds * instances) as f64;
    let wall = walls[rounds / 2].as_secs_f64();
    writeln!(
        std::io::stdout(),
        "{instances:>7} {name:8} apply {:4.0} µs CPU/instance, control {:4.0}, difference {:4.0} (goal P11: <= 150); \
         {wall:7.2} s, {:6.0} durable steps/s; peak memory {:4.0} MiB, broker and control included",
        each(applies),
        each(controls),
        each(applies.saturating_sub(controls)),
        shape.steps(instances) as f64 / wall,
        peak_memory()?,
    )?;
    Ok(())
}

/// One apply and nothing else, for profilers.
pub(crate) async fn one(name: &str, instances: usize) -> Result<(), Failure> {
    let shape = Shape::parse(name).ok_or("layered or wide")?;
    let url = broker::start(Pace::default(), None)?;
    let folder = tempfile::tempdir()?;
    let before = processor_time()?;
    let took = apply(folder.path(), &shape.configuration(&url, instances)).await?;
    let used = processor_time()? - before;
    let (used, peak) = (used.as_secs_f64() * 1e6 / instances as f64, peak_memory()?);
    writeln!(std::io::stdout(), "{instances} {name}: {took:?}, {used:.0} µs CPU/instance, {peak:.0} MiB")?;
    Ok(())
}
