//! What is worth knowing about one instance and stops nothing.

use super::{
    Action,
    decide::{Facts, InPlace},
    facts::Case,
    offer::Offer,
};

/// A name that cannot follow, and secrets that leave their broker (S-56). `producers` are the offers of what the
/// uses refer to.
pub(super) fn warnings<'w>(
    case: &Case<'_>,
    producers: impl Iterator<Item = Option<&'w Offer<'w>>>,
    action: Action,
    facts: &Facts<'_>,
) -> Vec<String> {
    let reference = &case.declaration.reference;
    let mut warnings = Vec::new();
    if let (Some((name, InPlace::Not(why))), true) = (facts.name, action != Action::Replace) {
        warnings.push(format!("{reference}: the name at the vendor stays '{name}': {why}"));
    }
    let left: Vec<&str> = case.record.iter().flat_map(|record| &record.drift).map(String::as_str).collect();
    let repaired = |field: &str| facts.drifted.iter().any(|key| field.strip_prefix("params.") == Some(key));
    let left: Vec<&str> = left.into_iter().filter(|field| !repaired(field)).collect();
    if !left.is_empty() && !matches!(action, Action::Create | Action::Replace) {
        let what = left.join(", ");
        warnings.push(format!(
            "{reference}: {what} was found changed at the vendor, and no update can put it right"
        ));
    }
    if !matches!(action, Action::Create | Action::Update | Action::Replace) {
        return warnings;
    }
    for (used, producer) in case.declaration.uses.iter().zip(producers) {
        let Some(producer) = producer.filter(|producer| producer.broker != case.offer.broker) else {
            continue;
        };
        let public = |output: &sutler_catalog::Output| !output.is_secret() && output.name == used.key;
        if !producer.outputs.iter().flatten().any(public) {
            let (from, to) = (producer.broker, case.offer.broker);
            let what = format!("{}.{}", used.target, used.key);
            warnings.push(format!(
                "{reference}: {what}, which may be secret, goes from the broker {from} to the broker {to}"
            ));
        }
    }
    warnings.dedup();
    warnings
}
