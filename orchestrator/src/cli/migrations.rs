//! `migrations …` on a terminal.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::Output;
use super::text::one_line;
use super::verbs::{patience, printed};
use crate::commands::migrations::{self as commands, Looked, Place, Skipped};
use crate::commands::{Extent, Failure, Project};
use crate::exit::Exit;
use crate::migrations::{MigrationId, Progress};
use crate::state::LedgerEntry;

#[derive(Debug, Args)]
pub(crate) struct Migrations {
    #[command(subcommand)]
    pub(crate) what: Verb,
    /// Where migrations are; `migrations` beside the configuration when left out.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List migrations, and what this environment's ledger says of each; exit 3 when something is to be done.
    Status,
    /// Name what destroys, replaces, unprotects or writes out secrets, and branches that change the same; exit 3 when
    /// there is any.
    Lint {
        /// Only these; all when left out.
        #[arg(value_name = "ID")]
        ids: Vec<String>,
    },
    /// Decide that a migration is not to be done here. Who decided it and why is recorded.
    Skip {
        /// Which.
        #[arg(value_name = "ID")]
        id: String,
        /// Why.
        #[arg(long, value_name = "WHY")]
        reason: String,
        /// How long to wait for the lock, such as 10s.
        #[arg(long, default_value = "0s", value_name = "DURATION")]
        lock_timeout: String,
    },
    /// Add a checkpoint: where nothing was done yet, it is done instead of everything before it.
    Squash {
        /// What it is called.
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
    /// Check every file against migrations.sum, and that against this environment's ledger.
    Verify {
        /// Check the files only.
        #[arg(long)]
        offline: bool,
    },
    /// Put a migration of a branch after what others added meanwhile. Only one that was not done here can be.
    Rebase {
        /// Which.
        #[arg(value_name = "ID")]
        id: String,
    },
}

pub(super) async fn run(project: &Project, arguments: &Migrations, output: Output) -> Result<Exit, Failure> {
    let folder = arguments.folder.clone();
    match &arguments.what {
        Verb::Status => {
            let looked = commands::status(project, folder).await?;
            status(&looked, output)?;
            Ok(looked.exit())
        }
        Verb::Lint { ids } => {
            let ids: Vec<MigrationId> = ids.iter().map(|text| id(text)).collect::<Result<_, _>>()?;
            lint(&commands::lint(project, folder, &ids)?, output)
        }
        Verb::Skip { id: text, reason, lock_timeout } => {
            let skipped = Skipped {
                folder,
                migration: id(text)?,
                reason: reason.clone(),
                occasion: project.settings.occasion,
                patience: patience(lock_timeout)?,
            };
            let entry = commands::skip(project, &skipped).await?;
            let told = format!("{text} is not done here: {} ({})", skipped.reason.trim(), entry.actor);
            document(output, ("migrations_skip", recorded(&entry)), &told)
        }
        Verb::Squash { name } => {
            let squashed = commands::squash(project, folder, name.as_deref()).await?;
            let (id, count, of) = (&squashed.migration, squashed.instances, squashed.stands_for);
            let told = format!(
                "Wrote {id}: {count} instances, in place of {of} migrations where none of them was done."
            );
            let fields = json!({ "migration": id, "instances": count, "stands_for": of });
            document(output, ("migrations_squash", fields), &told)
        }
        Verb::Verify { offline } => {
            let extent = if *offline { Extent::Offline } else { Extent::Live };
            let count = commands::verify(project, folder, extent).await?;
            let ledger = if *offline { "" } else { ", and the ledger agrees" };
            let told = format!("{count} migrations are as they were written{ledger}.");
            document(output, ("migrations_verify", json!({ "migrations": count, "offline": offline })), &told)
        }
        Verb::Rebase { id: text } => {
            let rebased = commands::rebase(project, folder, &id(text)?).await?;
            let moved: Vec<String> =
                rebased.moved.iter().map(|(from, to)| format!("{from} is {to} now.")).collect();
            let fields: Vec<Value> =
                rebased.moved.iter().map(|(from, to)| json!({ "from": from, "to": to })).collect();
            document(output, ("migrations_rebase", json!({ "moved": fields })), &moved.join("\n"))
        }
    }
}

fn id(text: &str) -> Result<MigrationId, Failure> {
    MigrationId::new(text).map_err(|error| Failure::usage(error.to_string()))
}

fn document(output: Output, (kind, fields): (&str, Value), told: &str) -> Result<Exit, Failure> {
    if output.is_json() {
        printed(output.document(kind, fields))?;
    } else {
        let lines: Vec<String> = told.lines().map(one_line).collect();
        printed(output.print(&format!("{}\n", lines.join("\n"))))?;
    }
    Ok(Exit::Done)
}

fn recorded(entry: &LedgerEntry) -> Value {
    serde_json::to_value(entry).unwrap_or_default()
}

fn status(looked: &Looked, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        let migrations: Vec<Value> = looked
            .migrations
            .iter()
            .map(|place| {
                let entry = place.recorded.as_ref().map(recorded);
                json!({ "migration": place.migration, "is": place.progress.word(), "steps": place.steps, "ledger": entry })
            })
            .collect();
        let unknown: Vec<Value> = looked.unknown.iter().map(recorded).collect();
        let fields = json!({
            "migrations": migrations, "unknown": unknown, "disagreements": looked.disagreements,
        });
        return printed(output.document("migrations_status", fields));
    }
    let paint = output.paint();
    let mut text = String::new();
    for place in &looked.migrations {
        let mark = match place.progress {
            Progress::Applied | Progress::Covered => paint.good("✓"),
            Progress::Skipped => paint.dim("/"),
            Progress::Pending => paint.caution("·"),
            Progress::Begun => paint.bad("!"),
        };
        text.push_str(&format!("  {mark} {}  {}\n", place.migration, one_line(&detail(place))));
    }
    for entry in &looked.unknown {
        let what = format!("{}  unknown here; done by {}", entry.key.id, entry.actor);
        text.push_str(&format!("  {} {}\n", paint.bad("?"), one_line(&what)));
    }
    for disagreement in &looked.disagreements {
        text.push_str(&format!("{} {}\n", paint.bad("error:"), one_line(disagreement)));
    }
    let open = looked.migrations.iter().filter(|place| place.progress.is_open()).count();
    text.push_str(&match (looked.migrations.len(), open) {
        (0, _) => "There are no migrations; `sutler generate` writes the first.\n".to_owned(),
        (all, 0) => format!("{all} migrations, nothing to do.\n"),
        (all, open) => format!("{open} of {all} migrations to run: `sutler migrate`.\n"),
    });
    printed(output.print(&text))
}

fn detail(place: &Place) -> String {
    let Some(entry) = &place.recorded else {
        return match place.progress {
            Progress::Covered => "covered by a checkpoint".to_owned(),
            _ => format!("pending, {} steps", place.steps),
        };
    };
    let when = entry.finished.as_ref().unwrap_or(&entry.started);
    let notes = if entry.notes.is_empty() { String::new() } else { format!(": {}", entry.notes.join("; ")) };
    let (word, by, who) = (place.progress.word(), entry.applied_by.word(), &entry.actor);
    format!("{word} {when} by {who} ({by}){notes}")
}

fn lint(dangers: &[crate::migrations::Danger], output: Output) -> Result<Exit, Failure> {
    if output.is_json() {
        let dangers: Vec<Value> = dangers
            .iter()
            .map(|one| json!({ "migration": one.migration, "ref": one.reference, "danger": one.kind, "what": one.what }))
            .collect();
        printed(output.document("migrations_lint", json!({ "dangers": dangers })))?;
    } else {
        let mut text = String::new();
        for one in dangers {
            let kind = output.paint().bad(one.kind);
            let what = one_line(&one.what);
            text.push_str(&format!("  {} {}  {kind}: {what}\n", one.migration, one.reference));
        }
        if dangers.is_empty() {
            text.push_str("Nothing dangerous.\n");
        }
        printed(output.print(&text))?;
    }
    Ok(if dangers.is_empty() { Exit::Done } else { Exit::Pending })
}
