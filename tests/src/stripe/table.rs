//! Which calls may be made at all: those in the tables of the providers, whatever else the vendor offers (S-62).

use sutler_broker_server::providers::stripe;

use super::call::Call;

/// The calls that may be made.
#[derive(Debug, Clone, Default)]
pub enum Table {
    /// Everything that the contract knows.
    #[default]
    Anything,
    /// Only these: a method, and the parts of a path, of which those in braces vary.
    Only(Vec<(String, Vec<String>)>),
}

impl Table {
    /// What our providers say that they call.
    #[must_use]
    pub fn of_providers() -> Self {
        let calls = stripe::calls().into_iter().map(|call| {
            let parts = call.template.trim_start_matches('/').split('/').map(str::to_owned).collect();
            (call.method.to_string(), parts)
        });
        Self::Only(calls.collect())
    }

    /// Whether a call may be made.
    pub(crate) fn allows(&self, call: &Call) -> bool {
        let Self::Only(calls) = self else { return true };
        let parts = call.segments();
        let fits = |template: &[String]| {
            template.len() == parts.len()
                && template
                    .iter()
                    .zip(&parts)
                    .all(|(expected, part)| expected.starts_with('{') || expected == part)
        };
        calls.iter().any(|(method, template)| *method == call.method && fits(template))
    }
}
