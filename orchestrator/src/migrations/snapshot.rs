//! What is declared after a migration. Never a resolved value: references stay references (A45).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::id::MigrationId;
use super::step::{MigrationStep, StepAction};
use crate::config::{Config, Declaration, Problems, Replacement};
use crate::name::{BrokerName, InstanceRef, VariableName};
use crate::plan::Target;

const KIND: &str = "sutler_migration_snapshot";
/// What is newer is refused.
const FORMAT: u32 = 1;

/// An instance as it is declared, with everything that may be left out filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// `broker/service`.
    pub service: String,
    /// The service plan.
    pub plan: String,
    /// What the vendor object is called.
    pub name: String,
    /// Whether it is never deleted or replaced unless forced.
    pub protected: bool,
    /// How it is replaced where it cannot be changed; as its catalog says when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replace: Option<Replacement>,
    /// As written, references not resolved; members sorted.
    pub params: Value,
    /// Output key → variable.
    pub bind: BTreeMap<String, VariableName>,
}

impl Declared {
    /// A declaration, and what its service and plan turned out to be.
    #[must_use]
    pub fn new(declaration: &Declaration, target: &Target) -> Self {
        let mut params = declaration.parameters.clone();
        params.sort_all_objects();
        Self {
            service: format!("{}/{}", target.broker, target.service.name),
            plan: target.service_plan.name.clone(),
            name: declaration.name.clone(),
            protected: declaration.protected,
            replace: declaration.replace,
            params,
            bind: declaration.bind.iter().map(|(key, variable)| (key.clone(), variable.clone())).collect(),
        }
    }

    /// Whether a declaration says the same, as far as it says anything.
    #[must_use]
    pub fn is(&self, declaration: &Declaration) -> bool {
        let (broker, service) = self.broker_and_service();
        let broker_is = declaration.broker.as_ref().is_none_or(|wanted| broker == Some(wanted.as_str()));
        let plan_is = declaration.service_plan.as_ref().is_none_or(|wanted| *wanted == self.plan);
        let mut params = declaration.parameters.clone();
        params.sort_all_objects();
        let bind = declaration.bind.iter().map(|(key, variable)| (key.clone(), variable.clone()));
        broker_is
            && plan_is
            && declaration.service == service
            && declaration.name == self.name
            && declaration.protected == self.protected
            && declaration.replace == self.replace
            && params == self.params
            && bind.collect::<BTreeMap<_, _>>() == self.bind
    }

    /// The broker, and the service that it offers.
    #[must_use]
    pub fn broker_and_service(&self) -> (Option<&str>, &str) {
        match self.service.split_once('/') {
            Some((broker, service)) => (Some(broker), service),
            None => (None, &self.service),
        }
    }

    fn declaration(&self, reference: &InstanceRef) -> Declaration {
        let (broker, service) = self.broker_and_service();
        Declaration {
            reference: reference.clone(),
            broker: broker.and_then(|broker| BrokerName::new(broker).ok()),
            service: service.to_owned(),
            service_plan: Some(self.plan.clone()),
            name: self.name.clone(),
            protected: self.protected,
            replace: self.replace,
            bind: self.bind.iter().map(|(key, variable)| (key.clone(), variable.clone())).collect(),
            parameters: self.params.clone(),
            uses: Vec::new(),
            secrets: Vec::new(),
        }
    }
}

/// Everything that is declared after a migration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    kind: String,
    format_version: u32,
    /// After which one.
    pub migration: MigrationId,
    /// The instances.
    pub instances: BTreeMap<InstanceRef, Declared>,
}

impl Snapshot {
    /// What is declared after this migration.
    #[must_use]
    pub fn new(migration: MigrationId, instances: BTreeMap<InstanceRef, Declared>) -> Self {
        Self { kind: KIND.to_owned(), format_version: FORMAT, migration, instances }
    }

    /// The same bytes for the same content.
    pub(super) fn written(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(instances) = value.get_mut("instances") {
            instances.sort_all_objects();
        }
        format!("{value:#}\n")
    }

    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it, and at which line.
    pub(super) fn read(text: &str) -> Result<Self, (Option<usize>, String)> {
        let snapshot: Self = serde_json::from_str(text)
            .map_err(|error| (Some(error.line()), "it cannot be read".to_owned()))?;
        if snapshot.kind != KIND {
            return Err((None, "it is no snapshot of a migration".to_owned()));
        }
        if snapshot.format_version > FORMAT {
            return Err((None, "it was written by a newer program".to_owned()));
        }
        Ok(snapshot)
    }
}

/// What is declared once these steps were done to what was declared before.
#[must_use]
pub(super) fn after(
    before: &BTreeMap<InstanceRef, Declared>,
    steps: &[MigrationStep],
) -> BTreeMap<InstanceRef, Declared> {
    let mut instances = before.clone();
    for step in steps {
        instances.remove(step.old());
    }
    for step in steps.iter().filter(|step| !step.action.takes_out()) {
        instances.insert(step.reference.clone(), step.declared());
    }
    instances
}

/// The stack as it is to be after these steps.
///
/// # Errors
/// When what is declared then does not hold together.
pub fn target(
    config: &Config,
    (instances, steps): (&BTreeMap<InstanceRef, Declared>, &[MigrationStep]),
) -> Result<Config, Problems> {
    let mut target = configuration(config, instances)?;
    for step in steps {
        target.moved.extend(step.from.iter().map(|from| (from.clone(), step.reference.clone())));
        if step.action == StepAction::Forget {
            target.removed.insert(step.reference.clone());
        }
    }
    Ok(target)
}

/// The stack with these instances.
///
/// # Errors
/// When they do not hold together.
pub(super) fn configuration(
    config: &Config,
    instances: &BTreeMap<InstanceRef, Declared>,
) -> Result<Config, Problems> {
    config.with_instances(instances.iter().map(|(reference, declared)| declared.declaration(reference)))
}
