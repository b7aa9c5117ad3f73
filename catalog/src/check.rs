//! What a catalog must be, row by row (B-CAT to B-CMI, S-54, quirks 1.6).

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use sutler_spec::{Catalog, PlanId, Requirement, ServiceOffering, ServicePlan};

use crate::{
    Input, Limits, SchemaError, Validator,
    catalog_problem::{Place, Report, printable_name},
    metadata,
};

/// The compiled schemas of all plans, in the order of [`Input::ALL`].
pub(crate) type Validators = HashMap<PlanId, [Option<Validator>; 3]>;

/// One pass over a catalog.
pub(crate) struct Check<'a> {
    pub(crate) limits: Limits,
    pub(crate) report: Report,
    pub(crate) validators: Validators,
    service_ids: HashSet<&'a str>,
    service_names: HashSet<&'a str>,
    plan_ids: HashSet<&'a str>,
}

/// Length of a JSON text; what cannot be written counts as endless.
pub(crate) fn json_length(value: &impl Serialize) -> usize {
    serde_json::to_string(value).map_or(usize::MAX, |text| text.len())
}

impl<'a> Check<'a> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            report: Report::default(),
            validators: HashMap::new(),
            service_ids: HashSet::new(),
            service_names: HashSet::new(),
            plan_ids: HashSet::new(),
        }
    }

    pub(crate) fn catalog(&mut self, catalog: &'a Catalog) {
        let everywhere = Place::default();
        let plans: usize = catalog.services.iter().map(|service| service.plans.len()).sum();
        let bytes = json_length(catalog);
        let (limits, report) = (self.limits, &mut self.report);
        let mut limited = |what: &str, found: usize, allowed: usize| {
            if found > allowed {
                report.error(everywhere, "S-54", format!("it has {found} {what}; {allowed} are allowed"));
            }
            found <= allowed
        };
        // What is too large is not read any further.
        let small = limited("bytes", bytes, limits.catalog)
            & limited("offerings", catalog.services.len(), limits.services)
            & limited("plans", plans, limits.plans);
        if !small {
            return;
        }
        if catalog.services.is_empty() {
            report.warning(
                everywhere,
                "quirk 1.6",
                "it has no offerings; Cloud Foundry refuses such a catalog",
            );
        }
        catalog.services.iter().for_each(|service| self.service(service));
    }

    fn service(&mut self, service: &'a ServiceOffering) {
        let place = Place { service: Some(service), plan: None };
        self.id(place, service.id.as_str(), "B-CSV-02");
        if !self.service_ids.insert(service.id.as_str()) {
            self.report.error(place, "B-CSV-02", "another offering has the same id");
        }
        self.name(place, &service.name, "B-CSV-01");
        if !self.service_names.insert(&service.name) {
            self.report.error(place, "B-CSV-01", "another offering has the same name");
        }
        self.description(place, &service.description, "B-CSV-03");
        self.tags(place, &service.tags);
        for requirement in &service.requires {
            if let Requirement::Other(word) = requirement {
                let message = format!("it requires '{}', which is not defined", printable_name(word));
                self.report.warning(place, "B-CSV-07", message);
            }
        }
        metadata::check(&mut self.report, place, &service.metadata, self.limits.metadata);
        self.dashboard_client(place, service);
        if service.plans.is_empty() {
            self.report.error(place, "B-CSV-05", "it has no plans");
        }
        let mut names = HashSet::new();
        for plan in &service.plans {
            let place = Place { plan: Some(plan), ..place };
            if !names.insert(plan.name.as_str()) {
                self.report.error(place, "B-CPL-02", "another plan of the offering has the same name");
            }
            self.plan(place, plan);
        }
    }

    fn plan(&mut self, place: Place<'a>, plan: &'a ServicePlan) {
        self.id(place, plan.id.as_str(), "B-CPL-01");
        if !self.plan_ids.insert(plan.id.as_str()) {
            self.report.error(place, "B-CPL-01", "another plan of the catalog has the same id");
        }
        self.name(place, &plan.name, "B-CPL-02");
        self.description(place, &plan.description, "B-CPL-03");
        metadata::check(&mut self.report, place, &plan.metadata, self.limits.metadata);
        self.maintenance_info(place, plan);
        let compiled = Input::ALL.map(|input| {
            let result = Validator::compile(input.schema(plan)?);
            result.map_err(|error| self.schema(place, input, &error)).ok()
        });
        self.validators.insert(plan.id.clone(), compiled);
    }

    fn schema(&mut self, place: Place<'_>, input: Input, error: &SchemaError) {
        let rule = match error {
            SchemaError::TooLarge { .. } => "B-CSC-04",
            SchemaError::NoDraft => "B-CSC-02",
            SchemaError::ExternalReference(_) | SchemaError::UnknownDraft(_) => "B-CSC-03",
            SchemaError::TooComplex | SchemaError::UnsupportedPattern { .. } => "S-31",
            SchemaError::BrokenReference(_) | SchemaError::Invalid { .. } => "B-CSC-01",
        };
        let message = format!("{} parameters: {error}", input.verb());
        if matches!(error, SchemaError::UnsupportedPattern { .. }) {
            // Legal, and the broker can check it; only we cannot.
            self.report.warning(place, rule, message + "; they are not checked beforehand");
        } else {
            self.report.error(place, rule, message);
        }
    }

    fn id(&mut self, place: Place<'_>, id: &str, rule: &'static str) {
        if id.len() > 63 {
            self.report.warning(
                place,
                "quirk 15",
                "its id is longer than 63 characters; Kubernetes refuses it",
            );
        }
        let is_guid = id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if !is_guid {
            self.report.warning(place, rule, "its id should be a GUID");
        }
    }

    fn name(&mut self, place: Place<'_>, name: &str, rule: &'static str) {
        let length = name.chars().count();
        if name.trim().is_empty() {
            self.report.error(place, rule, "its name is empty");
        } else if length > self.limits.name {
            let message = format!("its name has {length} characters; {} are allowed", self.limits.name);
            self.report.error(place, "B-CAT-06", message);
        } else if name.chars().any(char::is_control) {
            self.report.error(place, "S-54", "its name holds control characters");
        } else {
            let friendly = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
            if !name.bytes().all(friendly) || !name.starts_with(|first: char| first.is_ascii_alphanumeric()) {
                self.report.warning(place, "B-CAT-09", "its name is hard to type on a command line");
            }
            if length > 63 {
                let message = "its name is longer than 63 characters; Kubernetes refuses it";
                self.report.warning(place, "quirk 15", message);
            }
        }
    }

    fn description(&mut self, place: Place<'_>, text: &str, rule: &'static str) {
        let length = text.chars().count();
        if text.trim().is_empty() {
            self.report.error(place, rule, "its description is empty");
        } else if length > self.limits.text {
            let message =
                format!("its description has {length} characters; {} are allowed", self.limits.text);
            self.report.error(place, "S-54", message);
        } else if length > 255 {
            self.report.warning(place, "B-CAT-06", "its description is longer than 255 characters");
        }
    }

    fn tags(&mut self, place: Place<'_>, tags: &[String]) {
        let lengths = || tags.iter().map(|tag| tag.chars().count());
        if lengths().any(|length| length > self.limits.text) {
            self.report.error(place, "S-54", "a tag is too long");
        } else if lengths().sum::<usize>() > self.limits.tags {
            let message = format!(
                "its tags have more than {} characters; Cloud Foundry refuses them",
                self.limits.tags
            );
            self.report.warning(place, "quirk 1.6", message);
        }
    }

    fn dashboard_client(&mut self, place: Place<'_>, service: &ServiceOffering) {
        let Some(client) = &service.dashboard_client else { return };
        if client.id.is_empty() || client.secret.is_empty() {
            self.report.error(place, "B-PROF-11", "its dashboard client has no id or no secret");
        }
        if client.redirect_uri.as_deref().is_none_or(str::is_empty) {
            let message = "its dashboard client has no redirect_uri; Cloud Foundry refuses it";
            self.report.warning(place, "quirk 16", message);
        }
    }

    fn maintenance_info(&mut self, place: Place<'_>, plan: &ServicePlan) {
        let Some(info) = &plan.maintenance_info else { return };
        match info.version.as_deref() {
            None => self.report.error(place, "B-CPL-11", "its maintenance_info has no version"),
            Some(version) if semver::Version::parse(version).is_err() => {
                let message = format!("its version '{}' is no semantic version", printable_name(version));
                self.report.error(place, "B-CMI-01", message);
            }
            Some(_) => {}
        }
        if json_length(info) > self.limits.maintenance_info {
            self.report.error(place, "quirk 17", "its maintenance_info is too long");
        }
    }
}
