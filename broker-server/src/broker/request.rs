//! What requests have in common: finding offering and plan, checks before anything is written, new operations.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};
use sutler_catalog::{Asynchronous, Input};
use sutler_secrets::Digest;
use sutler_spec::{
    Accepted, Asynchrony, BindingId, InstanceBody, InstanceId, InstanceMetadata, MaintenanceInfo,
    Operation as Handle, OperationState, Parameters, PlanId, ServiceId, ServiceOffering, ServicePlan,
};

use super::{
    Broker, BrokerError, Caller,
    engine::{Attendance, Attended},
    facts,
};
use crate::{
    instance::Instance,
    operation::{Lease, Operation, OperationId},
    providers::{Announced, InstanceFacts, Provider, Work},
    store::{Actor, Begin, Event, Rows},
};

/// How often a decision is made again because the world moved on.
pub(super) const DECISIONS: usize = 32;

impl Broker {
    /// The offering and plan, if they exist and belong together (B-PROV-05).
    pub(super) fn known_plan(
        &self,
        service: &ServiceId,
        plan: &PlanId,
    ) -> Result<(&ServiceOffering, &ServicePlan), BrokerError> {
        let index = self.engine.registry.index();
        let offering = index.offering_by_id(service).ok_or_else(|| {
            BrokerError::Invalid("The service_id is not one of this broker's catalog.".to_owned())
        })?;
        let plan = index.plan_by_id(service, plan).ok_or_else(|| {
            BrokerError::Invalid(format!("The plan_id is not one of the plans of '{}'.", offering.name))
        })?;
        Ok((offering, plan))
    }

    /// The provider of an offering.
    pub(super) fn provider(&self, service: &ServiceId) -> Result<Arc<dyn Provider>, BrokerError> {
        self.engine.registry.provider(service).ok_or_else(|| BrokerError::NoProvider(service.to_string()))
    }

    /// Whether such work on instances of the plan outlives its request.
    pub(super) fn asynchrony(&self, work: Work, (service, plan): (&ServiceId, &PlanId)) -> Asynchronous {
        let plan = self.engine.registry.plan(service, plan);
        plan.map_or_else(Asynchronous::default, |plan| match work {
            Work::Provision | Work::Deprovision => plan.asynchrony(),
            Work::Update => plan.update_asynchrony(),
            Work::Bind | Work::Unbind => plan.binding_asynchrony(),
        })
    }

    /// Refuses platforms that do not accept incomplete answers where no other can be given.
    pub(super) fn check_asynchrony(
        &self,
        work: Work,
        (service, plan): (&ServiceId, &PlanId),
        caller: &Caller,
    ) -> Result<(), BrokerError> {
        let always = self.asynchrony(work, (service, plan)) == Asynchronous::Always;
        if always && caller.asynchrony == Asynchrony::Refused {
            Err(BrokerError::AsyncRequired)
        } else {
            Ok(())
        }
    }

    /// Checks parameters against the schema of the request.
    pub(super) fn check_schema(
        &self,
        plan: &PlanId,
        input: Input,
        parameters: &Parameters,
    ) -> Result<(), BrokerError> {
        let problems = self.engine.registry.problems(plan, input, parameters);
        if problems.is_empty() { Ok(()) } else { Err(BrokerError::problems(&problems)) }
    }

    /// Lets the provider check what a schema cannot.
    pub(super) fn check_with_provider(
        &self,
        (service, plan): (&ServiceId, &PlanId),
        parameters: &Parameters,
        present: Option<&InstanceFacts>,
    ) -> Result<(), BrokerError> {
        self.provider(service)?
            .check(plan, parameters, present)
            .map_err(|problems| BrokerError::problems(&problems))
    }

    /// What is known of an instance as it is to be, before any work.
    pub(super) fn announce(&self, instance: Instance) -> Result<Instance, BrokerError> {
        let provider = self.provider(&instance.service)?;
        let marker = facts::marker(self.engine.store.installation(), &instance.id, None);
        let known = provider.announced(&facts::instance(&instance), &marker);
        Ok(announced(instance, known))
    }

    /// Waits for accepted work.
    pub(super) async fn attend(
        &self,
        attendance: Attendance,
        (caller, plan): (&Caller, Asynchronous),
    ) -> Result<Attended, BrokerError> {
        let patience = self.engine.patience(caller.asynchrony, plan);
        self.engine.attend(attendance, patience).await
    }
}

/// The body of a 202 for work that goes on.
pub(super) fn accepted(id: &OperationId, after: Duration) -> Accepted {
    // our ids are never empty or too long
    let operation = Handle::new(id.as_str()).ok();
    Accepted { operation, retry_after: Some(seconds(after)), ..Accepted::default() }
}

/// Whole seconds, rounded up.
fn seconds(duration: Duration) -> u16 {
    u16::try_from(duration.as_millis().div_ceil(1000)).unwrap_or(u16::MAX)
}

/// A 202 that already says what is known of the instance (B-PROV-16, B-PROV-18, B-UPD-17, B-UPD-19).
pub(super) fn announcing(accepted: Accepted, known: InstanceBody) -> Accepted {
    Accepted { dashboard_url: known.dashboard_url, metadata: known.metadata, ..accepted }
}

/// An instance with what is known of it before the work on it is done.
pub(super) fn announced(instance: Instance, announced: Announced) -> Instance {
    let merged = |present: Map<String, Value>, new: Map<String, Value>| {
        if new.is_empty() { present } else { new }
    };
    Instance {
        dashboard_url: announced.dashboard_url.or(instance.dashboard_url),
        labels: merged(instance.labels, announced.labels),
        attributes: merged(instance.attributes, announced.attributes),
        ..instance
    }
}

/// What a request wants to begin.
pub(super) struct Wanted {
    pub(super) work: Work,
    pub(super) instance: InstanceId,
    pub(super) binding: Option<BindingId>,
    pub(super) digest: Digest,
}

/// A new operation for a request, with the intent of its first step.
pub(super) fn operation(
    wanted: Wanted,
    checkpoint: Value,
    (provider, plan): (&dyn Provider, &PlanId),
) -> Operation {
    let first = facts::read_checkpoint(&checkpoint);
    Operation {
        id: OperationId::new(),
        intent: facts::first_intent((provider, plan), (wanted.work, &first)),
        instance: wanted.instance,
        binding: wanted.binding,
        work: wanted.work,
        state: OperationState::InProgress,
        description: None,
        instance_usable: None,
        update_repeatable: None,
        digest: wanted.digest,
        change: None,
        revoking: None,
        checkpoint,
        in_doubt: false,
        touched: false,
        failures: 0,
        turn: 0,
        doubted_for: Duration::ZERO,
        age: Duration::ZERO,
        actor: Actor::default(),
    }
}

impl Broker {
    /// The accepting transaction of an operation.
    pub(super) fn beginning(
        &self,
        mut operation: Operation,
        (decided_on, rows): (Option<u64>, Rows),
        (kind, caller): (&'static str, &Caller),
    ) -> Begin {
        operation.actor = caller.actor.clone();
        let event = Event {
            kind,
            instance: operation.instance.clone(),
            binding: operation.binding.clone(),
            operation: Some(operation.id.clone()),
            actor: caller.actor.clone(),
            detail: None,
        };
        Begin {
            lease: Lease::first(operation.id.clone()),
            hold: self.engine.tuning.lease,
            supersedes: None,
            operation,
            decided_on,
            rows,
            event,
        }
    }
}

/// Checks the version a request believes in (B-PROV-07, App. F): not given is fine, different is not.
pub(super) fn check_maintenance(
    plan: &ServicePlan,
    requested: Option<&MaintenanceInfo>,
) -> Result<(), BrokerError> {
    let requested = requested.and_then(|info| info.version.as_deref());
    let offered = plan.maintenance_info.as_ref().and_then(|info| info.version.as_deref());
    match (requested, offered) {
        (None, _) => Ok(()),
        (Some(requested), Some(offered)) if requested == offered => Ok(()),
        (Some(_), Some(offered)) => Err(BrokerError::MaintenanceInfoConflict(format!(
            "The maintenance_info.version is not the one of the catalog, which is {offered}. Fetch the catalog again."
        ))),
        (Some(_), None) => Err(BrokerError::MaintenanceInfoConflict(
            "The plan has no maintenance_info in the catalog. Fetch the catalog again.".to_owned(),
        )),
    }
}

/// What a finished instance looks like to its platform.
pub(super) fn instance_body(instance: &Instance) -> InstanceBody {
    let metadata =
        InstanceMetadata { labels: instance.labels.clone(), attributes: instance.attributes.clone() };
    InstanceBody {
        dashboard_url: instance.dashboard_url.clone(),
        metadata: Some(metadata).filter(|metadata| !metadata.is_empty()),
    }
}
