//! `rotate`: other bindings in the place of those that are there, without a gap.

use clap::Args;
use serde_json::json;

use super::apply;
use super::args::Execution;
use super::output::Output;
use super::show::{row, table, trimmed};
use super::verbs;
use crate::commands::{self, Failure, PlanOptions, Project};
use crate::exit::Exit;
use crate::plan::{Intent, Rotatable, Rotate, Stage, Which};
use crate::state::record::Manner;

#[derive(Debug, Args)]
pub(crate) struct RotateArguments {
    /// The instances whose bindings are rotated. Without any, and without --due, what could be rotated is listed.
    #[arg(value_name = "REF")]
    references: Vec<String>,
    /// Only what is past the time before which it is to be renewed, has ended, or was begun; and finish earlier rotations.
    #[arg(long)]
    due: bool,
    /// How long the old binding is kept, such as 30m; with 0s it goes in this run, once nobody uses it any more.
    #[arg(long, default_value = "1h", value_name = "DURATION")]
    grace: String,
    #[command(flatten)]
    execution: Execution,
}

pub(super) async fn rotate(
    project: &Project,
    arguments: &RotateArguments,
    output: Output,
) -> Result<Exit, Failure> {
    if arguments.references.is_empty() && !arguments.due {
        return list(project, output).await;
    }
    let grace = commands::duration(&arguments.grace).ok_or_else(|| {
        Failure::usage(format!("--grace {} is not a duration; write it such as 1h", arguments.grace))
    })?;
    let which = if arguments.due { Which::Due } else { Which::Named };
    let plan = PlanOptions { targets: arguments.references.clone(), ..PlanOptions::default() };
    let intent = Intent::Rotate(Rotate { which, grace });
    let options = apply::options(&arguments.execution, plan, intent)?;
    apply::run(project, (options, None), (arguments.execution.yes, output)).await
}

async fn list(project: &Project, output: Output) -> Result<Exit, Failure> {
    let found = commands::rotatables(project).await?;
    if output.is_json() {
        verbs::printed(output.document("rotations", json!({ "bindings": found })))?;
        return Ok(Exit::Done);
    }
    if found.is_empty() {
        verbs::printed(output.print("There is no binding to rotate.\n"))?;
        return Ok(Exit::Done);
    }
    verbs::printed(output.print(&rows(&found)))?;
    output.say("Next: `sutler rotate REF`, or `sutler rotate --due`.");
    Ok(Exit::Done)
}

fn rows(found: &[Rotatable]) -> String {
    let mut rows = table(&["REF", "PLAN", "NEW BINDING", "RENEW BEFORE", "EXPIRES", "NOTES"]);
    for one in found {
        let plan = format!("{}/{} at {}", one.service, one.plan, one.broker);
        let how = match one.manner {
            Manner::Successor => "names the old one",
            Manner::Beside => "beside the old one",
        };
        let stage = match one.stage {
            Stage::Fresh => None,
            Stage::Due => Some("due".to_owned()),
            Stage::Expired => Some("expired".to_owned()),
            Stage::UnderWay => Some("begun earlier".to_owned()),
        };
        let kept = one.kept_until.iter().map(|until| match until {
            Some(time) => format!("an older one is kept until {time:.0}"),
            None => "an older one is still to be deleted".to_owned(),
        });
        let notes: Vec<String> = stage.into_iter().chain(kept).collect();
        let time = |time: &Option<String>| time.clone().unwrap_or_default();
        let cells = [
            one.reference.as_str(),
            &plan,
            how,
            &time(&one.renew_before),
            &time(&one.expires_at),
            &notes.join("; "),
        ];
        row(&mut rows, &cells);
    }
    trimmed(&rows)
}
