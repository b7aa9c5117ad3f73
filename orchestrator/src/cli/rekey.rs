//! `state rekey` on a terminal.

use serde_json::{Value, json};

use super::output::Output;
use super::{text, verbs};
use crate::commands::{self, Failure, Project};
use crate::exit::Exit;

pub(super) async fn rekey(project: &Project, lock_timeout: &str, output: Output) -> Result<Exit, Failure> {
    let patience = verbs::patience(lock_timeout)?;
    let rekeyed = commands::rekey(project, patience).await?;
    let names = |ids: &[sutler_secrets::KeyId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    for note in &rekeyed.notes {
        output.say(&format!("{} {}", output.paint().caution("note:"), text::one_line(note)));
    }
    let key = rekeyed.key.map(|key| key.to_string()).unwrap_or_default();
    if output.is_json() {
        let forgotten: Value = names(&rekeyed.forgotten).into();
        let fields = json!({
            "key": key, "records": rekeyed.records, "all": rekeyed.all, "sinks": rekeyed.sinks,
            "forgotten": forgotten, "notes": rekeyed.notes,
        });
        verbs::printed(output.document("rekey", fields))?;
        return Ok(Exit::Done);
    }
    let mut said = format!("Sealed {} of {} records anew with {key}.", rekeyed.records, rekeyed.all);
    if !rekeyed.sinks.is_empty() {
        said.push_str(&format!(" Wrote the sinks anew: {}.", rekeyed.sinks.join(", ")));
    }
    if !rekeyed.forgotten.is_empty() {
        let gone = names(&rekeyed.forgotten).join(", ");
        said.push_str(&format!(" Nothing needs {gone} any more; forgotten."));
    }
    verbs::printed(output.print(&format!("{said}\n")))?;
    output.say(
        "Give the new key ring to everyone who used the old one. Plans that were saved before are stale.",
    );
    Ok(Exit::Done)
}
