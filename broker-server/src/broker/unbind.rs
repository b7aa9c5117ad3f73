//! Unbind: what a binding gave stops working.

use sutler_spec::{BindingId, InstanceId, PlanId, ServiceId, UnbindQuery, Unbound};

use super::{
    Broker, BrokerError, Caller,
    deprovision::taking_place,
    digest,
    engine::Attended,
    facts,
    request::{DECISIONS, Wanted, accepted, operation},
};
use crate::{
    binding::{Binding, BindingState},
    instance::Instance,
    operation::{OperationId, OperationStatus},
    providers::Work,
    store::{RowChange, Rows},
};

/// What the platform is told of work on it.
fn answered(attended: &Attended) -> Unbound {
    match attended {
        Attended::Done(_) => Unbound::Deleted,
        Attended::GoesOn(operation, after) => Unbound::Accepted(accepted(operation, *after)),
    }
}

/// What follows from what is known about the ids.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Decision {
    /// There is nothing to delete.
    Gone,
    /// It is being deleted.
    Join,
    /// Delete it; the bind makes way.
    Start(Option<OperationId>),
    /// Something is under way that cannot be interrupted.
    Busy,
    /// Two reads did not fit together: read again.
    Again,
}

/// Decides on an unbind request.
fn decide(binding: Option<&Binding>, active: Option<&OperationStatus>) -> Decision {
    let Some(binding) = binding else { return Decision::Gone };
    match active {
        Some(active) if active.binding.as_ref() == Some(&binding.id) => match active.work {
            Work::Unbind => Decision::Join,
            _ => Decision::Start(Some(active.id.clone())),
        },
        Some(_) => Decision::Busy,
        None if matches!(binding.state, BindingState::Binding | BindingState::Unbinding) => Decision::Again,
        None => Decision::Start(None),
    }
}

impl Broker {
    /// Deletes a binding. A request without offering or plan is told so only if there is something to delete.
    ///
    /// # Errors
    /// When the request is refused (then nothing has changed), or the work fails while the request waits.
    pub async fn unbind(
        &self,
        (instance_id, id): (&InstanceId, &BindingId),
        query: Result<&UnbindQuery, &str>,
        caller: &Caller,
    ) -> Result<Unbound, BrokerError> {
        for _ in 0..DECISIONS {
            let instance = self.engine.store.instance(instance_id).await?;
            let binding = self.engine.store.binding(instance_id, id).await?;
            let active = self.engine.store.active(instance_id).await?;
            match query {
                Ok(query) => self.check_unbind(instance.as_ref(), query, caller)?,
                Err(problem) if binding.is_some() => return Err(BrokerError::Invalid(problem.to_owned())),
                Err(_) => return Ok(Unbound::Gone),
            }
            let seen = instance.as_ref().map(|instance| instance.revision);
            match (decide(binding.as_ref(), active.as_ref()), instance, binding, active) {
                (Decision::Gone, ..) => return Ok(Unbound::Gone),
                (Decision::Join, _, _, Some(active)) => {
                    return Ok(answered(&self.engine.join(&active, caller.asynchrony).await?));
                }
                (Decision::Start(superseded), Some(instance), Some(binding), _) => {
                    let begun = self.begin_unbind((instance, binding), superseded, caller).await?;
                    if let Some(unbound) = begun {
                        return Ok(unbound);
                    }
                }
                (Decision::Busy, ..) => self.still_busy(instance_id, seen).await?,
                _ => tokio::task::yield_now().await,
            }
        }
        Err(BrokerError::Concurrency)
    }

    fn check_unbind(
        &self,
        instance: Option<&Instance>,
        query: &UnbindQuery,
        caller: &Caller,
    ) -> Result<(), BrokerError> {
        let (service, plan): (&ServiceId, &PlanId) = instance
            .map_or((&query.service_id, &query.plan_id), |instance| (&instance.service, &instance.plan));
        self.check_asynchrony(Work::Unbind, (service, plan), caller)?;
        if *service == query.service_id {
            Ok(())
        } else {
            Err(BrokerError::Invalid("The instance is not of this service_id.".to_owned()))
        }
    }

    async fn begin_unbind(
        &self,
        (instance, binding): (Instance, Binding),
        superseded: Option<OperationId>,
        caller: &Caller,
    ) -> Result<Option<Unbound>, BrokerError> {
        let halted = match &superseded {
            Some(id) => self.engine.store.operation(id).await?,
            None => None,
        };
        let unfinished = halted.as_ref().and_then(facts::unfinished).or_else(|| binding.unfinished.clone());
        let provider = self.provider(&instance.service)?;
        let wanted = Wanted {
            work: Work::Unbind,
            instance: instance.id.clone(),
            binding: Some(binding.id.clone()),
            digest: digest::of_deletion(&self.engine.ring),
        };
        let operation = operation(
            wanted,
            facts::first_checkpoint(unfinished.as_ref()),
            (provider.as_ref(), &instance.plan),
        );
        let operation = taking_place(operation, halted.as_ref());
        let row = Binding { state: BindingState::Unbinding, unfinished, ..binding };
        let rows = Rows { binding: RowChange::put(row), ..Rows::default() };
        let mut begin =
            self.beginning(operation, (Some(instance.revision), rows), ("unbind.accepted", caller));
        begin.supersedes.clone_from(&superseded);
        let asynchrony = self.asynchrony(Work::Unbind, (&instance.service, &instance.plan));
        let Some(attendance) = self.engine.begin(begin, Some(instance)).await? else { return Ok(None) };
        self.tell_superseded(superseded.as_ref());
        let attended = self.attend(attendance, (caller, asynchrony)).await?;
        Ok(Some(answered(&attended)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::samples::{active, binding};

    #[test]
    fn b_unb_what_an_unbind_meets() {
        use BindingState::{Binding, Failed, Ready, Unbinding};
        assert_eq!(decide(None, None), Decision::Gone);
        for (state, work, expected) in [
            (Ready, None, Decision::Start(None)),
            (Failed, None, Decision::Start(None)),
            (Binding, None, Decision::Again),
            (Unbinding, None, Decision::Again),
            (Unbinding, Some((Work::Unbind, false)), Decision::Join),
            (Binding, Some((Work::Bind, true)), Decision::Start(Some(OperationId::from("operation")))),
            (Binding, Some((Work::Bind, false)), Decision::Start(Some(OperationId::from("operation")))),
            (Ready, Some((Work::Update, true)), Decision::Busy),
            (Ready, Some((Work::Deprovision, false)), Decision::Busy),
        ] {
            let active = work.map(|(work, is_parked)| active(work, is_parked));
            assert_eq!(decide(Some(&binding(state)), active.as_ref()), expected, "{state:?} {work:?}");
        }
    }
}
