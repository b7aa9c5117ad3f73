//! Which parameters differ from what was last asked for, and whether that can be changed in place.

use serde_json::{Value, json};
use sutler_catalog::{Index, Input, Validator};
use sutler_spec::ServicePlan;

use super::{ChangeKind, decide::InPlace, offer::Offer};
use crate::{
    config::Declaration,
    digest::{Inputs, OutputDigests},
    state::record::InstanceRecord,
};

/// One parameter that differs, or may differ.
#[derive(Debug)]
pub(super) struct Difference<'d> {
    pub(super) key: &'d str,
    pub(super) kind: ChangeKind,
    pub(super) in_place: InPlace,
    /// Whether it differs only at the vendor, where somebody changed it.
    pub(super) drifted: bool,
}

/// Compares by digests, in the order written, removed ones last.
pub(super) fn differences<'d>(
    (declaration, record): (&'d Declaration, &'d InstanceRecord),
    offer: &Offer<'_>,
    outputs: &impl OutputDigests,
    inputs: &mut Inputs<'_>,
) -> Vec<Difference<'d>> {
    let asked = &record.asked.parameter_digests;
    let updates = Updates::of(offer);
    let mut differences = Vec::new();
    for (key, value) in declaration.parameters.as_object().into_iter().flatten() {
        let (kind, drifted) = match (inputs.parameter(key, value, outputs), asked.get(key)) {
            (Some(now), Some(before)) if now == *before => {
                // What cannot be put right in place is told, and nothing is replaced for it.
                let differs = record.drifted_parameters().any(|drifted| drifted == key);
                if !differs || updates.takes(key) != InPlace::Possible {
                    continue;
                }
                (ChangeKind::Changed, true)
            }
            (None, _) => (ChangeKind::KnownAfterApply, false),
            (Some(_), None) => (ChangeKind::Added, false),
            (Some(_), Some(_)) => (ChangeKind::Changed, false),
        };
        differences.push(Difference { key, kind, in_place: updates.takes(key), drifted });
    }
    for key in asked.keys().filter(|key| declaration.parameters.get(key).is_none()) {
        let in_place = updates.removes(key);
        differences.push(Difference { key, kind: ChangeKind::Removed, in_place, drifted: false });
    }
    let unasked = record
        .drifted_parameters()
        .filter(|key| declaration.parameters.get(key).is_none() && !asked.contains_key(key));
    for key in unasked {
        let in_place = updates.removes(key);
        if in_place == InPlace::Possible {
            differences.push(Difference { key, kind: ChangeKind::Removed, in_place, drifted: true });
        }
    }
    differences
}

/// Whether an update can put a parameter right that was changed at the vendor: by its value, or by null where nothing was
/// asked for.
pub(crate) fn can_put_right((index, plan): (&Index, &ServicePlan), key: &str, value: Option<&Value>) -> bool {
    let updates = Updates::of_plan(index, plan);
    let in_place = if value.is_some() { updates.takes(key) } else { updates.removes(key) };
    in_place == InPlace::Possible
}

/// What a plan says about updates of parameters.
pub(super) enum Updates<'u> {
    /// Nothing at all: the broker alone can tell.
    Unsaid,
    /// It describes parameters, but none of updates.
    None,
    /// What its schema says, if we can read it.
    Schema(Option<&'u Validator>),
}

impl<'u> Updates<'u> {
    pub(super) fn of(offer: &Offer<'u>) -> Self {
        Self::of_plan(offer.index, offer.service_plan)
    }

    fn of_plan(index: &'u Index, plan: &'u ServicePlan) -> Self {
        let says_anything = plan.schemas.as_ref().is_some_and(|schemas| schemas.service_instance.is_some());
        match (says_anything, plan.update_schema()) {
            (false, _) => Self::Unsaid,
            (true, None) => Self::None,
            (true, Some(_)) => Self::Schema(index.validator(&plan.id, Input::Update)),
        }
    }

    /// Whether an update takes a parameter.
    pub(super) fn takes(&self, key: &str) -> InPlace {
        match self {
            Self::None => InPlace::Not("the plan declares no updates of parameters"),
            Self::Schema(Some(schema)) if !schema.accepts(key) => {
                InPlace::Not("the plan's update schema does not take it")
            }
            _ => InPlace::Possible,
        }
    }

    /// A parameter is removed by sending null.
    fn removes(&self, key: &str) -> InPlace {
        let Self::Schema(Some(schema)) = self else { return self.takes(key) };
        let own = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        let problems = schema.validate(&json!({ key: Value::Null }));
        if problems.iter().any(|problem| problem.path == own) {
            InPlace::Not("the plan's update schema does not let it be removed")
        } else {
            self.takes(key)
        }
    }
}
