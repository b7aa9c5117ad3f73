//! Which plan to use, and what to send for it.

use serde_json::{Value, json};

use super::{
    bench::new_id,
    finding::Finding,
    offer::{Input, Offer},
    sample,
    trial::Trial,
};

impl Trial {
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
}
