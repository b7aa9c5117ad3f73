//! Update: the plan, the parameters, the version or the context of an instance change together or not at all.

use serde_json::Map;
use sutler_catalog::Input;
use sutler_secrets::Digest;
use sutler_spec::{
    Context, InstanceId, Parameters, PlanId, ServiceOffering, ServicePlan, UpdateRequest, Updated,
};

use super::{
    Broker, BrokerError, Caller, digest,
    engine::Attended,
    facts::{self, RecordedChange},
    request::{DECISIONS, Wanted, accepted, announcing, check_maintenance, instance_body, operation},
};
use crate::{
    instance::{Instance, InstanceState},
    operation::OperationStatus,
    providers::Work,
    store::{Amended, Event, RowChange, Rows},
};

/// What follows from what is known about the id.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Decision {
    /// Go on with the checks.
    Check,
    /// The same update is in progress.
    Join,
    /// There is no such instance, or its creation failed.
    Missing,
    /// It belongs to another offering.
    Foreign,
    /// Something else is in progress.
    Busy,
}

/// Decides on an update request.
fn decide(
    existing: Option<&Instance>,
    active: Option<&OperationStatus>,
    request: &UpdateRequest,
    digest: Digest,
) -> Decision {
    let Some(existing) = existing else { return Decision::Missing };
    if existing.service != request.service_id {
        return Decision::Foreign;
    }
    match (active, existing.state) {
        (Some(active), _) if active.work == Work::Update && active.digest == digest => Decision::Join,
        (Some(_), _) | (None, InstanceState::Provisioning | InstanceState::Deprovisioning) => Decision::Busy,
        (None, InstanceState::Failed) => Decision::Missing,
        (None, InstanceState::Ready | InstanceState::Unusable) => Decision::Check,
    }
}

/// What an update comes to.
enum Effect {
    /// Nothing changes.
    Nothing,
    /// Only what the platform says about itself changes.
    Context,
    /// The provider has work to do.
    Work(Box<RecordedChange>),
}

impl Broker {
    /// Changes an instance.
    ///
    /// # Errors
    /// When the request is refused (then nothing has changed), or the work fails while the request waits.
    pub async fn update(
        &self,
        id: &InstanceId,
        request: &UpdateRequest,
        caller: &Caller,
    ) -> Result<Updated, BrokerError> {
        self.known_change(request)?;
        let digest = digest::of_update(&self.engine.ring, request);
        for _ in 0..DECISIONS {
            let existing = self.engine.store.instance(id).await?;
            let active = self.engine.store.active(id).await?;
            let decision = decide(existing.as_ref(), active.as_ref(), request, digest);
            let seen = existing.as_ref().map(|existing| existing.revision);
            match (decision, existing, active) {
                (Decision::Check, Some(existing), _) => {
                    if let Some(updated) = self.change(existing, (request, digest), caller).await? {
                        return Ok(updated);
                    }
                }
                (Decision::Join, Some(existing), Some(active)) => {
                    return match self.engine.join(&active, caller.asynchrony).await? {
                        Attended::GoesOn(operation, after) => {
                            let none = Parameters::default();
                            let asked = request.parameters.as_ref().unwrap_or(&none);
                            let plan = request.plan_id.as_ref().unwrap_or(&existing.plan);
                            let (_, plan) = self.known_plan(&existing.service, plan)?;
                            let change = change(&existing, request, (asked, plan));
                            let known = instance_body(&self.announce(as_changed(existing, &change))?);
                            Ok(Updated::Accepted(announcing(accepted(&operation, after), known)))
                        }
                        Attended::Done(made) => Ok(Updated::Applied(self.present_body(id, made).await?)),
                    };
                }
                (Decision::Foreign, ..) => {
                    return Err(BrokerError::Invalid("The instance is not of this service_id.".to_owned()));
                }
                (Decision::Missing, ..) => {
                    return Err(BrokerError::NotFound("The instance does not exist.".to_owned()));
                }
                _ => self.still_busy(id, seen).await?,
            }
        }
        Err(BrokerError::Concurrency)
    }

    /// The request names an offering, and if it names a plan, one of that offering.
    fn known_change(&self, request: &UpdateRequest) -> Result<(), BrokerError> {
        if let Some(plan) = &request.plan_id {
            return self.known_plan(&request.service_id, plan).map(|_| ());
        }
        match self.engine.registry.offering(&request.service_id) {
            Some(_) => Ok(()),
            None => {
                Err(BrokerError::Invalid("The service_id is not one of this broker's catalog.".to_owned()))
            }
        }
    }

    /// Checks, in the order of App. F, and begins; `None` when the world moved on meanwhile.
    async fn change(
        &self,
        existing: Instance,
        (request, digest): (&UpdateRequest, Digest),
        caller: &Caller,
    ) -> Result<Option<Updated>, BrokerError> {
        let plan_id = request.plan_id.as_ref().unwrap_or(&existing.plan);
        let (offering, plan) = self.known_plan(&existing.service, plan_id)?;
        for plan in [&existing.plan, plan_id] {
            self.check_asynchrony(Work::Update, (&existing.service, plan), caller)?;
        }
        check_maintenance(plan, request.maintenance_info.as_ref())?;
        let body = instance_body(&existing);
        match self.effect(&existing, request, (offering, plan))? {
            Effect::Nothing => Ok(Some(Updated::Applied(body))),
            Effect::Context => {
                let context = request.context.clone().map(Context::lasting);
                let amended = Instance { context, ..existing };
                let event = Event {
                    kind: "update.context",
                    instance: amended.id.clone(),
                    binding: None,
                    operation: None,
                    actor: caller.actor.clone(),
                    detail: None,
                };
                let amended = self.engine.store.amend(amended, event).await?;
                Ok((amended == Amended::Written).then_some(Updated::Applied(body)))
            }
            Effect::Work(change) => self.begin_update(existing, (change, digest), caller).await,
        }
    }

    /// What the request comes to, or why it cannot be.
    fn effect(
        &self,
        existing: &Instance,
        request: &UpdateRequest,
        (offering, plan): (&ServiceOffering, &ServicePlan),
    ) -> Result<Effect, BrokerError> {
        let none = Parameters::default();
        let asked = request.parameters.as_ref().unwrap_or(&none);
        let change = change(existing, request, (asked, plan));
        let plan_changes = change.plan != existing.plan;
        if plan_changes {
            self.check_plan_change(offering, existing, plan)?;
        }
        if !asked.is_empty() {
            let asked = self.changeable(existing, &plan.id, asked)?;
            self.check_schema(&plan.id, Input::Update, &asked)?;
        }
        let wanted = digest::of_instance(
            &self.engine.ring,
            &Instance { parameters: change.parameters.clone(), ..existing.clone() },
        );
        let parameters_change = wanted != existing.digest;
        if parameters_change && plan.provision_schema().is_some() && plan.update_schema().is_none() {
            return Err(BrokerError::Unsupported(
                "The parameters of this plan cannot be changed.".to_owned(),
            ));
        }
        if parameters_change || plan_changes {
            self.check_schema(&plan.id, Input::Provision, &change.parameters)?;
            let present = facts::instance(existing);
            self.check_with_provider((&existing.service, &plan.id), &change.parameters, Some(&present))?;
        }
        let is_wished = request.context.as_ref().is_some_and(Context::wants_repair);
        // an update that was given up may have left something that only the next one finds
        let is_broken = existing.state == InstanceState::Unusable || existing.unfinished.is_some();
        let repairs = (is_broken || is_wished) && (request.parameters.is_some() || request.plan_id.is_some());
        let version_changes = change.maintenance_version != existing.maintenance_version;
        if parameters_change || plan_changes || version_changes || repairs {
            return Ok(Effect::Work(Box::new(change)));
        }
        let context_changes = change.context.is_some() && change.context != existing.context;
        let context_counts = offering.allow_context_updates && context_changes;
        Ok(if context_counts { Effect::Context } else { Effect::Nothing })
    }

    /// What an update asks for, without what is fixed and asked for as it is. A parameter that a creation takes and an
    /// update does not is fixed when the instance is made: another value is a change that is not supported, and no mistake
    /// of form; the same value is no change.
    fn changeable(
        &self,
        existing: &Instance,
        plan: &PlanId,
        asked: &Parameters,
    ) -> Result<Parameters, BrokerError> {
        let index = self.engine.registry.index();
        let Some(creation) = index.validator(plan, Input::Provision) else { return Ok(asked.clone()) };
        let update = index.validator(plan, Input::Update);
        let is_fixed =
            |name: &str| creation.accepts(name) && update.is_none_or(|update| !update.accepts(name));
        let mut rest = Map::new();
        for (name, value) in asked.expose() {
            if !is_fixed(name) {
                rest.insert(name.clone(), value.clone());
            } else if existing.parameters.expose().get(name) != Some(value) {
                let description = format!("The parameter {name} cannot be changed; make another instance.");
                return Err(BrokerError::Unsupported(description));
            }
        }
        Ok(Parameters::new(rest))
    }

    /// Every pair of plans is allowed or not (B-UPD-01, B-UPD-10).
    fn check_plan_change(
        &self,
        offering: &ServiceOffering,
        existing: &Instance,
        wanted: &ServicePlan,
    ) -> Result<(), BrokerError> {
        let registry = &self.engine.registry;
        let present = registry.plan(&existing.service, &existing.plan);
        let is_updateable = present.is_some_and(|plan| offering.is_plan_updateable(plan.service_plan()));
        let can_change_to = |plan: &ServicePlan| {
            is_updateable && present.is_some_and(|present| present.can_change_to(&plan.id))
        };
        if can_change_to(wanted) {
            return Ok(());
        }
        let others = offering.plans.iter().filter(|plan| plan.id != existing.plan && can_change_to(plan));
        let others: Vec<&str> = others.map(|plan| plan.name.as_str()).collect();
        let present = present.map_or_else(|| existing.plan.to_string(), |plan| plan.name().to_owned());
        Err(BrokerError::Unsupported(format!(
            "An instance of the plan '{present}' cannot be changed to the plan '{}'. {}",
            wanted.name,
            match others.as_slice() {
                [] => "It cannot change its plan; make another instance.".to_owned(),
                others => format!("It can be changed to: {}.", others.join(", ")),
            }
        )))
    }

    async fn begin_update(
        &self,
        existing: Instance,
        (change, digest): (Box<RecordedChange>, Digest),
        caller: &Caller,
    ) -> Result<Option<Updated>, BrokerError> {
        let wanted = Wanted { work: Work::Update, instance: existing.id.clone(), binding: None, digest };
        let provider = self.provider(&existing.service)?;
        let checkpoint = facts::first_checkpoint(existing.unfinished.as_ref());
        let mut operation = operation(wanted, checkpoint, (provider.as_ref(), &existing.plan));
        operation.change = Some(facts::written(&change));
        let known = instance_body(&self.announce(as_changed(existing.clone(), &change))?);
        let rows = Rows { instance: RowChange::Keep, ..Rows::default() };
        let begin = self.beginning(operation, (Some(existing.revision), rows), ("update.accepted", caller));
        let asynchrony = self.asynchrony(Work::Update, (&existing.service, &existing.plan));
        let id = existing.id.clone();
        let Some(attendance) = self.engine.begin(begin, Some(existing)).await? else { return Ok(None) };
        Ok(Some(match self.attend(attendance, (caller, asynchrony)).await? {
            Attended::GoesOn(operation, after) => {
                Updated::Accepted(announcing(accepted(&operation, after), known))
            }
            Attended::Done(made) => Updated::Applied(self.present_body(&id, made).await?),
        }))
    }
}

/// The parameters afterwards: the request's keys over the present ones, `null` removing a key.
fn merged(present: &Parameters, asked: &Parameters) -> Parameters {
    let mut merged = present.expose().clone();
    for (key, value) in asked.expose() {
        if value.is_null() {
            merged.shift_remove(key);
        } else {
            merged.insert(key.clone(), value.clone());
        }
    }
    Parameters::new(merged)
}

/// The instance as it is to be.
fn as_changed(existing: Instance, change: &RecordedChange) -> Instance {
    let context = change.context.clone().or(existing.context);
    Instance { plan: change.plan.clone(), parameters: change.parameters.clone(), context, ..existing }
}

/// What is to be after the update. The version follows the plan; on the same plan it changes only on request.
fn change(
    existing: &Instance,
    request: &UpdateRequest,
    (asked, plan): (&Parameters, &ServicePlan),
) -> RecordedChange {
    let requested = request.maintenance_info.as_ref().and_then(|info| info.version.clone());
    let offered = || plan.maintenance_info.as_ref().and_then(|info| info.version.clone());
    let maintenance_version = match requested {
        Some(version) => Some(version),
        None if plan.id == existing.plan => existing.maintenance_version.clone(),
        None => offered(),
    };
    RecordedChange {
        plan: request.plan_id.clone().unwrap_or_else(|| existing.plan.clone()),
        parameters: merged(&existing.parameters, asked),
        named: asked.keys().map(str::to_owned).collect(),
        context: request.context.clone().map(Context::lasting),
        maintenance_version,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::broker::samples::{self, active, instance};

    #[test]
    fn b_upd_12_20_what_an_update_meets() {
        use InstanceState::{Deprovisioning, Failed, Provisioning, Ready, Unusable};
        let request: UpdateRequest = serde_json::from_value(json!({ "service_id": "service" })).unwrap();
        let foreign: UpdateRequest = serde_json::from_value(json!({ "service_id": "other" })).unwrap();
        assert_eq!(decide(None, None, &request, samples::same()), Decision::Missing);
        assert_eq!(decide(Some(&instance(Ready)), None, &foreign, samples::same()), Decision::Foreign);
        for (state, work, same, other) in [
            (Ready, None, Decision::Check, Decision::Check),
            (Unusable, None, Decision::Check, Decision::Check),
            (Failed, None, Decision::Missing, Decision::Missing),
            (Ready, Some(Work::Update), Decision::Join, Decision::Busy),
            (Ready, Some(Work::Bind), Decision::Busy, Decision::Busy),
            (Provisioning, Some(Work::Provision), Decision::Busy, Decision::Busy),
            (Deprovisioning, Some(Work::Deprovision), Decision::Busy, Decision::Busy),
        ] {
            let active = work.map(|work| active(work, false));
            let decided = |digest| decide(Some(&instance(state)), active.as_ref(), &request, digest);
            assert_eq!(
                (decided(samples::same()), decided(samples::other())),
                (same, other),
                "{state:?} {work:?}"
            );
        }
    }

    #[test]
    fn parameters_are_merged_at_the_top() {
        let object = |value: serde_json::Value| Parameters::new(value.as_object().unwrap().clone());
        let present = object(json!({ "a": 1, "b": { "c": 1, "d": 2 }, "e": 3 }));
        let asked = object(json!({ "a": 2, "b": { "c": 3 }, "e": null, "f": null, "g": 4 }));
        let expected = object(json!({ "a": 2, "b": { "c": 3 }, "g": 4 }));
        assert_eq!(merged(&present, &asked), expected);
    }
}
