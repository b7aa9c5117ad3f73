//! Making an instance: its id is written down before the first byte goes out, its operation before the first poll.

use sutler_broker_client::{Call, ClientError, FetchQuery, Work};
use sutler_catalog::Input;
use sutler_secrets::SecretJson;
use sutler_spec::{
    Asynchrony, Context, FetchedInstance, InstanceBody, InstanceId, LastOperationQuery, MaintenanceInfo,
    OperationState, ProvisionRequest, Provisioned,
};

use super::aftermath::{Aftermath, aftermath};
use super::bind::Renewal;
use super::call::{Doubt, Persistence, Sent};
use super::error::StepError;
use super::generation::{Earlier, Inheritance};
use super::resolve::{Request, as_object};
use super::step::Step;
use super::wait::{Accepted, Settled};
use crate::config::{Declaration, OnAmbiguous};
use crate::faults;
use crate::plan::BindingWanted;
use crate::state::record::{Asked, InstanceRecord};
use crate::state::status::{Event, Next, Status};

impl Step {
    /// Makes a new instance, in place of what an earlier record under this ref still claims in sinks.
    pub(super) async fn create(&self, earlier: Earlier) -> Result<InstanceRecord, StepError> {
        let request = self.request(None)?;
        self.validate(request.parameters.expose(), Input::Provision)?;
        let Request { asked, parameters } = request;
        let record = self.intended(asked, earlier)?;
        faults::pass("O03-before").await;
        if !faults::mutant("no_intent") {
            self.put_first(&record, "creation intended").await?;
        }
        faults::pass("O03-after").await;
        self.send_provision(record, parameters, Doubt::None).await
    }

    fn intended(&self, asked: Asked, earlier: Earlier) -> Result<InstanceRecord, StepError> {
        let declaration = self.declaration()?;
        let Inheritance { variables, orphans, previous, retired } = earlier.inheritance();
        let target = &self.planned.target;
        let mut record = InstanceRecord {
            reference: self.planned.reference.clone(),
            broker: target.broker.clone(),
            service: target.service.clone(),
            service_plan: target.service_plan.clone(),
            instance_id: InstanceId::new(self.mint()).expect("a uuid is an identifier"),
            name: declaration.name.clone(),
            status: Status::Intended,
            protected: false,
            needs: Vec::new(),
            asked,
            pending: None,
            outputs: crate::state::record::Few::new(),
            binding: None,
            variables,
            sink_digest: None,
            adopted: self.adoption(),
            drift: Vec::new(),
            orphans,
            previous,
            retired,
            created_at: jiff::Timestamp::now().to_string(),
        };
        take_declaration(&mut record, declaration);
        Ok(record)
    }

    /// The object that it is to be made from, if it is to be.
    fn adoption(&self) -> Option<String> {
        let wanted = self.shared.context.options.adoption.as_ref();
        wanted.filter(|one| one.reference == self.planned.reference).map(|one| one.object.clone())
    }

    /// Sends the recorded request. Repeating it for the same record is harmless.
    pub(super) async fn provision(
        &self,
        record: InstanceRecord,
        doubt: Doubt,
    ) -> Result<InstanceRecord, StepError> {
        let parameters = self.recorded(&record, &record.asked)?;
        self.send_provision(record, parameters, doubt).await
    }

    /// Sends the recorded request, whose parameters are at hand.
    async fn send_provision(
        &self,
        mut record: InstanceRecord,
        parameters: SecretJson,
        doubt: Doubt,
    ) -> Result<InstanceRecord, StepError> {
        let broker = self.broker(&record)?;
        let request = self.provision_request(&record, parameters);
        let call = || broker.client.provision(&record.instance_id, &request, Asynchrony::Allowed);
        let sent = Box::pin(self.send(broker, (Call::Provision, Persistence::Usual), call));
        let Sent { answer, doubt: since } = faults::race("O04-sent", sent).await?;
        faults::pass("O04-after").await;
        drop(request);
        match answer {
            Ok(Provisioned::Created(body) | Provisioned::Unchanged(body)) => {
                self.provisioned(record, Some(body)).await
            }
            Ok(Provisioned::Accepted(accepted)) => {
                step_on(&mut record, Event::Accepted(accepted.operation))?;
                let body =
                    InstanceBody { dashboard_url: accepted.dashboard_url, metadata: accepted.metadata };
                self.take_instance(&mut record, body)?;
                faults::pass("O05-before").await;
                self.shared.put(&record, "creation accepted").await?;
                faults::pass("O05-after").await;
                Box::pin(self.await_creation(record, Accepted::Now)).await
            }
            Err(error) => {
                let doubt = if since == Doubt::Some { since } else { doubt };
                self.not_provisioned(record, doubt, error).await
            }
        }
    }

    fn provision_request(&self, record: &InstanceRecord, parameters: SecretJson) -> ProvisionRequest {
        let vault = &self.shared.context.vault;
        let mut context = self.context(&record.name);
        if let Some(object) = &record.adopted {
            context.properties.insert(Context::ADOPT.to_owned(), object.as_str().into());
        }
        ProvisionRequest {
            service_id: record.service.id.clone(),
            plan_id: record.asked.service_plan.id.clone(),
            organization_guid: vault.lineage().to_string(),
            space_guid: vault.stack().to_string(),
            context: Some(context),
            parameters: as_object(parameters.into_inner()),
            maintenance_info: record.asked.maintenance_version.clone().map(version),
        }
    }

    /// An earlier run's request, whose answer was never written down: how far is it? Then the same again.
    pub(super) async fn ask_and_provision(
        &self,
        mut record: InstanceRecord,
    ) -> Result<InstanceRecord, StepError> {
        let broker = self.broker(&record)?;
        let query = LastOperationQuery {
            service_id: Some(record.service.id.clone()),
            plan_id: Some(record.service_plan.id.clone()),
            operation: None,
        };
        let answer = self.poll(broker, Work::Provision(&record.instance_id), &query).await?;
        match answer.map(|polled| polled.operation.state) {
            Ok(OperationState::InProgress) => {
                step_on(&mut record, Event::Accepted(None))?;
                self.shared.put(&record, "found in progress").await?;
                self.await_creation(record, Accepted::Earlier).await
            }
            Ok(OperationState::Failed) => {
                record.adopted = None;
                step_on(&mut record, Event::Failed)?;
                self.shared.put(&record, "found to have failed").await?;
                self.replace_doubtful(record).await
            }
            // Done, never heard of, or no word about it: the same request tells, and does what is missing.
            Ok(OperationState::Succeeded) | Err(_) => self.provision(record, Doubt::Some).await,
        }
    }

    /// Deletes what a doubtful record may have left, then makes another under a new id. Where it is to be at another
    /// broker or of another service, what cannot be deleted now is put on the list and does not stand in the way.
    pub(super) async fn replace_doubtful(
        &self,
        mut record: InstanceRecord,
    ) -> Result<InstanceRecord, StepError> {
        let mitigated = Box::pin(self.mitigate(&record, Persistence::Usual)).await;
        match mitigated {
            // It was to replace another that is wanted again by now.
            Ok(()) => match self.record() {
                Some(previous) if self.is_as_wanted(&previous)? => return Ok(previous),
                _ => {}
            },
            Err(error) if error.ends_the_step() || !self.is_elsewhere(&record) => return Err(error),
            Err(error) => {
                tracing::warn!(instance.id = %record.instance_id, %error, "it is to be deleted later");
                let since = jiff::Timestamp::now().to_string();
                let binding = record.binding.take().map(|binding| binding.binding_id);
                record.orphans.extend(binding.map(|id| record.as_orphan(Some(id), since.clone())));
                record.orphans.push(record.as_orphan(None, since));
            }
        }
        Box::pin(self.create(Earlier::Gone(Box::new(record)))).await
    }

    /// Waits for a creation that the broker has accepted.
    pub(super) async fn await_creation(
        &self,
        mut record: InstanceRecord,
        accepted: Accepted,
    ) -> Result<InstanceRecord, StepError> {
        let operation = match &record.status {
            Status::Provisioning { operation } => operation.clone(),
            _ => None,
        };
        let work = Work::Provision(&record.instance_id);
        let settled = self.settle(&record, work, (operation, &record.service_plan.id), accepted).await?;
        match (settled, accepted) {
            (Settled::Done, _) => self.provisioned(record, None).await,
            (Settled::Unknown, _) if !self.carries_on() => Err(self.forgotten(&record, Call::Provision)),
            // The broker has forgotten it, or never got it.
            (Settled::Unknown, _) => match self.policy_for(&record) {
                OnAmbiguous::Resume => Box::pin(self.provision(record, Doubt::Some)).await,
                OnAmbiguous::Mitigate => {
                    step_on(&mut record, Event::Failed)?;
                    self.shared.put(&record, "its broker does not know it").await?;
                    self.replace_doubtful(record).await
                }
                OnAmbiguous::Pause => Err(self.paused(&record, "creating it")),
            },
            // Whether it was taken over, nobody knows: it is not to be deleted.
            (settled @ Settled::Expired(_), _) if record.adopted.is_some() => {
                Err(self.unsettled(&record, Call::Provision, settled))
            }
            (settled, accepted) => {
                // An adoption that failed has left nothing, and what there is of it can be deleted.
                record.adopted = None;
                step_on(&mut record, Event::Failed)?;
                let error = self.unsettled(&record, Call::Provision, settled);
                self.shared.put(&record, &format!("creation failed: {}", error.line())).await?;
                match accepted {
                    // An earlier run's request failed. This run makes one of its own.
                    Accepted::Earlier if self.carries_on() => self.replace_doubtful(record).await,
                    _ => {
                        tolerated(Box::pin(self.mitigate(&record, Persistence::Once)).await)?;
                        Err(error)
                    }
                }
            }
        }
    }

    /// It exists. Its binding's id is written down in the same commit, if it is to have one.
    async fn provisioned(
        &self,
        mut record: InstanceRecord,
        body: Option<InstanceBody>,
    ) -> Result<InstanceRecord, StepError> {
        step_on(&mut record, Event::Succeeded)?;
        let body = match body {
            Some(body) => body,
            None => self.fetched(&record).await?,
        };
        self.take_instance(&mut record, body)?;
        let made = match record.adopted.take() {
            Some(object) => format!("adopted the object {object}"),
            None => "created".to_owned(),
        };
        faults::pass("O07-before").await;
        if self.planned.binding == BindingWanted::NotWanted || !self.carries_on() {
            self.put_yield(&record, &made).await?;
            faults::pass("O07-after").await;
            return Ok(record);
        }
        let binding = super::bind::intended(self.mint());
        if !faults::mutant("no_binding_intent") {
            record.binding = Some(binding.clone());
        }
        self.shared.put(&record, &format!("{made}; binding intended")).await?;
        record.binding = Some(binding);
        faults::pass("O07-after").await;
        Box::pin(self.bind(record, (Doubt::None, Renewal::Possible))).await
    }

    /// What an instance says of itself, where its broker lets us ask. Not knowing it is no failure.
    pub(super) async fn fetched(&self, record: &InstanceRecord) -> Result<InstanceBody, StepError> {
        let retrievable = self.offered(record)?.is_some_and(|(offering, _)| offering.instances_retrievable);
        if !retrievable {
            return Ok(InstanceBody::default());
        }
        let broker = self.broker(record)?;
        let query = FetchQuery {
            service_id: Some(record.service.id.clone()),
            plan_id: Some(record.service_plan.id.clone()),
        };
        match self.ask(broker, broker.client.fetch_instance(&record.instance_id, &query)).await? {
            Ok(FetchedInstance { dashboard_url, metadata, .. }) => {
                Ok(InstanceBody { dashboard_url, metadata })
            }
            Err(error) => {
                tracing::warn!(instance.id = %record.instance_id, %error, "the new instance could not be read");
                Ok(InstanceBody::default())
            }
        }
    }

    async fn not_provisioned(
        &self,
        mut record: InstanceRecord,
        doubt: Doubt,
        error: ClientError,
    ) -> Result<InstanceRecord, StepError> {
        let after = aftermath(Call::Provision, &error, doubt, self.policy(&record.broker));
        let broker = record.broker.clone();
        let error = StepError::Call { call: Call::Provision, broker, source: Box::new(error) };
        match after {
            // As it was: the next run goes on from it. What may have been taken over is not to be deleted.
            Aftermath::Keep => {}
            Aftermath::Mitigate if record.adopted.is_some() => {}
            Aftermath::Forget => {
                self.drop_record(record, &format!("creation refused: {}", error.line())).await?;
            }
            Aftermath::Mitigate => {
                step_on(&mut record, Event::Failed)?;
                self.shared.put(&record, &format!("creation in doubt: {}", error.line())).await?;
                tolerated(Box::pin(self.mitigate(&record, Persistence::Once)).await)?;
            }
        }
        Err(error)
    }
}

/// The outcome of cleaning up after an error, which is the one to report, unless nothing can be recorded any more.
pub(super) fn tolerated(cleaned: Result<(), StepError>) -> Result<(), StepError> {
    match cleaned {
        Err(error @ StepError::State(_)) => Err(error),
        _ => Ok(()),
    }
}

/// A maintenance version as it is sent: only the version counts.
pub(super) fn version(version: String) -> MaintenanceInfo {
    MaintenanceInfo { version: Some(version), description: None }
}

/// Moves a record's status. For events after which the record stays.
pub(super) fn step_on(record: &mut InstanceRecord, event: Event) -> Result<(), StepError> {
    if let Next::Stands(status) = record.status.clone().on(event)? {
        record.status = status;
    }
    Ok(())
}

/// Takes over what a declaration says about us, rather than about the instance.
pub(super) fn take_declaration(record: &mut InstanceRecord, declaration: &Declaration) {
    record.protected = declaration.protected;
    let mut needs: Vec<_> = declaration.uses.iter().map(|found| found.target.clone()).collect();
    needs.sort_unstable();
    needs.dedup();
    record.needs = needs;
}
