//! Which parameters differ from what was last asked for, and whether that can be changed in place.

use serde_json::{Value, json};
use sutler_catalog::{Input, Validator};

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
        let kind = match (inputs.parameter(key, value, outputs), asked.get(key)) {
            (Some(now), Some(before)) if now == *before => continue,
            (None, _) => ChangeKind::KnownAfterApply,
            (Some(_), None) => ChangeKind::Added,
            (Some(_), Some(_)) => ChangeKind::Changed,
        };
        differences.push(Difference { key, kind, in_place: updates.takes(key) });
    }
    for key in asked.keys().filter(|key| declaration.parameters.get(key).is_none()) {
        differences.push(Difference { key, kind: ChangeKind::Removed, in_place: updates.removes(key) });
    }
    differences
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
        let plan = offer.service_plan;
        let says_anything = plan.schemas.as_ref().is_some_and(|schemas| schemas.service_instance.is_some());
        match (says_anything, plan.update_schema()) {
            (false, _) => Self::Unsaid,
            (true, None) => Self::None,
            (true, Some(_)) => Self::Schema(offer.index.validator(&plan.id, Input::Update)),
        }
    }

    fn takes(&self, key: &str) -> InPlace {
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
