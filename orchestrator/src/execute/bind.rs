//! Making a binding: its id is written down first; credentials are durable before anyone uses them.

use serde_json::Map;
use sutler_broker_client::{Call, ClientError, Ended, FetchQuery, Orphan, Work, leaves_orphan};
use sutler_spec::{Asynchrony, BindRequest, BindingBody, BindingId, Bound};
use uuid::Uuid;

use super::call::{Doubt, Persistence, Sent, says_nothing};
use super::error::StepError;
use super::step::Step;
use super::wait::{Accepted, Settled};
use crate::plan::{Action, BindingWanted};
use crate::state::record::{BindingRecord, InstanceRecord};
use crate::state::status::{BindingEvent, BindingStatus};

/// A binding that nobody has heard of yet.
pub(super) fn intended() -> BindingRecord {
    BindingRecord {
        binding_id: BindingId::new(Uuid::new_v4().to_string()).expect("a uuid is an identifier"),
        status: BindingStatus::Intended,
        credentials: Vec::new(),
        metadata: Map::new(),
    }
}

impl Step {
    /// Whether the record had a finished binding when the step began.
    pub(super) fn is_bound(&self) -> bool {
        let bound = |record: &InstanceRecord| {
            record.binding.as_ref().filter(|binding| binding.status == BindingStatus::Bound).map(|_| ())
        };
        self.shared.of(self.planned.reference.as_str(), bound).is_some()
    }

    /// Makes, finishes, renews or removes the binding: whatever is wanted.
    pub(super) async fn bind_as_wanted(
        &self,
        mut record: InstanceRecord,
        began_bound: bool,
    ) -> Result<InstanceRecord, StepError> {
        let wanted = self.planned.binding == BindingWanted::Wanted;
        let status = record.binding.as_ref().map(|binding| binding.status.clone());
        match status {
            None if !wanted => Ok(record),
            Some(BindingStatus::Bound)
                if wanted && !(began_bound && self.planned.action == Action::Rebind) =>
            {
                Ok(record)
            }
            Some(BindingStatus::Intended) if wanted => self.bind(record, Doubt::Some).await,
            Some(BindingStatus::Binding { .. }) if wanted => {
                self.await_binding(record, Accepted::Earlier).await
            }
            status => {
                if status.is_some() {
                    self.unbind(&mut record).await?;
                }
                if wanted { self.bind_anew(record).await } else { Ok(record) }
            }
        }
    }

    /// Makes a new binding under a new id.
    async fn bind_anew(&self, mut record: InstanceRecord) -> Result<InstanceRecord, StepError> {
        record.binding = Some(intended());
        self.shared.put(&record, "binding intended").await?;
        self.bind(record, Doubt::None).await
    }

    /// Sends the request for the recorded binding. Repeating it is harmless.
    pub(super) async fn bind(
        &self,
        mut record: InstanceRecord,
        doubt: Doubt,
    ) -> Result<InstanceRecord, StepError> {
        let Some(id) = record.binding.as_ref().map(|binding| binding.binding_id.clone()) else {
            return Ok(record);
        };
        let broker = self.broker(&record)?;
        let request = BindRequest {
            service_id: Some(record.service.id.clone()),
            plan_id: Some(record.service_plan.id.clone()),
            context: Some(self.context(&record.name)),
            ..BindRequest::default()
        };
        let call = || broker.client.bind(&record.instance_id, &id, &request, Asynchrony::Allowed);
        let Sent { answer, doubt: since } = self.send(broker, Persistence::Usual, call).await?;
        match answer {
            // An earlier run made it and did not live to record its credentials, and the broker does not repeat them.
            Ok(Bound::Unchanged(body)) if doubt == Doubt::Some && body.credentials.is_none() => {
                self.unbind(&mut record).await?;
                Box::pin(self.bind_anew(record)).await
            }
            Ok(Bound::Created(body) | Bound::Unchanged(body)) => self.bound(record, &body).await,
            Ok(Bound::Accepted(accepted)) => {
                binding_on(&mut record, BindingEvent::Accepted(accepted.operation))?;
                self.shared.put(&record, "binding accepted").await?;
                self.await_binding(record, Accepted::Now).await
            }
            Err(error) => {
                let in_doubt = doubt == Doubt::Some || since == Doubt::Some;
                self.not_bound(record, (doubt, in_doubt), error).await
            }
        }
    }

    async fn await_binding(
        &self,
        mut record: InstanceRecord,
        accepted: Accepted,
    ) -> Result<InstanceRecord, StepError> {
        let Some((id, operation)) = record.binding.as_ref().map(|binding| match &binding.status {
            BindingStatus::Binding { operation } => (binding.binding_id.clone(), operation.clone()),
            _ => (binding.binding_id.clone(), None),
        }) else {
            return Ok(record);
        };
        let work = Work::Bind(&record.instance_id, &id);
        match self.settle(&record, work, (operation, &record.service_plan.id), accepted).await? {
            Settled::Done => {
                let body = self.fetch_binding(&mut record, &id).await?;
                self.bound(record, &body).await
            }
            Settled::Unknown => Box::pin(self.bind(record, Doubt::Some)).await,
            settled => {
                let error = self.unsettled(&record, Call::Bind, settled);
                self.doubt_binding(&mut record, &error).await?;
                match accepted {
                    Accepted::Now => {
                        self.unbind(&mut record).await.ok();
                        Err(error)
                    }
                    Accepted::Earlier => {
                        self.unbind(&mut record).await?;
                        Box::pin(self.bind_anew(record)).await
                    }
                }
            }
        }
    }

    /// What an asynchronous binding yields (P-POL-14).
    async fn fetch_binding(
        &self,
        record: &mut InstanceRecord,
        id: &BindingId,
    ) -> Result<BindingBody, StepError> {
        let broker = self.broker(record)?;
        let query = FetchQuery {
            service_id: Some(record.service.id.clone()),
            plan_id: Some(record.service_plan.id.clone()),
        };
        let call = || broker.client.fetch_binding(&record.instance_id, id, &query);
        match self.send(broker, Persistence::Usual, call).await?.answer {
            Ok(fetched) => Ok(fetched.binding),
            Err(error) => {
                let gone = error.is_authentic_absence();
                let (call, broker) = (Call::FetchBinding, record.broker.clone());
                let error = StepError::Call { call, broker, source: Box::new(error) };
                if gone {
                    self.doubt_binding(record, &error).await?;
                }
                Err(error)
            }
        }
    }

    async fn bound(
        &self,
        mut record: InstanceRecord,
        body: &BindingBody,
    ) -> Result<InstanceRecord, StepError> {
        if let Err(error) = self.take_binding(&mut record, body) {
            self.doubt_binding(&mut record, &error).await?;
            return Err(error);
        }
        binding_on(&mut record, BindingEvent::Succeeded)?;
        // Whatever sinks hold may be of another binding.
        record.sink_digest = None;
        self.shared.put(&record, "bound").await?;
        Ok(record)
    }

    async fn not_bound(
        &self,
        mut record: InstanceRecord,
        (resumed, in_doubt): (Doubt, bool),
        error: ClientError,
    ) -> Result<InstanceRecord, StepError> {
        let orphan = leaves_orphan(Call::Bind, &Ended::from(&error)) == Orphan::Binding;
        let silent = says_nothing(&error);
        let not_sent = matches!(error, ClientError::NotSent { .. });
        let broker = record.broker.clone();
        let error = StepError::Call { call: Call::Bind, broker, source: Box::new(error) };
        if not_sent || (silent && in_doubt) {
            return Err(error);
        }
        if orphan || in_doubt {
            self.doubt_binding(&mut record, &error).await?;
            if resumed == Doubt::Some && !orphan {
                // An earlier run's request cannot be repeated. This run makes one of its own.
                self.unbind(&mut record).await?;
                return Box::pin(self.bind_anew(record)).await;
            }
            self.unbind(&mut record).await.ok();
        } else {
            record.binding = None;
            self.shared.put(&record, &format!("binding refused: {}", error.line())).await?;
        }
        Err(error)
    }

    async fn doubt_binding(&self, record: &mut InstanceRecord, error: &StepError) -> Result<(), StepError> {
        binding_on(record, BindingEvent::Failed)?;
        self.shared.put(record, &format!("binding in doubt: {}", error.line())).await
    }
}

/// Moves a binding's status.
pub(super) fn binding_on(record: &mut InstanceRecord, event: BindingEvent) -> Result<(), StepError> {
    if let Some(binding) = &mut record.binding {
        binding.status = binding.status.clone().on(event)?;
    }
    Ok(())
}
