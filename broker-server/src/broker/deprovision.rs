//! Deprovision: bindings are revoked first, then the instance goes, whatever state it is in.

use sutler_spec::{DeprovisionQuery, Deprovisioned, InstanceId, OperationState};

use super::{
    Broker, BrokerError, Caller, digest,
    engine::Attended,
    error::Failure,
    facts,
    request::{DECISIONS, Wanted, accepted, operation},
    waiting::Stage,
};
use crate::{
    instance::{Instance, InstanceState},
    operation::{Operation, OperationId, OperationStatus},
    providers::Work,
    store::{RowChange, Rows},
};

/// What the platform is told of work on it.
fn answered(attended: &Attended) -> Deprovisioned {
    match attended {
        Attended::Done(_) => Deprovisioned::Deleted,
        Attended::GoesOn(operation, after) => Deprovisioned::Accepted(accepted(operation, *after)),
    }
}

/// What follows from what is known about the id.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Decision {
    /// There is nothing to delete.
    Gone,
    /// It is being deleted.
    Join,
    /// Delete it; the creation, or other work that only waits, makes way.
    Start(Option<OperationId>),
    /// Something is under way that cannot be interrupted.
    Busy,
    /// Two reads did not fit together: read again.
    Again,
}

/// Decides on a deletion: of an instance, or of a binding of it.
fn decide(existing: Option<&Instance>, active: Option<&OperationStatus>) -> Decision {
    match (existing, active) {
        (None, _) => Decision::Gone,
        (Some(_), Some(active)) if active.work == Work::Deprovision => Decision::Join,
        (Some(_), Some(active)) if active.is_parked || active.work == Work::Provision => {
            Decision::Start(Some(active.id.clone()))
        }
        (Some(_), Some(_)) => Decision::Busy,
        (Some(existing), None)
            if matches!(existing.state, InstanceState::Provisioning | InstanceState::Deprovisioning) =>
        {
            Decision::Again
        }
        (Some(_), None) => Decision::Start(None),
    }
}

impl Broker {
    /// Deletes an instance.
    ///
    /// # Errors
    /// When the request is refused (then nothing has changed), or the work fails while the request waits.
    pub async fn deprovision(
        &self,
        id: &InstanceId,
        query: &DeprovisionQuery,
        caller: &Caller,
    ) -> Result<Deprovisioned, BrokerError> {
        for _ in 0..DECISIONS {
            let existing = self.engine.store.instance(id).await?;
            let active = self.engine.store.active(id).await?;
            let plan = existing.as_ref().map_or(&query.plan_id, |existing| &existing.plan);
            self.check_asynchrony(Work::Deprovision, (&query.service_id, plan), caller)?;
            if existing.as_ref().is_some_and(|existing| existing.service != query.service_id) {
                return Err(BrokerError::Invalid("The instance is not of this service_id.".to_owned()));
            }
            let seen = existing.as_ref().map(|existing| existing.revision);
            match (decide(existing.as_ref(), active.as_ref()), existing, active) {
                (Decision::Gone, ..) => return Ok(Deprovisioned::Gone),
                (Decision::Join, _, Some(active)) => {
                    return Ok(answered(&self.engine.join(&active, caller.asynchrony).await?));
                }
                (Decision::Start(superseded), Some(existing), _) => {
                    if let Some(deleted) = self.begin_deprovision(existing, superseded, caller).await? {
                        return Ok(deleted);
                    }
                }
                (Decision::Busy, ..) => self.still_busy(id, seen).await?,
                _ => tokio::task::yield_now().await,
            }
        }
        Err(BrokerError::Concurrency)
    }

    async fn begin_deprovision(
        &self,
        existing: Instance,
        superseded: Option<OperationId>,
        caller: &Caller,
    ) -> Result<Option<Deprovisioned>, BrokerError> {
        let halted = match &superseded {
            Some(id) => self.engine.store.operation(id).await?,
            None => None,
        };
        let binding = self.halted_binding(halted.as_ref()).await?;
        let decided_on = Some(existing.revision);
        let row = deleting(existing, halted.as_ref());
        let mut operation = self.deletion(&row).await?;
        operation.revoking = self.engine.store.bindings(&row.id).await?.into_iter().next();
        if let Some(first) = &operation.revoking {
            let provider = self.provider(&row.service)?;
            let known = match &binding {
                RowChange::Put(halted) if halted.id == *first => halted.unfinished.clone(),
                _ => self.engine.store.binding(&row.id, first).await?.and_then(|row| row.unfinished),
            };
            operation.checkpoint = facts::first_checkpoint(known.as_ref());
            let begin = facts::read_checkpoint(&operation.checkpoint);
            operation.intent = facts::first_intent((provider.as_ref(), &row.plan), (Work::Unbind, &begin));
        }
        let operation = taking_place(operation, halted.as_ref());
        let asynchrony = self.asynchrony(Work::Deprovision, (&row.service, &row.plan));
        let rows = Rows { instance: RowChange::put(row), binding, ..Rows::default() };
        let mut begin = self.beginning(operation, (decided_on, rows), ("deprovision.accepted", caller));
        begin.supersedes.clone_from(&superseded);
        let Some(attendance) = self.engine.begin(begin, None).await? else { return Ok(None) };
        self.tell_superseded(superseded.as_ref());
        let attended = self.attend(attendance, (caller, asynchrony)).await?;
        Ok(Some(answered(&attended)))
    }

    async fn deletion(&self, row: &Instance) -> Result<Operation, BrokerError> {
        let digest = digest::of_deletion(&self.engine.ring);
        let wanted = Wanted { work: Work::Deprovision, instance: row.id.clone(), binding: None, digest };
        let provider = self.provider(&row.service)?;
        Ok(operation(
            wanted,
            facts::first_checkpoint(row.unfinished.as_ref()),
            (provider.as_ref(), &row.plan),
        ))
    }

    /// The binding that a halted bind was making, with what it knew.
    pub(super) async fn halted_binding(
        &self,
        halted: Option<&Operation>,
    ) -> Result<RowChange<crate::binding::Binding>, BrokerError> {
        let Some((halted, id)) =
            halted.and_then(|halted| halted.binding.as_ref().map(|binding| (halted, binding)))
        else {
            return Ok(RowChange::Keep);
        };
        let row = self.engine.store.binding(&halted.instance, id).await?;
        let unfinished = facts::unfinished(halted);
        Ok(row.map_or(RowChange::Keep, |row| {
            let unfinished = unfinished.or_else(|| row.unfinished.clone());
            RowChange::put(crate::binding::Binding { unfinished, ..row })
        }))
    }

    /// Whoever waits for an operation that made way is told.
    pub(super) fn tell_superseded(&self, superseded: Option<&OperationId>) {
        let Some(id) = superseded else { return };
        let failure = Failure {
            refusal: None,
            touched: true,
            description: "A deletion took its place.".to_owned(),
            instance_usable: None,
            update_repeatable: None,
        };
        self.engine.waiting.tell(id, Stage::Over(Err(Box::new(failure))));
    }
}

/// A deletion that takes the place of other work begins without an intent: only when nobody can be in the middle of a
/// step of that. Whatever that step was, it may have reached the vendor.
pub(super) fn taking_place(deletion: Operation, halted: Option<&Operation>) -> Operation {
    let Some(halted) = halted else { return deletion };
    let in_doubt = facts::is_in_doubt(halted);
    Operation { intent: None, in_doubt, touched: in_doubt || halted.touched, ..deletion }
}

/// The row of an instance that is being deleted: it keeps what a halted creation or update knew.
fn deleting(existing: Instance, halted: Option<&Operation>) -> Instance {
    let halted = halted.filter(|halted| {
        matches!(halted.work, Work::Provision | Work::Update) && halted.state == OperationState::InProgress
    });
    Instance {
        unfinished: halted.and_then(facts::unfinished).or_else(|| existing.unfinished.clone()),
        state_before: Some(existing.state),
        state: InstanceState::Deprovisioning,
        ..existing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::samples::{active, instance};

    #[test]
    fn b_dep_what_a_deletion_meets() {
        use InstanceState::{Deprovisioning, Failed, Provisioning, Ready, Unusable};
        assert_eq!(decide(None, None), Decision::Gone);
        let makes_way = || Decision::Start(Some(OperationId::from("operation")));
        for (state, work, expected) in [
            (Ready, None, Decision::Start(None)),
            (Unusable, None, Decision::Start(None)),
            (Failed, None, Decision::Start(None)),
            (Provisioning, None, Decision::Again),
            (Deprovisioning, None, Decision::Again),
            (Deprovisioning, Some((Work::Deprovision, false)), Decision::Join),
            (Deprovisioning, Some((Work::Deprovision, true)), Decision::Join),
            (Provisioning, Some((Work::Provision, true)), makes_way()),
            (Provisioning, Some((Work::Provision, false)), makes_way()),
            (Ready, Some((Work::Update, true)), makes_way()),
            (Ready, Some((Work::Bind, false)), Decision::Busy),
            (Ready, Some((Work::Update, false)), Decision::Busy),
            (Ready, Some((Work::Bind, true)), makes_way()),
        ] {
            let active = work.map(|(work, is_parked)| active(work, is_parked));
            assert_eq!(decide(Some(&instance(state)), active.as_ref()), expected, "{state:?} {work:?}");
        }
    }
}
