//! What a provider is told, made from our records, and the one place that calls it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sutler_spec::{BindingId, Context, InstanceId, Parameters, PlanId};

use super::{adoption, verdict::Completed};
use crate::{
    binding::Binding,
    instance::Instance,
    operation::{Intent, Operation},
    providers::{
        Attempt, BEGIN, BindingFacts, Change, Checkpoint, IdempotencyKey, InstanceFacts, Marker, Progress,
        Provider, ProviderError, Record, RecoveryClass, Repeatability, Step, Usability, Work,
    },
};

/// What an update asks for, as it is recorded with its operation.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RecordedChange {
    pub(super) plan: PlanId,
    pub(super) parameters: Parameters,
    pub(super) named: Vec<String>,
    pub(super) context: Option<Context>,
    pub(super) maintenance_version: Option<String>,
}

/// What a step is asked with.
pub(super) struct Asked<'a> {
    pub(super) instance: &'a Instance,
    pub(super) checkpoint: &'a Checkpoint,
    pub(super) attempt: Attempt,
    pub(super) marker: &'a Marker,
    pub(super) key: &'a IdempotencyKey,
}

/// Asks the provider to do one step.
pub(super) async fn call(
    provider: &dyn Provider,
    work: Work,
    asked: Asked<'_>,
    (binding, change): (Option<&Binding>, Option<&Value>),
) -> Result<Progress<Completed>, ProviderError> {
    let instance = instance(asked.instance);
    let Asked { checkpoint, attempt, marker, key, .. } = asked;
    let step = Step { instance: &instance, checkpoint, attempt, marker, key };
    let change = change.and_then(|change| RecordedChange::deserialize(change).ok());
    match (work, change, binding.map(self::binding)) {
        (Work::Provision, _, _) if let Some((discovery, object)) = adoption::of(provider, asked.instance) => {
            discovery.adopt(step, object).await.map(|made| carry(made, Completed::Instance))
        }
        // an adoption that did not end changed nothing at the vendor
        (Work::Deprovision, _, _) if adoption::is_unfinished(asked.instance) => {
            Ok(Progress::Done(Completed::Gone))
        }
        (Work::Provision, _, _) => {
            provider.provision(step).await.map(|made| carry(made, Completed::Instance))
        }
        (Work::Update, Some(change), _) => {
            let RecordedChange { plan: plan_id, parameters, named, .. } = change;
            let change = Change { plan_id, parameters, named };
            provider.update(step, &change).await.map(|made| carry(made, Completed::Instance))
        }
        (Work::Deprovision, _, _) => {
            provider.deprovision(step).await.map(|gone| carry(gone, |()| Completed::Gone))
        }
        (Work::Bind, _, Some(binding)) => {
            provider.bind(step, &binding).await.map(|made| carry(made, Completed::Binding))
        }
        (Work::Unbind, _, Some(binding)) => {
            provider.unbind(step, &binding).await.map(|gone| carry(gone, |()| Completed::Gone))
        }
        (Work::Update, None, _) | (Work::Bind | Work::Unbind, _, None) => Err(ProviderError::Failed {
            description: "The broker's record of this operation is not complete.".to_owned(),
            usable: Usability::Usable,
            repeat: Repeatability::Repeatable,
        }),
    }
}

fn carry<T>(progress: Progress<T>, wrap: impl FnOnce(T) -> Completed) -> Progress<Completed> {
    match progress {
        Progress::Next(checkpoint) => Progress::Next(checkpoint),
        Progress::Pending { checkpoint, after, description } => {
            Progress::Pending { checkpoint, after, description }
        }
        Progress::Done(done) => Progress::Done(wrap(done)),
    }
}

/// What a provider is told of an instance.
pub(super) fn instance(instance: &Instance) -> InstanceFacts {
    InstanceFacts {
        id: instance.id.clone(),
        service_id: instance.service.clone(),
        plan_id: instance.plan.clone(),
        name: instance.name().map(str::to_owned),
        parameters: instance.parameters.clone(),
        record: instance.record.clone().map(Record),
    }
}

fn binding(binding: &Binding) -> BindingFacts {
    BindingFacts {
        id: binding.id.clone(),
        parameters: binding.parameters.clone(),
        application: binding.application.clone(),
        record: binding.record.clone().map(Record),
    }
}

/// The mark of what is made: the binding's, or the instance's.
pub(super) fn marker(installation: &str, instance: &InstanceId, binding: Option<&BindingId>) -> Marker {
    let marker = Marker::for_instance(installation, instance);
    binding.map_or(marker.clone(), |binding| marker.for_binding(binding))
}

/// The intent of a step that is about to be asked for.
pub(super) fn intent(
    provider: &dyn Provider,
    (work, checkpoint): (Work, &Checkpoint),
    attempt: u32,
) -> Intent {
    let class = provider.recovery(work, &checkpoint.step).as_str().to_owned();
    Intent { step: checkpoint.step.clone(), class, attempt }
}

/// The intent that is written when an operation is accepted. A step that counts against a vendor account waits for its
/// permit first, and its intent with it.
pub(super) fn first_intent(
    (provider, plan): (&dyn Provider, &PlanId),
    (work, checkpoint): (Work, &Checkpoint),
) -> Option<Intent> {
    provider.account(plan).is_none().then(|| intent(provider, (work, checkpoint), 1))
}

/// Where work begins that takes up what unfinished work left behind, if there is any.
pub(super) fn first_checkpoint(unfinished: Option<&Value>) -> Value {
    written(&Checkpoint::at(BEGIN, unfinished.cloned().unwrap_or(Value::Null)))
}

/// What the work of an operation knew last.
pub(super) fn unfinished(operation: &Operation) -> Option<Value> {
    Some(read_checkpoint(&operation.checkpoint).data).filter(|data| !data.is_null())
}

/// Whether a step of the operation may be under way at the vendor, or its outcome is unknown.
pub(super) fn is_in_doubt(operation: &Operation) -> bool {
    let read_only = written(&RecoveryClass::ReadOnly);
    let may_act = |intent: &Intent| read_only.as_str() != Some(intent.class.as_str());
    operation.in_doubt || operation.intent.as_ref().is_some_and(may_act)
}

/// A checkpoint for the record.
pub(super) fn written(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

/// A checkpoint from the record.
pub(super) fn read_checkpoint(recorded: &Value) -> Checkpoint {
    Checkpoint::deserialize(recorded).unwrap_or_else(|_| Checkpoint::begin())
}
