//! The conventions for `metadata` (B-PROF-02 to 05): opaque, but bounded, and useful only in the usual form.

use serde_json::{Map, Value};

use crate::{
    catalog_problem::{Place, Report},
    check::json_length,
};

/// The names that have a usual form, and that form.
const TEXTS: [&str; 6] =
    ["displayName", "imageUrl", "longDescription", "providerDisplayName", "documentationUrl", "supportUrl"];

/// Checks one `metadata` object: too large is an error, an unusual form of a usual name a warning.
pub(crate) fn check(report: &mut Report, place: Place<'_>, metadata: &Map<String, Value>, bytes: usize) {
    let found = json_length(metadata);
    if found > bytes {
        let message = format!("its metadata is {found} bytes long; {bytes} are allowed");
        report.error(place, "S-54", message);
        return;
    }
    for name in TEXTS {
        if metadata.get(name).is_some_and(|value| !value.is_string()) {
            report.warning(place, "B-PROF-02", format!("metadata.{name} is not a text"));
        }
    }
    if metadata.get("shareable").is_some_and(|value| !value.is_boolean()) {
        report.warning(place, "B-PROF-05", "metadata.shareable is neither true nor false");
    }
    if metadata.get("bullets").is_some_and(|value| !is_list_of(value, Value::is_string)) {
        report.warning(place, "B-PROF-03", "metadata.bullets is not a list of texts");
    }
    if metadata.get("costs").is_some_and(|value| !is_list_of(value, is_cost)) {
        report.warning(
            place,
            "B-PROF-04",
            "metadata.costs is not a list of {amount: {currency: number}, unit}",
        );
    }
}

fn is_list_of(value: &Value, fits: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(fits))
}

fn is_cost(cost: &Value) -> bool {
    let amounts = cost.get("amount").and_then(Value::as_object);
    amounts.is_some_and(|amounts| amounts.values().all(Value::is_number))
        && cost.get("unit").is_some_and(Value::is_string)
}
