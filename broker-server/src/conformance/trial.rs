//! What a check works with: the way to the broker, things to use, and a list of what was made so that it can go again.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::Method;
use serde_json::{Value, json};

use super::{
    answer::Answer,
    bench::{Bench, Binding, Instance, Made, new_id},
    finding::{Finding, ensure},
    offer::Offer,
    wire::Call,
};

/// Whether a request allows an incomplete answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Incomplete {
    Accepted,
    Refused,
}

/// One check at work.
pub(super) struct Trial {
    pub(super) bench: Arc<Bench>,
    made: Mutex<Vec<Made>>,
    notes: Mutex<Vec<String>>,
    turn: Mutex<Option<tokio::sync::OwnedMutexGuard<()>>>,
}

impl Trial {
    pub(super) fn new(bench: &Arc<Bench>) -> Self {
        Self {
            bench: Arc::clone(bench),
            made: Mutex::default(),
            notes: Mutex::default(),
            turn: Mutex::default(),
        }
    }

    /// Says more than that a check passed.
    pub(super) fn note(&self, text: impl Into<String>) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(text.into());
    }

    pub(super) fn notes(&self) -> String {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).join("; ")
    }

    /// Everything this check made, last first, and forgets it.
    pub(super) fn take_made(&self) -> Vec<Made> {
        let mut made = std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        made.reverse();
        made
    }

    /// Whether the shared instance is this check's until its end.
    pub(super) fn has_turn(&self) -> bool {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Keeps the shared instance until its end.
    pub(super) fn takes_turn(&self, turn: tokio::sync::OwnedMutexGuard<()>) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = Some(turn);
    }

    pub(super) fn call(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        self.bench.wire.call(method, path)
    }

    pub(super) fn get(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::GET, path)
    }

    /// A new instance, not provisioned yet; it goes again after the check.
    pub(super) fn instance(&self, offer: &Offer) -> Instance {
        let instance = Instance { id: new_id(), offer: offer.clone(), body: self.provision_body(offer) };
        self.will_go(&instance);
        instance
    }

    /// Remembers an instance that is going to be made by hand.
    pub(super) fn will_go(&self, instance: &Instance) {
        self.goes_again(Made { path: instance.path(), offer: instance.offer.clone() });
    }

    fn goes_again(&self, made: Made) {
        self.bench.is_of(&made);
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(made);
    }

    /// A new binding, not made yet; it goes again after the check.
    pub(super) fn binding(&self, instance: &Instance) -> Binding {
        let binding = instance.binding(self.bind_body(&instance.offer));
        self.goes_again(Made { path: binding.path(), offer: instance.offer.clone() });
        binding
    }

    pub(super) fn put(&self, path: String, body: &Value, incomplete: Incomplete) -> Call<'_> {
        with(self.call(Method::PUT, path).json(body), incomplete)
    }

    pub(super) fn patch(&self, instance: &Instance, body: &Value, incomplete: Incomplete) -> Call<'_> {
        with(self.call(Method::PATCH, instance.path()).json(body), incomplete)
    }

    pub(super) fn delete(&self, path: String, offer: &Offer, incomplete: Incomplete) -> Call<'_> {
        let call = self.call(Method::DELETE, path);
        with(call.query("service_id", offer.service_id()).query("plan_id", offer.plan_id()), incomplete)
    }

    /// Asks for an instance, accepting an incomplete answer.
    pub(super) async fn provision(&self, instance: &Instance) -> Result<Answer, Finding> {
        self.put(instance.path(), &instance.body, Incomplete::Accepted).send().await
    }

    /// Asks for a binding, accepting an incomplete answer.
    pub(super) async fn bind(&self, binding: &Binding) -> Result<Answer, Finding> {
        self.put(binding.path(), &binding.body, Incomplete::Accepted).send().await
    }

    /// Asks for a change, accepting an incomplete answer.
    pub(super) async fn update(&self, instance: &Instance, change: &Value) -> Result<Answer, Finding> {
        let mut body = json!({ "service_id": instance.offer.service_id() });
        merge(&mut body, change);
        self.patch(instance, &body, Incomplete::Accepted).send().await
    }

    /// Asks for the end of an instance.
    pub(super) async fn deprovision(&self, instance: &Instance) -> Result<Answer, Finding> {
        self.delete(instance.path(), &instance.offer, Incomplete::Accepted).send().await
    }

    /// Asks for the end of a binding.
    pub(super) async fn unbind(&self, binding: &Binding) -> Result<Answer, Finding> {
        self.delete(binding.path(), &binding.instance.offer, Incomplete::Accepted).send().await
    }

    /// Asks how an operation of an instance or binding stands.
    pub(super) async fn poll(&self, path: &str, operation: Option<&str>) -> Result<Answer, Finding> {
        let call = self.get(format!("{path}/last_operation"));
        let call = match operation {
            Some(operation) => call.query("operation", operation),
            None => call,
        };
        call.send().await
    }

    /// Polls what an answer began until it is over; the last answer, or `None` when there was nothing to wait for.
    pub(super) async fn settled(&self, path: &str, begun: &Answer) -> Result<Option<Answer>, Finding> {
        if begun.status != 202 {
            return Ok(None);
        }
        let deadline = Instant::now() + self.bench.options.timeout;
        loop {
            let polled = self.poll(path, begun.operation()).await?;
            match (polled.status, polled.text("state")) {
                (200, Some("in progress")) => {}
                (200 | 404 | 410, _) => return Ok(Some(polled)),
                (500.., _) => {}
                _ => return Err(Finding::fails(polled.said())),
            }
            ensure(Instant::now() < deadline, || {
                let limit = self.bench.options.timeout.as_secs();
                format!("{} is still not over after {limit} s", begun.call)
            })?;
            tokio::time::sleep(self.bench.options.poll_interval).await;
        }
    }

    /// Polls what an answer began until it has succeeded.
    pub(super) async fn succeeded(&self, path: &str, begun: &Answer) -> Result<(), Finding> {
        match self.settled(path, begun).await? {
            None => begun.is(&[200, 201]).map(|_| ()),
            Some(last) if last.text("state") == Some("succeeded") => Ok(()),
            Some(last) if last.status == 410 && begun.call.starts_with("DELETE") => Ok(()),
            Some(last) => {
                let reason = last.text("description").unwrap_or_default();
                Err(Finding::fails(format!(
                    "{} ended as {} {} “{reason}”",
                    begun.call,
                    last.status,
                    last.text("state").unwrap_or("without a state")
                )))
            }
        }
    }

    /// How long to wait between two looks.
    pub(super) fn pause(&self) -> Duration {
        self.bench.options.poll_interval
    }
}

fn with(call: Call<'_>, incomplete: Incomplete) -> Call<'_> {
    match incomplete {
        Incomplete::Accepted => call.query("accepts_incomplete", "true"),
        Incomplete::Refused => call,
    }
}

/// Puts the members of one object into another.
pub(super) fn merge(into: &mut Value, from: &Value) {
    if let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) {
        into.extend(from.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
}
