//! `generate` on a terminal.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::output::Output;
use super::text;
use super::verbs::printed;
use crate::commands::migrations::{Generation, generate};
use crate::commands::{Failure, Project};
use crate::exit::Exit;
use crate::migrations::{Literals, MigrationStep, StepAction};
use crate::plan::Protection;

#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// What the migration is called, such as bigger-database; it gets a number in front.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Where migrations are; `migrations` beside the configuration when left out.
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Although it deletes or replaces what is protected.
    #[arg(long)]
    pub(crate) force: bool,
    /// Write out literals where secrets belong. Everyone who reads the repository can read them.
    #[arg(long)]
    pub(crate) allow_literals: bool,
}

pub(super) async fn run(project: &Project, arguments: &Generate, output: Output) -> Result<Exit, Failure> {
    let generation = Generation {
        folder: arguments.folder.clone(),
        name: arguments.name.clone(),
        protection: protection(arguments.force),
        literals: if arguments.allow_literals { Literals::Allowed } else { Literals::Refused },
    };
    let generated = generate(project, &generation).await?;
    for note in &generated.notes {
        output.say(&format!("{} {}", output.paint().caution("note:"), text::one_line(note)));
    }
    if output.is_json() {
        let fields = json!({
            "migration": generated.migration, "path": generated.path,
            "steps": generated.steps.iter().map(step).collect::<Vec<_>>(),
        });
        printed(output.document("generate", fields))?;
        return Ok(Exit::Done);
    }
    let Some(id) = &generated.migration else {
        printed(output.print("Nothing to do: the configuration is as the last migration left it.\n"))?;
        return Ok(Exit::Done);
    };
    let mut said = format!("Wrote {}:\n", generated.path);
    said.extend(generated.steps.iter().map(|step| line(step, output)));
    printed(output.print(&said))?;
    output.say(&format!(
        "Next: look at {id}/steps.yaml, commit the folder, then `sutler migrate` in each environment."
    ));
    Ok(Exit::Done)
}

/// What `--force` allows.
pub(super) fn protection(force: bool) -> Protection {
    if force { Protection::Overridden } else { Protection::Respected }
}

fn step(step: &MigrationStep) -> Value {
    json!({ "action": step.action.word(), "ref": step.reference, "service": step.service, "because": step.because })
}

/// A step as a line.
pub(super) fn line(step: &MigrationStep, output: Output) -> String {
    let paint = output.paint();
    let mark = match step.action {
        StepAction::Create => paint.good("+"),
        StepAction::Delete => paint.bad("-"),
        StepAction::Replace => paint.bad("±"),
        StepAction::Follow => paint.dim("="),
        StepAction::Forget => paint.dim("/"),
        StepAction::Update | StepAction::Rebind | StepAction::Record => paint.caution("~"),
    };
    let because = match step.because.as_slice() {
        [] => String::new(),
        reasons => format!("  because {}", reasons.join("; ")),
    };
    let place = format!("{}/{}", step.service, step.plan);
    format!(
        "  {mark} {:<7} {}  {}\n",
        step.action.word(),
        step.reference,
        paint.dim(&text::one_line(&format!("{place}{because}")))
    )
}
