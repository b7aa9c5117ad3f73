//! `discover`: what the vendors have that nobody tracks.

use clap::Args;
use serde_json::{Value, json};
use sutler_spec::ObjectOwner;

use super::output::Output;
use super::text::{Paint, one_line};
use super::verbs::printed;
use crate::commands::{self, Discovered, Failure, Found, Project, Scope};
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(crate) struct Discover {
    /// Only these brokers; all that are configured when none is named.
    #[arg(value_name = "BROKER")]
    pub(crate) brokers: Vec<String>,
    /// Also what belongs to instances, and what carries the mark of another installation.
    #[arg(long)]
    pub(crate) all: bool,
}

pub(super) async fn discover(
    project: &Project,
    arguments: &Discover,
    output: Output,
) -> Result<Exit, Failure> {
    let scope = if arguments.all { Scope::Everything } else { Scope::Strays };
    let discovered = commands::discover(project, &arguments.brokers, scope).await?;
    let exit = discovered.exit();
    for trouble in &discovered.troubles {
        output.complain(&format!("{} {}", output.paint().caution("unknown:"), one_line(trouble)));
    }
    if output.is_json() {
        printed(output.document("discover", document(&discovered, exit)))?;
    } else {
        printed(output.print(&text(&discovered, output.paint())))?;
    }
    Ok(exit)
}

fn document(discovered: &Discovered, exit: Exit) -> Value {
    let object = |found: &Found| {
        let Found { broker, service, object, tracked } = found;
        json!({
            "broker": broker, "service": service, "id": object.id, "name": object.name, "owner": object.owner,
            "ref": tracked, "adoptable": object.not_adoptable.is_none(), "why_not": object.not_adoptable,
            "parameters": object.parameters,
        })
    };
    let objects: Vec<Value> = discovered.found.iter().map(object).collect();
    json!({
        "exit_code": exit.code(), "objects": objects, "hidden": discovered.hidden, "silent": discovered.silent,
        "troubles": discovered.troubles,
    })
}

fn text(discovered: &Discovered, paint: Paint) -> String {
    let mut lines = String::new();
    let mut heading = String::new();
    for Found { broker, service, object, tracked } in &discovered.found {
        let of = format!("{broker}/{service}");
        if of != heading {
            lines.push_str(&format!("{}\n", paint.bold(&one_line(&of))));
            heading = of;
        }
        let owner = match (&object.owner, tracked) {
            (_, Some(reference)) => format!("tracked as {reference}"),
            (ObjectOwner::Nobody, None) => match &object.not_adoptable {
                None => "can be adopted".to_owned(),
                Some(why) => format!("cannot be adopted: {why}"),
            },
            (ObjectOwner::Instance { instance_id }, None) => {
                format!("belongs to the instance {instance_id} of somebody else")
            }
            (ObjectOwner::Elsewhere, None) => "carries the mark of another installation".to_owned(),
        };
        let mark = if object.not_adoptable.is_none() { paint.good("+") } else { paint.dim("·") };
        let (name, id, owner) = (one_line(&object.name), one_line(&object.id), one_line(&owner));
        lines.push_str(&format!("  {mark} {name}  {}  {owner}\n", paint.dim(&id)));
    }
    let strays = discovered.found.iter().filter(|found| found.object.owner == ObjectOwner::Nobody);
    let (strays, adoptable) = strays.fold((0, 0), |(strays, adoptable), found| {
        (strays + 1, adoptable + usize::from(found.object.not_adoptable.is_none()))
    });
    let hidden = match discovered.hidden {
        0 => String::new(),
        n => format!("; {n} belong to somebody (--all shows them)"),
    };
    lines.push_str(&format!("{strays} objects that nobody tracks, {adoptable} of them adoptable{hidden}.\n"));
    if discovered.listed == 0 && discovered.troubles.is_empty() {
        lines.push_str("No broker lists what its vendor has; its operator allows it with `extensions: [discover, adopt]`.\n");
    } else if adoptable > 0 {
        lines.push_str("Next: sutler adopt REF --service BROKER/SERVICE --object ID\n");
    }
    lines
}
