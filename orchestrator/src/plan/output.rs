//! Whether what a reference or a variable names will be there.

use super::{input::Draft, offer::Offer};
use crate::{
    config::{At, Finding, pointer},
    name::InstanceRef,
    nearest::{listed, nearest},
    reference::{Use, output},
    state::record::InstanceRecord,
};

/// The output that every instance may have, without a binding.
pub(super) const DASHBOARD: &str = "dashboard_url";

/// What is known of the outputs of an instance.
pub(super) struct Outputs<'o> {
    pub(super) reference: &'o InstanceRef,
    pub(super) offer: &'o Offer<'o>,
    pub(super) record: Option<&'o InstanceRecord>,
}

impl Outputs<'_> {
    /// Complains about a reference to what will never be there.
    pub(super) fn check_use(&self, user: &InstanceRef, used: &Use, draft: &mut Draft) {
        if self.may_have(&used.key) {
            return;
        }
        let parameters = pointer(&["instances", user.as_str(), "params"]) + &used.pointer;
        let at = At::Piece(parameters, format!("{}.{}", self.reference, used.key));
        draft.findings.push(self.missing(&format!("{user}: "), &used.key).at(at));
    }

    /// Complains about a variable for what will never be there.
    pub(super) fn check_variable(&self, key: &str, draft: &mut Draft) {
        if !self.may_have(key) {
            let at = At::key(&["instances", self.reference.as_str(), "bind", key]);
            draft.findings.push(self.missing("", key).at(at));
        }
    }

    /// Whether the output may be there, or the path into it. Where nothing is declared, a binding may yield anything.
    fn may_have(&self, key: &str) -> bool {
        let is_known = |key: &str| {
            key == DASHBOARD
                || self.declared().any(|name| name == key)
                || self.record.is_some_and(|record| record.outputs.contains_key(key))
        };
        let is_open = self.offer.outputs.is_none() && self.offer.is_bindable();
        is_open || output(key, |key| is_known(key).then_some(())).is_some()
    }

    fn declared(&self) -> impl Iterator<Item = &str> {
        self.offer.outputs.iter().flatten().map(|output| output.name.as_str())
    }

    fn missing(&self, who: &str, key: &str) -> Finding {
        let (name, plan) = (self.reference, &self.offer.service_plan.name);
        let recorded = self.record.into_iter().flat_map(|record| record.outputs.keys());
        let mut known: Vec<&str> = self.declared().chain(recorded).collect();
        known.sort_unstable();
        known.dedup();
        let message = if known.is_empty() && !self.offer.is_bindable() {
            format!(
                "{who}{name} yields no '{key}': the plan '{plan}' cannot be bound, so there are no credentials"
            )
        } else {
            format!("{who}{name} yields no '{key}'")
        };
        let help = match nearest(key, known.iter().copied()) {
            Some(near) => format!("did you mean '{near}'? It yields: {}", listed(known)),
            None => format!("it yields: {}", listed(known)),
        };
        Finding::new(message).help(help)
    }
}
