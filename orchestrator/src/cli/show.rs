//! Tables for people.

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, ContentArrangement, Table};

use super::text::{Paint, one_line};
use crate::commands::{Listing, OutputRow, Status};
use crate::state::record::InstanceRecord;
use crate::state::status::{BindingStatus, Status as Standing};

pub(super) fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings.iter().map(Cell::new));
    table
}

pub(super) fn row(table: &mut Table, cells: &[&str]) {
    table.add_row(cells.iter().map(|cell| one_line(cell)));
}

/// Where a record stands, in words.
pub(crate) fn standing(record: &InstanceRecord) -> &'static str {
    match record.status {
        Standing::Ready
            if record.binding.as_ref().is_some_and(|binding| binding.status != BindingStatus::Bound) =>
        {
            "unfinished binding"
        }
        Standing::Ready => "ready",
        Standing::Intended | Standing::Provisioning { .. } => "provisioning",
        Standing::ChangeIntended | Standing::Updating { .. } => "updating",
        Standing::DeletionIntended | Standing::Deprovisioning { .. } => "deprovisioning",
        Standing::Doubtful => "doubtful",
    }
}

/// `status` for people.
pub(crate) fn status(status: &Status, paint: Paint) -> String {
    let mut text = format!("{} (serial {})\n", one_line(&status.location), status.serial);
    if let Some(lock) = &status.lock {
        text.push_str(&format!("{} {}\n", paint.caution("locked by"), one_line(&lock.to_string())));
    }
    if let Some(of) = &status.moving {
        let told = format!(
            "to {} since {:.0} by {} on {}; `sutler state migrate --resume` or `--abort` ends it if that run has ended",
            of.to, of.since, of.who, of.host
        );
        text.push_str(&format!("{} {}\n", paint.caution("being moved"), one_line(&told)));
    }
    let mut rows = table(&["REF", "STATUS", "SERVICE", "BROKER", "INSTANCE", "NOTES"]);
    for (record, declared) in &status.records {
        let mut notes = Vec::new();
        if record.protected {
            notes.push("protected".to_owned());
        }
        if *declared == crate::commands::Declared::No {
            notes.push("not declared".to_owned());
        }
        if let Some(expiry) = record.binding.as_ref().and_then(|binding| binding.metadata.get("expires_at")) {
            notes.push(format!("binding expires at {}", expiry.as_str().unwrap_or_default()));
        }
        let kept = record.retired.iter().filter_map(|retired| retired.not_before);
        notes.extend(kept.clone().map(|until| format!("an older one is kept until {until:.0}")));
        let to_delete = record.left_over().len() - kept.count();
        if to_delete > 0 {
            notes.push(format!("{to_delete} left over from earlier, still to be deleted"));
        }
        let service = format!("{}/{}", record.service.name, record.service_plan.name);
        let cells = [
            record.reference.as_str(),
            standing(record),
            &service,
            record.broker.as_str(),
            record.instance_id.as_str(),
            &notes.join(", "),
        ];
        row(&mut rows, &cells);
    }
    for name in &status.missing {
        row(&mut rows, &[name, "declared, not applied", "", "", "", ""]);
    }
    if status.records.is_empty() && status.missing.is_empty() {
        text.push_str("Nothing is declared and nothing is in state.\n");
    } else {
        text.push_str(&trimmed(&rows));
    }
    text
}

/// `outputs` for people.
pub(crate) fn outputs(outputs: &[OutputRow]) -> String {
    if outputs.is_empty() {
        return "No instance yields anything yet; `sutler apply` makes them.\n".to_owned();
    }
    let mut rows = table(&["REF", "OUTPUT", "VARIABLE", "VALUE"]);
    for output in outputs {
        let value = output.value.as_ref().map_or_else(
            || "••••••".to_owned(),
            |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        );
        row(&mut rows, &[&output.reference, &output.key, output.variable.as_deref().unwrap_or(""), &value]);
    }
    trimmed(&rows)
}

/// `catalog` for people.
pub(crate) fn catalog(listings: &[Listing], paint: Paint) -> String {
    let mut text = String::new();
    for listing in listings {
        text.push_str(&format!(
            "{}  {}\n",
            paint.bold(&one_line(&listing.broker)),
            paint.dim(&one_line(&listing.url))
        ));
        for offering in &listing.services {
            text.push_str(&format!(
                "  {}  {}\n",
                one_line(&offering.name),
                paint.dim(&one_line(&offering.description))
            ));
            for plan in &offering.plans {
                let free = if plan.is_free() { "free" } else { "paid" };
                let bindable = if offering.is_bindable(plan) { "bindable" } else { "not bindable" };
                text.push_str(&format!(
                    "    {} ({free}, {bindable})  {}\n",
                    one_line(&plan.name),
                    paint.dim(&one_line(&plan.description))
                ));
                let keys = plan.provision_schema().and_then(|schema| schema["properties"].as_object());
                if let Some(keys) = keys.filter(|keys| !keys.is_empty()) {
                    let names: Vec<String> = keys.keys().map(|key| one_line(key)).collect();
                    text.push_str(&format!("      params: {}\n", names.join(", ")));
                }
            }
            if let Some(outputs) =
                sutler_catalog::declared_outputs(offering).filter(|outputs| !outputs.is_empty())
            {
                let names = outputs.iter().map(|output| {
                    let secret = if output.is_secret() { " (secret)" } else { "" };
                    format!("{}{secret}", one_line(&output.name))
                });
                text.push_str(&format!("    outputs: {}\n", names.collect::<Vec<_>>().join(", ")));
            }
        }
    }
    text
}

/// A table without the blanks at the ends of its lines.
pub(super) fn trimmed(table: &Table) -> String {
    let mut text = String::new();
    for line in table.to_string().lines() {
        text.push_str(line.trim_start_matches(' ').trim_end());
        text.push('\n');
    }
    text
}
