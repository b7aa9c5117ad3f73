//! `state …`: each calls one command and prints its report.

use serde_json::{Value, json};

use super::args::{StateVerb, Writing};
use super::ask;
use super::output::Output;
use super::show::{row, standing, table, trimmed};
use super::text::one_line;
use super::verbs::{patience, printed};
use super::{migrate, rekey};
use crate::commands::state::{self, Removal, Rename, Restoration, Shown, Verified, Written};
use crate::commands::{self, Failure, Project};
use crate::exit::Exit;
use crate::state::{Extent, Seen};

pub(super) async fn state(project: &Project, verb: &StateVerb, output: Output) -> Result<Exit, Failure> {
    match verb {
        StateVerb::List => list(project, output).await,
        StateVerb::Show { reference } => show(project, reference, output).await,
        StateVerb::Revisions => revisions(project, output).await,
        StateVerb::Verify { full } => {
            let extent = if *full { Extent::Everything } else { Extent::SinceRevision };
            verify(&state::verify(project, extent).await?, output)
        }
        StateVerb::Export { revision } => {
            printed(output.document("state-export", state::export(project, *revision).await?))?;
            Ok(Exit::Done)
        }
        StateVerb::Restore { revision, writing } => restore(project, *revision, (writing, output)).await,
        StateVerb::Mv { from, to, writing } => rename(project, (from, to), (writing, output)).await,
        StateVerb::Rm { reference, force, writing } => {
            let removal = Removal::plan(project, reference, *force).await?;
            remove(project, &removal, (writing, output)).await
        }
        StateVerb::Rekey { lock_timeout } => rekey::rekey(project, lock_timeout, output).await,
        StateVerb::Migrate(arguments) => migrate::run(project, arguments, output).await,
        StateVerb::ForceUnlock { id } => force_unlock(project, id, output).await,
    }
}

async fn list(project: &Project, output: Output) -> Result<Exit, Failure> {
    let status = commands::status(project).await?;
    let records: Vec<_> = status.records.iter().map(|(record, _)| record).collect();
    if output.is_json() {
        let records: Vec<Value> = records
            .iter()
            .map(|record| {
                json!({
                    "ref": record.reference, "status": standing(record), "broker": record.broker,
                    "service": record.service.name, "plan": record.service_plan.name,
                    "instance_id": record.instance_id, "needs": record.needs, "protected": record.protected,
                })
            })
            .collect();
        let fields = json!({ "location": status.location, "serial": status.serial, "records": records });
        printed(output.document("state-list", fields))?;
        return Ok(Exit::Done);
    }
    if records.is_empty() {
        printed(output.print("Nothing is recorded; `sutler apply` makes what is declared.\n"))?;
        return Ok(Exit::Done);
    }
    let mut rows = table(&["REF", "STATUS", "SERVICE", "BROKER", "INSTANCE", "NEEDS"]);
    for record in records {
        let service = format!("{}/{}", record.service.name, record.service_plan.name);
        let needs: Vec<&str> = record.needs.iter().map(|need| need.as_str()).collect();
        let (broker, id) = (record.broker.as_str(), record.instance_id.as_str());
        let cells = [record.reference.as_str(), standing(record), &service, broker, id, &needs.join(", ")];
        row(&mut rows, &cells);
    }
    printed(output.print(&trimmed(&rows)))?;
    Ok(Exit::Done)
}

async fn show(project: &Project, reference: &str, output: Output) -> Result<Exit, Failure> {
    let Shown { reference, serial, fields, recent } = state::show(project, reference).await?;
    if output.is_json() {
        let recent: Vec<Value> = recent
            .iter()
            .map(|entry| {
                json!({
                    "sequence": entry.sequence, "serial": entry.serial, "change": entry.change, "at": entry.at,
                    "who": entry.who, "run": entry.run, "what": entry.what, "incarnation": entry.incarnation,
                    "transitions": entry.transitions,
                })
            })
            .collect();
        let fields = json!({ "ref": reference, "serial": serial, "fields": fields, "changes": recent });
        printed(output.document("state-show", fields))?;
        return Ok(Exit::Done);
    }
    let mut rows = table(&["FIELD", "VALUE"]);
    for (field, seen) in &fields {
        row(&mut rows, &[field, &value(seen)]);
    }
    let mut text = trimmed(&rows);
    text.push_str("\nLast changes:\n");
    for entry in &recent {
        let line = format!("{}  {}  {} (serial {})", entry.at, entry.who, entry.what, entry.serial);
        text.push_str(&format!("  {}\n", one_line(&line)));
    }
    printed(output.print(&text))?;
    Ok(Exit::Done)
}

/// A field's value for people: enough of a digest to compare it.
fn value(seen: &Seen) -> String {
    match seen {
        Seen::Value(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        Seen::Secret(digest) => {
            format!("secret ({})", digest.to_string().chars().take(12).collect::<String>())
        }
        Seen::Sealed(_) => "sealed".to_owned(),
    }
}

async fn revisions(project: &Project, output: Output) -> Result<Exit, Failure> {
    let found = state::revisions(project).await?;
    if output.is_json() {
        let list: Vec<Value> = found
            .revisions
            .iter()
            .map(|revision| {
                json!({
                    "revision": revision.serial, "records": revision.records, "digest": revision.digest,
                    "run": revision.run, "at": revision.at,
                })
            })
            .collect();
        let current = found.revisions.last().map(|revision| revision.serial);
        let fields = json!({ "location": found.location, "serial": found.serial, "current": current, "revisions": list });
        printed(output.document("state-revisions", fields))?;
        return Ok(Exit::Done);
    }
    if found.revisions.is_empty() {
        printed(output.print("There is no revision yet; each run that changes something makes one.\n"))?;
        return Ok(Exit::Done);
    }
    let mut rows = table(&["REVISION", "RECORDS", "MADE", "DIGEST", ""]);
    for revision in found.revisions.iter().rev() {
        let current = Some(revision) == found.revisions.last();
        let digest: String = revision.digest.to_string().chars().take(12).collect();
        let note = if current { "current" } else { "" };
        let (serial, records) = (revision.serial.to_string(), revision.records.to_string());
        row(&mut rows, &[&serial, &records, &revision.at, &digest, note]);
    }
    printed(output.print(&trimmed(&rows)))?;
    Ok(Exit::Done)
}

fn verify(verified: &Verified, output: Output) -> Result<Exit, Failure> {
    let Verified { location, serial, records, revisions, since } = verified;
    if output.is_json() {
        let fields = json!({
            "location": location, "sound": true, "serial": serial, "records": records, "revisions": revisions,
            "since": since,
        });
        printed(output.document("state-verify", fields))?;
        return Ok(Exit::Done);
    }
    let extent = match since {
        Some(since) => format!("the journal since revision {since}; --full reads all of it"),
        None => "the whole journal".to_owned(),
    };
    let text = format!(
        "{} {}: serial {serial}, {records} records, {revisions} revisions, {extent}.\n",
        output.paint().good("sound"),
        one_line(location)
    );
    printed(output.print(&text))?;
    Ok(Exit::Done)
}

async fn restore(
    project: &Project,
    revision: u64,
    (writing, output): (&Writing, Output),
) -> Result<Exit, Failure> {
    let patience = patience(&writing.lock_timeout)?;
    let restoration = Restoration::plan(project, revision).await?;
    if restoration.changes.is_empty() {
        output.say(&format!("What is recorded is revision {revision} already; nothing to do."));
        return done(output, None);
    }
    would(output, &restoration.changes);
    ask::approve(output, writing.yes, "Restore it?")?;
    let written = restoration.carry_out(project, patience).await?;
    output.say("No broker was asked: `sutler check` compares with what is live, `sutler plan` says what apply would do.");
    done(output, Some(&written))
}

async fn rename(
    project: &Project,
    (from, to): (&str, &str),
    (writing, output): (&Writing, Output),
) -> Result<Exit, Failure> {
    let patience = patience(&writing.lock_timeout)?;
    let rename = Rename::new(from, to)?;
    ask::approve(output, writing.yes, &format!("Call '{from}' '{to}' from now on?"))?;
    let written = rename.carry_out(project, patience).await?;
    output.say(&format!(
        "Declare it as '{to}' in the configuration, with the `name` that it has at its broker; `sutler plan` then finds nothing to do."
    ));
    done(output, Some(&written))
}

async fn remove(
    project: &Project,
    removal: &Removal,
    (writing, output): (&Writing, Output),
) -> Result<Exit, Failure> {
    let patience = patience(&writing.lock_timeout)?;
    let record = &removal.record;
    output.say(&format!(
        "'{}' stays at broker '{}' as instance {}; nobody here will delete it.",
        record.reference,
        one_line(record.broker.as_str()),
        one_line(record.instance_id.as_str())
    ));
    ask::approve(output, writing.yes, "Forget it?")?;
    done(output, Some(&removal.carry_out(project, patience).await?))
}

async fn force_unlock(project: &Project, id: &str, output: Output) -> Result<Exit, Failure> {
    let taken = state::force_unlock(project, id).await?;
    if output.is_json() {
        printed(output.document("state-force-unlock", json!({ "lock": taken })))?;
    } else {
        let text = format!(
            "The lock was taken from {}. If that run is alive, its next write changes nothing.\n",
            one_line(&taken.to_string())
        );
        printed(output.print(&text))?;
    }
    Ok(Exit::Done)
}

fn would(output: Output, changes: &[String]) {
    for change in changes {
        output.say(&format!("  {}", one_line(change)));
    }
}

fn done(output: Output, written: Option<&Written>) -> Result<Exit, Failure> {
    let none = Vec::new();
    let changes = written.map_or(&none, |written| &written.changes);
    if output.is_json() {
        let serial = written.map(|written| written.serial);
        let fields = json!({ "changed": written.is_some(), "serial": serial, "changes": changes });
        printed(output.document("state-change", fields))?;
    } else if let Some(written) = written {
        printed(output.print(&format!("{} records written, serial {}.\n", changes.len(), written.serial)))?;
    }
    Ok(Exit::Done)
}
