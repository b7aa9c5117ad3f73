//! Operations that are still running, to be looked at in flight.

use serde_json::Value;

use super::super::{
    answer::Answer,
    bench::{Binding, Instance},
    finding::{Finding, Verdict, ensure},
    offer::Offer,
    trial::Trial,
};

/// A running operation.
pub(super) struct Flight {
    pub(super) instance: Instance,
    pub(super) binding: Option<Binding>,
    /// The 202 that began it.
    pub(super) begun: Answer,
    /// What is polled.
    pub(super) path: String,
    /// The parameters of an update.
    pub(super) change: Option<Value>,
    /// The answer that made the instance, where an update is in flight.
    pub(super) provisioned: Option<Answer>,
}

impl Flight {
    fn of_instance(instance: Instance, begun: Answer) -> Result<Self, Finding> {
        let path = instance.path();
        Self { instance, binding: None, begun, path, change: None, provisioned: None }.accepted()
    }

    fn of_binding(binding: Binding, begun: Answer) -> Result<Self, Finding> {
        let (instance, path) = (binding.instance.clone(), binding.path());
        Self { instance, binding: Some(binding), begun, path, change: None, provisioned: None }.accepted()
    }

    fn accepted(self) -> Result<Self, Finding> {
        match self.begun.status {
            202 => Ok(self),
            200 | 201 => Err(Finding::skipped(format!("{} is over at once", self.begun.call))),
            _ => Err(Finding::skipped(self.begun.said())),
        }
    }

    /// Whether all of it was really seen in flight.
    pub(super) async fn is_still_running(&self, t: &Trial) -> Verdict {
        let polled = t.poll(&self.path, self.begun.operation()).await?;
        match polled.text("state") {
            Some("in progress") => Ok(()),
            _ => Err(Finding::skipped(format!("{} was over before it could be looked at", self.begun.call))),
        }
    }

    /// Sends the same request again: 202 with the same operation.
    pub(super) async fn repeated(&self, t: &Trial) -> Verdict {
        let (call, instance) = (&self.begun.call, &self.instance);
        let repeat = match (&self.binding, call.split(' ').next(), &self.change) {
            (Some(binding), Some("PUT"), _) => t.bind(binding).await?,
            (Some(binding), ..) => t.unbind(binding).await?,
            (None, _, Some(change)) => t.update(instance, change).await?,
            (None, Some("PUT"), _) => t.provision(instance).await?,
            _ => t.deprovision(instance).await?,
        };
        self.is_still_running(t).await?;
        repeat.is(&[202])?;
        ensure(repeat.operation() == self.begun.operation(), || {
            format!("{} with another operation than the first answer had", repeat.said())
        })
    }

    /// Waits until it has succeeded.
    pub(super) async fn ends_well(&self, t: &Trial) -> Verdict {
        t.succeeded(&self.path, &self.begun).await
    }
}

/// The probe's plan of that behaviour, or where there is no probe any plan.
fn offer(t: &Trial, behaviour: &str) -> Result<Offer, Finding> {
    t.behaviour(behaviour).or_else(|_| t.default_offer())
}

pub(super) async fn provisioning(t: &Trial) -> Result<Flight, Finding> {
    let instance = t.instance(&t.slow_offer()?);
    let begun = t.provision(&instance).await?;
    Flight::of_instance(instance, begun)
}

pub(super) async fn updating(t: &Trial) -> Result<Flight, Finding> {
    let (instance, provisioned) = t.ready(&offer(t, "slow-update")?).await?;
    let change = serde_json::json!({ "parameters": t.change(&instance.offer)? });
    let begun = t.update(&instance, &change).await?;
    let flight = Flight::of_instance(instance, begun)?;
    Ok(Flight { change: Some(change), provisioned: Some(provisioned), ..flight })
}

pub(super) async fn deprovisioning(t: &Trial) -> Result<Flight, Finding> {
    let (instance, _) = t.ready(&t.slow_offer()?).await?;
    let begun = t.deprovision(&instance).await?;
    Flight::of_instance(instance, begun)
}

pub(super) async fn binding(t: &Trial) -> Result<Flight, Finding> {
    let (instance, _) = t.ready(&offer(t, "async-binding")?).await?;
    let binding = t.binding(&instance);
    let begun = t.bind(&binding).await?;
    Flight::of_binding(binding, begun)
}

pub(super) async fn unbinding(t: &Trial) -> Result<Flight, Finding> {
    let (instance, _) = t.ready(&offer(t, "async-binding")?).await?;
    let (binding, _) = t.bound(&instance).await?;
    let begun = t.unbind(&binding).await?;
    Flight::of_binding(binding, begun)
}
