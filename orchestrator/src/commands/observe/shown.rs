//! Which values of an instance may be shown: those of which it is certain that they are no secret.

use serde_json::Value;
use sutler_catalog::{Output, declared_outputs};
use sutler_spec::{ServiceOffering, ServicePlan};

use crate::brokers::ConnectedBroker;
use crate::config::{Config, Declaration, pointer};
use crate::plan::shown_parameter;
use crate::state::record::InstanceRecord;

/// Longer values are not shown.
const LONGEST: usize = 160;

/// What decides about one instance.
pub(super) struct Shown<'s> {
    plan: Option<&'s ServicePlan>,
    outputs: Vec<Output>,
    declaration: Option<&'s Declaration>,
}

impl<'s> Shown<'s> {
    pub(super) fn new(
        config: &'s Config,
        broker: &'s ConnectedBroker,
        (offering, record): (&ServiceOffering, &InstanceRecord),
    ) -> Self {
        Self {
            plan: broker.index.plan_by_id(&record.service.id, &record.service_plan.id),
            outputs: declared_outputs(offering).unwrap_or_default(),
            declaration: config.instances.get(&record.reference),
        }
    }

    /// A parameter's value. What is there instead of a reference may be somebody's secret, and so may be what no schema
    /// knows.
    pub(super) fn parameter(&self, key: &str, value: &Value) -> Option<String> {
        let pointer = pointer(&[key]);
        let declaration = self.declaration?;
        let refers = declaration.uses.iter().any(|used| {
            used.pointer.strip_prefix(&pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        let plan = self.plan.filter(|plan| knows(plan, key) && !refers)?;
        shown_parameter(plan, key, value)
    }

    /// An output's value, where the catalog declares it public.
    pub(super) fn output(&self, key: &str, value: &Value) -> Option<String> {
        let is_public = self.outputs.iter().any(|output| output.name == key && !output.is_secret());
        is_public.then(|| value.to_string()).filter(|text| text.len() <= LONGEST)
    }

    /// Whether a field is a parameter of the plan.
    pub(super) fn is_parameter(&self, key: &str) -> bool {
        self.plan.is_some_and(|plan| knows(plan, key))
    }
}

fn knows(plan: &ServicePlan, key: &str) -> bool {
    let schema = plan.provision_schema();
    schema.and_then(|schema| schema.get("properties")?.get(key)).is_some()
}
