//! Provision: an instance is created once, however often it is asked for.

use sutler_catalog::Input;
use sutler_secrets::Digest;
use sutler_spec::{InstanceId, Parameters, ProvisionRequest, Provisioned, ServicePlan};

use super::{
    Broker, BrokerError, Caller, digest,
    engine::Attended,
    facts,
    request::{DECISIONS, Wanted, accepted, announcing, check_maintenance, instance_body, operation},
    waiting::Made,
};
use crate::{
    faults,
    instance::{Instance, InstanceState},
    operation::OperationStatus,
    providers::Work,
    store::{RowChange, Rows},
};

/// What follows from what is known about the id.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Decision {
    /// Create it; after an attempt that failed, go on with what that left.
    Start,
    /// It is there, with the same attributes.
    Unchanged,
    /// It is being created, with the same attributes.
    Join,
    /// It is there, or being created, with other attributes.
    Conflict,
    /// It is being deleted.
    Busy,
    /// Two reads did not fit together: read again.
    Again,
}

/// Decides on a provision request.
fn decide(existing: Option<&Instance>, active: Option<&OperationStatus>, digest: Digest) -> Decision {
    let Some(existing) = existing else { return Decision::Start };
    let same = existing.digest == digest;
    let active = active.map(|status| status.work);
    match (existing.state, active) {
        (InstanceState::Deprovisioning, Some(_)) => Decision::Busy,
        _ if !same && !faults::mutant("conflict_means_success") => Decision::Conflict,
        (InstanceState::Ready | InstanceState::Unusable, _) => Decision::Unchanged,
        (InstanceState::Provisioning, Some(Work::Provision)) => Decision::Join,
        (InstanceState::Failed, None) => Decision::Start,
        (InstanceState::Provisioning | InstanceState::Deprovisioning | InstanceState::Failed, _) => {
            Decision::Again
        }
    }
}

impl Broker {
    /// Creates an instance, or says that it is there.
    ///
    /// # Errors
    /// When the request is refused (then nothing has changed), or the work fails while the request waits.
    pub async fn provision(
        &self,
        id: &InstanceId,
        request: &ProvisionRequest,
        caller: &Caller,
    ) -> Result<Provisioned, BrokerError> {
        let (_, plan) = self.known_plan(&request.service_id, &request.plan_id)?;
        let digest = digest::of_provision(&self.engine.ring, request);
        for _ in 0..DECISIONS {
            let existing = self.engine.store.instance(id).await?;
            let active = match existing {
                Some(_) => self.engine.store.active(id).await?,
                // it decides nothing then
                None => None,
            };
            let seen = existing.as_ref().map(|existing| existing.revision);
            match (decide(existing.as_ref(), active.as_ref(), digest), existing, active) {
                (Decision::Unchanged, Some(existing), _) => {
                    return Ok(Provisioned::Unchanged(instance_body(&existing)));
                }
                (Decision::Join, Some(existing), Some(active)) => {
                    return match self.engine.join(&active, caller.asynchrony).await? {
                        Attended::GoesOn(operation, after) => Ok(Provisioned::Accepted(announcing(
                            accepted(&operation, after),
                            instance_body(&existing),
                        ))),
                        Attended::Done(made) => {
                            Ok(Provisioned::Unchanged(self.present_body(id, made).await?))
                        }
                    };
                }
                (Decision::Start, existing, _) => {
                    self.check_provision(plan, request, caller)?;
                    let context = request.context.as_ref();
                    let about = (id, &request.service_id);
                    self.check_adoption(about, context, existing.as_ref()).await?;
                    if let Some(provisioned) =
                        self.begin_provision(id, (request, plan, digest), existing, caller).await?
                    {
                        return Ok(provisioned);
                    }
                }
                (Decision::Conflict, ..) => {
                    return Err(BrokerError::Conflict(
                        "An instance with this id exists already, with other attributes.".to_owned(),
                    ));
                }
                (Decision::Busy, ..) => self.still_busy(id, seen).await?,
                _ => tokio::task::yield_now().await,
            }
        }
        Err(BrokerError::Concurrency)
    }

    /// Everything that can be refused is refused here, before anything is written (I-13), in the order of App. F.
    fn check_provision(
        &self,
        plan: &ServicePlan,
        request: &ProvisionRequest,
        caller: &Caller,
    ) -> Result<(), BrokerError> {
        self.check_asynchrony(Work::Provision, (&request.service_id, &request.plan_id), caller)?;
        check_maintenance(plan, request.maintenance_info.as_ref())?;
        let none = Parameters::default();
        let parameters = request.parameters.as_ref().unwrap_or(&none);
        self.check_schema(&plan.id, Input::Provision, parameters)?;
        self.check_with_provider((&request.service_id, &plan.id), parameters, None)
    }

    /// Accepts the work and waits for it; `None` when the world moved on before it was accepted.
    async fn begin_provision(
        &self,
        id: &InstanceId,
        (request, plan, digest): (&ProvisionRequest, &ServicePlan, Digest),
        left_over: Option<Instance>,
        caller: &Caller,
    ) -> Result<Option<Provisioned>, BrokerError> {
        let wanted = Wanted { work: Work::Provision, instance: id.clone(), binding: None, digest };
        let provider = self.provider(&request.service_id)?;
        let unfinished = left_over.as_ref().and_then(|instance| instance.unfinished.clone());
        let checkpoint = facts::first_checkpoint(unfinished.as_ref());
        let mut operation = operation(wanted, checkpoint, (provider.as_ref(), &plan.id));
        // an earlier creation may have reached the vendor
        operation.in_doubt = left_over.is_some();
        operation.touched = left_over.is_some();
        let decided_on = left_over.as_ref().map(|instance| instance.revision);
        let row = Instance { unfinished, ..self.announce(new_instance(id, request, plan, digest))? };
        let known = instance_body(&row);
        let rows = Rows { instance: RowChange::put(row), ..Rows::default() };
        let begin = self.beginning(operation, (decided_on, rows), ("provision.accepted", caller));
        let asynchrony = self.asynchrony(Work::Provision, (&request.service_id, &request.plan_id));
        let Some(attendance) = self.engine.begin(begin, left_over).await? else { return Ok(None) };
        Ok(Some(match self.attend(attendance, (caller, asynchrony)).await? {
            Attended::GoesOn(operation, after) => {
                Provisioned::Accepted(announcing(accepted(&operation, after), known))
            }
            Attended::Done(made) => Provisioned::Created(self.present_body(id, made).await?),
        }))
    }

    /// What the platform is told of an instance that has just become ready.
    pub(super) async fn present_body(
        &self,
        id: &InstanceId,
        made: Made,
    ) -> Result<sutler_spec::InstanceBody, BrokerError> {
        if let Made::Instance(body) = made {
            return Ok(body);
        }
        let instance = self.engine.store.instance(id).await?;
        Ok(instance.as_ref().map(instance_body).unwrap_or_default())
    }
}

fn new_instance(id: &InstanceId, request: &ProvisionRequest, plan: &ServicePlan, digest: Digest) -> Instance {
    Instance {
        id: id.clone(),
        service: request.service_id.clone(),
        plan: request.plan_id.clone(),
        organization: request.organization_guid.clone(),
        space: request.space_guid.clone(),
        context: request.context.clone(),
        parameters: request.parameters.clone().unwrap_or_default(),
        digest,
        maintenance_version: plan.maintenance_info.as_ref().and_then(|info| info.version.clone()),
        state: InstanceState::Provisioning,
        state_before: None,
        record: None,
        unfinished: None,
        dashboard_url: None,
        labels: serde_json::Map::new(),
        attributes: serde_json::Map::new(),
        revision: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::samples::{self, active, instance};

    #[test]
    fn b_prov_10_to_13_what_a_known_id_means() {
        use InstanceState::{Deprovisioning, Failed, Provisioning, Ready, Unusable};
        assert_eq!(decide(None, None, samples::same()), Decision::Start);
        for (state, work, same, other) in [
            (Provisioning, Some(Work::Provision), Decision::Join, Decision::Conflict),
            (Provisioning, None, Decision::Again, Decision::Conflict),
            (Ready, None, Decision::Unchanged, Decision::Conflict),
            (Ready, Some(Work::Update), Decision::Unchanged, Decision::Conflict),
            (Ready, Some(Work::Bind), Decision::Unchanged, Decision::Conflict),
            (Unusable, None, Decision::Unchanged, Decision::Conflict),
            (Failed, None, Decision::Start, Decision::Conflict),
            (Deprovisioning, Some(Work::Deprovision), Decision::Busy, Decision::Busy),
            (Deprovisioning, None, Decision::Again, Decision::Conflict),
        ] {
            let (row, active) = (instance(state), work.map(|work| active(work, false)));
            assert_eq!(decide(Some(&row), active.as_ref(), samples::same()), same, "{state:?} {work:?}");
            assert_eq!(decide(Some(&row), active.as_ref(), samples::other()), other, "{state:?} {work:?}");
        }
    }
}
