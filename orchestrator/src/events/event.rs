//! An entry of the journal as a CloudEvent (1.0, JSON).

use serde_json::{Value, json};

use crate::state::{Entry, Lineage};

/// The event that tells a change. Its id is the change's own, the same however often it is told. Secrets are keyed
/// digests: that one changed is seen, what it is is not.
#[must_use]
pub fn cloud_event((stack, lineage): (&str, Lineage), entry: &Entry) -> Value {
    let what = match (&entry.record, entry.transitions.iter().find(|transition| transition.field == "status"))
    {
        (None, _) => "removed",
        (Some(_), Some(status)) if status.from.is_none() => "created",
        _ => "changed",
    };
    let of = if entry.reference.instance().is_some() { "instance" } else { "ledger" };
    json!({
        "specversion": "1.0",
        "id": entry.change,
        "source": format!("urn:sutler:{stack}:{lineage}"),
        "type": format!("dev.sutler.{of}.{what}"),
        "subject": entry.reference,
        "time": entry.at,
        "datacontenttype": "application/json",
        "data": {
            "sequence": entry.sequence,
            "serial": entry.serial,
            "ordinal": entry.ordinal,
            "incarnation": entry.incarnation,
            "run": entry.run,
            "who": entry.who,
            "what": entry.what,
            "transitions": entry.transitions,
        },
    })
}
