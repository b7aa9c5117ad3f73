//! `adopt`: an object that exists at a vendor becomes an instance, like one that was made.
//!
//! ```text
//! look at the object ─▶ plan of this one instance ─▶ approved ─▶ apply, whose first request names the object
//! ```
//! What is carried out is a plan, as with apply: id and object are written down before anything is asked, and a run that was
//! killed is finished by the same command. What is not declared yet is declared for this run, as it is printed afterwards.

use indexmap::IndexMap;
use serde_json::{Map, Value};
use sutler_broker_client::Sought;
use sutler_catalog::{Extension, declared_extensions};
use sutler_spec::{DiscoveredObject, ServiceOffering};

use super::apply::{ApplyOptions, Prepared, prepare};
use super::failure::Failure;
use super::plan::PlanOptions;
use super::project::Project;
use crate::brokers::{BrokerSet, ConnectedBroker, chain};
use crate::config::Declaration;
use crate::execute::{Adoption, Until};
use crate::name::{BrokerName, InstanceRef};
use crate::plan::{Action, Intent};
use crate::reference;
use crate::state::record::InstanceRecord;

/// What is to be adopted, and as what.
#[derive(Debug, Clone)]
pub struct AdoptOptions {
    /// The ref that it gets, or has in the configuration.
    pub reference: String,
    /// The vendor's id of the object.
    pub object: String,
    /// Its service, as in a configuration; as declared when left out.
    pub service: Option<String>,
    /// Its plan, where its service has several.
    pub plan: Option<String>,
    /// What it is called; its ref when left out.
    pub name: Option<String>,
    /// Parameters that describe it as it is; as its broker describes it when left out.
    pub parameters: Option<Map<String, Value>>,
    /// How long to wait for somebody else's lock.
    pub patience: std::time::Duration,
}

/// An object that can be adopted, and the project in which it is declared.
#[derive(Debug)]
pub struct Adoptable {
    project: Project,
    patience: std::time::Duration,
    /// The ref.
    pub reference: InstanceRef,
    /// What its broker tells of it.
    pub object: DiscoveredObject,
    /// What to write into the configuration, where it is not there yet.
    pub to_declare: Option<ToDeclare>,
}

/// A declaration that is not written yet.
#[derive(Debug, Clone)]
pub struct ToDeclare {
    /// As `broker/service`.
    pub service: String,
    /// The plan.
    pub plan: String,
    /// The name.
    pub name: String,
    /// The parameters, as they are written.
    pub parameters: Map<String, Value>,
}

/// Looks at the object, and finds out what it would be. Writes nothing.
///
/// # Errors
/// When the ref is taken, the object is not there or cannot be adopted, or its broker cannot tell.
pub async fn adoptable(project: Project, options: AdoptOptions) -> Result<Adoptable, Failure> {
    let reference = super::new_reference(&options.reference)?;
    let state = project.backend.load().await?;
    let record = state.records.iter().find(|record| record.reference == reference);
    check_record(&reference, record, &options.object)?;
    let brokers = project.connect_to(|_| true).await?;
    let declared = project.config.instances.get(&reference);
    let service = service(&reference, declared, &options)?;
    let (broker, offering) = offer(&brokers, &service)?;
    let object = look_at((broker, offering), &options.object, record).await?;
    if declared.is_some() {
        let patience = options.patience;
        return Ok(Adoptable { project, patience, reference, object, to_declare: None });
    }
    let to_declare = to_declare((broker, offering), &options, &object)?;
    let config = project.reload()?.with(to_declare.declaration(&reference)?);
    let project = Project { config: std::sync::Arc::new(config), ..project };
    Ok(Adoptable { project, patience: options.patience, reference, object, to_declare: Some(to_declare) })
}

/// A ref is free, or its own adoption of this object was begun.
fn check_record(
    reference: &InstanceRef,
    record: Option<&InstanceRecord>,
    object: &str,
) -> Result<(), Failure> {
    match record.map(|record| (&record.adopted, record.status.is_unresolved())) {
        None => Ok(()),
        Some((Some(begun), true)) if begun == object => Ok(()),
        Some((Some(begun), true)) => Err(Failure::failed(format!(
            "the adoption of {begun} as '{reference}' was begun and is not finished; finish it first, or forget it: \
             sutler state rm {reference}"
        ))),
        Some(_) => Err(Failure::usage(format!(
            "there is an instance '{reference}' in state already; choose another ref"
        ))),
    }
}

/// The broker, if one is named, and the service.
fn service(
    reference: &InstanceRef,
    declared: Option<&Declaration>,
    options: &AdoptOptions,
) -> Result<(Option<BrokerName>, String), Failure> {
    let said = options.service.is_some() || options.plan.is_some() || options.name.is_some();
    match (declared, &options.service) {
        (Some(_), _) if said || options.parameters.is_some() => Err(Failure::usage(format!(
            "'{reference}' is declared; what it is, is said there: leave --service, --plan, --name and --params out"
        ))),
        (Some(declared), _) => Ok((declared.broker.clone(), declared.service.clone())),
        (None, None) => Err(Failure::usage(format!(
            "'{reference}' is not declared; say what it is with --service (`sutler discover` shows it)"
        ))),
        (None, Some(service)) => match service.split_once('/') {
            None => Ok((None, service.clone())),
            Some((broker, service)) => {
                let broker = BrokerName::new(broker).map_err(|error| Failure::usage(error.to_string()))?;
                Ok((Some(broker), service.to_owned()))
            }
        },
    }
}

fn offer<'b>(
    brokers: &'b BrokerSet,
    (named, service): &(Option<BrokerName>, String),
) -> Result<(&'b ConnectedBroker, &'b ServiceOffering), Failure> {
    let offers: Vec<_> = brokers
        .iter()
        .filter(|broker| named.as_ref().is_none_or(|named| &broker.name == named))
        .filter_map(|broker| Some((broker, broker.index.offering(service)?)))
        .collect();
    match offers.as_slice() {
        [one] => Ok(*one),
        [] => Err(Failure::usage(format!(
            "no broker offers '{service}'; `sutler catalog` shows what is offered"
        ))),
        several => {
            let names: Vec<String> =
                several.iter().map(|(one, _)| format!("{}/{service}", one.name)).collect();
            Err(Failure::usage(format!("several brokers offer it; say which one: {}", names.join(", "))))
        }
    }
}

/// The object, if it can be adopted. What we have begun to adopt may be ours by now.
async fn look_at(
    (broker, offering): (&ConnectedBroker, &ServiceOffering),
    object: &str,
    record: Option<&InstanceRecord>,
) -> Result<DiscoveredObject, Failure> {
    let extensions = declared_extensions(offering);
    if !Extension::ALL.iter().all(|needed| extensions.contains(needed)) {
        return Err(Failure::failed(format!(
            "broker '{}' does not say that it discovers and adopts objects of {}; anything else would make a new one. Its \
             operator allows it with `extensions: [discover, adopt]`",
            broker.name, offering.name
        )));
    }
    let asked = broker.client.discover(&offering.id, Sought::Object(object)).await;
    let page = asked.map_err(|error| {
        Failure::failed(format!("broker '{}' could not tell about {object}: {}", broker.name, chain(&error)))
    })?;
    let found = page.objects.into_iter().find(|found| found.id == object).ok_or_else(|| {
        Failure::failed(format!(
            "broker '{}' finds no object {object} for {}; nothing was changed",
            broker.name, offering.name
        ))
    })?;
    match &found.not_adoptable {
        Some(why) if record.is_none() => {
            Err(Failure::failed(format!("{object} ({}) cannot be adopted: {why}", found.name)))
        }
        _ => Ok(found),
    }
}

fn to_declare(
    (broker, offering): (&ConnectedBroker, &ServiceOffering),
    options: &AdoptOptions,
    object: &DiscoveredObject,
) -> Result<ToDeclare, Failure> {
    let plan = match (&options.plan, offering.plans.as_slice()) {
        (Some(plan), _) => plan.clone(),
        (None, [only]) => only.name.clone(),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|plan| plan.name.as_str()).collect();
            let names = names.join(", ");
            return Err(Failure::usage(format!("{} has several plans; say --plan: {names}", offering.name)));
        }
    };
    let described = || object.parameters.iter().map(|(key, value)| (key.clone(), escaped(value))).collect();
    Ok(ToDeclare {
        service: format!("{}/{}", broker.name, offering.name),
        plan,
        name: options.name.clone().unwrap_or_else(|| options.reference.clone()),
        parameters: options.parameters.clone().unwrap_or_else(described),
    })
}

/// What a broker tells is no configuration: no text of it refers to anything.
fn escaped(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(reference::escape(text).into_owned()),
        Value::Array(items) => items.iter().map(escaped).collect(),
        Value::Object(members) => {
            members.iter().map(|(key, member)| (key.clone(), escaped(member))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

impl ToDeclare {
    fn declaration(&self, reference: &InstanceRef) -> Result<Declaration, Failure> {
        let (broker, service) = self.service.split_once('/').unwrap_or(("", &self.service));
        let parameters = Value::Object(self.parameters.clone());
        match reference::find(&parameters) {
            Ok(uses) if uses.is_empty() => {}
            _ => {
                let why = "--params refers to other instances; declare it in the configuration first, then adopt it";
                return Err(Failure::usage(why));
            }
        }
        Ok(Declaration {
            reference: reference.clone(),
            broker: BrokerName::new(broker).ok(),
            service: service.to_owned(),
            service_plan: Some(self.plan.clone()),
            name: self.name.clone(),
            protected: false,
            replace: None,
            bind: IndexMap::new(),
            parameters,
            uses: Vec::new(),
            secrets: Vec::new(),
        })
    }
}

impl Adoptable {
    /// Plans. What is carried out concerns this instance alone.
    ///
    /// # Errors
    /// As for `apply`, and when something that it needs would have to be changed first.
    pub async fn prepare(&self) -> Result<Prepared<'_>, Failure> {
        let targets = vec![self.reference.to_string()];
        let options = ApplyOptions {
            plan: PlanOptions { targets, ..PlanOptions::default() },
            intent: Intent::Apply,
            parallelism: 1,
            patience: self.patience,
            on_ambiguous: None,
            until: Until::Done,
            adoption: Some(Adoption { reference: self.reference.clone(), object: self.object.id.clone() }),
        };
        let prepared = prepare(&self.project, options).await?;
        let others =
            |step: &&crate::plan::Step| step.action != Action::Keep && step.reference != self.reference;
        if let Some(other) = prepared.planned.plan.steps.iter().find(others) {
            return Err(Failure::failed(format!(
                "'{}', which '{}' needs, would have to be changed first; run `sutler apply --target {}`, then adopt",
                other.reference, self.reference, other.reference
            )));
        }
        Ok(prepared)
    }
}
