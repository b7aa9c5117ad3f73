//! The records of an environment that stands exactly at a snapshot. There is no such environment: this is what the next
//! migration is planned against, so that it is made of what is declared and what catalogs say, and of nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use sutler_catalog::Index;
use sutler_secrets::KeyRing;
use sutler_spec::{BindingId, InstanceId, PlanId, ServiceId};

use crate::config::{Config, Declaration};
use crate::digest::{Inputs, Subject};
use crate::name::{BrokerName, InstanceRef};
use crate::reference::written::VARIABLE;
use crate::state::record::{Asked, BindingRecord, Few, InstanceRecord, Named};
use crate::state::status::{BindingStatus, Status};
use crate::state::{Hash, Secrecy, State, StateError, Vault};

/// The output that every instance may have, without a binding.
const DASHBOARD: &str = "dashboard_url";
/// What its records say when they were made.
const NEVER: &str = "1970-01-01T00:00:00Z";

/// What brokers offer.
pub type Catalogs = BTreeMap<BrokerName, Arc<Index>>;

/// An environment in which everything that is declared is there.
pub(super) struct Simulated {
    pub(super) records: Vec<InstanceRecord>,
    pub(super) ring: Arc<KeyRing>,
}

/// Makes one. The configuration names a broker and a plan for every instance.
///
/// # Errors
/// When the key ring that it has for itself cannot be used, which it always can.
pub(super) fn simulate(config: &Config, catalogs: &Catalogs) -> Result<Simulated, StateError> {
    let ring = Arc::new(KeyRing::generate(Timestamp::UNIX_EPOCH));
    let state = State::empty(config.stack.clone());
    let vault = Vault::with_ring(Arc::clone(&ring), &state, "a simulation")?;
    let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for declaration in config.instances.values() {
        let used = declaration.uses.iter().map(|used| (used.target.as_str(), used.key.as_str()));
        let bound = declaration.bind.keys().map(|key| (declaration.reference.as_str(), key.as_str()));
        for (reference, key) in used.chain(bound) {
            wanted.entry(reference).or_default().insert(key);
        }
    }
    let nothing = BTreeSet::new();
    let records = config.instances.values().map(|declaration| {
        let outputs = wanted.get(declaration.reference.as_str()).unwrap_or(&nothing);
        record(declaration, outputs, (config, catalogs, &vault))
    });
    let mut records: Vec<InstanceRecord> = records.collect();
    records.sort_by(|one, other| one.reference.cmp(&other.reference));
    Ok(Simulated { records, ring })
}

fn record(
    declaration: &Declaration,
    outputs: &BTreeSet<&str>,
    (config, catalogs, vault): (&Config, &Catalogs, &Vault),
) -> InstanceRecord {
    let reference = &declaration.reference;
    let (service, service_plan, is_bindable) = target(declaration, catalogs);
    let digest = |target: &str, key: &str| match target {
        VARIABLE => config.secrets.digest(key, vault.ring()),
        target => Some(vault.ring().digest("output", format!("{target}.{key}").as_bytes())),
    };
    let mut inputs = Inputs::new(vault.ring());
    let subject = Subject { service: &service.id, service_plan: &service_plan.id, name: &declaration.name };
    let asked = Asked {
        service_plan: service_plan.clone(),
        inputs: inputs
            .digest(subject, &declaration.parameters, &digest)
            .unwrap_or_else(|| vault.ring().digest("inputs", b"")),
        parameter_digests: inputs.parameters(&declaration.parameters, &digest).unwrap_or_default(),
        parameters: vault.seal_parameters(reference, &Value::Null),
        maintenance_version: None,
    };
    let is_wanted = is_bindable && outputs.iter().any(|key| *key != DASHBOARD);
    let mut record = InstanceRecord {
        reference: reference.clone(),
        broker: declaration.broker.clone().unwrap_or_else(|| nobody(catalogs)),
        service,
        service_plan,
        instance_id: InstanceId::new(format!("simulated-{reference}")).expect("not empty"),
        name: declaration.name.clone(),
        status: Status::Ready,
        protected: declaration.protected,
        needs: needs(declaration),
        asked,
        pending: None,
        outputs: Few::new(),
        binding: is_wanted.then(|| BindingRecord {
            binding_id: BindingId::new(format!("simulated-{reference}")).expect("not empty"),
            status: BindingStatus::Bound,
            credentials: Vec::new(),
            metadata: serde_json::Map::new(),
            rotation: None,
        }),
        variables: declaration.bind.clone(),
        sink_digest: None,
        orphans: Vec::new(),
        adopted: None,
        drift: Vec::new(),
        previous: None,
        retired: Vec::new(),
        created_at: NEVER.to_owned(),
    };
    for key in outputs {
        if let Some(digest) = digest(reference.as_str(), key) {
            let value = (Value::Null, digest);
            record.outputs.insert(key, vault.output((reference, key), value, Secrecy::Secret));
        }
    }
    let places = config.landing_places();
    let landing = record.landing(&declaration.bind, (vault.ring(), &places));
    record.sink_digest = landing.filter(|_| !declaration.bind.is_empty());
    record
}

fn needs(declaration: &Declaration) -> Vec<InstanceRef> {
    let mut needs = Vec::new();
    for used in &declaration.uses {
        if !needs.contains(&used.target) {
            needs.push(used.target.clone());
        }
    }
    needs
}

/// What the catalog has under the names, or something that it has not, when it does not offer them any more.
fn target(declaration: &Declaration, catalogs: &Catalogs) -> (Named<ServiceId>, Named<PlanId>, bool) {
    let plan_name = declaration.service_plan.as_deref().unwrap_or_default();
    let offering = declaration
        .broker
        .as_ref()
        .and_then(|broker| catalogs.get(broker))
        .and_then(|index| index.offering(&declaration.service));
    let plan = offering.and_then(|offering| offering.plans.iter().find(|plan| plan.name == plan_name));
    // names may be longer than ids
    let gone = |name: &str| format!("gone-{}", Hash::of(&[name.as_bytes()]));
    let service_id = offering.map_or_else(
        || ServiceId::new(gone(&declaration.service)).expect("not empty"),
        |offering| offering.id.clone(),
    );
    let plan_id =
        plan.map_or_else(|| PlanId::new(gone(plan_name)).expect("not empty"), |plan| plan.id.clone());
    let is_bindable = offering.zip(plan).is_none_or(|(offering, plan)| offering.is_bindable(plan));
    let service = Named { id: service_id, name: declaration.service.clone() };
    (service, Named { id: plan_id, name: plan_name.to_owned() }, is_bindable)
}

/// A broker for what names none; no snapshot has such an instance.
fn nobody(catalogs: &Catalogs) -> BrokerName {
    let any = || BrokerName::new("unknown").expect("a name");
    catalogs.keys().next().cloned().unwrap_or_else(any)
}
