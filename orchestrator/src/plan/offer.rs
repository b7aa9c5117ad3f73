//! From the name of a service to the broker, offering and plan that are meant.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use sutler_catalog::{Index, Output, declared_outputs};
use sutler_spec::{ServiceOffering, ServicePlan};

use super::{PlanInput, Price, Target, input::Draft};
use crate::{
    config::{At, Declaration, Finding},
    name::BrokerName,
    nearest::{listed, nearest},
    state::record::Named,
};

/// A plan of an offering of a broker, and what is worked out of it once.
pub(super) struct Offer<'a> {
    pub(super) broker: &'a BrokerName,
    pub(super) index: &'a Index,
    pub(super) offering: &'a ServiceOffering,
    pub(super) service_plan: &'a ServicePlan,
    /// What it says it yields; nothing when it does not say.
    pub(super) outputs: Option<Vec<Output>>,
    pub(super) target: Arc<Target>,
}

impl Offer<'_> {
    /// Whether credentials can be had.
    pub(super) fn is_bindable(&self) -> bool {
        self.offering.is_bindable(self.service_plan)
    }
}

/// What a declaration says of service and plan.
type Wanted<'a> = (Option<&'a str>, &'a str, Option<&'a str>);

/// Every offer that is used, looked up once.
pub(super) struct Offers<'a> {
    input: &'a PlanInput<'a>,
    list: Vec<Offer<'a>>,
    known: HashMap<Wanted<'a>, u32>,
    /// What was asked for last is often asked for next.
    last: Option<(Wanted<'a>, u32)>,
}

impl<'a> Offers<'a> {
    pub(super) fn new(input: &'a PlanInput<'a>) -> Self {
        Self { input, list: Vec::new(), known: HashMap::new(), last: None }
    }

    pub(super) fn get(&self, number: u32) -> &Offer<'a> {
        &self.list[number as usize]
    }

    /// The number of the offer that a declaration means, or a finding.
    pub(super) fn find(&mut self, declaration: &'a Declaration, draft: &mut Draft) -> Option<u32> {
        let broker = declaration.broker.as_ref().map(BrokerName::as_str);
        let wanted = (broker, declaration.service.as_str(), declaration.service_plan.as_deref());
        if let Some((_, number)) = self.last.filter(|(last, _)| *last == wanted) {
            return Some(number);
        }
        if let Some(number) = self.known.get(&wanted) {
            self.last = Some((wanted, *number));
            return Some(*number);
        }
        match self.look_up(declaration) {
            Ok(offer) => {
                self.list.push(offer);
                let number = self.list.len() as u32 - 1;
                self.known.insert(wanted, number);
                Some(number)
            }
            Err(finding) => {
                draft.findings.push(finding);
                None
            }
        }
    }

    fn look_up(&self, declaration: &'a Declaration) -> Result<Offer<'a>, Finding> {
        let (broker, index, offering) = self.offering(declaration)?;
        let service_plan = service_plan(declaration, offering)?;
        let service = Named { id: offering.id.clone(), name: offering.name.clone() };
        let plan = Named { id: service_plan.id.clone(), name: service_plan.name.clone() };
        let price = Price::of(service_plan);
        let target = Arc::new(Target { broker: broker.clone(), service, service_plan: plan, price });
        Ok(Offer { broker, index, offering, service_plan, outputs: declared_outputs(offering), target })
    }

    fn offering(
        &self,
        declaration: &'a Declaration,
    ) -> Result<(&'a BrokerName, &'a Index, &'a ServiceOffering), Finding> {
        let (reference, service) = (&declaration.reference, declaration.service.as_str());
        let at = || At::value(&["instances", reference.as_str(), "service"]);
        let asked = |name: &BrokerName| declaration.broker.as_ref().is_none_or(|broker| broker == name);
        let catalogs: Vec<(&BrokerName, &Index)> = self
            .input
            .catalogs
            .iter()
            .filter(|(name, _)| asked(name))
            .map(|(name, index)| (name, &**index))
            .collect();
        let mut found =
            catalogs.iter().filter_map(|(name, index)| Some((*name, *index, index.offering(service)?)));
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(only),
            (Some((first, ..)), Some((second, ..))) => {
                let more = found.map(|(name, ..)| name);
                let names: Vec<&str> =
                    [first, second].into_iter().chain(more).map(BrokerName::as_str).collect();
                let message = format!("{reference}: '{service}' is offered by {}", names.join(", "));
                let written: Vec<String> = names.iter().map(|name| format!("{name}/{service}")).collect();
                let help = format!("say which one: service: {}", written.join(" or "));
                Err(Finding::new(message).at(at()).help(help))
            }
            (None, _) => {
                let names = || {
                    catalogs.iter().flat_map(|(_, index)| index.offerings().map(|offering| &*offering.name))
                };
                let who = declaration.broker.as_ref().map_or_else(
                    || "no broker".to_owned(),
                    |broker| format!("the broker '{broker}' does not offer"),
                );
                let offers = if declaration.broker.is_some() { who } else { format!("{who} offers") };
                let message = format!("{reference}: {offers} '{service}'");
                Err(Finding::new(message).at(at()).help(suggestion(service, names, "offered")))
            }
        }
    }
}

fn service_plan<'a>(
    declaration: &Declaration,
    offering: &'a ServiceOffering,
) -> Result<&'a ServicePlan, Finding> {
    let (reference, service) = (declaration.reference.as_str(), &offering.name);
    let names = || offering.plans.iter().map(|plan| &*plan.name);
    let Some(name) = &declaration.service_plan else {
        return match offering.plans.as_slice() {
            [only] => Ok(only),
            _ => {
                let message = format!("{reference}: '{service}' has several plans; say which one");
                let at = At::value(&["instances", reference, "service"]);
                Err(Finding::new(message).at(at).help(format!("plan: one of {}", listed(names()))))
            }
        };
    };
    offering.plans.iter().find(|plan| plan.name == *name).ok_or_else(|| {
        let at = At::value(&["instances", reference, "plan"]);
        let message = format!("{reference}: '{service}' has no plan '{name}'");
        Finding::new(message).at(at).help(suggestion(name, names, "plans"))
    })
}

fn suggestion<'n, N: Iterator<Item = &'n str>>(written: &str, names: impl Fn() -> N, what: &str) -> String {
    let mut seen = HashSet::new();
    let list = listed(names().filter(|name| seen.insert(*name)));
    match nearest(written, names()) {
        Some(near) => format!("did you mean '{near}'? {what}: {list}"),
        None => format!("{what}: {list}"),
    }
}
