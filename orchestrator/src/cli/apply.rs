//! `apply` and `teardown` on a terminal: show the plan, ask (a teardown wants `--yes`), show progress, say what came of it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::args;
use super::ask;
use super::output::Output;
use super::progress::{RowState, Tree};
use super::text::{self, Paint};
use super::verbs;
use crate::commands::{self, Applied, ApplyOptions, Approval, Failure, Prepared, Project, SavedPlan};
use crate::execute::{Ended, Progress, Stop, Until};
use crate::exit::Exit;
use crate::name::InstanceRef;
use crate::nearest::listed;
use crate::plan::{Intent, Plan};

pub(super) async fn apply(
    project: &Project,
    arguments: &args::Apply,
    output: Output,
) -> Result<Exit, Failure> {
    let plan = verbs::options(&arguments.selection)?;
    let options = options(&arguments.execution, plan, Intent::Apply)?;
    // A plan that was saved was looked at then.
    let yes = arguments.execution.yes || arguments.plan.is_some();
    let saved = arguments.plan.as_deref().map(|path| SavedPlan::load(path, project)).transpose()?;
    run(project, (options, saved), (yes, output)).await
}

pub(super) async fn teardown(
    project: &Project,
    arguments: &args::Teardown,
    output: Output,
) -> Result<Exit, Failure> {
    let plan = commands::PlanOptions { force: arguments.force, ..commands::PlanOptions::default() };
    let options = options(&arguments.execution, plan, Intent::Teardown)?;
    run(project, (options, None), (arguments.execution.yes, output)).await
}

pub(super) fn options(
    execution: &args::Execution,
    plan: commands::PlanOptions,
    intent: Intent,
) -> Result<ApplyOptions, Failure> {
    let patience = verbs::patience(&execution.lock_timeout)?;
    Ok(ApplyOptions {
        plan,
        intent,
        parallelism: usize::from(execution.parallelism),
        patience,
        on_ambiguous: execution.on_ambiguous.map(Into::into),
        until: if execution.detach { Until::Accepted } else { Until::Done },
        adoption: None,
    })
}

pub(super) async fn run(
    project: &Project,
    (options, saved): (ApplyOptions, Option<SavedPlan>),
    (yes, output): (bool, Output),
) -> Result<Exit, Failure> {
    let intent = options.intent;
    let mut stream = Stream { output, sequence: 0 };
    let (exit, result) = match work(project, (options, saved), (yes, &mut stream)).await {
        Ok(ended) => ended,
        Err(failure) => {
            // Whoever reads the stream gets its terminal record; people get the failure on standard error.
            let error = failure.to_string();
            stream.result(
                intent,
                &json!({ "exit_code": failure.exit().code(), "changed": false, "error": error }),
            )?;
            return Err(failure);
        }
    };
    stream.result(intent, &result)?;
    Ok(exit)
}

/// Everything between the first and the terminal record; returns what the latter says.
async fn work(
    project: &Project,
    (options, saved): (ApplyOptions, Option<SavedPlan>),
    (yes, stream): (bool, &mut Stream),
) -> Result<(Exit, Value), Failure> {
    let intent = options.intent;
    let question = match intent {
        Intent::Upgrade(_) => "Upgrade these?",
        Intent::Rotate(_) => "Rotate these?",
        Intent::Apply | Intent::Teardown => "Do this?",
    };
    let prepared = match saved {
        Some(saved) => commands::prepare_saved(project, saved, options).await?,
        None => commands::prepare(project, options).await?,
    };
    stream.plan(intent, &prepared.planned.plan, &prepared.planned.notes)?;
    if intent == Intent::Teardown && !yes {
        say_what_a_teardown_would_do(&prepared, stream.output);
        return Ok((Exit::Done, json!({ "exit_code": 0, "changed": false, "preview": true })));
    }
    if !prepared.does_something() {
        let exit = prepared.idle();
        return Ok((exit, json!({ "exit_code": exit.code(), "changed": false })));
    }
    if prepared.changes_something() {
        ask::approve(stream.output, yes, question)?;
    } else {
        stream.output.say("Nothing to do but to delete what earlier runs left over.");
    }
    let approval = if yes { Approval::Given } else { Approval::ToThisPlan };
    let applied = carry_out(&prepared, approval, stream).await?;
    let exit = applied.exit();
    say_what_came_of_it(&applied, stream.output);
    let changed = !applied.report.done.is_empty();
    Ok((exit, json!({ "exit_code": exit.code(), "changed": changed, "report": applied.report })))
}

/// A teardown without `--yes` shows what it would do, also where somebody could be asked: too much hangs on one key.
fn say_what_a_teardown_would_do(prepared: &Prepared<'_>, output: Output) {
    if !prepared.orphans.is_empty() {
        let names = listed(prepared.orphans.iter().map(InstanceRef::as_str));
        output.say(&format!("Earlier runs left something over of {names}; that would be deleted, too."));
    }
    if prepared.does_something() {
        output.say("Nothing was deleted. To do it, run the same with --yes.");
    }
}

/// Runs the plan while drawing what happens, and listens for Ctrl-C.
async fn carry_out(
    prepared: &Prepared<'_>,
    approval: Approval,
    stream: &mut Stream,
) -> Result<Applied, Failure> {
    let output = stream.output;
    let (events, mut heard) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(Stop::Never);
    let listener = tokio::spawn(listen(stop, output));
    let mut view = View::new(&prepared.planned.plan, output);
    let work = prepared.carry_out(approval, events, stopped);
    tokio::pin!(work);
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let applied = loop {
        tokio::select! {
            applied = &mut work => break applied,
            Some(event) = heard.recv() => {
                stream.event(&event)?;
                view.take(&event);
            }
            _ = tick.tick(), if output.is_live() => view.draw(),
        }
    };
    while let Ok(event) = heard.try_recv() {
        stream.event(&event)?;
        view.take(&event);
    }
    view.finish();
    listener.abort();
    applied
}

/// The first signal drains, the second one stops at the next safe point.
pub(super) async fn listen(stop: watch::Sender<Stop>, output: Output) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    for (next, words) in [
        (
            Stop::Drain,
            "Stopping: nothing new is started, what is running is finished. Ctrl-C again stops at the next safe point.",
        ),
        (Stop::Abandon, "Stopping now; the next run goes on from what is recorded."),
    ] {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        output.say(words);
        stop.send_replace(next);
    }
}

/// What happens, as lines or as a picture.
pub(super) struct View {
    tree: Tree,
    output: Output,
    drawn: usize,
    term: console::Term,
}

impl View {
    pub(super) fn new(plan: &Plan, output: Output) -> Self {
        Self { tree: Tree::new(plan, Instant::now()), output, drawn: 0, term: console::Term::stderr() }
    }

    pub(super) fn take(&mut self, event: &Progress) {
        let now = Instant::now();
        match event {
            Progress::Started { reference, action } => {
                self.tree.set((reference, *action), RowState::Running { since: now, note: None })
            }
            Progress::Waiting { reference, description, .. } => self.tree.note(reference, description),
            Progress::Detached { reference, action } => {
                self.tree.set((reference, *action), RowState::LeftRunning);
            }
            Progress::Done { reference, action, took } => {
                self.tree.set((reference, *action), RowState::Done { took: *took })
            }
            Progress::Failed { reference, action, error } => {
                self.tree.set((reference, *action), RowState::Failed { why: error.clone() });
            }
            Progress::Skipped { reference, action, because } => {
                let because = format!("{because} failed");
                self.tree.set((reference, *action), RowState::Skipped { because });
            }
        }
        // A live picture is drawn at every tick, however much happens in between.
        if !self.output.is_live()
            && let Some(line) = line(event, self.output.paint())
        {
            self.output.say(&line);
        }
    }

    /// Draws over the last picture.
    pub(super) fn draw(&mut self) {
        let (height, width) = self.term.size();
        let frame = self.tree.frame(Instant::now(), width.into(), height.into(), self.output.paint());
        // A terminal that is gone is not worth stopping for.
        let _gone = self.term.clear_last_lines(self.drawn);
        for line in &frame {
            self.output.say(line);
        }
        self.drawn = frame.len();
    }

    /// The last picture stays.
    pub(super) fn finish(&mut self) {
        if self.output.is_live() {
            self.draw();
        }
    }
}

/// An event as a line, for logs and pipes.
fn line(event: &Progress, paint: Paint) -> Option<String> {
    Some(match event {
        Progress::Started { reference, action } => format!("{reference}: {}", text::action_running(*action)),
        Progress::Waiting { reference, description, .. } => {
            format!("{reference}: {}", text::one_line(description))
        }
        Progress::Detached { reference, .. } => {
            format!("… {reference}: its broker works on it; not waited for")
        }
        Progress::Done { reference, action, took } => {
            format!(
                "{} {reference}: {} in {}",
                paint.good("✓"),
                text::action_word(*action),
                text::duration(*took)
            )
        }
        Progress::Failed { reference, error, .. } => {
            format!("{} {reference}: {}", paint.bad("✗"), text::one_line(error))
        }
        Progress::Skipped { reference, because, .. } => {
            format!("– {reference}: skipped, because {because} failed")
        }
    })
}

pub(super) fn say_what_came_of_it(applied: &Applied, output: Output) {
    let paint = output.paint();
    let report = &applied.report;
    if let Some(plan) = &applied.replanned {
        output.say(&format!(
            "State had changed since the plan was shown. Done instead: {}",
            text::summary(plan)
        ));
    }
    for note in applied.notes.iter().chain(&report.warnings) {
        output.say(&format!("{} {}", paint.caution("note:"), text::one_line(note)));
    }
    for failed in report.failed.iter().chain(&report.paused) {
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
    let mut parts = vec![format!("{} done", report.done.len())];
    for (count, word) in [
        (report.kept, "unchanged"),
        (report.failed.len(), "failed"),
        (report.paused.len(), "left for you to look at"),
        (report.running.len(), "running"),
        (report.skipped.len(), "skipped"),
        (report.left.len(), "left for the next run"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    if report.is_under_way() {
        output.say(
            "Brokers go on by themselves; `sutler status --wait` waits for them, `sutler apply` goes on.",
        );
    }
    let mark =
        if report.is_complete() || report.is_under_way() { paint.good("✓") } else { paint.bad("✗") };
    output.say(&format!("{mark} {} in {}", parts.join(", "), text::duration(report.took)));
}

/// Standard output of a run: text, or JSON Lines with a sequence and exactly one terminal record.
struct Stream {
    output: Output,
    sequence: u64,
}

impl Stream {
    fn plan(&mut self, intent: Intent, plan: &Plan, notes: &[String]) -> Result<(), Failure> {
        for note in notes {
            self.output.say(&format!("{} {}", self.output.paint().caution("note:"), text::one_line(note)));
        }
        if self.output.is_json() {
            let plan = serde_json::to_value(plan).map_err(|error| Failure::failed(error.to_string()))?;
            return self.line("plan", &plan);
        }
        let text = match intent {
            Intent::Teardown if plan.steps.is_empty() => {
                "Nothing is in state: nothing to delete.\n".to_owned()
            }
            _ => text::plan(plan, self.output.paint()),
        };
        verbs::printed(self.output.print(&text))
    }

    fn event(&mut self, event: &Progress) -> Result<(), Failure> {
        if !self.output.is_json() {
            return Ok(());
        }
        let event = serde_json::to_value(event).map_err(|error| Failure::failed(error.to_string()))?;
        self.line("apply_progress", &event)
    }

    fn result(&mut self, intent: Intent, fields: &Value) -> Result<(), Failure> {
        let kind = match intent {
            Intent::Apply => "apply_result",
            Intent::Teardown => "teardown_result",
            Intent::Upgrade(_) => "upgrade_result",
            Intent::Rotate(_) => "rotate_result",
        };
        if self.output.is_json() { self.line(kind, fields) } else { Ok(()) }
    }

    fn line(&mut self, kind: &str, fields: &Value) -> Result<(), Failure> {
        self.sequence += 1;
        let mut fields = fields.clone();
        if let Value::Object(fields) = &mut fields {
            fields.insert("sequence".to_owned(), self.sequence.into());
        }
        verbs::printed(self.output.document(kind, fields))
    }
}
