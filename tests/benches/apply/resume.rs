//! Killed in the middle, with -9, and run again (perf P12): the rest is done, nothing twice.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::PoisonError;
use std::time::Duration;

use super::broker::{self, Ledger, Pace};
use super::shape::Shape;
use super::{Failure, apply};

const SHAPE: Shape = Shape::Bound(100);

/// One apply without a death, and one that is killed after about half of its instances and begun again.
pub(crate) fn resume(instances: usize) -> Result<(), Failure> {
    let whole = {
        let ledger = Arc::new(Ledger::default());
        let (folder, _) = declared(&ledger, instances)?;
        finished(start(folder.path())?)?
    };
    let ledger = Arc::new(Ledger::default());
    let (folder, _) = declared(&ledger, instances)?;
    let mut child = start(folder.path())?;
    if !ledger.reaches(instances / 2, Duration::from_secs(600)) || child.try_wait()?.is_some() {
        return Err("it ended, or did too little, before it could be killed".into());
    }
    child.kill()?;
    child.wait()?;
    let before = ledger.requests();
    let rest = finished(start(folder.path())?)?;
    let after = ledger.requests();
    let ids = ledger.ids.lock().unwrap_or_else(PoisonError::into_inner);
    let (missing, twins) = (instances - ids.len(), ids.values().filter(|ids| ids.len() > 1).count());
    let share = (instances - before) as f64 / instances as f64;
    writeln!(
        std::io::stdout(),
        "killed after {before} of {instances} provisions, run again: {rest:.2?} of processor time, {:.2} of the whole run's \
         {whole:.2?} where {share:.2} was left: {:.3} (goal P12: <= 1.1); {} provisions repeated under their id, \
         {missing} lost, {twins} made twice (goal: 0)",
        rest.as_secs_f64() / whole.as_secs_f64(),
        rest.as_secs_f64() / whole.as_secs_f64() / share,
        before + (after - before) - instances,
    )?;
    if missing + twins > 0 { Err("instances were lost or made twice".into()) } else { Ok(()) }
}

fn declared(ledger: &Arc<Ledger>, instances: usize) -> Result<(tempfile::TempDir, String), Failure> {
    let url = broker::start(Pace::default(), Some(Arc::clone(ledger)))?;
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("sutler.json"), SHAPE.configuration(&url, instances))?;
    Ok((folder, url))
}

fn start(folder: &Path) -> Result<Child, Failure> {
    Ok(Command::new(std::env::current_exe()?).arg("apply").arg(folder).spawn()?)
}

/// The processor time of a child that ended well, as it told itself by its exit.
fn finished(mut child: Child) -> Result<Duration, Failure> {
    let before = children()?;
    if !child.wait()?.success() {
        return Err("an apply failed".into());
    }
    Ok(children()? - before)
}

/// User and system time of all children that were waited for.
fn children() -> Result<Duration, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields[13].parse::<u64>()? + fields[14].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// What a child does: the apply of what is declared in a folder.
pub(crate) async fn child(folder: &Path) -> Result<(), Failure> {
    let config = std::fs::read_to_string(folder.join("sutler.json"))?;
    apply(folder, &config).await.map(drop)
}
