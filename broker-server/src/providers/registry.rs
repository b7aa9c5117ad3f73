//! Which provider is behind which offering, and the catalog that follows from it.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;
use sutler_catalog::{
    Asynchronous, CatalogProblem, Extension, Index, Input, Limits, Offering, Plan, declared_extensions,
};
use sutler_spec::{Catalog, Parameters, PlanId, ServiceId};

use super::Provider;

/// The offerings of a broker are not fit to be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The catalog breaks rules.
    #[error("the catalog cannot be served: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Catalog(Vec<CatalogProblem>),
    /// A bind may outlive its request, and then its result could not be had (B-LOB-06).
    #[error(
        "offering '{offering}': bind of the plan '{plan}' may be asynchronous, so its bindings must be retrievable; declare \
         bindings_retrievable(true), or asynchronous_bindings(Asynchronous::Never) for the plan"
    )]
    BindingsNotRetrievable {
        /// The offering.
        offering: String,
        /// The plan.
        plan: String,
    },
    /// There is nothing to serve.
    #[error("there is no offering to serve; configure a vendor, or register a provider")]
    Empty,
    /// A name in `offerings` that nobody offers.
    #[error("the offering '{name}' is not known or its vendor is not configured; there are: {known}")]
    Unknown {
        /// The name.
        name: String,
        /// All there are.
        known: String,
    },
}

/// Whoever is told 202 fetches the binding afterwards.
fn check_bindings(offering: &Offering) -> Result<(), RegistryError> {
    let service = offering.service();
    let is_hidden = |plan: &&Plan| {
        service.is_bindable(plan.service_plan())
            && !service.bindings_retrievable
            && plan.binding_asynchrony() != Asynchronous::Never
    };
    match offering.plans().iter().find(is_hidden) {
        None => Ok(()),
        Some(plan) => Err(RegistryError::BindingsNotRetrievable {
            offering: offering.name().to_owned(),
            plan: plan.name().to_owned(),
        }),
    }
}

struct Entry {
    offering: Offering,
    provider: Arc<dyn Provider>,
}

/// All offerings of a broker, checked.
pub struct Registry {
    entries: HashMap<ServiceId, Entry>,
    index: Index,
}

impl Registry {
    /// Asks each provider for its offering, keeps those that are selected, and checks the catalog they make.
    ///
    /// # Errors
    /// When there is none, when a selected one is missing, or when the catalog breaks a rule.
    pub fn new(
        providers: Vec<Arc<dyn Provider>>,
        selected: Option<&[String]>,
    ) -> Result<Self, RegistryError> {
        Self::with(providers, selected, &[])
    }

    /// The same, with the extensions that the operator allows: those of them that a provider has are said in the catalog.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with(
        providers: Vec<Arc<dyn Provider>>,
        selected: Option<&[String]>,
        extensions: &[Extension],
    ) -> Result<Self, RegistryError> {
        let entry = |provider: Arc<dyn Provider>| {
            let offering = provider.offering();
            match provider.discovery() {
                Some(_) => Entry { offering: offering.extensions(extensions), provider },
                None => Entry { offering, provider },
            }
        };
        let mut all: Vec<Entry> = providers.into_iter().map(entry).collect();
        if let Some(selected) = selected {
            let known: Vec<&str> = all.iter().map(|entry| entry.offering.name()).collect();
            if let Some(name) = selected.iter().find(|name| !known.contains(&name.as_str())) {
                return Err(RegistryError::Unknown { name: name.clone(), known: known.join(", ") });
            }
            all.retain(|entry| selected.iter().any(|name| name == entry.offering.name()));
        }
        if all.is_empty() {
            return Err(RegistryError::Empty);
        }
        for Entry { offering, .. } in &all {
            check_bindings(offering)?;
        }
        let catalog =
            Catalog { services: all.iter().map(|entry| entry.offering.service().clone()).collect() };
        let index = Index::check(catalog, Limits::default()).map_err(RegistryError::Catalog)?;
        let entries = all.into_iter().map(|entry| (entry.offering.id().clone(), entry)).collect();
        Ok(Self { entries, index })
    }

    /// The checked catalog.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The provider behind an offering.
    #[must_use]
    pub fn provider(&self, service: &ServiceId) -> Option<Arc<dyn Provider>> {
        self.entries.get(service).map(|entry| entry.provider.clone())
    }

    /// Whether an offering has an extension.
    #[must_use]
    pub fn has(&self, service: &ServiceId, extension: Extension) -> bool {
        self.offering(service)
            .is_some_and(|offering| declared_extensions(offering.service()).contains(&extension))
    }

    /// The offering of that id.
    #[must_use]
    pub fn offering(&self, service: &ServiceId) -> Option<&Offering> {
        self.entries.get(service).map(|entry| &entry.offering)
    }

    /// The plan of that id, if it belongs to the offering.
    #[must_use]
    pub fn plan(&self, service: &ServiceId, plan: &PlanId) -> Option<&Plan> {
        self.offering(service)?.plan(plan)
    }

    /// What is wrong with the parameters of a request, without any of their values.
    #[must_use]
    pub fn problems(&self, plan: &PlanId, input: Input, parameters: &Parameters) -> Vec<String> {
        let Some(validator) = self.index.validator(plan, input) else { return Vec::new() };
        let guarded = sutler_secrets::SecretJson::from(Value::Object(parameters.expose().clone()));
        validator.validate(guarded.expose()).iter().map(ToString::to_string).collect()
    }
}

#[cfg(test)]
mod tests {
    use sutler_catalog::Guid;

    use super::*;

    #[test]
    fn b_lob_06_a_binding_that_may_be_asynchronous_can_be_fetched() {
        let id = "3b0c8a54-1f7d-4a86-9a51-c1d0ff0e6a01";
        let offering = |retrievable: bool, bindings: Asynchronous| {
            let plan = Plan::new(Guid::new("3b0c8a54-1f7d-4a86-9a51-c1d0ff0e6a02"), "standard", "One clock");
            Offering::new(Guid::new(id), "acme-clock", "A clock")
                .bindable(true)
                .bindings_retrievable(retrievable)
                .with_plan(plan.asynchronous_bindings(bindings))
        };
        assert!(check_bindings(&offering(false, Asynchronous::Possible)).is_err());
        assert!(check_bindings(&offering(false, Asynchronous::Never)).is_ok());
        assert!(check_bindings(&offering(true, Asynchronous::Always)).is_ok());
    }
}
