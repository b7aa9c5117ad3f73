//! `migrate` on a terminal, in a pipeline, and when an application starts.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::apply::{View, listen, say_what_came_of_it};
use super::output::Output;
use super::{ask, generate, text, verbs};
use crate::commands::migrations::{
    MigrateOptions, Migrated, MigrationEvent, MigrationOutcome, Pending, Ran, prepare,
};
use crate::commands::{Applied, Failure, Project};
use crate::execute::Stop;
use crate::exit::Exit;
use crate::plan::Intent;
use crate::state::AppliedBy;

/// At start a replica waits for the one that does the work.
const PATIENCE_AT_BOOT: &str = "5m";

#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// On which occasion: with `boot` nobody is asked, and replicas that start together wait for the one that does it.
    #[arg(long, value_enum, value_name = "OCCASION")]
    pub(crate) on: Option<Occasion>,
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Although it deletes or replaces what is protected.
    #[arg(long)]
    pub(crate) force: bool,
    /// Where migrations are; `migrations` beside the configuration when left out.
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// At most so many instances at once.
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) parallelism: u16,
    /// How long to wait for the lock, such as 10s; 0s when left out, 5m with --on boot.
    #[arg(long, value_name = "DURATION")]
    pub(crate) lock_timeout: Option<String>,
}

/// When migrations run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Occasion {
    /// An application starts.
    Boot,
}

impl Migrate {
    fn options(&self, project: &Project) -> Result<MigrateOptions, Failure> {
        let usual = if self.on == Some(Occasion::Boot) { PATIENCE_AT_BOOT } else { "0s" };
        let patience: Duration = verbs::patience(self.lock_timeout.as_deref().unwrap_or(usual))?;
        Ok(MigrateOptions {
            folder: self.folder.clone(),
            patience,
            occasion: match self.on {
                Some(Occasion::Boot) => AppliedBy::Boot,
                None => project.settings.occasion,
            },
            parallelism: usize::from(self.parallelism),
            protection: generate::protection(self.force),
        })
    }
}

pub(super) async fn run(project: &Project, arguments: &Migrate, output: Output) -> Result<Exit, Failure> {
    let mut stream = Stream { output, sequence: 0 };
    match work(project, arguments, &mut stream).await {
        Ok(migrated) => {
            let exit = migrated.exit();
            let error = migrated.stopped.as_ref().map(ToString::to_string);
            stream.result(json!({
                "exit_code": exit.code(), "changed": migrated.ran.iter().any(changed),
                "migrations": migrated.ran.iter().map(ran).collect::<Vec<_>>(), "error": error,
            }))?;
            complain(migrated.ran, output);
            match migrated.stopped {
                Some(failure) => Err(failure),
                None => Ok(exit),
            }
        }
        Err(failure) => {
            // Whoever reads the stream gets its terminal record; people get the failure on standard error.
            let error = failure.to_string();
            stream.result(json!({
                "exit_code": failure.exit().code(), "changed": false, "migrations": [], "error": error,
            }))?;
            Err(failure)
        }
    }
}

async fn work(project: &Project, arguments: &Migrate, stream: &mut Stream) -> Result<Migrated, Failure> {
    let output = stream.output;
    let pending = prepare(project, arguments.options(project)?).await?;
    if pending.migrations.is_empty() {
        output.say("Nothing to do: every migration was done here.");
        return Ok(Migrated { ran: Vec::new(), stopped: None, notes: Vec::new() });
    }
    if !output.is_json() {
        verbs::printed(output.print(&told(&pending, output)))?;
    }
    ask::approve(output, arguments.yes || arguments.on == Some(Occasion::Boot), "Run them?")?;
    let migrated = carry_out(&pending, stream).await?;
    for note in &migrated.notes {
        output.say(&format!("{} {}", output.paint().caution("note:"), text::one_line(note)));
    }
    for ran in &migrated.ran {
        say(ran, output);
    }
    Ok(migrated)
}

fn told(pending: &Pending<'_>, output: Output) -> String {
    let mut text = String::new();
    for entry in &pending.migrations {
        text.push_str(&format!("{}\n", output.paint().bold(entry.id.as_str())));
        text.extend(entry.steps.iter().map(|step| generate::line(step, output)));
    }
    text
}

/// Runs them while drawing what happens, and listens for Ctrl-C.
async fn carry_out(pending: &Pending<'_>, stream: &mut Stream) -> Result<Migrated, Failure> {
    let output = stream.output;
    let (events, mut heard) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(Stop::Never);
    let listener = tokio::spawn(listen(stop, output));
    let mut drawing = Drawing { view: None, output };
    let work = pending.carry_out(events, stopped);
    tokio::pin!(work);
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let migrated = loop {
        tokio::select! {
            migrated = &mut work => break migrated,
            Some(event) = heard.recv() => {
                stream.event(&event)?;
                drawing.take(event);
            }
            _ = tick.tick(), if output.is_live() => drawing.draw(),
        }
    };
    while let Ok(event) = heard.try_recv() {
        stream.event(&event)?;
        drawing.take(event);
    }
    drawing.finish();
    listener.abort();
    migrated
}

/// The picture of the migration that runs.
struct Drawing {
    view: Option<View>,
    output: Output,
}

impl Drawing {
    fn take(&mut self, event: MigrationEvent) {
        match event {
            MigrationEvent::Begun { migration, plan } => {
                self.finish();
                self.output.say(&format!("{migration}:"));
                self.view = Some(View::new(&plan, self.output));
            }
            MigrationEvent::Step(progress) => {
                if let Some(view) = &mut self.view {
                    view.take(&progress);
                }
            }
        }
    }

    fn draw(&mut self) {
        if let Some(view) = &mut self.view {
            view.draw();
        }
    }

    fn finish(&mut self) {
        if let Some(mut view) = self.view.take() {
            view.finish();
        }
    }
}

fn say(ran: &Ran, output: Output) {
    let (paint, id) = (output.paint(), &ran.migration);
    let (good, bad) = (paint.good("✓"), paint.bad("✗"));
    match &ran.outcome {
        MigrationOutcome::Applied(report) => {
            let (done, took) = (report.done.len(), text::duration(report.took));
            output.say(&format!("{good} {id}: applied, {done} done in {took}"));
        }
        MigrationOutcome::WasThere => {
            output.say(&format!("{good} {id}: everything was as it is to be; entered in the ledger"));
        }
        MigrationOutcome::AppliedByAnother { actor } => {
            output.say(&text::one_line(&format!("{good} {id}: applied by another, {actor}")));
        }
        MigrationOutcome::Unfinished(_) => {
            output.complain(&format!("{bad} {id}: not all of it was done; `sutler migrate` goes on with it"));
        }
        MigrationOutcome::NotBegun => output.say(&format!("– {id}: not begun")),
    }
}

fn changed(ran: &Ran) -> bool {
    match &ran.outcome {
        MigrationOutcome::Applied(report) | MigrationOutcome::Unfinished(report) => !report.done.is_empty(),
        _ => false,
    }
}

fn ran(ran: &Ran) -> Value {
    let mut fields = json!({ "migration": ran.migration, "outcome": ran.outcome.word() });
    match &ran.outcome {
        MigrationOutcome::Applied(report) | MigrationOutcome::Unfinished(report) => {
            fields["report"] = serde_json::to_value(report).unwrap_or_default();
        }
        MigrationOutcome::AppliedByAnother { actor } => fields["actor"] = actor.as_str().into(),
        MigrationOutcome::WasThere | MigrationOutcome::NotBegun => {}
    }
    fields
}

/// Standard output of a run: JSON Lines with a sequence and exactly one terminal record, or nothing.
struct Stream {
    output: Output,
    sequence: u64,
}

impl Stream {
    fn event(&mut self, event: &MigrationEvent) -> Result<(), Failure> {
        let written = |error: serde_json::Error| Failure::failed(error.to_string());
        match event {
            MigrationEvent::Begun { migration, plan } => {
                let plan = serde_json::to_value(plan).map_err(written)?;
                self.line("migration_begun", json!({ "migration": migration, "plan": plan }))
            }
            MigrationEvent::Step(progress) => {
                self.line("apply_progress", serde_json::to_value(progress).map_err(written)?)
            }
        }
    }

    fn result(&mut self, fields: Value) -> Result<(), Failure> {
        self.line("migrate_result", fields)
    }

    fn line(&mut self, kind: &str, mut fields: Value) -> Result<(), Failure> {
        if !self.output.is_json() {
            return Ok(());
        }
        self.sequence += 1;
        fields["sequence"] = self.sequence.into();
        verbs::printed(self.output.document(kind, fields))
    }
}

/// What went wrong in the migration that was not finished, as after an apply.
fn complain(ran: Vec<Ran>, output: Output) {
    for ran in ran {
        if let MigrationOutcome::Unfinished(report) = ran.outcome {
            say_what_came_of_it(
                &Applied { replanned: None, intent: Intent::Apply, report, notes: Vec::new() },
                output,
            );
        }
    }
}
