//! What a catalog offers, read leniently: a plan together with its offering.

use std::sync::Arc;

use serde_json::Value;

/// A request whose parameters a schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    Provision,
    Update,
    Bind,
}

impl Input {
    pub(super) const ALL: [Self; 3] = [Self::Provision, Self::Update, Self::Bind];

    /// The word in a parameters file.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Provision => "provision",
            Self::Update => "update",
            Self::Bind => "bind",
        }
    }

    fn pointer(self) -> &'static str {
        match self {
            Self::Provision => "/schemas/service_instance/create/parameters",
            Self::Update => "/schemas/service_instance/update/parameters",
            Self::Bind => "/schemas/service_binding/create/parameters",
        }
    }
}

/// A plan and its offering.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Offer {
    pub(super) service: Arc<Value>,
    pub(super) plan: Arc<Value>,
}

impl Offer {
    /// Every plan of a catalog that has an id.
    pub(super) fn all(catalog: &Value) -> Vec<Self> {
        let services = catalog["services"].as_array().cloned().unwrap_or_default();
        services
            .into_iter()
            .flat_map(|service| {
                let plans = service["plans"].as_array().cloned().unwrap_or_default();
                let service = Arc::new(service);
                plans
                    .into_iter()
                    .map(move |plan| Self { service: Arc::clone(&service), plan: Arc::new(plan) })
            })
            .filter(|offer| !offer.service_id().is_empty() && !offer.plan_id().is_empty())
            .collect()
    }

    pub(super) fn service_id(&self) -> &str {
        self.service["id"].as_str().unwrap_or_default()
    }

    pub(super) fn plan_id(&self) -> &str {
        self.plan["id"].as_str().unwrap_or_default()
    }

    pub(super) fn service_name(&self) -> &str {
        self.service["name"].as_str().unwrap_or_default()
    }

    pub(super) fn plan_name(&self) -> &str {
        self.plan["name"].as_str().unwrap_or_default()
    }

    /// `offering/plan`.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.service_name(), self.plan_name())
    }

    /// What the plan of a probe is for.
    pub(super) fn behaviour(&self) -> Option<&str> {
        self.plan.pointer("/metadata/sutler/probe")?.as_str()
    }

    pub(super) fn is_bindable(&self) -> bool {
        self.either("bindable")
    }

    pub(super) fn is_plan_updateable(&self) -> bool {
        self.either("plan_updateable")
    }

    pub(super) fn is_rotatable(&self) -> bool {
        self.plan["binding_rotatable"] == true
    }

    /// A flag of the offering.
    pub(super) fn service_says(&self, key: &str) -> bool {
        self.service[key] == true
    }

    pub(super) fn maintenance_version(&self) -> Option<&str> {
        self.plan.pointer("/maintenance_info/version")?.as_str()
    }

    pub(super) fn schema(&self, input: Input) -> Option<&Value> {
        self.plan.pointer(input.pointer()).filter(|schema| schema.is_object())
    }

    /// Whether the offering needs a platform that can do this.
    pub(super) fn requires(&self, word: &str) -> bool {
        self.service["requires"].as_array().is_some_and(|words| words.iter().any(|known| known == word))
    }

    /// The plan's word counts, then the offering's.
    fn either(&self, key: &str) -> bool {
        self.plan[key].as_bool().or_else(|| self.service[key].as_bool()).unwrap_or(false)
    }
}
