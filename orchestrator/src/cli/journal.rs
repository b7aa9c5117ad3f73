//! `history` and `events`: the journal, for people and for programs.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::output::Output;
use super::text::{Paint, one_line};
use super::{args, verbs};
use crate::commands::{self, Failure, Project};
use crate::events::cloud_event;
use crate::exit::Exit;
use crate::state::{Entry, Seen, Transition};

/// Longer values are cut.
const SHOWN: usize = 80;

pub(super) async fn history(project: &Project, reference: &str, output: Output) -> Result<Exit, Failure> {
    let history = commands::history(project, reference).await?;
    if output.is_json() {
        let entries =
            serde_json::to_value(&history.entries).map_err(|error| Failure::failed(error.to_string()))?;
        let (status, since) = history.since.clone().unzip();
        let fields = json!({
            "ref": history.reference, "serial": history.serial, "status": status, "since": since,
            "entries": entries,
        });
        verbs::printed(output.document("history", fields))?;
        return Ok(Exit::Done);
    }
    let paint = output.paint();
    let mut text = match &history.since {
        Some((status, since)) => format!("{} is {} since {since}\n", history.reference, one_line(status)),
        None => format!("{} is gone\n", history.reference),
    };
    history.entries.iter().for_each(|entry| lines(entry, paint, &mut text));
    verbs::printed(output.print(&text))?;
    Ok(Exit::Done)
}

pub(super) async fn events(
    project: &Project,
    arguments: &args::Events,
    output: Output,
) -> Result<Exit, Failure> {
    if arguments.deliver {
        return deliver(project, output).await;
    }
    if arguments.count {
        return count(project, arguments.window.as_deref(), output).await;
    }
    if !arguments.follow {
        return tell(project, arguments, output).await;
    }
    // listened to all the while, not only between two looks: an interruption in the middle of one counts too
    let mut interrupted = signal(SignalKind::interrupt())
        .map_err(|error| Failure::failed(format!("could not listen to interruptions: {error}")))?;
    tokio::select! {
        ended = tell(project, arguments, output) => ended,
        _ = interrupted.recv() => Ok(Exit::Done),
    }
}

/// Tells what there is, page by page, and what comes if it is followed.
async fn tell(project: &Project, arguments: &args::Events, output: Output) -> Result<Exit, Failure> {
    let state = project.backend.load().await?;
    let of = (project.config.stack.as_str(), state.lineage);
    let mut after = arguments.after;
    loop {
        let page = commands::entries(project, after).await?;
        for entry in &page {
            after = entry.sequence;
            if output.is_json() {
                let event = json!({ "event": cloud_event(of, entry) });
                verbs::printed(output.document("event", event))?;
            } else {
                let mut text = String::new();
                lines(entry, output.paint(), &mut text);
                verbs::printed(output.print(&text))?;
            }
        }
        if page.is_empty() {
            if !arguments.follow {
                return Ok(Exit::Done);
            }
            tokio::time::sleep(project.settings.poll_interval).await;
        }
    }
}

async fn deliver(project: &Project, output: Output) -> Result<Exit, Failure> {
    if project.config.events.is_empty() {
        return Err(Failure::usage(
            "nobody is to be told; add events: { file: events.jsonl } to the configuration",
        ));
    }
    let troubles = commands::deliver(project).await;
    for trouble in &troubles {
        output.complain(&format!("{} {}", output.paint().bad("error:"), one_line(trouble)));
    }
    if output.is_json() {
        verbs::printed(output.document("delivered", json!({ "troubles": troubles })))?;
    } else if troubles.is_empty() {
        output.say("Everyone was told everything.");
    }
    Ok(if troubles.is_empty() { Exit::Done } else { Exit::Failed })
}

async fn count(project: &Project, window: Option<&str>, output: Output) -> Result<Exit, Failure> {
    let window = match window {
        None => Duration::from_secs(24 * 60 * 60),
        Some(text) => commands::duration(text).ok_or_else(|| {
            Failure::usage(format!("--window {text} is not a duration; write it such as 24h"))
        })?,
    };
    let counted = commands::counts(project, window).await?;
    if output.is_json() {
        let list: Vec<Value> = counted
            .transitions
            .iter()
            .map(|count| json!({ "from": count.from, "to": count.to, "times": count.times }))
            .collect();
        let fields = json!({
            "serial": counted.serial, "window_seconds": window.as_secs(), "transitions": list,
        });
        verbs::printed(output.document("transition_counts", fields))?;
        return Ok(Exit::Done);
    }
    let mut text = String::new();
    for count in &counted.transitions {
        let word = |word: &Option<String>, none: &str| word.as_deref().map_or(none.to_owned(), one_line);
        let (from, to) = (word(&count.from, "nothing"), word(&count.to, "nothing"));
        text.push_str(&format!("{:>8}  {from} → {to}\n", count.times));
    }
    if counted.transitions.is_empty() {
        text.push_str("Nothing changed its status in that time.\n");
    }
    verbs::printed(output.print(&text))?;
    Ok(Exit::Done)
}

/// A change and its fields.
fn lines(entry: &Entry, paint: Paint, text: &mut String) {
    let (who, what) = (one_line(&entry.who), one_line(&entry.what));
    let life = if entry.incarnation > 1 { format!(" (life {})", entry.incarnation) } else { String::new() };
    text.push_str(&format!(
        "{:>6}  {}  {}{life}: {what}  {}\n",
        entry.sequence,
        entry.at,
        paint.bold(entry.reference.as_str()),
        paint.dim(&format!("by {who}"))
    ));
    for transition in &entry.transitions {
        text.push_str(&format!("          {}\n", one_line(&field(transition))));
    }
}

fn field(Transition { field, from, to }: &Transition) -> String {
    match (from, to) {
        (Some(Seen::Value(from)), Some(Seen::Value(to))) => {
            format!("{field}: {} → {}", value(from), value(to))
        }
        (None, Some(Seen::Value(to))) => format!("{field}: {}", value(to)),
        (Some(_), None) => format!("{field}: gone"),
        (None, Some(_)) => format!("{field}: set"),
        _ => format!("{field}: changed"),
    }
}

fn value(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.chars().count() <= SHOWN { text } else { text.chars().take(SHOWN).chain(['…']).collect() }
}
