//! Apply against an instant broker: what each instance costs (perf P11), how near the makespan comes to the best list
//! schedule (P10), and what a death in the middle costs (P12).
//!
//! ```text
//! cargo bench -p sutler-tests --bench apply                            everything but the largest graphs
//! cargo bench -p sutler-tests --bench apply -- cost layered 100000     one size and shape: layered or wide
//! cargo bench -p sutler-tests --bench apply -- makespan
//! cargo bench -p sutler-tests --bench apply -- resume 10000
//! cargo bench -p sutler-tests --bench apply -- one layered 1000        one apply and nothing else, for profilers
//! ```
//!
//! Apply and a control alternate. The control makes the same calls to the same broker with the same client and nothing
//! else: the difference is what Sutler itself costs, its durable journal included.

mod broker;
mod control;
mod cost;
mod makespan;
mod process;
mod resume;
mod shape;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sutler::commands::{ApplyOptions, Approval, PlanOptions, Project, Settings, prepare};
use sutler::execute::{Stop, Until};
use sutler::plan::Intent;
use tokio::sync::{mpsc, watch};

const PARALLELISM: usize = 10;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    // The first to install it wins; nobody else does here.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match words[..] {
        [] => everything(),
        ["cost", shape, instances] => runtime.block_on(cost::cost(shape, instances.parse()?)),
        ["one", shape, instances] => runtime.block_on(cost::one(shape, instances.parse()?)),
        ["makespan"] => runtime.block_on(makespan::makespan()),
        ["resume", instances] => resume::resume(instances.parse()?),
        ["apply", folder] => runtime.block_on(resume::child(Path::new(folder))),
        _ => Err("cost SHAPE N, one SHAPE N, makespan, resume N, or nothing".into()),
    }
}

/// Each in a process of its own.
fn everything() -> Result<(), Failure> {
    let all: [&[&str]; 6] = [
        &["cost", "layered", "1000"],
        &["cost", "layered", "10000"],
        &["cost", "wide", "1000"],
        &["cost", "wide", "10000"],
        &["makespan"],
        &["resume", "10000"],
    ];
    for arguments in all {
        if !Command::new(std::env::current_exe()?).args(arguments).status()?.success() {
            return Err(format!("{arguments:?} failed").into());
        }
    }
    Ok(())
}

/// Applies what is declared, in this process, as the program does. Returns how long the steps took.
async fn apply(folder: &Path, config: &str) -> Result<Duration, Failure> {
    let file = folder.join("sutler.json");
    std::fs::write(&file, config)?;
    let settings = Settings::from_environment(|_| None)?;
    let project = Project::open(Some(&file), settings)?;
    let plan = PlanOptions::default();
    let options = ApplyOptions {
        plan,
        intent: Intent::Apply,
        parallelism: PARALLELISM,
        // A process that was killed leaves a lock that is free to take, once the kernel has buried it.
        patience: Duration::from_secs(10),
        on_ambiguous: None,
        until: Until::Done,
        adoption: None,
    };
    let prepared = prepare(&project, options).await?;
    let (events, mut heard) = mpsc::unbounded_channel();
    let (_stop, stopped) = watch::channel(Stop::Never);
    let listener = tokio::spawn(async move { while heard.recv().await.is_some() {} });
    let applied = prepared.carry_out(Approval::Given, events, stopped).await?;
    listener.await?;
    if !applied.report.is_complete() {
        return Err(format!("{:?}", applied.report.failed.first()).into());
    }
    Ok(applied.report.took)
}
