//! A run, and what happens to it.

use std::{path::PathBuf, time::Duration};

use tokio::process::Command;

use super::{Lane, Met, Operation, Trouble, damage::harm, place::Place, trouble::Injection};
use crate::world::{Finished, Running, World, WorldError};

/// How long a request of a disturbed run waits for its answer.
const CALL_TIMEOUT: &str = "2s";
/// How long one of two runs waits for the other.
const PATIENCE: &str = "100s";

/// What became of it.
pub(super) struct Disturbed {
    pub(super) met: Met,
    /// How the runs ended.
    pub(super) ran: Vec<Finished>,
}

impl Disturbed {
    fn of(finished: Finished, met: bool) -> Self {
        Self { met: if met { Met::Yes } else { Met::No }, ran: vec![finished] }
    }
}

/// Runs an operation, and lets it happen.
pub(super) async fn disturb(
    lane: &Lane,
    operation: Operation,
    trouble: &Trouble,
) -> Result<Disturbed, String> {
    let arguments = operation.disturbed();
    let disturbed = match trouble {
        Trouble::None => lane.finish(&[], arguments, &[]).await.map(|ran| Disturbed::of(ran, true)),
        Trouble::Point(fault) => {
            let ran = lane.finish(&[], arguments, &[("SUTLER_FAULTS", fault.clone())]).await;
            ran.map(|ran| {
                // whether a broker answers at once or goes on by itself is decided by the clock
                let died = ran.code.is_none();
                Disturbed::of(ran, died)
            })
        }
        Trouble::Call(name, nth, injection) => at_call(lane, arguments, (name, *nth, *injection)).await,
        Trouble::Full(bytes) => full(lane, arguments, *bytes).await,
        Trouble::Kill(after) => match lane.start_wrapped(&[], arguments, &[]) {
            Ok(run) => {
                tokio::time::sleep(*after).await;
                run.kill().await.map(|ran| {
                    let died = ran.code.is_none();
                    Disturbed::of(ran, died)
                })
            }
            Err(error) => Err(error),
        },
        Trouble::Broker(rule, _) => {
            lane.declare(operation.after(), &format!("http://{}", lane.proxy.address()))?;
            lane.proxy.set([rule.clone()]);
            let ran = lane.finish(&[], arguments, &[]).await;
            let met = !lane.proxy.struck().is_empty();
            lane.proxy.set([]);
            ran.map(|ran| Disturbed::of(ran, met))
        }
        Trouble::Bucket(rule, _) => {
            let Place::Bucket { proxy, .. } = &lane.place else { return Err(nowhere(trouble)) };
            proxy.set([rule.clone()]);
            let ran = lane.finish(&[], arguments, &[]).await;
            let met = !proxy.struck().is_empty();
            proxy.set([]);
            ran.map(|ran| Disturbed::of(ran, met))
        }
        Trouble::Database(cut, _) => {
            let Place::Database { proxy, .. } = &lane.place else { return Err(nowhere(trouble)) };
            proxy.cut(*cut);
            let ran = lane.finish(&[], arguments, &[]).await;
            let met = !proxy.mend();
            // what was stalled is over
            proxy.break_all();
            ran.map(|ran| Disturbed::of(ran, met))
        }
        Trouble::Restart(after) => restart(lane, arguments, *after).await,
        Trouble::Damage(damage) => return harm(lane, operation, *damage).await,
        Trouble::Twin(kill) => return twins(lane, operation, *kill).await,
    };
    disturbed.map_err(|error| error.to_string())
}

fn nowhere(trouble: &Trouble) -> String {
    format!("state is not where {trouble} could happen")
}

impl Lane {
    /// Starts the program that is disturbed, behind another one, if one is named.
    fn start_wrapped(
        &self,
        wrapper: &[&str],
        arguments: &[&str],
        more: &[(&str, String)],
    ) -> Result<Running, WorldError> {
        let program = self.options.program.clone().unwrap_or_else(|| self.world.binaries().sutler());
        let mut variables = self.variables(more);
        variables.push(("SUTLER_CALL_TIMEOUT".to_owned(), CALL_TIMEOUT.to_owned()));
        let Some((first, rest)) = wrapper.split_first() else {
            return self.world.start_program(program, arguments, &variables);
        };
        let program = program.display().to_string();
        let mut all: Vec<&str> = rest.to_vec();
        all.push(&program);
        all.extend(arguments);
        self.world.start_program(PathBuf::from(first), &all, &variables)
    }

    async fn finish(
        &self,
        wrapper: &[&str],
        arguments: &[&str],
        more: &[(&str, String)],
    ) -> Result<Finished, WorldError> {
        self.start_wrapped(wrapper, arguments, more)?.wait().await
    }

    /// How often one thread at most makes these system calls in an operation that nobody disturbs.
    ///
    /// # Errors
    /// What is not as it has to be.
    pub async fn calls(&self, operation: Operation, names: &[&str]) -> Result<Vec<(String, u64)>, String> {
        self.prepare(operation).await?;
        let log = self.folder().join("calls").display().to_string();
        let trace = format!("trace={}", names.join(","));
        let wrapper = ["strace", "-f", "-qq", "-o", &log, "-e", &trace];
        needs_strace().await.map_err(|error| error.to_string())?;
        let ran = self.finish(&wrapper, operation.disturbed(), &one_worker()).await;
        let ran = ran.map_err(|error| error.to_string())?;
        if ran.code != Some(0) {
            return Err(format!("under strace: {}", ran.everything()));
        }
        self.wipe().await?;
        let log = std::fs::read_to_string(&log).map_err(|error| error.to_string())?;
        Ok(names.iter().map(|name| ((*name).to_owned(), most(&log, name))).collect())
    }
}

/// How often the thread that makes it most often makes a system call, in what strace wrote.
fn most(log: &str, name: &str) -> u64 {
    let mut threads = std::collections::HashMap::<&str, u64>::new();
    for line in log.lines() {
        let Some((thread, rest)) = line.split_once(char::is_whitespace) else { continue };
        if rest.trim_start().strip_prefix(name).is_some_and(|rest| rest.starts_with('(')) {
            *threads.entry(thread).or_default() += 1;
        }
    }
    threads.into_values().max().unwrap_or(0)
}

/// One thread that works: what it does comes in nearly the same order each time.
fn one_worker() -> [(&'static str, String); 1] {
    [("TOKIO_WORKER_THREADS", "1".to_owned())]
}

async fn needs_strace() -> Result<(), WorldError> {
    let found = Command::new("strace").arg("-V").stdout(std::process::Stdio::null()).status().await;
    match found {
        Ok(status) if status.success() => Ok(()),
        _ => Err(WorldError::new("looking for strace", "it is missing; `scripts/test install` installs it")),
    }
}

async fn at_call(
    lane: &Lane,
    arguments: &[&str],
    (name, nth, injection): (&str, u64, Injection),
) -> Result<Disturbed, WorldError> {
    needs_strace().await?;
    let log = lane.folder().join("calls").display().to_string();
    let (trace, inject) = (format!("trace={name}"), injected(name, nth, injection));
    let wrapper = ["strace", "-f", "-qq", "-o", &log, "-e", &trace, "-e", &inject];
    let ran = lane.finish(&wrapper, arguments, &one_worker()).await?;
    let met = match injection {
        Injection::Kill => ran.code.is_none(),
        Injection::Full | Injection::Broken => {
            std::fs::read_to_string(&log).is_ok_and(|log| log.contains("(INJECTED)"))
        }
    };
    Ok(Disturbed::of(ran, met))
}

fn injected(name: &str, nth: u64, injection: Injection) -> String {
    match injection {
        Injection::Kill => format!("inject={name}:signal=SIGKILL:when={nth}"),
        Injection::Full => format!("inject={name}:error=ENOSPC:when={nth}+"),
        Injection::Broken => format!("inject={name}:error=EIO:when={nth}"),
    }
}

/// A file that cannot grow is an error, not a signal that ends the process.
async fn full(lane: &Lane, arguments: &[&str], bytes: u64) -> Result<Disturbed, WorldError> {
    let script = format!("trap '' XFSZ; exec prlimit --fsize={bytes}:unlimited \"$0\" \"$@\"");
    let ran = lane.finish(&["sh", "-c", &script], arguments, &[]).await?;
    let met = ran.code != Some(0) || ran.stderr.contains("File too large");
    Ok(Disturbed::of(ran, met))
}

async fn restart(lane: &Lane, arguments: &[&str], after: Duration) -> Result<Disturbed, WorldError> {
    let Place::Database { cluster, .. } = &lane.place else {
        return Err(WorldError::new("crashing a database server", "there is none"));
    };
    let run = lane.start_wrapped(&[], arguments, &[])?;
    tokio::time::sleep(after).await;
    let cluster = cluster.clone();
    let crash = tokio::task::spawn_blocking(move || cluster.stop().and_then(|()| cluster.resume()));
    let crashed = crash.await.map_err(|error| WorldError::new("crashing a database server", error))?;
    crashed.map_err(|error| WorldError::new("crashing a database server", error))?;
    Ok(Disturbed::of(run.wait().await?, true))
}

/// Two runs at once: in one folder where state is a file in it, on two machines otherwise.
async fn twins(lane: &Lane, operation: Operation, kill: Option<Duration>) -> Result<Disturbed, String> {
    let failed = |error: WorldError| error.to_string();
    let patient: Vec<&str> =
        operation.disturbed().iter().copied().chain(["--lock-timeout", PATIENCE]).collect();
    if !lane.world.project().join(".sutler/keys").exists() {
        // two machines have one key ring: somebody has made it on one of them and carried it to the other
        lane.prepare(Operation::Update).await?;
        lane.wipe().await?;
        lane.prepare(operation).await?;
    }
    let other = match &lane.place {
        Place::File => lane.world.project(),
        _ => elsewhere(&lane.world).map_err(|error| error.to_string())?,
    };
    let first = lane.start_wrapped(&[], &patient, &[]).map_err(failed)?;
    let environment: Vec<_> = lane.world.environment().into_iter().chain(lane.variables(&[])).collect();
    let logs = lane.folder().join("cli-output");
    let second = Running::start(lane.world.binaries().sutler(), &patient, &other, &environment, &logs);
    let second = second.map_err(failed)?;
    let first = match kill {
        Some(after) => {
            tokio::time::sleep(after).await;
            first.kill().await
        }
        None => first.wait().await,
    };
    let (first, second) = (first.map_err(failed)?, second.wait().await.map_err(failed)?);
    let met = if kill.is_some() && first.code.is_some() { Met::No } else { Met::Yes };
    Ok(Disturbed { met, ran: vec![first, second] })
}

/// The project on another machine: a folder of its own, with what people carry from one to the other.
fn elsewhere(world: &World) -> std::io::Result<PathBuf> {
    let (here, there) = (world.project(), world.root().join("elsewhere"));
    std::fs::create_dir_all(there.join(".sutler"))?;
    for name in ["sutler.yaml", ".sutler/keys"] {
        std::fs::copy(here.join(name), there.join(name))?;
    }
    Ok(there)
}
