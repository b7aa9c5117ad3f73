//! What is of others and stands in the way.

use super::{
    state::Known,
    zone::{Place, Row},
};
use crate::providers::{ProviderError, Refusal};

fn conflict(what: &str) -> ProviderError {
    let description =
        format!("{what} is there already, and is not of this instance; it is left alone. Remove it first");
    ProviderError::refused(Refusal::Conflict, description)
}

pub(super) fn taken(value: &str, place: &Place) -> ProviderError {
    // a text may be long, and is no news to who asked for it
    let value: String = value.chars().take(80).collect();
    conflict(&format!("values: the {} record {value}", place.record_type()))
}

/// What a name has already is others', unless we know its number: at first there may be none of the type, later none that
/// says what ours are to say; and never one that ours cannot stand beside.
pub(super) fn in_the_way(
    known: &Known,
    rows: &[Row],
    (is_first, values): (bool, &[&String]),
) -> Result<(), ProviderError> {
    let of = known.place.record_type().to_string();
    let is_of_others = |row: &&Row| !known.ids.contains(&row.id) && row.name == known.place.name;
    for row in rows.iter().filter(is_of_others) {
        if row.kind == of {
            if is_first {
                return Err(conflict(&format!("name: a {of} record")));
            }
            if let Some(value) = values.iter().find(|value| known.place.says(row, value)) {
                return Err(taken(value, &known.place));
            }
        } else if row.kind == "CNAME" || of == "CNAME" {
            let what = format!("name: a record of the type {}, which cannot stand beside {of},", row.kind);
            return Err(conflict(&what));
        }
    }
    Ok(())
}
