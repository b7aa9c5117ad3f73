//! Making an instance: its id is written down before the first byte goes out, its operation before the first poll.

use sutler_broker_client::{Call, ClientError, Ended, Orphan, Work, leaves_orphan};
use sutler_catalog::Input;
use sutler_spec::{Asynchrony, FetchedInstance, InstanceBody, InstanceId, ProvisionRequest, Provisioned};
use uuid::Uuid;

use super::call::{Doubt, Persistence, Sent, says_nothing, within};
use super::error::StepError;
use super::resolve::{Request, as_object};
use super::step::Step;
use super::wait::{Accepted, Settled};
use crate::config::Declaration;
use crate::plan::BindingWanted;
use crate::state::record::InstanceRecord;
use crate::state::status::{Event, Next, Status};
use sutler_broker_client::FetchQuery;

impl Step {
    /// Makes a new instance, in place of what an earlier record under this ref still claims in sinks.
    pub(super) async fn create(&self, earlier: Option<InstanceRecord>) -> Result<InstanceRecord, StepError> {
        let request = self.request(None)?;
        self.validate(request.parameters.expose(), Input::Provision)?;
        let record = self.intended(request, earlier)?;
        self.shared.put(&record, "creation intended").await?;
        self.provision(record, Doubt::None).await
    }

    fn intended(
        &self,
        request: Request,
        earlier: Option<InstanceRecord>,
    ) -> Result<InstanceRecord, StepError> {
        let declaration = self.declaration()?;
        let target = &self.planned.target;
        let mut record = InstanceRecord {
            reference: self.planned.reference.clone(),
            broker: target.broker.clone(),
            service: target.service.clone(),
            service_plan: target.service_plan.clone(),
            instance_id: InstanceId::new(Uuid::new_v4().to_string()).expect("a uuid is an identifier"),
            name: declaration.name.clone(),
            status: Status::Intended,
            protected: false,
            needs: Vec::new(),
            asked: request.asked,
            pending: None,
            outputs: std::collections::BTreeMap::new(),
            binding: None,
            variables: earlier.map(|record| record.variables).unwrap_or_default(),
            sink_digest: None,
            created_at: jiff::Timestamp::now().to_string(),
        };
        take_declaration(&mut record, declaration);
        Ok(record)
    }

    /// Sends the recorded request. Repeating it for the same record is harmless.
    pub(super) async fn provision(
        &self,
        mut record: InstanceRecord,
        doubt: Doubt,
    ) -> Result<InstanceRecord, StepError> {
        let broker = self.broker(&record)?;
        let request = self.provision_request(&record)?;
        let call = || broker.client.provision(&record.instance_id, &request, Asynchrony::Allowed);
        let Sent { answer, doubt: since } = self.send(broker, Persistence::Usual, call).await?;
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
                self.shared.put(&record, "creation accepted").await?;
                self.await_creation(record, Accepted::Now).await
            }
            Err(error) => {
                let doubt = if since == Doubt::Some { since } else { doubt };
                self.not_provisioned(record, doubt, error).await
            }
        }
    }

    fn provision_request(&self, record: &InstanceRecord) -> Result<ProvisionRequest, StepError> {
        let vault = &self.shared.context.vault;
        Ok(ProvisionRequest {
            service_id: record.service.id.clone(),
            plan_id: record.asked.service_plan.id.clone(),
            organization_guid: vault.lineage().to_string(),
            space_guid: vault.stack().to_string(),
            context: Some(self.context(&record.name)),
            parameters: as_object(self.recorded(record, &record.asked)?.into_inner()),
            maintenance_info: None,
        })
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
            // The broker has forgotten it, or never got it: the same request again, under the same id.
            (Settled::Unknown, _) => Box::pin(self.provision(record, Doubt::Some)).await,
            (settled, accepted) => {
                step_on(&mut record, Event::Failed)?;
                let error = self.unsettled(&record, Call::Provision, settled);
                self.shared.put(&record, &format!("creation failed: {}", error.line())).await?;
                let cleaned = self.mitigate(&record, Persistence::Once).await;
                match accepted {
                    Accepted::Now => Err(error),
                    // An earlier run's request failed. This run makes one of its own.
                    Accepted::Earlier => {
                        cleaned?;
                        Box::pin(self.create(Some(record))).await
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
        if self.planned.binding == BindingWanted::Wanted {
            record.binding = Some(super::bind::intended());
            self.shared.put(&record, "created; binding intended").await?;
            return self.bind(record, Doubt::None).await;
        }
        self.shared.put(&record, "created").await?;
        Ok(record)
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
        match within(broker, broker.client.fetch_instance(&record.instance_id, &query)).await {
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
        let orphan = leaves_orphan(Call::Provision, &Ended::from(&error)) == Orphan::Instance;
        let not_sent = matches!(error, ClientError::NotSent { .. });
        let broker = record.broker.clone();
        let error = StepError::Call { call: Call::Provision, broker, source: Box::new(error) };
        let StepError::Call { source, .. } = &error else { return Err(error) };
        if not_sent || (says_nothing(source) && doubt == Doubt::Some) {
            return Err(error); // As it was: the next run sends the same request again.
        }
        if orphan || doubt == Doubt::Some {
            step_on(&mut record, Event::Failed)?;
            self.shared.put(&record, &format!("creation in doubt: {}", error.line())).await?;
            self.mitigate(&record, Persistence::Once).await.ok();
        } else {
            self.shared.remove(&record.reference, &format!("creation refused: {}", error.line())).await?;
        }
        Err(error)
    }
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
