//! `status`: what state knows; with `--wait`, once brokers have ended what they accepted.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::apply::listen;
use super::args::StatusArguments;
use super::output::Output;
use super::show;
use super::text;
use super::verbs::printed;
use crate::commands::{self, Declared, Failure, Project, Waited, Waiting};
use crate::execute::{Ended, Progress, Stop};
use crate::exit::Exit;

pub(super) async fn status(
    project: &Project,
    arguments: &StatusArguments,
    output: Output,
) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    let mut waited = None;
    if arguments.wait {
        let done = wait(project, arguments, output).await?;
        exit = done.exit();
        waited = Some(done);
    }
    let status = commands::status(project).await?;
    if !output.is_json() {
        printed(output.print(&show::status(&status, output.paint())))?;
        return Ok(exit);
    }
    let instances: Vec<Value> = status.records.iter().map(instance).collect();
    let fields = json!({
        "location": status.location, "serial": status.serial, "lock": status.lock,
        "moving": status.moving,
        "instances": instances, "not_applied": status.missing,
        "waited": waited.map(|waited| waited.report),
    });
    printed(output.document("status", fields))?;
    Ok(exit)
}

fn instance((record, declared): &(crate::state::record::InstanceRecord, Declared)) -> Value {
    json!({
        "ref": record.reference, "status": show::standing(record), "broker": record.broker,
        "service": record.service, "service_plan": record.service_plan, "instance_id": record.instance_id,
        "binding_id": record.binding.as_ref().map(|binding| &binding.binding_id),
        "protected": record.protected, "declared": *declared == Declared::Yes, "needs": record.needs,
        "running": crate::execute::running(record),
        "to_be_deleted": record.left_over(),
    })
}

/// Waits, tells what happens, listens for Ctrl-C, and says what came of it.
async fn wait(project: &Project, arguments: &StatusArguments, output: Output) -> Result<Waited, Failure> {
    let read = |text: &String| {
        commands::duration(text)
            .ok_or_else(|| Failure::usage(format!("--timeout {text} is not a duration; write it such as 5m")))
    };
    let limit: Option<Duration> = arguments.timeout.as_ref().map(read).transpose()?;
    let (events, mut heard) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(Stop::Never);
    let listener = tokio::spawn(listen(stop, output));
    let teller = tokio::spawn(async move {
        while let Some(event) = heard.recv().await {
            if let Progress::Waiting { reference, description, .. } = event {
                output.say(&format!("{reference}: {}", text::one_line(&description)));
            }
        }
    });
    let waiting = Waiting { limit, patience: Duration::ZERO, events, stop: stopped };
    let waited = commands::wait(project, waiting).await;
    listener.abort();
    // Everyone who tells has gone by now, so it ends; what it panicked of is no reason to hide what came of waiting.
    let _told = teller.await;
    if let Ok(waited) = &waited {
        say(waited, output);
    }
    waited
}

fn say(waited: &Waited, output: Output) {
    let (report, paint) = (&waited.report, output.paint());
    for done in &report.done {
        let took = text::duration(done.took);
        output.say(&format!(
            "{} {}: {} in {took}",
            paint.good("✓"),
            done.reference,
            text::action_word(done.action)
        ));
    }
    for failed in &report.failed {
        output.complain(&format!(
            "{} {} at {}: {}\n  next: {}",
            paint.bad("error:"),
            failed.reference,
            failed.broker,
            text::one_line(&failed.error),
            text::one_line(&failed.next)
        ));
    }
    if let Ended::State(error) = &report.ended {
        output.complain(&format!("{} {}", paint.bad("error:"), text::one_line(&error.to_string())));
    }
    for running in &report.running {
        output.say(&format!("… {}: {} still works on it", running.reference, running.broker));
    }
}
