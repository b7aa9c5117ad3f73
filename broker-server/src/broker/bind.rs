//! Bind, and rotation: credentials are made once, and given again to whoever repeats the request.

use std::time::SystemTime;

use sutler_catalog::{Application, Input};
use sutler_secrets::Digest;
use sutler_spec::{Asynchrony, BindRequest, BindingId, Bound, InstanceId, ServicePlan};

use super::{
    Broker, BrokerError, Caller, digest,
    engine::Attended,
    facts,
    request::{DECISIONS, Wanted, accepted, operation},
    waiting::Made,
};
use crate::{
    binding::{Binding, BindingState},
    instance::{Instance, InstanceState},
    operation::OperationStatus,
    providers::Work,
    store::{RowChange, Rows},
};

/// What follows from what is known about the ids.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Decision {
    /// Create it; after an attempt that failed, go on with what that left.
    Start,
    /// It is there, with the same parameters.
    Unchanged,
    /// It is being created, with the same parameters.
    Join,
    /// It is there, or being created, with other parameters.
    Conflict,
    /// There is no such instance.
    NoInstance,
    /// The instance does not work.
    Unusable,
    /// Something else is in progress.
    Busy,
    /// Two reads did not fit together: read again.
    Again,
}

/// Decides on a bind request.
fn decide(
    (instance, binding): (Option<&Instance>, Option<&Binding>),
    active: Option<&OperationStatus>,
    id: &BindingId,
    digest: Digest,
) -> Decision {
    let ours = active.filter(|active| active.binding.as_ref() == Some(id));
    if let Some(binding) = binding {
        return match (binding.state, ours.map(|active| active.work)) {
            (BindingState::Unbinding, Some(_)) => Decision::Busy,
            _ if binding.digest != digest => Decision::Conflict,
            (BindingState::Ready, None) => Decision::Unchanged,
            (BindingState::Binding, Some(Work::Bind)) => Decision::Join,
            (BindingState::Failed, None) => on_instance(instance, active),
            _ => Decision::Again,
        };
    }
    on_instance(instance, active)
}

fn on_instance(instance: Option<&Instance>, active: Option<&OperationStatus>) -> Decision {
    match (instance.map(|instance| instance.state), active) {
        (None | Some(InstanceState::Failed), None) => Decision::NoInstance,
        (Some(InstanceState::Ready), None) => Decision::Start,
        (Some(InstanceState::Unusable), None) => Decision::Unusable,
        _ => Decision::Busy,
    }
}

impl Broker {
    /// Creates a binding, or gives it again.
    ///
    /// # Errors
    /// When the request is refused (then nothing has changed), or the work fails while the request waits.
    pub async fn bind(
        &self,
        (instance_id, id): (&InstanceId, &BindingId),
        request: &BindRequest,
        caller: &Caller,
    ) -> Result<Bound, BrokerError> {
        self.check_named(request)?;
        for _ in 0..DECISIONS {
            let instance = self.engine.store.instance(instance_id).await?;
            let digest = digest::of_bind(&self.engine.ring, request, instance.as_ref());
            let caller = &self.waiting_caller(instance.as_ref(), caller);
            let binding = self.engine.store.binding(instance_id, id).await?;
            let active = self.engine.store.active(instance_id).await?;
            let decision = decide((instance.as_ref(), binding.as_ref()), active.as_ref(), id, digest);
            let seen = instance.as_ref().map(|instance| instance.revision);
            match (decision, instance, binding, active) {
                (Decision::Unchanged, _, Some(binding), _) => {
                    return Ok(Bound::Unchanged(binding.body.unwrap_or_default()));
                }
                (Decision::Join, _, _, Some(active)) => {
                    return match self.engine.join(&active, caller.asynchrony).await? {
                        Attended::GoesOn(operation, after) => {
                            Ok(Bound::Accepted(accepted(&operation, after)))
                        }
                        Attended::Done(made) => {
                            Ok(Bound::Unchanged(self.present_binding((instance_id, id), made).await?))
                        }
                    };
                }
                (Decision::Start, Some(instance), left_over, _) => {
                    let wanted = self.check_bind(&instance, (id, request, digest), caller).await?;
                    if let Some(bound) = self.begin_bind(instance, wanted, left_over, caller).await? {
                        return Ok(bound);
                    }
                }
                (Decision::Conflict, ..) => {
                    return Err(BrokerError::Conflict(
                        "A binding with this id exists already, with other parameters.".to_owned(),
                    ));
                }
                (Decision::NoInstance, ..) => {
                    return Err(BrokerError::NotFound("The instance does not exist.".to_owned()));
                }
                (Decision::Unusable, ..) => {
                    return Err(BrokerError::Unsupported(
                        "The instance cannot be used. Repair it with an update, or delete it.".to_owned(),
                    ));
                }
                (Decision::Busy, ..) => self.still_busy(instance_id, seen).await?,
                _ => tokio::task::yield_now().await,
            }
        }
        Err(BrokerError::Concurrency)
    }

    /// Whoever cannot fetch the binding afterwards has to wait for it (B-LOB-06).
    fn waiting_caller(&self, instance: Option<&Instance>, caller: &Caller) -> Caller {
        let offering = instance.and_then(|instance| self.engine.registry.offering(&instance.service));
        let is_hidden = offering.is_some_and(|offering| !offering.service().bindings_retrievable);
        let asynchrony = if is_hidden { Asynchrony::Refused } else { caller.asynchrony };
        Caller { asynchrony, ..caller.clone() }
    }

    /// Offering and plan are named and exist, unless a predecessor stands for them (B-ROT-06).
    fn check_named(&self, request: &BindRequest) -> Result<(), BrokerError> {
        match (&request.service_id, &request.plan_id) {
            (Some(service), Some(plan)) => self.known_plan(service, plan).map(|_| ()),
            _ if request.predecessor_binding_id.is_some() => Ok(()),
            (None, _) => Err(BrokerError::Invalid("service_id is required.".to_owned())),
            (_, None) => Err(BrokerError::Invalid("plan_id is required.".to_owned())),
        }
    }

    /// The checks of App. F that need the instance; gives the row to be written.
    async fn check_bind(
        &self,
        instance: &Instance,
        (id, request, digest): (&BindingId, &BindRequest, Digest),
        caller: &Caller,
    ) -> Result<Binding, BrokerError> {
        if request.service_id.as_ref().is_some_and(|service| *service != instance.service)
            || request.plan_id.as_ref().is_some_and(|plan| *plan != instance.plan)
        {
            return Err(BrokerError::Invalid(
                "The instance is not of this service_id and plan_id.".to_owned(),
            ));
        }
        let (offering, plan) = self.known_plan(&instance.service, &instance.plan)?;
        if !offering.is_bindable(plan) {
            return Err(BrokerError::Invalid("Instances of this plan cannot be bound.".to_owned()));
        }
        self.check_asynchrony(Work::Bind, (&instance.service, &instance.plan), caller)?;
        let predecessor = match &request.predecessor_binding_id {
            Some(id) => Some(self.predecessor(&instance.id, id, plan).await?),
            None => None,
        };
        let application = self.application(instance, request, predecessor.as_ref())?;
        let asked = request.parameters.clone().unwrap_or_default();
        let parameters = predecessor.as_ref().map_or(asked, |before| before.parameters.clone());
        self.check_schema(&instance.plan, Input::Bind, &parameters)?;
        Ok(Binding {
            instance: instance.id.clone(),
            id: id.clone(),
            state: BindingState::Binding,
            digest,
            application,
            predecessor: request.predecessor_binding_id.clone(),
            parameters,
            record: None,
            unfinished: None,
            body: None,
        })
    }

    /// The application to bind, from the request or the binding it replaces (B-BIND-14, B-BIND-15).
    fn application(
        &self,
        instance: &Instance,
        request: &BindRequest,
        predecessor: Option<&Binding>,
    ) -> Result<Option<String>, BrokerError> {
        let named = request.application().map(str::to_owned);
        let application = named.or_else(|| predecessor.and_then(|before| before.application.clone()));
        let plan = self.engine.registry.plan(&instance.service, &instance.plan);
        let is_required = plan.is_some_and(|plan| plan.application() == Application::Required);
        if is_required && application.is_none() { Err(BrokerError::RequiresApp) } else { Ok(application) }
    }

    /// The binding to be replaced: of the same instance, and working (B-ROT-03).
    async fn predecessor(
        &self,
        instance: &InstanceId,
        id: &BindingId,
        plan: &ServicePlan,
    ) -> Result<Binding, BrokerError> {
        if !plan.binding_rotatable {
            return Err(BrokerError::Invalid("Bindings of this plan cannot be rotated.".to_owned()));
        }
        let found = self.engine.store.binding(instance, id).await?;
        // replicas whose clocks differ agree on what is over
        let now = self.engine.store.now().await?;
        found.filter(|binding| binding.state == BindingState::Ready && !is_expired(binding, now)).ok_or_else(
            || {
                BrokerError::Invalid(
                    "The predecessor_binding_id names no working binding of this instance.".to_owned(),
                )
            },
        )
    }

    async fn begin_bind(
        &self,
        instance: Instance,
        mut row: Binding,
        left_over: Option<Binding>,
        caller: &Caller,
    ) -> Result<Option<Bound>, BrokerError> {
        let provider = self.provider(&instance.service)?;
        row.unfinished = left_over.as_ref().and_then(|binding| binding.unfinished.clone());
        let wanted = Wanted {
            work: Work::Bind,
            instance: instance.id.clone(),
            binding: Some(row.id.clone()),
            digest: row.digest,
        };
        let mut operation = operation(
            wanted,
            facts::first_checkpoint(row.unfinished.as_ref()),
            (provider.as_ref(), &instance.plan),
        );
        // an earlier creation may have reached the vendor
        operation.in_doubt = left_over.is_some();
        operation.touched = left_over.is_some();
        let (instance_id, id) = (instance.id.clone(), row.id.clone());
        let rows = Rows { binding: RowChange::put(row), ..Rows::default() };
        let begin = self.beginning(operation, (Some(instance.revision), rows), ("bind.accepted", caller));
        let asynchrony = self.asynchrony(Work::Bind, (&instance.service, &instance.plan));
        let Some(attendance) = self.engine.begin(begin, Some(instance)).await? else { return Ok(None) };
        Ok(Some(match self.attend(attendance, (caller, asynchrony)).await? {
            Attended::GoesOn(operation, after) => Bound::Accepted(accepted(&operation, after)),
            Attended::Done(made) => Bound::Created(self.present_binding((&instance_id, &id), made).await?),
        }))
    }

    async fn present_binding(
        &self,
        (instance, id): (&InstanceId, &BindingId),
        made: Made,
    ) -> Result<sutler_spec::BindingBody, BrokerError> {
        if let Made::Binding(body) = made {
            return Ok(*body);
        }
        let binding = self.engine.store.binding(instance, id).await?;
        Ok(binding.and_then(|binding| binding.body).unwrap_or_default())
    }
}

/// Whether the time the binding was made for is over.
fn is_expired(binding: &Binding, now: SystemTime) -> bool {
    let metadata = binding.body.as_ref().and_then(|body| body.metadata.as_ref());
    let expires_at = metadata.and_then(|metadata| metadata.expires_at.as_ref());
    expires_at
        .and_then(|at| at.as_str().parse::<jiff::Timestamp>().ok())
        .is_some_and(|at| SystemTime::from(at) <= now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::samples::{self, active, binding, instance};

    fn on_ready(state: Option<BindingState>, work: Option<Work>, digest: Digest) -> Decision {
        let (row, active) = (state.map(binding), work.map(|work| active(work, false)));
        let id = BindingId::new("b").unwrap();
        decide((Some(&instance(InstanceState::Ready)), row.as_ref()), active.as_ref(), &id, digest)
    }

    #[test]
    fn b_bind_18_19_21_what_a_known_binding_means() {
        use BindingState::{Binding, Failed, Ready, Unbinding};
        for (state, work, same, other) in [
            (None, None, Decision::Start, Decision::Start),
            (Some(Ready), None, Decision::Unchanged, Decision::Conflict),
            (Some(Ready), Some(Work::Update), Decision::Unchanged, Decision::Conflict),
            (Some(Binding), Some(Work::Bind), Decision::Join, Decision::Conflict),
            (Some(Binding), None, Decision::Again, Decision::Conflict),
            (Some(Failed), None, Decision::Start, Decision::Conflict),
            (Some(Failed), Some(Work::Update), Decision::Busy, Decision::Conflict),
            (Some(Unbinding), Some(Work::Unbind), Decision::Busy, Decision::Busy),
            (None, Some(Work::Update), Decision::Busy, Decision::Busy),
        ] {
            assert_eq!(on_ready(state, work, samples::same()), same, "{state:?} {work:?}");
            assert_eq!(on_ready(state, work, samples::other()), other, "{state:?} {work:?}");
        }
    }

    #[test]
    fn only_an_instance_that_works_is_bound() {
        use InstanceState::{Failed, Provisioning, Ready, Unusable};
        for (state, expected) in [
            (None, Decision::NoInstance),
            (Some(Failed), Decision::NoInstance),
            (Some(Provisioning), Decision::Busy),
            (Some(Unusable), Decision::Unusable),
            (Some(Ready), Decision::Start),
        ] {
            assert_eq!(on_instance(state.map(instance).as_ref(), None), expected, "{state:?}");
        }
    }
}
