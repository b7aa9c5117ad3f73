//! Field by field: what a broker tells of an instance against what is recorded. What it does not tell is not observable,
//! never "as recorded" (A31).

use indexmap::IndexMap;
use serde_json::Value;
use sutler_secrets::{Digest, KeyRing, SecretJson};
use sutler_spec::{FetchedInstance, InstanceBody};

use super::shown::Shown;
use crate::execute::DRIFT;
use crate::state::record::{InstanceRecord, OutputValue};

/// The output that is no attribute.
const DASHBOARD: &str = "dashboard_url";
/// So many reported differences are read at most.
const MOST: usize = 200;

/// One field of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Such as `params.read_replication`, `outputs.database_id`, `plan`.
    pub name: String,
    /// How what is there compares with what is recorded.
    pub standing: Standing,
}

/// How a field compares. Values are there only where they may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// As recorded.
    Same,
    /// Otherwise than recorded.
    Differs {
        /// What is recorded.
        recorded: Option<String>,
        /// What is there.
        found: Option<String>,
    },
    /// Recorded, and the broker does not tell it.
    NotObservable,
    /// The broker tells it, and nobody asked for it or recorded it: no drift.
    Unrecorded,
}

/// What an instance yields by itself, without what is about us.
pub(super) fn body(fetched: FetchedInstance) -> InstanceBody {
    let FetchedInstance { dashboard_url, mut metadata, .. } = fetched;
    if let Some(metadata) = &mut metadata {
        metadata.attributes.remove(DRIFT);
    }
    InstanceBody { dashboard_url, metadata }
}

/// Compares.
pub(super) fn compare(
    (record, asked): (&InstanceRecord, &SecretJson),
    fetched: &FetchedInstance,
    (ring, shown): (&KeyRing, &Shown<'_>),
) -> Vec<Field> {
    let mut fields = Fields { standings: IndexMap::new(), ring, shown };
    let service = fetched.service_id.as_ref().map(|id| id.as_str());
    fields.id("service", (record.service.id.as_str(), &record.service.name), service);
    let plan = fetched.plan_id.as_ref().map(|id| id.as_str());
    fields.id("plan", (record.service_plan.id.as_str(), &record.service_plan.name), plan);
    fields.parameters(asked, fetched);
    fields.outputs(record, fetched);
    fields.told_drift(fetched);
    fields.standings.into_iter().map(|(name, standing)| Field { name, standing }).collect()
}

struct Fields<'f> {
    standings: IndexMap<String, Standing>,
    ring: &'f KeyRing,
    shown: &'f Shown<'f>,
}

impl Fields<'_> {
    fn id(&mut self, name: &str, (id, word): (&str, &str), found: Option<&str>) {
        let standing = match found {
            None => Standing::NotObservable,
            Some(found) if found == id => Standing::Same,
            Some(found) => {
                Standing::Differs { recorded: Some(word.to_owned()), found: Some(format!("the id {found}")) }
            }
        };
        self.standings.insert(name.to_owned(), standing);
    }

    fn parameters(&mut self, asked: &SecretJson, fetched: &FetchedInstance) {
        let told = fetched.parameters.as_ref().map(|told| told.expose());
        for (key, wanted) in asked.expose().as_object().into_iter().flatten() {
            let standing = match told.and_then(|told| told.get(key)) {
                None => Standing::NotObservable,
                Some(found) if self.digest(found) == self.digest(wanted) => Standing::Same,
                Some(found) => Standing::Differs {
                    recorded: self.shown.parameter(key, wanted),
                    found: self.shown.parameter(key, found),
                },
            };
            self.standings.insert(format!("params.{key}"), standing);
        }
        for key in told.into_iter().flat_map(|told| told.keys()) {
            self.standings.entry(format!("params.{key}")).or_insert(Standing::Unrecorded);
        }
    }

    /// Attributes and the dashboard. Credentials belong to the binding: no vendor shows them again.
    fn outputs(&mut self, record: &InstanceRecord, fetched: &FetchedInstance) {
        let attributes = fetched.metadata.as_ref().map(|metadata| &metadata.attributes);
        let dashboard = fetched.dashboard_url.as_ref().map(|url| Value::from(url.as_str()));
        let bound = record.binding.as_ref().map(|binding| binding.credentials.as_slice()).unwrap_or_default();
        for (key, output) in record.outputs.iter() {
            let told = match key {
                DASHBOARD => dashboard.as_ref(),
                key => attributes.and_then(|attributes| attributes.get(key)),
            };
            let standing = match told {
                Some(found) if self.digest(found) == output.digest => Standing::Same,
                None => Standing::NotObservable,
                // an attribute that has the name of a credential, and another value, is something else
                Some(_) if bound.iter().any(|bound| bound == key) => Standing::NotObservable,
                Some(found) => Standing::Differs {
                    recorded: match &output.value {
                        OutputValue::Public(value) => self.shown.output(key, value),
                        OutputValue::Secret(_) => None,
                    },
                    found: self.shown.output(key, found),
                },
            };
            self.standings.insert(format!("outputs.{key}"), standing);
        }
        let told = attributes.into_iter().flat_map(|attributes| attributes.keys()).map(String::as_str);
        for key in told.chain(dashboard.is_some().then_some(DASHBOARD)).filter(|key| *key != DRIFT) {
            self.standings.entry(format!("outputs.{key}")).or_insert(Standing::Unrecorded);
        }
    }

    /// What a broker of ours says that differs at the vendor counts for more than what the broker itself remembers.
    fn told_drift(&mut self, fetched: &FetchedInstance) {
        let told = fetched.metadata.as_ref().and_then(|metadata| metadata.attributes.get(DRIFT));
        let Some(told) = told else { return };
        let entries = told.as_array().map(Vec::as_slice).unwrap_or_default();
        let named =
            entries.iter().take(MOST).filter_map(|entry| Some((entry, entry.get("field")?.as_str()?)));
        let mut count = 0;
        for (entry, key) in named {
            count += 1;
            let value = |name: &str| entry.get(name).filter(|value| !value.is_null());
            let (name, recorded, found) = if self.shown.is_parameter(key) {
                let shown = |value| self.shown.parameter(key, value);
                (format!("params.{key}"), value("wanted").and_then(shown), value("found").and_then(shown))
            } else {
                let shown = |value| self.shown.output(key, value);
                (format!("outputs.{key}"), value("wanted").and_then(shown), value("found").and_then(shown))
            };
            self.standings.insert(name, Standing::Differs { recorded, found });
        }
        if count < entries.len() || entries.is_empty() {
            // it says that something differs, in a form that we do not know
            self.standings.insert(DRIFT.to_owned(), Standing::Differs { recorded: None, found: None });
        }
    }

    /// Numbers that are equal are equal however they are written.
    fn digest(&self, value: &Value) -> Digest {
        self.ring.digest_json("output", value)
    }
}
