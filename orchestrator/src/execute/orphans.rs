//! The list of what is still to be deleted: what earlier attempts may have left, and nothing waits for.

use std::sync::Arc;

use sutler_broker_client::{Call, Work};
use sutler_spec::{Asynchrony, BindingId, InstanceId, UnbindQuery, Unbound};

use super::Context;
use super::call::{Persistence, Sent};
use super::error::StepError;
use super::outputs::drop_credentials;
use super::shared::Shared;
use super::step::Step;
use super::wait::{Accepted, Settled};
use crate::config::OnAmbiguous;
use crate::faults;
use crate::name::{BrokerName, InstanceRef};
use crate::state::record::{BindingRecord, InstanceRecord, OrphanRecord};
use crate::state::status::{BindingStatus, Status};

/// What of the list could not be deleted now, and why.
#[derive(Debug)]
pub(super) struct Remaining {
    /// What.
    pub(super) orphan: OrphanRecord,
    /// Why not.
    pub(super) error: StepError,
}

impl Remaining {
    /// For people: what is left, where, and why.
    pub(super) fn line(&self, reference: &InstanceRef) -> String {
        let OrphanRecord { broker, instance_id, binding_id, .. } = &self.orphan;
        let what = match binding_id {
            Some(binding) => format!("binding {binding} of instance {instance_id}"),
            None => format!("instance {instance_id}"),
        };
        format!(
            "{reference}: {what} at broker '{broker}' is still to be deleted ({}); a later run tries again",
            self.error.line()
        )
    }
}

/// Whether a run has to look after a record although nothing is planned for it: it has a list, or is an entry of it
/// that nobody declares any more.
pub(super) fn needs_sweep(context: &Context, record: &InstanceRecord) -> bool {
    !record.orphans.is_empty() || is_forgotten(context, record)
}

/// Was never ready, may exist, and is not declared: only its deletion is left to do.
fn is_forgotten(context: &Context, record: &InstanceRecord) -> bool {
    let declared = context.config.instances.contains_key(&record.reference);
    record.status == Status::Doubtful && !declared && !record.protected
}

/// Tries once to delete what a record has on its list. Never fails because of a broker: what remains is told.
pub(super) async fn sweep(shared: Arc<Shared>, record: InstanceRecord) -> Result<Vec<Remaining>, StepError> {
    let step = Step::about(shared, &record);
    let mut record = record;
    let mut remaining = Vec::new();
    for orphan in record.orphans.clone() {
        if step.policy(&orphan.broker) == OnAmbiguous::Pause {
            continue;
        }
        match step.delete_listed(&record, &orphan, Persistence::Once).await {
            Ok(()) => {
                record.orphans.retain(|other| other != &orphan);
                step.shared.put(&record, "orphan deleted").await?;
            }
            Err(error @ (StepError::State(_) | StepError::Abandoned)) => return Err(error),
            Err(error) => remaining.push(Remaining { orphan, error }),
        }
    }
    if is_forgotten(&step.shared.context, &record) && step.policy(&record.broker) != OnAmbiguous::Pause {
        match step.mitigate(&record, Persistence::Once).await {
            Ok(()) => {}
            Err(error @ (StepError::State(_) | StepError::Abandoned)) => return Err(error),
            Err(error) => {
                let orphan = record.as_orphan(None, record.created_at.clone());
                remaining.push(Remaining { orphan, error });
            }
        }
    }
    Ok(remaining)
}

impl Step {
    /// Puts the record's binding on the list, and a new one that nobody has heard of in its place. Not yet durable.
    pub(super) fn set_binding_aside(&self, record: &mut InstanceRecord) -> Result<(), StepError> {
        let binding =
            record.binding.as_ref().map(|binding| (binding.binding_id.clone(), binding.rotation.clone()));
        if let Some((id, _)) = &binding
            && !faults::mutant("orphan_list_dropped")
        {
            let since = jiff::Timestamp::now().to_string();
            record.orphans.push(record.as_orphan(Some(id.clone()), since));
        }
        record.binding = Some(match binding.and_then(|(_, rotation)| rotation) {
            Some(rotation) => self.successor(record, rotation.previous, rotation.grace)?,
            None => {
                drop_credentials(record);
                super::bind::intended(self.mint())
            }
        });
        Ok(())
    }

    /// Deletes the listed bindings of the record's own instance: an instance is deleted after its bindings, always.
    pub(super) async fn settle_bindings(&self, record: &mut InstanceRecord) -> Result<(), StepError> {
        let of = (record.broker.clone(), record.instance_id.clone());
        self.settle_bindings_of(record, of).await
    }

    /// The same for an earlier instance of the record's ref.
    pub(super) async fn settle_bindings_of(
        &self,
        record: &mut InstanceRecord,
        (broker, instance): (BrokerName, InstanceId),
    ) -> Result<(), StepError> {
        let of_it = |orphan: &&OrphanRecord| {
            orphan.binding_id.is_some() && orphan.instance_id == instance && orphan.broker == broker
        };
        let listed: Vec<_> = record.orphans.iter().filter(of_it).cloned().collect();
        for orphan in listed {
            self.delete_listed(record, &orphan, Persistence::Once).await?;
            record.orphans.retain(|other| other != &orphan);
            self.shared.put(record, "orphan deleted").await?;
        }
        Ok(())
    }

    /// Removes a record. Where it was to replace another, that one is in force again; where something is left on its
    /// list, that becomes the record instead.
    pub(super) async fn drop_record(&self, mut record: InstanceRecord, why: &str) -> Result<(), StepError> {
        if let Some(previous) = Self::reinstated(&mut record) {
            return self.shared.put(&previous, &format!("{why}; the one before it stays in force")).await;
        }
        if record.orphans.is_empty() {
            return self.shared.remove(&record.reference, why).await;
        }
        let orphan = record.orphans.remove(0);
        record = stand_in(&record, &orphan);
        record.binding = orphan.binding_id.map(doubtful_binding);
        self.shared.put(&record, &format!("{why}; something earlier is still to be deleted")).await
    }

    /// Deletes one entry of a list.
    pub(super) async fn delete_listed(
        &self,
        record: &InstanceRecord,
        listed: &OrphanRecord,
        persistence: Persistence,
    ) -> Result<(), StepError> {
        let mut stand_in = stand_in(record, listed);
        match &listed.binding_id {
            Some(binding) => self.unbind_listed(&stand_in, binding, persistence).await,
            None => self.deprovision(&mut stand_in, persistence).await,
        }
    }

    async fn unbind_listed(
        &self,
        record: &InstanceRecord,
        id: &BindingId,
        persistence: Persistence,
    ) -> Result<(), StepError> {
        let broker = self.broker(record)?;
        let query =
            UnbindQuery { service_id: record.service.id.clone(), plan_id: record.service_plan.id.clone() };
        let call = || broker.client.unbind(&record.instance_id, id, &query, Asynchrony::Allowed);
        let Sent { answer, .. } = self.send(broker, (Call::Unbind, persistence), call).await?;
        match answer {
            Ok(Unbound::Deleted | Unbound::Gone) => Ok(()),
            Ok(Unbound::Accepted(accepted)) => {
                let work = Work::Unbind(&record.instance_id, id);
                let told = (accepted.operation, &record.service_plan.id);
                match self.settle(record, work, told, Accepted::Now).await? {
                    Settled::Done => Ok(()),
                    settled => Err(self.unsettled(record, Call::Unbind, settled)),
                }
            }
            Err(error) if error.is_authentic_absence() => Ok(()),
            Err(error) => {
                let (call, broker) = (Call::Unbind, record.broker.clone());
                Err(StepError::Call { call, broker, source: Box::new(error) })
            }
        }
    }
}

/// A record of what an entry of the list is about: never ready, perhaps there.
fn stand_in(record: &InstanceRecord, orphan: &OrphanRecord) -> InstanceRecord {
    InstanceRecord {
        broker: orphan.broker.clone(),
        service: orphan.service.clone(),
        service_plan: orphan.service_plan.clone(),
        instance_id: orphan.instance_id.clone(),
        status: Status::Doubtful,
        pending: None,
        outputs: crate::state::record::Few::new(),
        binding: None,
        ..record.clone()
    }
}

fn doubtful_binding(id: BindingId) -> BindingRecord {
    BindingRecord {
        binding_id: id,
        status: BindingStatus::Doubtful,
        credentials: Vec::new(),
        metadata: serde_json::Map::new(),
        rotation: None,
    }
}
