//! The verbs that change nothing: each calls one command and prints its report.

use std::io;
use std::path::Path;
use std::process::Command;

use clap::CommandFactory;
use serde_json::{Map, Value, json};

use super::args::{self, Arguments, EnvFormat, GraphFormat};
use super::output::Output;
use super::show;
use super::text;
use crate::commands::{self, Failure, PlanOptions, Project, Reveal, SavedPlan, Variables};
use crate::draw;
use crate::exit::Exit;
use crate::plan::Budget;
use crate::sink::dotenv;

pub(super) fn printed(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        // `sutler … | head` is no failure.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("could not print: {error}")))
        }
        _ => Ok(()),
    }
}

pub(super) fn init(arguments: &args::Init, output: Output) -> Result<Exit, Failure> {
    let written = commands::init(&arguments.path, arguments.stack.as_deref())?;
    output.say(&format!("Wrote {}.", arguments.path.display()));
    if !written.ignored.is_empty() {
        output.say(&format!("Added {} to .gitignore.", written.ignored.join(" and ")));
    }
    output.say("Next: name your brokers in it, then `sutler catalog` and `sutler plan`.");
    Ok(Exit::Done)
}

pub(super) fn completions(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "sutler", &mut script);
    printed(io::Write::write_all(&mut io::stdout(), &script))?;
    Ok(Exit::Done)
}

pub(super) async fn plan(
    project: &Project,
    arguments: &args::PlanArguments,
    output: Output,
) -> Result<Exit, Failure> {
    let planned = commands::plan(project, &options(&arguments.selection)?, arguments.out.as_deref()).await?;
    for note in &planned.notes {
        output.say(&format!("{} {}", output.paint().caution("note:"), text::one_line(note)));
    }
    if output.is_json() {
        let fields =
            serde_json::to_value(&planned.plan).map_err(|error| Failure::failed(error.to_string()))?;
        printed(output.document("plan", fields))?;
    } else {
        printed(output.print(&text::plan(&planned.plan, output.paint())))?;
    }
    if let Some(path) = &arguments.out {
        let shown = path.display();
        output
            .say(&format!("Saved, sealed, as {shown}. Next: `sutler show {shown}`, `sutler apply {shown}`."));
    }
    let pending = text::changes_something(&planned.plan);
    Ok(if pending && arguments.detailed_exitcode { Exit::Pending } else { Exit::Done })
}

pub(super) fn show(project: &Project, path: &Path, output: Output) -> Result<Exit, Failure> {
    let saved = SavedPlan::load(path, project)?;
    if output.is_json() {
        let plan = serde_json::to_value(&saved.plan).map_err(|error| Failure::failed(error.to_string()))?;
        printed(output.document("saved_plan", json!({ "made_at": saved.made_at, "plan": plan })))?;
    } else {
        output.say(&format!("Made at {} from serial {}.", saved.made_at, saved.plan.serial));
        printed(output.print(&text::plan(&saved.plan, output.paint())))?;
    }
    Ok(Exit::Done)
}

/// How long to wait for the lock.
pub(super) fn patience(text: &str) -> Result<std::time::Duration, Failure> {
    let unusable =
        || Failure::usage(format!("--lock-timeout {text} is not a duration; write it such as 10s"));
    commands::duration(text).ok_or_else(unusable)
}

/// What narrows or widens a plan.
///
/// # Errors
/// When the budget is no amount.
pub(super) fn options(selection: &args::Selection) -> Result<PlanOptions, Failure> {
    let budget = |text: &String| {
        Budget::parse(text).ok_or_else(|| {
            Failure::usage(format!("--budget {text} is no amount; write it such as 50 or 49.90eur"))
        })
    };
    Ok(PlanOptions {
        targets: selection.targets.clone(),
        prune: selection.prune,
        force: selection.force,
        budget: selection.budget.as_ref().map(budget).transpose()?,
        at: None,
    })
}

pub(super) async fn outputs(
    project: &Project,
    arguments: &args::Outputs,
    output: Output,
) -> Result<Exit, Failure> {
    let reveal = if arguments.reveal { Reveal::Everything } else { Reveal::Public };
    let found = commands::outputs(project, arguments.reference.as_deref(), reveal).await?;
    if output.is_json() {
        let list: Vec<Value> = found
            .rows
            .iter()
            .map(|row| json!({ "ref": row.reference, "output": row.key, "variable": row.variable, "secret": row.secret, "value": row.value }))
            .collect();
        printed(output.document("outputs", json!({ "serial": found.serial, "outputs": list })))?;
    } else {
        printed(output.print(&show::outputs(&found.rows)))?;
    }
    Ok(Exit::Done)
}

pub(super) async fn env(project: &Project, arguments: &args::Env, output: Output) -> Result<Exit, Failure> {
    if arguments.recipient {
        return recipient(project, output);
    }
    let opened = commands::env(project, arguments.sink.as_deref()).await?;
    match arguments.command.split_first() {
        Some((program, rest)) => return run(program, rest, &opened),
        None if output.is_json() => printed(output.document("env", json!({ "variables": object(&opened) })))?,
        None => printed(output.print(&written(&opened, arguments.format)?))?,
    }
    Ok(Exit::Done)
}

fn recipient(project: &Project, output: Output) -> Result<Exit, Failure> {
    let (recipient, created) = commands::recipient(project)?;
    if created == sutler_secrets::Created::Yes {
        output.say(&format!("Made the key ring {}; keep a copy in a safe place.", project.keys.display()));
    }
    if output.is_json() {
        let fields = json!({ "key": recipient.id().to_string(), "recipient": recipient.to_string() });
        printed(output.document("recipient", fields))?;
    } else {
        printed(output.print(&format!("{recipient}\n")))?;
    }
    Ok(Exit::Done)
}

fn object(opened: &Variables) -> Map<String, Value> {
    opened.variables.iter().map(|(name, value)| (name.to_string(), value.expose().as_str().into())).collect()
}

/// Becomes the command, with the variables set: its exit code is ours.
fn run(program: &str, arguments: &[String], opened: &Variables) -> Result<Exit, Failure> {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(program);
    command.args(arguments);
    for (name, value) in &opened.variables {
        command.env(name.as_str(), value.expose());
    }
    let error = command.exec();
    Err(Failure::failed(format!("could not run {program}: {error}")))
}

fn written(opened: &Variables, format: EnvFormat) -> Result<String, Failure> {
    let mut text = String::new();
    match format {
        EnvFormat::Json => text = format!("{}\n", Value::Object(object(opened))),
        EnvFormat::Dotenv => {
            for (name, value) in &opened.variables {
                text.push_str(dotenv::line(name, value)?.expose());
                text.push('\n');
            }
        }
        EnvFormat::Shell => {
            for (name, value) in &opened.variables {
                text.push_str(&format!("export {name}='{}'\n", value.expose().replace('\'', "'\\''")));
            }
        }
    }
    Ok(text)
}

pub(super) async fn graph(
    project: &Project,
    arguments: &args::Graph,
    output: Output,
) -> Result<Exit, Failure> {
    let drawing = commands::graph(project).await?;
    if output.is_json() {
        let nodes: Vec<Value> = drawing
            .nodes
            .iter()
            .map(|node| json!({ "ref": node.reference, "service": node.service, "plan": node.plan, "broker": node.broker }))
            .collect();
        let edges: Vec<Value> = drawing
            .edges
            .iter()
            .map(|edge| json!({ "consumer": drawing.nodes[edge.consumer].reference, "producer": drawing.nodes[edge.producer].reference }))
            .collect();
        printed(output.document("graph", json!({ "nodes": nodes, "edges": edges })))?;
        return Ok(Exit::Done);
    }
    let text = match arguments.format {
        GraphFormat::Text => draw::text(&drawing),
        GraphFormat::Dot => draw::dot(&drawing),
        GraphFormat::Mermaid => draw::mermaid(&drawing),
        GraphFormat::Svg => draw::svg(&drawing),
    };
    match &arguments.output {
        Some(path) => {
            std::fs::write(path, text)
                .map_err(|error| Failure::failed(format!("could not write {}: {error}", path.display())))?;
            output.say(&format!("Wrote {}.", path.display()));
        }
        None => printed(output.print(&text))?,
    }
    Ok(Exit::Done)
}

pub(super) async fn catalog(
    project: &Project,
    arguments: &args::Catalog,
    output: Output,
) -> Result<Exit, Failure> {
    let listings = commands::catalog(project, arguments.broker.as_deref()).await?;
    if output.is_json() {
        let brokers: Vec<Value> = listings
            .iter()
            .map(|listing| json!({ "broker": listing.broker, "url": listing.url, "services": listing.services }))
            .collect();
        printed(output.document("catalog", json!({ "brokers": brokers })))?;
    } else {
        printed(output.print(&show::catalog(&listings, output.paint())))?;
    }
    Ok(Exit::Done)
}
