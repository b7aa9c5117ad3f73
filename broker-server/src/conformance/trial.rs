//! What a check works with: the way to the broker, things to use, and a list of what was made so that it can go again.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::{
    Options,
    finding::{Finding, ensure},
    offer::{Input, Offer},
    sample,
    wire::{Answer, Call, Wire},
};

/// Whether a request allows an incomplete answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Incomplete {
    Accepted,
    Refused,
}

/// What all checks of a run share.
pub(super) struct Bench {
    pub(super) wire: Wire,
    pub(super) options: Options,
    /// The first answer to a catalog request.
    pub(super) catalog: Answer,
    /// Every plan of the catalog.
    pub(super) offers: Vec<Offer>,
    /// An instance and a binding that checks look at and never change.
    shared: OnceCell<Result<Shared, Finding>>,
    /// Held by the check that uses them: two that change the same instance would be in each other's way.
    turn: Arc<tokio::sync::Mutex<()>>,
    made: Mutex<Vec<Made>>,
}

/// The instance and binding that every check may look at.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) instance: Instance,
    pub(super) provisioned: Answer,
    pub(super) binding: Result<(Binding, Answer), Finding>,
}

/// An instance, whether it is there yet or not.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Instance {
    pub(super) id: String,
    pub(super) offer: Offer,
    /// The body that provisions it.
    pub(super) body: Value,
}

impl Instance {
    pub(super) fn path(&self) -> String {
        format!("/v2/service_instances/{}", encoded(&self.id))
    }

    pub(super) fn binding(&self, body: Value) -> Binding {
        Binding { id: new_id(), instance: self.clone(), body }
    }
}

/// A binding, whether it is there yet or not.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Binding {
    pub(super) id: String,
    pub(super) instance: Instance,
    /// The body that makes it.
    pub(super) body: Value,
}

impl Binding {
    pub(super) fn path(&self) -> String {
        format!("{}/service_bindings/{}", self.instance.path(), encoded(&self.id))
    }
}

/// Something that has to go at the end.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Made {
    pub(super) path: String,
    pub(super) offer: Offer,
}

/// A segment of a path.
pub(super) fn encoded(id: &str) -> String {
    sutler_spec::encode_segment(id)
}

/// An id that nobody has used.
pub(super) fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

impl Bench {
    pub(super) fn new(wire: Wire, options: Options, catalog: Answer) -> Self {
        let offers = catalog.json.as_ref().map(Offer::all).unwrap_or_default();
        Self {
            wire,
            options,
            catalog,
            offers,
            shared: OnceCell::new(),
            turn: Arc::default(),
            made: Mutex::default(),
        }
    }
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

    /// Everything the run shares, last first, and forgets it.
    pub(super) fn take_shared(&self) -> Vec<Made> {
        let mut made = std::mem::take(&mut *self.bench.made.lock().unwrap_or_else(PoisonError::into_inner));
        made.reverse();
        made
    }

    pub(super) fn call(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        self.bench.wire.call(method, path)
    }

    pub(super) fn get(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::GET, path)
    }

    /// A body that provisions an instance of the offer.
    pub(super) fn provision_body(&self, offer: &Offer) -> Value {
        let (organization, space) = (new_id(), new_id());
        let mut body = json!({
            "service_id": offer.service_id(),
            "plan_id": offer.plan_id(),
            "organization_guid": organization,
            "space_guid": space,
            "context": {
                "platform": "cloudfoundry",
                "organization_guid": organization,
                "organization_name": "conformance",
                "space_guid": space,
                "space_name": "conformance",
                "instance_name": "conformance",
            },
        });
        if let Some(parameters) = self.parameters(offer, Input::Provision) {
            body["parameters"] = parameters;
        }
        body
    }

    /// A body that binds an application to an instance of the offer.
    pub(super) fn bind_body(&self, offer: &Offer) -> Value {
        let mut body = json!({
            "service_id": offer.service_id(),
            "plan_id": offer.plan_id(),
            "bind_resource": { "app_guid": new_id() },
        });
        if offer.requires("route_forwarding") {
            body["bind_resource"] = json!({ "route": "conformance.example" });
        }
        if let Some(parameters) = self.parameters(offer, Input::Bind) {
            body["parameters"] = parameters;
        }
        body
    }

    /// What the operator gave for the plan, or the least that its schema asks for.
    fn parameters(&self, offer: &Offer, input: Input) -> Option<Value> {
        let given = self.bench.options.parameters.get(offer.plan_name());
        if let Some(given) = given.and_then(|given| given.get(input.name())) {
            return Some(given.clone());
        }
        let sample = sample::minimal(offer.schema(input)?);
        sample.as_object().is_some_and(|sample| !sample.is_empty()).then_some(sample)
    }

    /// Parameters that change an instance of the offer.
    pub(super) fn change(&self, offer: &Offer) -> Result<Value, Finding> {
        let given = self.bench.options.parameters.get(offer.plan_name());
        given
            .and_then(|given| given.get(Input::Update.name()).cloned())
            .or_else(|| sample::change(offer.schema(Input::Update)?))
            .ok_or_else(|| {
                Finding::skipped(format!("no parameter of {} is known that can be changed", offer.name()))
            })
    }

    /// A new instance, not provisioned yet; it goes again after the check.
    pub(super) fn instance(&self, offer: &Offer) -> Instance {
        let instance = Instance { id: new_id(), offer: offer.clone(), body: self.provision_body(offer) };
        self.will_go(&instance);
        instance
    }

    /// Remembers an instance that is going to be made by hand.
    pub(super) fn will_go(&self, instance: &Instance) {
        let made = Made { path: instance.path(), offer: instance.offer.clone() };
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(made);
    }

    /// A new binding, not made yet; it goes again after the check.
    pub(super) fn binding(&self, instance: &Instance) -> Binding {
        let binding = instance.binding(self.bind_body(&instance.offer));
        let made = Made { path: binding.path(), offer: instance.offer.clone() };
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(made);
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

    /// A new instance that is ready, with the answer that began it. What stands in the way skips the check.
    pub(super) async fn ready(&self, offer: &Offer) -> Result<(Instance, Answer), Finding> {
        let instance = self.instance(offer);
        let answer = self.provision(&instance).await.map_err(Finding::into_obstacle)?;
        self.succeeded(&instance.path(), &answer).await.map_err(Finding::into_obstacle)?;
        Ok((instance, answer))
    }

    /// A new binding that is ready, with the answer that began it.
    pub(super) async fn bound(&self, instance: &Instance) -> Result<(Binding, Answer), Finding> {
        let binding = self.binding(instance);
        let answer = self.bind(&binding).await.map_err(Finding::into_obstacle)?;
        self.succeeded(&binding.path(), &answer).await.map_err(Finding::into_obstacle)?;
        Ok((binding, answer))
    }

    /// The instance, and its binding, that all checks look at; made once. Until its end nobody else does.
    pub(super) async fn shared(&self) -> Result<Shared, Finding> {
        if self.turn.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            let turn = Arc::clone(&self.bench.turn).lock_owned().await;
            *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = Some(turn);
        }
        self.bench.shared.get_or_init(|| self.make_shared()).await.clone()
    }

    async fn make_shared(&self) -> Result<Shared, Finding> {
        let own = Self::new(&self.bench);
        let made = async {
            let offer = self.default_offer()?;
            let (instance, provisioned) = own.ready(&offer).await?;
            let binding = match offer.is_bindable() {
                true => own.bound(&instance).await,
                false => Err(Finding::skipped(format!("{} is not bindable", offer.name()))),
            };
            Ok(Shared { instance, provisioned, binding })
        };
        let made = made.await;
        let mut kept = own.take_made();
        kept.reverse();
        self.bench.made.lock().unwrap_or_else(PoisonError::into_inner).extend(kept);
        made
    }

    /// The plans that instances may be made of.
    fn usable(&self) -> impl Iterator<Item = &Offer> {
        let (service, plan) = (self.bench.options.service.clone(), self.bench.options.plan.clone());
        self.bench.offers.iter().filter(move |offer| {
            service.as_deref().is_none_or(|name| name == offer.service_name())
                && plan.as_deref().is_none_or(|name| name == offer.plan_name())
        })
    }

    /// The first plan for which something holds.
    pub(super) fn offer_with(&self, what: &str, holds: impl Fn(&Offer) -> bool) -> Result<Offer, Finding> {
        let mut usable: Vec<&Offer> = self.usable().collect();
        // the probe's plans that only fail are for those who ask for them by name
        usable.sort_by_key(|offer| offer.behaviour().is_some_and(|behaviour| behaviour.starts_with("fails")));
        let found = usable.into_iter().find(|offer| holds(offer));
        found.cloned().ok_or_else(|| Finding::skipped(format!("the catalog has no plan {what}")))
    }

    /// The plan to use where any will do: the probe's instant one, or the first that can be bound.
    pub(super) fn default_offer(&self) -> Result<Offer, Finding> {
        self.behaviour("instant")
            .or_else(|_| self.offer_with("that can be bound", Offer::is_bindable))
            .or_else(|_| self.offer_with("at all", |_| true))
    }

    /// A plan to see asynchronous work with: the probe's slow one, or whatever is used elsewhere.
    pub(super) fn slow_offer(&self) -> Result<Offer, Finding> {
        self.behaviour("slow").or_else(|_| self.default_offer())
    }

    /// The probe's plan with this behaviour.
    pub(super) fn behaviour(&self, name: &str) -> Result<Offer, Finding> {
        let found = self.usable().find(|offer| offer.behaviour() == Some(name));
        found.cloned().ok_or_else(|| {
            Finding::skipped(format!("the catalog has no plan with metadata.sutler.probe = {name}"))
        })
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
