//! `pull`: what is live, instance by instance and field by field.

use clap::Args;
use serde_json::{Value, json};

use super::args::Writing;
use super::ask;
use super::asking::Asking;
use super::output::Output;
use super::text::{Paint, one_line};
use super::verbs::{patience, printed};
use crate::commands::{self, Failure, Field, Line, Observed, Project, Pulled, Reconciled, Standing, Verdict};
use crate::exit::Exit;
use crate::plan::Protection;

#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// Only these instances; all that are recorded when none is named.
    #[arg(value_name = "REF")]
    pub(crate) references: Vec<String>,
    /// Let state take over what was found: records of what is gone are removed, changed outputs replaced, and what was
    /// changed at the vendor is put right by the next apply.
    #[arg(long)]
    pub(crate) reconcile: bool,
    /// With --reconcile: also remove records of what is protected, or when a broker knows nothing any more.
    #[arg(long, requires = "reconcile")]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) asking: Asking,
    #[command(flatten)]
    pub(crate) writing: Writing,
}

pub(super) async fn pull(project: &Project, arguments: &Pull, output: Output) -> Result<Exit, Failure> {
    if arguments.reconcile {
        return reconcile(project, arguments, output).await;
    }
    let patience = arguments.asking.patience(project, output)?;
    let pulled = commands::pull(project, &arguments.references, &patience).await?;
    let exit = pulled.exit();
    if output.is_json() {
        let fields = json!({ "exit_code": exit.code(), "instances": instances(&pulled) });
        printed(output.document("pull", fields))?;
    } else {
        printed(output.print(&text(&pulled, output.paint())))?;
    }
    Ok(exit)
}

async fn reconcile(project: &Project, arguments: &Pull, output: Output) -> Result<Exit, Failure> {
    let patience_with_lock = patience(&arguments.writing.lock_timeout)?;
    let asking = arguments.asking.patience(project, output)?;
    let protection = if arguments.force { Protection::Overridden } else { Protection::Respected };
    let found = commands::reconciliation(project, &arguments.references, (protection, asking)).await?;
    if !output.is_json() {
        printed(output.print(&text(&found.pulled, output.paint())))?;
    }
    say_lines(output, "kept", &found.kept);
    if found.proposals.is_empty() {
        let exit = found.exit();
        output.say("State has nothing to take over.");
        finish(output, (&found.pulled, &found.kept), (exit, None))?;
        return Ok(exit);
    }
    say_lines(output, "would", &found.proposals);
    ask::approve(output, arguments.writing.yes, "Write this into state?")?;
    let done = found.carry_out(patience_with_lock).await?;
    for note in &done.notes {
        output.say(&format!("{} {}", output.paint().caution("note:"), one_line(note)));
    }
    say_lines(output, "left", &done.left);
    let exit = done.exit();
    finish(output, (&found.pulled, &done.left), (exit, Some(&done)))?;
    Ok(exit)
}

fn say_lines(output: Output, word: &str, lines: &[Line]) {
    for Line { reference, what } in lines {
        output.say(&format!("  {word}: {reference}: {}", one_line(what)));
    }
}

/// The last word, or the only document.
fn finish(
    output: Output,
    (pulled, left): (&Pulled, &[Line]),
    (exit, done): (Exit, Option<&Reconciled>),
) -> Result<(), Failure> {
    let written = done.map(|done| done.written.as_slice()).unwrap_or_default();
    let serial = done.and_then(|done| done.serial);
    if output.is_json() {
        let lines = |lines: &[Line]| -> Vec<Value> {
            lines.iter().map(|line| json!({ "ref": line.reference, "what": line.what })).collect()
        };
        let fields = json!({
            "exit_code": exit.code(), "instances": instances(pulled), "changed": serial.is_some(), "serial": serial,
            "written": lines(written), "left": lines(left),
        });
        return printed(output.document("pull", fields));
    }
    let Some(serial) = serial else { return Ok(()) };
    printed(output.print(&format!(
        "{} records written, serial {serial}; `sutler plan` says what apply would do now.\n",
        written.len()
    )))
}

fn instances(pulled: &Pulled) -> Vec<Value> {
    pulled.observed.iter().map(document).collect()
}

fn document(observed: &Observed) -> Value {
    let fields: Vec<Value> = observed.fields.iter().map(field).collect();
    let record = &observed.record;
    json!({
        "ref": record.reference, "broker": record.broker, "instance_id": record.instance_id,
        "verdict": observed.verdict.word(), "detail": observed.detail, "fields": fields,
    })
}

fn field(field: &Field) -> Value {
    let name = &field.name;
    match &field.standing {
        Standing::Same => json!({ "field": name, "is": "same" }),
        Standing::Differs { recorded, found } => {
            json!({ "field": name, "is": "different", "recorded": recorded, "found": found })
        }
        Standing::NotObservable => json!({ "field": name, "is": "not_observable" }),
        Standing::Unrecorded => json!({ "field": name, "is": "unrecorded" }),
    }
}

/// What was found, for people.
fn text(pulled: &Pulled, paint: Paint) -> String {
    let mut lines = String::new();
    let width = pulled.observed.iter().map(|one| one.record.reference.as_str().len()).max().unwrap_or(0);
    for observed in &pulled.observed {
        let (mark, word) = match observed.verdict {
            Verdict::Live => (paint.good("✓"), "live"),
            Verdict::Missing => (paint.bad("✗"), "missing"),
            Verdict::Drifted => (paint.bad("~"), "drifted"),
            Verdict::NotObservable => (paint.dim("·"), "not observable"),
            Verdict::Unknown => (paint.caution("?"), "unknown"),
        };
        let detail = match observed.verdict {
            Verdict::Live | Verdict::Drifted => hidden(observed),
            _ => format!(": {}", one_line(&observed.detail)),
        };
        let reference = observed.record.reference.as_str();
        lines.push_str(&format!("  {mark} {reference:width$}  {word}{detail}\n"));
        for Field { name, standing } in &observed.fields {
            if let Standing::Differs { recorded, found } = standing {
                let value =
                    |value: &Option<String>| value.as_deref().map_or_else(|| "•••".to_owned(), one_line);
                let (recorded, found) = (value(recorded), value(found));
                lines.push_str(&format!(
                    "      {}: {recorded} is recorded, {found} is there\n",
                    one_line(name)
                ));
            }
        }
    }
    lines.push_str(&summary(pulled, paint));
    lines
}

/// What nobody can see of an instance is not told as if it were as recorded.
fn hidden(observed: &Observed) -> String {
    let hidden: Vec<&str> = observed
        .fields
        .iter()
        .filter(|field| field.standing == Standing::NotObservable)
        .map(|field| field.name.as_str())
        .collect();
    match hidden.as_slice() {
        [] => String::new(),
        names => format!(" (not observable: {})", one_line(&names.join(", "))),
    }
}

fn summary(pulled: &Pulled, paint: Paint) -> String {
    let count = |verdict| pulled.observed.iter().filter(|one| one.verdict == verdict).count();
    let mut parts = Vec::new();
    for (verdict, word) in [
        (Verdict::Live, "live"),
        (Verdict::Missing, "missing"),
        (Verdict::Drifted, "drifted"),
        (Verdict::NotObservable, "not observable"),
        (Verdict::Unknown, "unknown"),
    ] {
        match count(verdict) {
            0 => {}
            n => parts.push(format!("{n} {word}")),
        }
    }
    if parts.is_empty() {
        return "Nothing is recorded.\n".to_owned();
    }
    let mut text = format!("{}\n", paint.bold(&format!("{}.", parts.join(", "))));
    if count(Verdict::Unknown) > 0 {
        text.push_str("What is unknown is not counted as missing, and nothing was changed.\n");
    }
    text
}
