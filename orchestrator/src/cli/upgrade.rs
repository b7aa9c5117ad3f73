//! `upgrade`: newer maintenance versions, listed or applied.

use clap::Args;
use serde_json::json;

use super::apply;
use super::args::Execution;
use super::output::Output;
use super::show::{row, table, trimmed};
use super::verbs;
use crate::commands::{self, Failure, PlanOptions, Project};
use crate::exit::Exit;
use crate::plan::{Direction, Intent, Rollout, Upgrade};

#[derive(Debug, Args)]
pub(crate) struct UpgradeArguments {
    /// Only these; everything that is offered a newer version when left out.
    #[arg(value_name = "REF")]
    references: Vec<String>,
    /// Do it, instead of listing what is offered; asks first, unless --yes is given, which is enough by itself.
    #[arg(long)]
    apply: bool,
    /// So many instances of each plan go first; the others of that plan only when these have succeeded.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    canary: u16,
    /// So many in this run at most; a later run goes on with the others.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pause_after: Option<u16>,
    #[command(flatten)]
    execution: Execution,
}

pub(super) async fn upgrade(
    project: &Project,
    arguments: &UpgradeArguments,
    output: Output,
) -> Result<Exit, Failure> {
    if !arguments.apply && !arguments.execution.yes {
        return list(project, &arguments.references, output).await;
    }
    let rollout = Rollout {
        canaries: arguments.canary.into(),
        at_most: arguments.pause_after.map_or(usize::MAX, usize::from),
    };
    let plan = PlanOptions { targets: arguments.references.clone(), ..PlanOptions::default() };
    let options = apply::options(&arguments.execution, plan, Intent::Upgrade(rollout))?;
    apply::run(project, (options, None), (arguments.execution.yes, output)).await
}

async fn list(project: &Project, references: &[String], output: Output) -> Result<Exit, Failure> {
    let offered = commands::upgrades(project, references).await?;
    if output.is_json() {
        verbs::printed(output.document("upgrades", json!({ "upgrades": offered })))?;
        return Ok(Exit::Done);
    }
    if offered.is_empty() {
        verbs::printed(output.print("Every instance has the maintenance version that its plan offers.\n"))?;
        return Ok(Exit::Done);
    }
    verbs::printed(output.print(&rows(&offered)))?;
    output.say("Next: `sutler upgrade --apply`, one instance of each plan first.");
    Ok(Exit::Done)
}

fn rows(offered: &[Upgrade]) -> String {
    let mut rows = table(&["REF", "PLAN", "FROM", "TO", "NOTES"]);
    for upgrade in offered {
        let plan = format!("{}/{} at {}", upgrade.service, upgrade.plan, upgrade.broker);
        let note = match upgrade.direction {
            Direction::Newer => "",
            Direction::Older => "older; only when it is named",
            Direction::UnderWay => "begun earlier",
        };
        let notes = [note, upgrade.description.as_deref().unwrap_or_default()];
        let notes: Vec<&str> = notes.into_iter().filter(|note| !note.is_empty()).collect();
        let from = upgrade.from.as_deref().unwrap_or("not known");
        row(&mut rows, &[upgrade.reference.as_str(), &plan, from, &upgrade.to, &notes.join("; ")]);
    }
    trimmed(&rows)
}
