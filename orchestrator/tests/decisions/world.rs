//! Catalogs, and a state as an apply would leave it, without applying anything.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};
use sutler::config::{Config, Declaration};
use sutler::digest::{Inputs, Subject};
use sutler::name::{BrokerName, InstanceRef};
use sutler::plan::{BindingWanted, Options, Plan, PlanError, PlanInput, plan};
use sutler::state::record::{Asked, BindingRecord, InstanceRecord, Output, OutputValue};
use sutler::state::status::{BindingStatus, Status};
use sutler_catalog::{Index, Limits};
use sutler_secrets::{KeyRing, Place};
use sutler_spec::{BindingId, InstanceId};

pub(crate) fn reference(name: &str) -> InstanceRef {
    InstanceRef::new(name).unwrap()
}

/// Brokers and what exists at them.
#[derive(Clone)]
pub(crate) struct World {
    catalogs: BTreeMap<BrokerName, Arc<Index>>,
    pub(crate) ring: Arc<KeyRing>,
    records: Vec<InstanceRecord>,
    /// What time it is.
    pub(crate) now: Timestamp,
}

impl World {
    /// Two brokers; nothing exists.
    pub(crate) fn new() -> Self {
        let catalogs = [("edge", edge()), ("other", other())]
            .map(|(name, index)| (BrokerName::new(name).unwrap(), Arc::new(index)));
        let ring = Arc::new(KeyRing::generate(Timestamp::UNIX_EPOCH));
        Self { catalogs: catalogs.into(), ring, records: Vec::new(), now: Timestamp::UNIX_EPOCH }
    }

    pub(crate) fn plan(&self, config: &Config, options: Options) -> Result<Plan, PlanError> {
        self.plan_with(config, &self.catalogs, options)
    }

    pub(crate) fn plan_with(
        &self,
        config: &Config,
        catalogs: &BTreeMap<BrokerName, Arc<Index>>,
        options: Options,
    ) -> Result<Plan, PlanError> {
        plan(&PlanInput {
            config,
            records: &self.records,
            serial: 7,
            catalogs,
            ring: &self.ring,
            now: self.now,
            options,
        })
    }

    /// As things are at another time.
    pub(crate) fn plan_at(&self, config: &Config, now: Timestamp) -> Result<Plan, PlanError> {
        let (catalogs, ring, options) = (&self.catalogs, &*self.ring, Options::default());
        plan(&PlanInput { config, records: &self.records, serial: 7, catalogs, ring, now, options })
    }

    /// From now on the plan offers this maintenance version.
    pub(crate) fn offer_maintenance(&mut self, plan: &str, version: &str) {
        let edge = self.catalogs.values_mut().next().unwrap();
        let mut services = serde_json::to_value(edge.offerings().collect::<Vec<_>>()).unwrap();
        for offered in services.as_array_mut().unwrap() {
            for offered in offered["plans"].as_array_mut().unwrap() {
                if offered["id"] == plan {
                    offered["maintenance_info"] = json!({ "version": version, "description": "a restart" });
                }
            }
        }
        *edge = Arc::new(index(services));
    }

    pub(crate) fn record(&mut self, name: &str) -> &mut InstanceRecord {
        self.records.iter_mut().find(|record| record.reference.as_str() == name).unwrap()
    }

    pub(crate) fn set_output(&mut self, name: &str, key: &str, value: &str) {
        let output = output(&self.ring, value);
        self.record(name).outputs.insert(key, output);
    }

    /// What an apply would leave behind.
    pub(crate) fn apply(&mut self, config: &Config) {
        let plan = self.plan(config, Options::default()).unwrap_or_else(|error| panic!("{error}"));
        self.records.clear();
        for step in plan.steps {
            let declaration = &config.instances[&step.reference];
            let (asked, needs) = self.asked(config, declaration, &step);
            let id = format!("i-{}", step.reference);
            let outputs = ["database_id", "id", "token"].map(|key| {
                (
                    key.to_owned(),
                    output(
                        &self.ring,
                        &format!("{} of {}", key.trim_start_matches("database_"), step.reference),
                    ),
                )
            });
            self.records.push(InstanceRecord {
                broker: step.target.broker.clone(),
                service: step.target.service.clone(),
                service_plan: step.target.service_plan.clone(),
                instance_id: InstanceId::new(id).unwrap(),
                name: declaration.name.clone(),
                status: Status::Ready,
                protected: declaration.protected,
                needs,
                asked,
                pending: None,
                outputs: outputs.into(),
                binding: (step.binding == BindingWanted::Wanted).then(|| BindingRecord {
                    binding_id: BindingId::new(format!("b-{}", step.reference)).unwrap(),
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
                created_at: "2026-01-01T00:00:00Z".to_owned(),
                reference: step.reference,
            });
            let record = self.records.last_mut().unwrap();
            record.sink_digest = record.landing(&declaration.bind, (&self.ring, &config.landing_places()));
        }
    }

    fn asked(
        &self,
        config: &Config,
        declaration: &Declaration,
        step: &sutler::plan::Step,
    ) -> (Asked, Vec<InstanceRef>) {
        let subject = Subject {
            service: &step.target.service.id,
            service_plan: &step.target.service_plan.id,
            name: &declaration.name,
        };
        let outputs = |target: &str, key: &str| {
            if target == "var" {
                return config.secrets.digest(key, &self.ring);
            }
            let record = self.records.iter().find(|record| record.reference.as_str() == target)?;
            Some(record.outputs.get(key)?.digest)
        };
        let mut inputs = Inputs::new(&self.ring);
        let asked = Asked {
            service_plan: step.target.service_plan.clone(),
            inputs: inputs.digest(subject, &declaration.parameters, &outputs).unwrap(),
            parameter_digests: inputs.parameters(&declaration.parameters, &outputs).unwrap(),
            parameters: self.ring.seal_json(&Place::new("test"), &declaration.parameters),
            maintenance_version: None,
        };
        (asked, step.after.clone())
    }
}

fn output(ring: &KeyRing, value: &str) -> Output {
    let value = Value::from(value);
    Output { digest: ring.digest_json("output", &value), value: OutputValue::Public(value) }
}

/// A JSON Schema of an object.
fn object(properties: Value, required: &[&str]) -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
        "additionalProperties": false, "properties": properties, "required": required,
    })
}

fn schemas(create: Value, update: Option<Value>) -> Value {
    match update {
        Some(update) => {
            json!({ "service_instance": { "create": { "parameters": create }, "update": { "parameters": update } } })
        }
        None => json!({ "service_instance": { "create": { "parameters": create } } }),
    }
}

fn index(services: Value) -> Index {
    let catalog = serde_json::from_value(json!({ "services": services })).unwrap();
    Index::check(catalog, Limits::default()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn outputs(names: &[(&str, bool)]) -> Value {
    let outputs: Vec<Value> = names
        .iter()
        .map(|(name, secret)| json!({ "name": name, "secret": secret, "description": "x" }))
        .collect();
    json!({ "sutler": { "outputs": outputs, "extensions": [] } })
}

fn edge() -> Index {
    let hint = json!({ "type": "string", "enum": ["weur", "eeur"] });
    let replicas = json!({ "type": "integer", "minimum": 0 });
    let d1 = object(
        json!({ "hint": hint, "replicas": replicas, "tags": { "type": "array", "items": { "type": "string" }, "maxItems": 2 } }),
        &[],
    );
    let d1_update = object(json!({ "replicas": { "type": ["integer", "null"], "minimum": 0 } }), &[]);
    let resources = json!({ "resources": { "type": "object", "properties": { "database": { "type": "string", "pattern": "^[a-z0-9 -]+$" } } } });
    let secrets = object(
        json!({ "script": { "type": "string" }, "secrets": { "type": "object", "additionalProperties": { "type": "string" } } }),
        &["script"],
    );
    let written = json!({
        "$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
        "properties": { "written": { "type": "string", "writeOnly": true } },
    });
    index(json!([
        {
            "id": "s-d1", "name": "d1", "description": "x", "bindable": true, "metadata": outputs(&[("database_id", false)]),
            "plans": [
                { "id": "p-d1", "name": "standard", "description": "x", "schemas": schemas(d1.clone(), Some(d1_update)) },
            ],
        },
        {
            "id": "s-token", "name": "token", "description": "x", "bindable": true,
            "metadata": outputs(&[("token", true), ("id", false)]),
            "plans": [{ "id": "p-token", "name": "standard", "description": "x", "schemas": schemas(object(resources.clone(), &["resources"]), None) }],
        },
        {
            "id": "s-secrets", "name": "secrets", "description": "x", "bindable": false, "metadata": outputs(&[]),
            "allow_context_updates": true,
            "plans": [{ "id": "p-secrets", "name": "standard", "description": "x", "schemas": schemas(secrets.clone(), Some(secrets)) }],
        },
        {
            "id": "s-sized", "name": "sized", "description": "x", "bindable": true, "plan_updateable": true,
            "plans": [
                { "id": "p-small", "name": "small", "description": "x", "free": false,
                  "metadata": { "costs": [{ "amount": { "usd": 5.0 }, "unit": "MONTHLY" }] } },
                { "id": "p-large", "name": "large", "description": "x", "plan_updateable": false, "free": false,
                  "metadata": { "costs": [{ "amount": { "usd": 20.0, "eur": 18 }, "unit": "MONTHLY" },
                                          { "amount": { "usd": 0.99 }, "unit": "1GB over 20GB" }] } },
            ],
        },
        {
            "id": "s-free", "name": "free", "description": "x", "bindable": false,
            "plans": [{ "id": "p-free", "name": "standard", "description": "x", "schemas": schemas(written, None) }],
        },
    ]))
}

fn other() -> Index {
    index(json!([
        { "id": "s-mail", "name": "mail", "description": "x", "bindable": true, "plans": [{ "id": "p-mail", "name": "basic", "description": "x" }] },
        { "id": "s-sized-2", "name": "sized", "description": "x", "bindable": true, "plans": [{ "id": "p-sized-2", "name": "basic", "description": "x" }] },
    ]))
}
