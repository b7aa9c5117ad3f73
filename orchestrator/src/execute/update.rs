//! Changing an instance in place: only what changed is sent; what was in force stays recorded until it is done.

use serde_json::{Map, Value};
use sutler_broker_client::{Call, ClientError, FetchQuery, Work};
use sutler_catalog::Input;
use sutler_spec::{Asynchrony, InstanceBody, PreviousValues, UpdateRequest, Updated};

use super::call::{Doubt, Persistence, Sent, says_nothing};
use super::create::{step_on, take_declaration, version};
use super::error::StepError;
use super::resolve::as_object;
use super::step::Step;
use super::wait::{Accepted, Settled};
use crate::faults;
use crate::plan::can_put_right;
use crate::state::record::{Asked, InstanceRecord};
use crate::state::status::{BindingStatus, Event, Status};

impl Step {
    /// Changes a ready instance to what is declared now.
    pub(super) async fn update(&self, record: InstanceRecord) -> Result<InstanceRecord, StepError> {
        let request = self.request(Some(&record))?;
        let changes = self.changes(&record, &request.asked)?;
        self.validate(&Value::Object(changes), Input::Update)?;
        self.change(record, request.asked).await
    }

    /// Asks for a change of a ready instance, after it is recorded.
    pub(super) async fn change(
        &self,
        mut record: InstanceRecord,
        asked: Asked,
    ) -> Result<InstanceRecord, StepError> {
        step_on(&mut record, Event::ChangeAsked)?;
        record.pending = Some(asked);
        self.shared.put(&record, "change intended").await?;
        faults::pass("O23-intent").await;
        self.send_change(record).await
    }

    /// Sends the recorded change. Repeating it is harmless.
    pub(super) async fn send_change(&self, mut record: InstanceRecord) -> Result<InstanceRecord, StepError> {
        let broker = self.broker(&record)?;
        let request = self.update_request(&record)?;
        let call = || broker.client.update(&record.instance_id, &request, Asynchrony::Allowed);
        let sent = Box::pin(self.send(broker, (Call::Update, Persistence::Usual), call));
        let Sent { answer, doubt } = faults::race("O23-sent", sent).await?;
        drop(request);
        match answer {
            Ok(Updated::Applied(body)) => self.changed(record, Some(body)).await,
            Ok(Updated::Accepted(accepted)) => {
                step_on(&mut record, Event::Accepted(accepted.operation))?;
                let body =
                    InstanceBody { dashboard_url: accepted.dashboard_url, metadata: accepted.metadata };
                self.take_instance(&mut record, body)?;
                self.shared.put(&record, "change accepted").await?;
                Box::pin(self.await_change(record, Accepted::Now)).await
            }
            Err(error) => {
                // Unless the broker has certainly refused it, the next run sends the same change again.
                let unknown = doubt == Doubt::Some
                    || error.outcome_is_unknown()
                    || error.is_concurrency_error()
                    || matches!(error, ClientError::NotSent { .. })
                    || says_nothing(&error);
                let (call, broker) = (Call::Update, record.broker.clone());
                let error = StepError::Call { call, broker, source: Box::new(error) };
                if !unknown {
                    self.unchanged(record, Event::Refused, &error).await?;
                }
                Err(error)
            }
        }
    }

    /// Waits for a change that the broker has accepted.
    pub(super) async fn await_change(
        &self,
        record: InstanceRecord,
        accepted: Accepted,
    ) -> Result<InstanceRecord, StepError> {
        let operation = match &record.status {
            Status::Updating { operation } => operation.clone(),
            _ => None,
        };
        let work = Work::Update(&record.instance_id);
        // During a change of plan the old one is named (P-POL-04).
        match self.settle(&record, work, (operation, &record.service_plan.id), accepted).await? {
            Settled::Done => self.changed(record, None).await,
            Settled::Unknown if !self.carries_on() => Err(self.forgotten(&record, Call::Update)),
            Settled::Unknown => Box::pin(self.send_change(record)).await,
            settled @ Settled::Expired(_) => Err(self.unsettled(&record, Call::Update, settled)),
            settled => {
                let error = self.unsettled(&record, Call::Update, settled);
                self.unchanged(record, Event::Failed, &error).await?;
                Err(error)
            }
        }
    }

    /// It is as it was asked to be.
    pub(super) async fn changed(
        &self,
        mut record: InstanceRecord,
        body: Option<InstanceBody>,
    ) -> Result<InstanceRecord, StepError> {
        step_on(&mut record, Event::Succeeded)?;
        if let Some(asked) = record.pending.take() {
            record.service_plan = asked.service_plan.clone();
            record.asked = asked;
        }
        record.drift.clear();
        if let Ok(declaration) = self.declaration() {
            record.name = self.name(declaration, Some(&record)).to_owned();
            take_declaration(&mut record, declaration);
        }
        let body = match body.filter(|body| body.metadata.is_some()) {
            Some(body) => body,
            None => self.fetched(&record).await?,
        };
        self.take_instance(&mut record, body)?;
        self.refresh_binding(&mut record).await?;
        faults::pass("O23-after").await;
        self.shared.put(&record, "changed").await?;
        Ok(record)
    }

    /// It is as it was before.
    async fn unchanged(
        &self,
        mut record: InstanceRecord,
        event: Event,
        error: &StepError,
    ) -> Result<(), StepError> {
        step_on(&mut record, event)?;
        record.pending = None;
        self.shared.put(&record, &format!("not changed: {}", error.line())).await
    }

    /// Credentials may have changed with the instance, where the broker lets us look.
    async fn refresh_binding(&self, record: &mut InstanceRecord) -> Result<(), StepError> {
        let retrievable = self.offered(record)?.is_some_and(|(offering, _)| offering.bindings_retrievable);
        let bound = record.binding.as_ref().filter(|binding| binding.status == BindingStatus::Bound);
        let Some(binding) = bound.filter(|_| retrievable).map(|binding| binding.binding_id.clone()) else {
            return Ok(());
        };
        let broker = self.broker(record)?;
        let query = FetchQuery {
            service_id: Some(record.service.id.clone()),
            plan_id: Some(record.service_plan.id.clone()),
        };
        match self.ask(broker, broker.client.fetch_binding(&record.instance_id, &binding, &query)).await? {
            Ok(fetched) if fetched.binding.credentials.is_some() => {
                self.take_binding(record, &fetched.binding)?;
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(binding.id = %binding, %error, "the binding could not be read"),
        }
        Ok(())
    }

    /// Whether something differs that no update takes.
    pub(super) fn is_beyond_update(&self, record: &InstanceRecord, asked: &Asked) -> Result<bool, StepError> {
        let changes = self.changes(record, asked)?;
        for (key, value) in &changes {
            if !self.puts_right(record, (key, Some(value).filter(|value| !value.is_null())))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether an update puts right anything that was changed at the vendor.
    pub(super) fn can_repair(&self, record: &InstanceRecord) -> Result<bool, StepError> {
        let asked = &record.asked.parameter_digests;
        for key in record.drifted_parameters() {
            // what value it has does not matter here, only whether there is one
            if self.puts_right(record, (key, asked.contains_key(key).then_some(&Value::Null)))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn puts_right(
        &self,
        record: &InstanceRecord,
        (key, value): (&str, Option<&Value>),
    ) -> Result<bool, StepError> {
        let Some((_, plan)) = self.offered(record)? else { return Ok(false) };
        Ok(can_put_right((&self.broker(record)?.index, plan), key, value))
    }

    /// The top-level parameters that differ, each with its new value, or null where it is gone (P-UPD-04).
    fn changes(&self, record: &InstanceRecord, asked: &Asked) -> Result<Map<String, Value>, StepError> {
        let parameters = self.recorded(record, asked)?;
        let mut changes = Map::new();
        for key in record.drifted_parameters() {
            let value = parameters.expose().get(key);
            if self.puts_right(record, (key, value))? {
                changes.insert(key.to_owned(), value.cloned().unwrap_or(Value::Null));
            }
        }
        for (key, value) in parameters.expose().as_object().into_iter().flatten() {
            if record.asked.parameter_digests.get(key) != asked.parameter_digests.get(key) {
                changes.insert(key.clone(), value.clone());
            }
        }
        for key in record.asked.parameter_digests.keys() {
            if !asked.parameter_digests.contains_key(key) {
                changes.insert(key.to_owned(), Value::Null);
            }
        }
        Ok(changes)
    }

    fn update_request(&self, record: &InstanceRecord) -> Result<UpdateRequest, StepError> {
        let asked = record.pending.as_ref().unwrap_or(&record.asked);
        let name = self.declaration().map_or(record.name.as_str(), |it| self.name(it, Some(record)));
        let vault = &self.shared.context.vault;
        let other_plan = asked.service_plan.id != record.service_plan.id;
        // Named only when it changes: naming it asks for maintenance.
        let before = &record.asked.maintenance_version;
        let after = asked.maintenance_version.clone().filter(|after| Some(after) != before.as_ref());
        Ok(UpdateRequest {
            service_id: record.service.id.clone(),
            plan_id: other_plan.then(|| asked.service_plan.id.clone()),
            context: Some(self.context_of_update(record, name)),
            parameters: as_object(Value::Object(self.changes(record, asked)?)),
            maintenance_info: after.map(version),
            previous_values: Some(PreviousValues {
                plan_id: Some(record.service_plan.id.clone()),
                maintenance_info: before.clone().map(version),
                service_id: Some(record.service.id.clone()),
                organization_id: Some(vault.lineage().to_string()),
                space_id: Some(vault.stack().to_string()),
            }),
        })
    }
}
