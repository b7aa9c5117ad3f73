//! A checked catalog: what it offers can be looked up, and parameters can be validated.

use std::{collections::HashMap, fmt};

use serde_json::Value;
use sutler_spec::{Catalog, PlanId, ServiceId, ServiceOffering, ServicePlan};

use crate::{
    CatalogProblem, Limits, Validator,
    check::{Check, Validators},
};

/// The requests that carry parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// A provision request.
    Provision,
    /// An update request.
    Update,
    /// A bind request.
    Bind,
}

impl Input {
    pub(crate) const ALL: [Self; 3] = [Self::Provision, Self::Update, Self::Bind];

    /// The plan's schema for this request's parameters.
    #[must_use]
    pub fn schema(self, plan: &ServicePlan) -> Option<&Value> {
        match self {
            Self::Provision => plan.provision_schema(),
            Self::Update => plan.update_schema(),
            Self::Bind => plan.bind_schema(),
        }
    }

    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Provision => "provision",
            Self::Update => "update",
            Self::Bind => "bind",
        }
    }
}

/// A catalog without errors: ids and names are unique, every schema is compiled.
pub struct Index {
    catalog: Catalog,
    by_name: HashMap<String, usize>,
    by_id: HashMap<ServiceId, usize>,
    plans: HashMap<PlanId, (usize, usize)>,
    plan_names: Vec<HashMap<String, usize>>,
    validators: Validators,
    warnings: Vec<CatalogProblem>,
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("offerings", &self.by_name.keys()).finish_non_exhaustive()
    }
}

impl Index {
    /// Checks a catalog, be it our own or a stranger's. Schemas are compiled here, once.
    ///
    /// # Errors
    /// All problems, errors first, if there is an error among them.
    pub fn check(catalog: Catalog, limits: Limits) -> Result<Self, Vec<CatalogProblem>> {
        let mut check = Check::new(limits);
        check.catalog(&catalog);
        let (report, validators) = (check.report, check.validators);
        if report.is_refused() {
            return Err(report.into_problems());
        }
        let services = || catalog.services.iter().enumerate();
        let plan_names = |service: &ServiceOffering| {
            service.plans.iter().enumerate().map(|(at, plan)| (plan.name.clone(), at)).collect()
        };
        Ok(Self {
            by_name: services().map(|(at, service)| (service.name.clone(), at)).collect(),
            by_id: services().map(|(at, service)| (service.id.clone(), at)).collect(),
            plans: services()
                .flat_map(|(at, service)| {
                    service
                        .plans
                        .iter()
                        .enumerate()
                        .map(move |(plan_at, plan)| (plan.id.clone(), (at, plan_at)))
                })
                .collect(),
            plan_names: catalog.services.iter().map(plan_names).collect(),
            validators,
            warnings: report.into_problems(),
            catalog,
        })
    }

    /// What can be used but should be better.
    #[must_use]
    pub fn warnings(&self) -> &[CatalogProblem] {
        &self.warnings
    }

    /// The catalog as it came.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// All offerings, in the order of the catalog.
    pub fn offerings(&self) -> impl ExactSizeIterator<Item = &ServiceOffering> {
        self.catalog.services.iter()
    }

    /// The offering of that name.
    #[must_use]
    pub fn offering(&self, name: &str) -> Option<&ServiceOffering> {
        self.catalog.services.get(*self.by_name.get(name)?)
    }

    /// The offering of that id.
    #[must_use]
    pub fn offering_by_id(&self, id: &ServiceId) -> Option<&ServiceOffering> {
        self.catalog.services.get(*self.by_id.get(id)?)
    }

    /// The plan of that name among the plans of an offering.
    #[must_use]
    pub fn plan(&self, service: &ServiceId, name: &str) -> Option<&ServicePlan> {
        let at = *self.by_id.get(service)?;
        self.catalog.services.get(at)?.plans.get(*self.plan_names.get(at)?.get(name)?)
    }

    /// The plan of that id, if it belongs to the offering.
    #[must_use]
    pub fn plan_by_id(&self, service: &ServiceId, id: &PlanId) -> Option<&ServicePlan> {
        let (offering, plan) = self.offering_and_plan(id)?;
        (offering.id == *service).then_some(plan)
    }

    /// The plan of that id and the offering it belongs to.
    #[must_use]
    pub fn offering_and_plan(&self, id: &PlanId) -> Option<(&ServiceOffering, &ServicePlan)> {
        let (at, plan_at) = *self.plans.get(id)?;
        let offering = self.catalog.services.get(at)?;
        Some((offering, offering.plans.get(plan_at)?))
    }

    /// The compiled schema of a request's parameters. Nothing when the plan has none, or when it holds a pattern that
    /// we cannot match in linear time (then there is a warning): the broker alone can tell.
    #[must_use]
    pub fn validator(&self, plan: &PlanId, input: Input) -> Option<&Validator> {
        self.validators.get(plan)?[input as usize].as_ref()
    }

    /// The catalog in one canonical form, for pinning (S-55): the order of keys, offerings and plans does not matter;
    /// a dashboard client, which is not a platform's business and holds a secret, is left out.
    #[must_use]
    pub fn digest_bytes(&self) -> Vec<u8> {
        let mut catalog = self.catalog.clone();
        catalog.services.sort_by(|one, other| one.id.cmp(&other.id));
        for service in &mut catalog.services {
            service.dashboard_client = None;
            service.plans.sort_by(|one, other| one.id.cmp(&other.id));
        }
        let mut json = serde_json::to_value(catalog).unwrap_or_default();
        json.sort_all_objects();
        json.to_string().into_bytes()
    }
}
