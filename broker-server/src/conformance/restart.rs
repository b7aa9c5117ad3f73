//! Restarting the broker under test, by the operator's own command.

use std::{process::Stdio, time::Instant};

use super::{
    finding::{Finding, Verdict, ensure},
    trial::Trial,
};

/// Runs the command and waits until the broker answers again.
pub(super) async fn run(trial: &Trial) -> Verdict {
    let Some(command) = &trial.bench.options.restart_command else {
        return Err(Finding::skipped("no restart command was given"));
    };
    let started = tokio::process::Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let limit = trial.bench.options.request_timeout;
    let status = tokio::time::timeout(limit, started).await;
    let ended_well = matches!(&status, Ok(Ok(status)) if status.success());
    ensure(ended_well, || format!("the restart command did not end well within {} s", limit.as_secs()))?;
    let deadline = Instant::now() + limit;
    loop {
        if let Ok(answer) = trial.get("/v2/catalog").send().await
            && answer.status == 200
        {
            return Ok(());
        }
        ensure(Instant::now() < deadline, || "the broker did not come back".to_owned())?;
        tokio::time::sleep(trial.pause()).await;
    }
}
