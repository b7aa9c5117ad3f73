//! `state migrate` on a terminal.

use serde_json::{Value, json};

use super::args::Migrate;
use super::ask;
use super::output::Output;
use super::text::one_line;
use super::verbs::{patience, printed};
use crate::commands::state::{Errand, Migrated, Migration, migrate};
use crate::commands::{Failure, Project};
use crate::exit::Exit;
use crate::state::{Move, Remains};

pub(super) async fn run(project: &Project, arguments: &Migrate, output: Output) -> Result<Exit, Failure> {
    let errand = arguments.errand();
    if errand == Errand::RemoveSource {
        output
            .say("Everything at the place that the state left is removed, once it is found at the new one.");
        ask::approve(output, arguments.yes, "Remove it?")?;
    }
    let (to, from) = (arguments.to.clone(), arguments.from.clone());
    let migration = Migration { errand, to, from, patience: patience(&arguments.lock_timeout)? };
    let migrated = migrate(project, &migration).await?;
    if output.is_json() {
        printed(output.document("state-migrate", document(&migrated)))?;
        return Ok(Exit::Done);
    }
    let (told, next) = told(&migrated);
    printed(output.print(&format!("{}\n", one_line(&told))))?;
    for line in next {
        output.say(&one_line(&line));
    }
    Ok(Exit::Done)
}

fn document(migrated: &Migrated) -> Value {
    let Move { from, to, cargo, .. } = migrated.of();
    let mut fields = json!({
        "from": from, "to": to, "serial": cargo.serial, "entries": cargo.sequence, "records": cargo.records,
        "revisions": cargo.revisions, "head": cargo.head,
    });
    let more = match migrated {
        Migrated::Moved(moved) => json!({
            "outcome": "moved", "copied": moved.copied, "verified": moved.verified, "mended": moved.mended,
        }),
        Migrated::GivenUp(given_up) => json!({ "outcome": "given_up", "copy_left": given_up.left }),
        Migrated::Compared(compared) => json!({
            "outcome": "verified", "compared_entries": compared.entries, "compared_revisions": compared.revisions,
            "source_removed": compared.remains == Remains::Nothing,
        }),
        Migrated::Removed(removed) => json!({
            "outcome": "source_removed", "compared_entries": removed.entries, "compared_revisions": removed.revisions,
        }),
    };
    if let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more) {
        fields.extend(more);
    }
    fields
}

/// What was done, and what comes next.
fn told(migrated: &Migrated) -> (String, Vec<String>) {
    let Move { from, to, cargo, .. } = migrated.of();
    match migrated {
        Migrated::Moved(moved) => {
            let mended = match moved.mended {
                0 => String::new(),
                count => format!(" {count} parts that were there already were damaged, and written again."),
            };
            let told = format!(
                "Moved to {to}: serial {}, {} entries of the journal, {} revisions, {} records, each compared with what \
                 was first written.{mended}",
                cargo.serial, cargo.sequence, cargo.revisions, cargo.records
            );
            let next = vec![
                format!("{from} is not the state any more; whoever uses it is told where to look."),
                "Next:".to_owned(),
                format!("  1. write `state: {to}` in the configuration, everywhere"),
                format!("  2. sutler state migrate --verify --from '{from}'"),
                format!("  3. sutler state migrate --remove-source --from '{from}'"),
            ];
            (told, next)
        }
        Migrated::GivenUp(given_up) => {
            let told = format!("Given up: the state is at {from}, as it was.");
            let next = given_up.left.iter().map(|why| {
                format!("What was copied to {to} could not be removed ({why}); the next move there does.")
            });
            (told, next.collect())
        }
        Migrated::Compared(compared) if compared.remains == Remains::Whole => (
            format!(
                "Verified: {} entries of the journal and {} revisions are at {to} as they left {from}.",
                compared.entries, compared.revisions
            ),
            vec![format!("Next: sutler state migrate --remove-source --from '{from}'")],
        ),
        Migrated::Compared(_) => (
            format!(
                "Verified: {to} is sound, and goes on from where the state left {from}, which is removed."
            ),
            Vec::new(),
        ),
        Migrated::Removed(_) => (
            format!(
                "Removed what was left at {from}; a note stays there that says that the state is at {to}."
            ),
            Vec::new(),
        ),
    }
}
