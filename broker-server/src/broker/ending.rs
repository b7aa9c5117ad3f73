//! What the records say once an operation has ended. Pure.

use serde::Deserialize;
use sutler_secrets::KeyRing;
use sutler_spec::OperationState;

use super::{
    digest,
    error::Failure,
    facts::{self, RecordedChange},
    verdict::Completed,
};
use crate::{
    binding::{Binding, BindingState},
    faults,
    instance::{Instance, InstanceState},
    operation::{Operation, Work},
    providers::ProvisionedInstance,
    store::{RowChange, Rows},
};

/// The end of an operation, with the rows that change in the same transaction.
#[derive(Debug, PartialEq)]
pub(super) struct Ending {
    pub(super) operation: Operation,
    pub(super) rows: Rows,
    pub(super) event: &'static str,
}

/// The records after success.
pub(super) fn success(
    ring: &KeyRing,
    operation: &Operation,
    (instance, binding): (&Instance, Option<&Binding>),
    completed: Completed,
) -> Ending {
    let (rows, event) = match (operation.work, completed) {
        (Work::Provision, Completed::Instance(made)) => {
            (on_instance(made_ready(instance.clone(), made)), "provision.succeeded")
        }
        (Work::Update, Completed::Instance(made)) => {
            (on_instance(changed(ring, instance, operation, made)), "update.succeeded")
        }
        (Work::Bind, Completed::Binding(made)) => {
            let bound = binding.map(|binding| Binding {
                state: BindingState::Ready,
                record: Some(made.record.0),
                body: Some(made.body),
                unfinished: None,
                ..binding.clone()
            });
            (on_binding(bound), "bind.succeeded")
        }
        (Work::Unbind, _) if faults::mutant("credentials_kept") => (Rows::default(), "unbind.succeeded"),
        (Work::Unbind, _) => (Rows { binding: RowChange::Remove, ..Rows::default() }, "unbind.succeeded"),
        _ => (Rows { instance: RowChange::Remove, ..Rows::default() }, "deprovision.succeeded"),
    };
    let operation = ended(operation, OperationState::Succeeded, None);
    Ending { operation, rows, event }
}

/// The records after failure. What a refusal left untouched is as it was before the request.
pub(super) fn failure(
    operation: &Operation,
    (instance, binding): (&Instance, Option<&Binding>),
    failure: &Failure,
) -> Ending {
    let touched = operation.touched || failure.touched;
    let (rows, event) = match operation.work {
        Work::Provision if !touched => {
            (Rows { instance: RowChange::Remove, ..Rows::default() }, "provision.refused")
        }
        Work::Provision => {
            let unfinished = facts::unfinished(operation).or_else(|| instance.unfinished.clone());
            let state = InstanceState::Failed;
            (on_instance(Instance { state, unfinished, ..instance.clone() }), "provision.failed")
        }
        Work::Update => {
            let usable = failure.instance_usable.unwrap_or(instance.state == InstanceState::Ready);
            let state = if usable { InstanceState::Ready } else { InstanceState::Unusable };
            (on_instance(Instance { state, ..instance.clone() }), "update.failed")
        }
        Work::Deprovision => {
            let state = after_failed_deletion(instance, touched, failure);
            let unfinished = instance.unfinished.clone().or_else(|| known_to_deletion(operation));
            let row = Instance { state, state_before: None, unfinished, ..instance.clone() };
            (on_instance(row), "deprovision.failed")
        }
        Work::Bind if !touched => (Rows { binding: RowChange::Remove, ..Rows::default() }, "bind.refused"),
        Work::Bind => {
            let state = BindingState::Failed;
            let unfinished = facts::unfinished(operation);
            (on_binding(binding.map(|row| Binding { state, unfinished, ..row.clone() })), "bind.failed")
        }
        Work::Unbind => {
            let state = match binding {
                Some(row) if !touched && row.body.is_some() => BindingState::Ready,
                _ => BindingState::Failed,
            };
            (on_binding(binding.map(|row| Binding { state, ..row.clone() })), "unbind.failed")
        }
    };
    let mut operation = ended(operation, OperationState::Failed, Some(failure.description.clone()));
    operation.touched = touched;
    let is_change = matches!(operation.work, Work::Update | Work::Deprovision);
    operation.instance_usable = failure.instance_usable.filter(|_| is_change);
    operation.update_repeatable = failure.update_repeatable.filter(|_| operation.work == Work::Update);
    Ending { operation, rows, event }
}

/// An instance whose deletion failed is what it was, unless something of it may be gone.
fn after_failed_deletion(instance: &Instance, touched: bool, failure: &Failure) -> InstanceState {
    let before = instance.state_before.unwrap_or(InstanceState::Failed);
    match (before, failure.instance_usable) {
        (InstanceState::Ready, Some(false)) => InstanceState::Unusable,
        (InstanceState::Ready, None) if touched => InstanceState::Unusable,
        (InstanceState::Provisioning | InstanceState::Deprovisioning, _) => InstanceState::Failed,
        (before, _) => before,
    }
}

/// What a deletion that failed knew last of the instance: the next one begins with it.
fn known_to_deletion(operation: &Operation) -> Option<serde_json::Value> {
    // while bindings are revoked, the checkpoint is about one of them
    operation.revoking.is_none().then(|| facts::unfinished(operation)).flatten()
}

fn made_ready(instance: Instance, made: ProvisionedInstance) -> Instance {
    Instance {
        state: InstanceState::Ready,
        record: Some(made.record.0),
        unfinished: None,
        dashboard_url: made.dashboard_url,
        attributes: made.attributes,
        ..instance
    }
}

fn changed(
    ring: &KeyRing,
    instance: &Instance,
    operation: &Operation,
    made: ProvisionedInstance,
) -> Instance {
    let change = operation.change.as_ref().and_then(|change| RecordedChange::deserialize(change).ok());
    let mut after = made_ready(instance.clone(), made);
    if let Some(change) = change {
        after.plan = change.plan;
        after.parameters = change.parameters;
        after.context = change.context.or(after.context);
        after.maintenance_version = change.maintenance_version.or(after.maintenance_version);
        after.digest = digest::of_instance(ring, &after);
    }
    after
}

fn ended(operation: &Operation, state: OperationState, description: Option<String>) -> Operation {
    Operation { state, description, intent: None, in_doubt: false, ..operation.clone() }
}

fn on_instance(instance: Instance) -> Rows {
    Rows { instance: RowChange::put(instance), ..Rows::default() }
}

fn on_binding(binding: Option<Binding>) -> Rows {
    Rows { binding: binding.map_or(RowChange::Keep, RowChange::put), ..Rows::default() }
}
