//! Making a binding: its id is written down first; credentials are durable before anyone uses them.

use serde_json::Map;
use sutler_broker_client::{Call, ClientError, FetchQuery, Work};
use sutler_spec::{Asynchrony, BindRequest, BindingBody, BindingId, Bound};

use super::aftermath::{Aftermath, aftermath};
use super::call::{Doubt, Persistence, Sent};
use super::create::tolerated;
use super::error::StepError;
use super::rotate::{fall_back, predecessor, retire_previous};
use super::step::Step;
use super::wait::{Accepted, Settled};
use crate::config::OnAmbiguous;
use crate::faults;
use crate::plan::{Action, BindingWanted};
use crate::state::record::{BindingRecord, InstanceRecord};
use crate::state::status::{BindingEvent, BindingStatus};

/// A binding that nobody has heard of yet.
pub(super) fn intended(id: String) -> BindingRecord {
    BindingRecord {
        binding_id: BindingId::new(id).expect("a uuid is an identifier"),
        status: BindingStatus::Intended,
        credentials: Vec::new(),
        metadata: Map::new(),
        rotation: None,
    }
}

/// Whether a binding that is of no use may be made anew under another id. Once in a run: a broker that loses each of
/// them gets no endless stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewal {
    /// It may.
    Possible,
    /// It was.
    Spent,
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
            Some(BindingStatus::Intended) if wanted => match self.policy(&record.broker) {
                OnAmbiguous::Mitigate => self.bind_in_place_of(record).await,
                _ if faults::mutant("new_binding_on_resume") => self.bind_anew(record).await,
                _ => self.bind(record, (Doubt::Some, Renewal::Possible)).await,
            },
            Some(BindingStatus::Binding { .. }) if wanted => {
                self.await_binding(record, Accepted::Earlier).await
            }
            // It is of no use and wanted again: the new one does not wait for the end of the old one.
            Some(status) if wanted && status != BindingStatus::Bound => {
                match self.unbind(&mut record, Persistence::Once).await {
                    // It was to take the place of another one, which is in force again.
                    Ok(()) if record.binding.is_some() => Ok(record),
                    Ok(()) => self.bind_anew(record).await,
                    Err(error) if error.ends_the_step() => Err(error),
                    Err(error) => {
                        tracing::warn!(instance.id = %record.instance_id, %error, "unbound later");
                        self.bind_in_place_of(record).await
                    }
                }
            }
            _ => {
                while record.binding.is_some() {
                    self.unbind(&mut record, Persistence::Usual).await?;
                }
                if wanted { self.bind_anew(record).await } else { Ok(record) }
            }
        }
    }

    /// Makes a new binding under a new id.
    async fn bind_anew(&self, mut record: InstanceRecord) -> Result<InstanceRecord, StepError> {
        record.binding = Some(intended(self.mint()));
        self.intend(&record).await?;
        self.bind(record, (Doubt::None, Renewal::Possible)).await
    }

    /// Makes a new binding under a new id; the one it has, of no use any more, goes to the list in the same commit.
    async fn bind_in_place_of(&self, mut record: InstanceRecord) -> Result<InstanceRecord, StepError> {
        self.set_binding_aside(&mut record)?;
        self.intend(&record).await?;
        // A vendor may allow only so many: the old one goes first, where it can. It stays on the list where it cannot.
        match Box::pin(self.settle_bindings(&mut record)).await {
            Err(error @ (StepError::State(_) | StepError::Abandoned)) => return Err(error),
            Err(error) => tracing::warn!(instance.id = %record.instance_id, %error, "unbound later"),
            Ok(()) => {}
        }
        Box::pin(self.bind(record, (Doubt::None, Renewal::Spent))).await
    }

    pub(super) async fn intend(&self, record: &InstanceRecord) -> Result<(), StepError> {
        faults::pass("O08-before").await;
        self.shared.put(record, "binding intended").await?;
        faults::pass("O08-after").await;
        Ok(())
    }

    /// Sends the request for the recorded binding. Repeating it is harmless.
    pub(super) async fn bind(
        &self,
        mut record: InstanceRecord,
        (doubt, renewal): (Doubt, Renewal),
    ) -> Result<InstanceRecord, StepError> {
        let Some(id) = record.binding.as_ref().map(|binding| binding.binding_id.clone()) else {
            return Ok(record);
        };
        let broker = self.broker(&record)?;
        let request = BindRequest {
            service_id: Some(record.service.id.clone()),
            plan_id: Some(record.service_plan.id.clone()),
            context: Some(self.context(&record.name)),
            predecessor_binding_id: predecessor(&record),
            ..BindRequest::default()
        };
        let call = || broker.client.bind(&record.instance_id, &id, &request, Asynchrony::Allowed);
        let sent = Box::pin(self.send(broker, (Call::Bind, Persistence::Usual), call));
        let Sent { answer, doubt: since } = faults::race("O09-sent", sent).await?;
        faults::pass("O09-after").await;
        let in_doubt = doubt == Doubt::Some || since == Doubt::Some;
        match answer {
            // An answer with its credentials was lost, and the broker does not repeat them: another one is made.
            Ok(Bound::Unchanged(body)) if in_doubt && body.credentials.is_none() => match renewal {
                Renewal::Possible => self.bind_in_place_of(record).await,
                Renewal::Spent => {
                    let error = StepError::CredentialsLost { broker: record.broker.clone() };
                    self.doubt_binding(&mut record, &error).await?;
                    Err(error)
                }
            },
            Ok(Bound::Created(body) | Bound::Unchanged(body)) => self.bound(record, &body).await,
            Ok(Bound::Accepted(accepted)) => {
                binding_on(&mut record, BindingEvent::Accepted(accepted.operation))?;
                self.shared.put(&record, "binding accepted").await?;
                Box::pin(self.await_binding(record, Accepted::Now)).await
            }
            Err(error) => {
                let known = if in_doubt { Doubt::Some } else { Doubt::None };
                let resumed = doubt == Doubt::Some && renewal == Renewal::Possible;
                self.not_bound(record, (known, if resumed { renewal } else { Renewal::Spent }), error).await
            }
        }
    }

    pub(super) async fn await_binding(
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
            Settled::Unknown if !self.carries_on() => Err(self.forgotten(&record, Call::Bind)),
            Settled::Unknown if self.policy(&record.broker) == OnAmbiguous::Pause => {
                Err(self.paused(&record, "making its binding"))
            }
            Settled::Unknown => Box::pin(self.bind(record, (Doubt::Some, Renewal::Possible))).await,
            settled => {
                let error = self.unsettled(&record, Call::Bind, settled);
                self.doubt_binding(&mut record, &error).await?;
                match accepted {
                    Accepted::Earlier if self.carries_on() => self.bind_in_place_of(record).await,
                    _ => {
                        tolerated(Box::pin(self.unbind(&mut record, Persistence::Once)).await)?;
                        Err(error)
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
        match self.send(broker, (Call::FetchBinding, Persistence::Usual), call).await?.answer {
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
        retire_previous(&mut record);
        // Whatever sinks hold may be of another binding.
        record.sink_digest = None;
        faults::pass("O10-before").await;
        self.put_yield(&record, "bound").await?;
        faults::pass("O10-after").await;
        Ok(record)
    }

    async fn not_bound(
        &self,
        mut record: InstanceRecord,
        (doubt, renewal): (Doubt, Renewal),
        error: ClientError,
    ) -> Result<InstanceRecord, StepError> {
        let after = aftermath(Call::Bind, &error, doubt, self.policy(&record.broker));
        let refused = matches!(&error, ClientError::Rejected { status: 400..500, .. });
        let broker = record.broker.clone();
        let error = StepError::Call { call: Call::Bind, broker, source: Box::new(error) };
        match after {
            Aftermath::Keep => {}
            Aftermath::Forget => {
                fall_back(&mut record);
                self.shared.put(&record, &format!("binding refused: {}", error.line())).await?;
            }
            // An earlier run's request cannot be repeated. This run makes one of its own.
            Aftermath::Mitigate if refused && renewal == Renewal::Possible => {
                return self.bind_in_place_of(record).await;
            }
            Aftermath::Mitigate => {
                self.doubt_binding(&mut record, &error).await?;
                tolerated(Box::pin(self.unbind(&mut record, Persistence::Once)).await)?;
            }
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
