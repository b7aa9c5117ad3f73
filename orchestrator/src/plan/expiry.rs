//! When bindings end, by what their brokers said and what time it is. Pure.

use jiff::{SignedDuration, Timestamp};

use super::{PlanInput, input::Draft, survey::Survey};
use crate::state::{
    record::{BindingRecord, InstanceRecord},
    status::BindingStatus,
};

/// A binding of which only its end is known is told so long before it.
const NEAR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Where a binding is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// It has no end, or nothing is to be done about it yet.
    Far,
    /// It ends then, which is soon; when it is to be renewed nobody said.
    Near(Timestamp),
    /// It was to be renewed before then, and still works.
    Due(Timestamp),
    /// It ended then.
    Expired(Timestamp),
}

impl Expiry {
    /// Whether a successor should be there by now.
    #[must_use]
    pub fn is_due(self) -> bool {
        matches!(self, Self::Due(_) | Self::Expired(_))
    }

    /// What is to be told about it, if anything.
    #[must_use]
    pub fn told(self) -> Option<String> {
        match self {
            Self::Far => None,
            Self::Near(at) => Some(format!("its binding expires at {at}")),
            Self::Due(at) => {
                Some(format!("its binding was to be renewed before {at}; `sutler rotate --due` does"))
            }
            Self::Expired(at) => {
                Some(format!("its binding expired at {at}; `sutler rotate --due` makes another"))
            }
        }
    }
}

/// Decides by `expires_at` and `renew_before` (B-BRO-02, P-ROT-03). Times that cannot be read count as not said.
#[must_use]
pub fn expiry(binding: &BindingRecord, now: Timestamp) -> Expiry {
    let time = |key: &str| binding.metadata.get(key)?.as_str()?.parse::<Timestamp>().ok();
    match (time("expires_at"), time("renew_before")) {
        (Some(end), _) if end <= now => Expiry::Expired(end),
        (_, Some(renew)) if renew <= now => Expiry::Due(renew),
        (Some(end), None) if end.duration_since(now) <= NEAR => Expiry::Near(end),
        _ => Expiry::Far,
    }
}

/// Where the binding that a record's consumers use is in its life.
#[must_use]
pub(super) fn of_record(record: &InstanceRecord, now: Timestamp) -> Expiry {
    let bound = record.binding.as_ref().filter(|binding| binding.status == BindingStatus::Bound);
    bound.map_or(Expiry::Far, |binding| expiry(binding, now))
}

/// Warns of every binding that the plan is about and that ends.
pub(super) fn announce(input: &PlanInput<'_>, survey: &Survey<'_>, draft: &mut Draft) {
    for record in input.records {
        let Some(told) = of_record(record, input.now).told() else { continue };
        let reference = record.reference.as_str();
        let is_meant = match survey.position(reference) {
            Some(position) => survey.is_selected(position),
            None => survey.is_targeted(reference),
        };
        if is_meant {
            draft.warnings.push(format!("{reference}: {told}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};
    use sutler_spec::BindingId;

    use super::*;

    fn binding(metadata: Value) -> BindingRecord {
        let metadata: Map<String, Value> = serde_json::from_value(metadata).unwrap();
        let binding_id = BindingId::new("b").unwrap();
        BindingRecord {
            binding_id,
            status: BindingStatus::Bound,
            credentials: Vec::new(),
            metadata,
            rotation: None,
        }
    }

    #[test]
    fn p_rot_03_renew_before_says_when_and_expires_at_says_when_it_is_too_late() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (renew, end) = ("2026-12-08T00:00:00.0Z", "2026-12-10T00:00:00.0Z");
        let both = json!({ "renew_before": renew, "expires_at": end });
        for (metadata, now, expected) in [
            (json!({}), "2026-12-09T00:00:00Z", Expiry::Far),
            (both.clone(), "2026-12-07T23:59:59Z", Expiry::Far),
            (both.clone(), "2026-12-08T00:00:00Z", Expiry::Due(at(renew))),
            (both, "2026-12-10T00:00:00Z", Expiry::Expired(at(end))),
            (json!({ "renew_before": renew }), "2027-01-01T00:00:00Z", Expiry::Due(at(renew))),
            (json!({ "expires_at": end }), "2026-12-02T23:59:59Z", Expiry::Far),
            (json!({ "expires_at": end }), "2026-12-03T00:00:00Z", Expiry::Near(at(end))),
            (json!({ "expires_at": "soon", "renew_before": 7 }), "2026-12-09T00:00:00Z", Expiry::Far),
        ] {
            assert_eq!(expiry(&binding(metadata.clone()), at(now)), expected, "{metadata} {now}");
        }
    }
}
