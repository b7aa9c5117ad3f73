//! What the records say once an operation has ended. Pure.

use serde::Deserialize;
use sutler_secrets::KeyRing;
use sutler_spec::OperationState;

use super::{
    digest,
    error::Failure,
    facts::{self, RecordedChange},
    request::instance_body,
    verdict::Completed,
    waiting::Made,
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

impl Ending {
    /// What platforms are told of what was made.
    pub(super) fn made(&self) -> Made {
        match (&self.rows.instance, &self.rows.binding) {
            (RowChange::Put(instance), RowChange::Keep) => Made::Instance(instance_body(instance)),
            (RowChange::Keep, RowChange::Put(binding)) => {
                binding.body.clone().map_or(Made::Recorded, |body| Made::Binding(Box::new(body)))
            }
            _ => Made::Recorded,
        }
    }
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
    let state = state_after(instance, operation.work, (touched, failure));
    let (rows, event) = match operation.work {
        Work::Provision if !touched => {
            (Rows { instance: RowChange::Remove, ..Rows::default() }, "provision.refused")
        }
        Work::Provision => {
            let unfinished = facts::unfinished(operation).or_else(|| instance.unfinished.clone());
            (on_instance(Instance { state, unfinished, ..instance.clone() }), "provision.failed")
        }
        Work::Update => {
            // what it has made may be known by its checkpoint alone: the next work begins with it
            let unfinished = facts::unfinished(operation).or_else(|| instance.unfinished.clone());
            (on_instance(Instance { state, unfinished, ..instance.clone() }), "update.failed")
        }
        Work::Deprovision => {
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
    // what is told is what is recorded (I-15, B-ERR-05, B-ERR-06)
    let is_change = matches!(operation.work, Work::Update | Work::Deprovision);
    operation.instance_usable = is_change.then_some(state == InstanceState::Ready);
    let is_repeatable = failure.update_repeatable.unwrap_or(true);
    operation.update_repeatable = (operation.work == Work::Update).then_some(is_repeatable);
    Ending { operation, rows, event }
}

/// The state of an instance after work on it failed. Without a word of the provider, an instance is what it was, unless
/// something may have been done to it.
fn state_after(instance: &Instance, work: Work, (touched, failure): (bool, &Failure)) -> InstanceState {
    let before = match work {
        Work::Provision => return InstanceState::Failed,
        Work::Deprovision => instance.state_before.unwrap_or(InstanceState::Failed),
        Work::Update | Work::Bind | Work::Unbind => instance.state,
    };
    match (work, before, failure.instance_usable) {
        (Work::Bind | Work::Unbind, before, _) => before,
        (Work::Update, _, Some(true)) => InstanceState::Ready,
        (Work::Update, _, Some(false)) => InstanceState::Unusable,
        (_, InstanceState::Ready, Some(false)) => InstanceState::Unusable,
        (_, InstanceState::Ready, None) if touched => InstanceState::Unusable,
        (_, InstanceState::Provisioning | InstanceState::Deprovisioning, _) => InstanceState::Failed,
        (_, before, _) => before,
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
        labels: made.labels,
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
        after.maintenance_version = change.maintenance_version;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        broker::{
            request,
            samples::{self, instance},
        },
        providers::scripted::Scripted,
    };

    fn failed(instance_usable: Option<bool>, touched: bool) -> Failure {
        let description = "no".to_owned();
        Failure { refusal: None, touched, description, instance_usable, update_repeatable: None }
    }

    #[test]
    fn what_an_update_that_failed_knew_last_is_kept_for_what_follows() {
        let row =
            |unfinished: Option<serde_json::Value>| Instance { unfinished, ..instance(InstanceState::Ready) };
        let kept = |row: &Instance, checkpoint: serde_json::Value| {
            let work = Work::Update;
            let wanted =
                request::Wanted { work, instance: row.id.clone(), binding: None, digest: samples::same() };
            let operation = request::operation(wanted, checkpoint, (&Scripted::instant(), &row.plan));
            let end = failure(&operation, (row, None), &failed(None, true));
            match end.rows.instance {
                RowChange::Put(after) => after.unfinished,
                other => panic!("{other:?}"),
            }
        };
        let at = |step: &str, data: &str| serde_json::json!({ "step": step, "data": data });
        let (earlier, later) = (serde_json::json!("earlier"), serde_json::json!("later"));
        assert_eq!(kept(&row(None), facts::first_checkpoint(None)), None, "nothing was done");
        assert_eq!(kept(&row(None), at("make", "later")), Some(later.clone()));
        assert_eq!(kept(&row(Some(earlier.clone())), at("make", "later")), Some(later));
        assert_eq!(kept(&row(Some(earlier.clone())), facts::first_checkpoint(None)), Some(earlier));
    }

    #[test]
    fn i_15_what_is_told_of_an_instance_is_what_is_recorded() {
        use InstanceState::{Deprovisioning, Failed, Provisioning, Ready, Unusable};
        for (work, before, usable, touched, after) in [
            (Work::Update, Ready, None, false, Ready),
            (Work::Update, Ready, None, true, Unusable),
            (Work::Update, Ready, Some(true), true, Ready),
            (Work::Update, Ready, Some(false), true, Unusable),
            (Work::Update, Unusable, None, false, Unusable),
            (Work::Update, Unusable, Some(true), true, Ready),
            (Work::Deprovision, Ready, None, false, Ready),
            (Work::Deprovision, Ready, None, true, Unusable),
            (Work::Deprovision, Ready, Some(true), true, Ready),
            (Work::Deprovision, Ready, Some(false), true, Unusable),
            (Work::Deprovision, Unusable, Some(true), true, Unusable),
            (Work::Deprovision, Failed, Some(true), false, Failed),
            (Work::Deprovision, Provisioning, None, false, Failed),
        ] {
            let row = match work {
                Work::Update => instance(before),
                _ => Instance { state_before: Some(before), ..instance(Deprovisioning) },
            };
            let wanted =
                request::Wanted { work, instance: row.id.clone(), binding: None, digest: samples::same() };
            let operation =
                request::operation(wanted, facts::first_checkpoint(None), (&Scripted::instant(), &row.plan));
            let end = failure(&operation, (&row, None), &failed(usable, touched));
            let RowChange::Put(found) = &end.rows.instance else { panic!("{:?}", end.rows) };
            assert_eq!(found.state, after, "{work:?} {before:?} {usable:?} {touched}");
            assert_eq!(end.operation.instance_usable, Some(after == Ready), "{work:?} {before:?}");
            assert_eq!(end.operation.update_repeatable.is_some(), work == Work::Update);
        }
    }
}
