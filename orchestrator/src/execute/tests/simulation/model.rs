//! A broker as the specification describes it, in memory, that looks at every request whether it may be made.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use sutler_broker_client::{WireAnswer, WireRequest};

use super::random::Random;
use crate::state::State;
use crate::state::record::InstanceRecord;
use crate::state::status::{BindingStatus, Status};

/// An instance at the broker.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub(super) plan: String,
    pub(super) parameters: Map<String, Value>,
    work: Option<Work>,
    /// It was never ready, and will never be.
    failed: bool,
    /// Its last operation failed, whatever it was.
    last_failed: bool,
}

/// A binding at the broker.
#[derive(Debug, Clone)]
pub(super) struct Binding {
    pub(super) instance: String,
    pub(super) token: String,
    work: Option<Work>,
    last_failed: bool,
}

#[derive(Debug, Clone)]
struct Work {
    verb: Verb,
    polls: usize,
    fails: bool,
    body: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Provision,
    Update,
    Deprovision,
    Bind,
    Unbind,
}

/// How the broker behaves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// In so many of a hundred times it accepts and goes on by itself.
    pub(super) asynchronous: usize,
    /// In so many of a hundred times accepted work fails.
    pub(super) failing: usize,
}

/// One broker.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) name: &'static str,
    pub(super) random: Random,
    pub(super) manner: Manner,
    pub(super) instances: BTreeMap<String, Instance>,
    pub(super) bindings: BTreeMap<String, Binding>,
    gone: BTreeSet<String>,
    minted: u64,
    /// What should not have been asked.
    pub(super) violations: Vec<String>,
}

fn answer(status: u16, body: &Value) -> WireAnswer {
    WireAnswer { status, retry_after: None, body: body.to_string().into_bytes() }
}

impl Model {
    pub(super) fn new(name: &'static str, random: Random) -> Self {
        Self {
            name,
            random,
            manner: Manner { asynchronous: 0, failing: 0 },
            instances: BTreeMap::new(),
            bindings: BTreeMap::new(),
            gone: BTreeSet::new(),
            minted: 0,
            violations: Vec::new(),
        }
    }

    /// Carries a request out, and notes whether state, as it is durable now, allows it.
    pub(super) fn serve(&mut self, request: &WireRequest, state: &State) -> WireAnswer {
        let path = request.path.trim_start_matches("/v2/service_instances/").to_owned();
        let parts: Vec<&str> = path.split('/').collect();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        match (request.method.as_str(), parts.as_slice()) {
            ("PUT", [id]) => self.provision(id, body, state),
            ("PATCH", [id]) => self.update(id, body, state),
            ("DELETE", [id]) => self.deprovision(id, state),
            ("GET", [id]) => self.fetch(id),
            ("GET", [id, "last_operation"]) => self.poll(id),
            ("PUT", [id, _, binding]) => self.bind((id, binding), &request.query, state),
            ("DELETE", [id, _, binding]) => self.unbind((id, binding), state),
            ("GET", [_, _, binding]) => self.fetch_binding(binding),
            ("GET", [_, _, binding, "last_operation"]) => self.poll_binding(binding),
            other => {
                self.violations.push(format!("asked {other:?}"));
                answer(404, &json!({}))
            }
        }
    }

    fn allow(&mut self, allowed: bool, what: impl FnOnce() -> String) {
        if !allowed {
            let name = self.name;
            self.violations.push(format!("{name}: {}", what()));
        }
    }

    /// Work that goes on after the answer, perhaps.
    fn work(&mut self, verb: Verb, body: Value) -> Option<Work> {
        let asynchronous = self.random.chance(self.manner.asynchronous);
        let fails = self.random.chance(self.manner.failing);
        let polls = self.random.below(4);
        asynchronous.then_some(Work { verb, polls, fails, body })
    }

    fn provision(&mut self, id: &str, body: Value, state: &State) -> WireAnswer {
        let recorded = state.records.iter().find(|record| record.instance_id.as_str() == id);
        let intended = recorded
            .is_some_and(|record| matches!(record.status, Status::Intended | Status::Provisioning { .. }));
        self.allow(intended, || format!("I-24: {id} is provisioned without a durable intent"));
        if let Some(record) = recorded {
            for need in &record.needs {
                let ready = state.records.iter().any(|other| &other.reference == need && is_bound(other));
                self.allow(ready, || format!("I-36: {id} is made before {need} is durable"));
            }
        }
        let wanted = Instance {
            plan: body["plan_id"].as_str().unwrap_or_default().to_owned(),
            parameters: body["parameters"].as_object().cloned().unwrap_or_default(),
            work: None,
            failed: false,
            last_failed: false,
        };
        match self.instances.get(id) {
            Some(there) if there.failed => return answer(409, &json!({ "description": "it failed" })),
            Some(there) if there.parameters != wanted.parameters || there.plan != wanted.plan => {
                return answer(409, &json!({ "description": "it is another" }));
            }
            Some(Instance { work: Some(_), .. }) => return answer(202, &json!({ "operation": "op" })),
            Some(_) => return answer(200, &json!({})),
            None => {}
        }
        let work = self.work(Verb::Provision, Value::Null);
        let status = if work.is_some() { 202 } else { 201 };
        self.instances.insert(id.to_owned(), Instance { work, ..wanted });
        answer(status, &json!({ "operation": "op" }))
    }

    fn update(&mut self, id: &str, body: Value, state: &State) -> WireAnswer {
        let intended = state.records.iter().any(|record| {
            record.instance_id.as_str() == id
                && matches!(record.status, Status::ChangeIntended | Status::Updating { .. })
        });
        self.allow(intended, || format!("I-24: {id} is changed without a durable intent"));
        let work = self.work(Verb::Update, body.clone());
        let Some(instance) = self.instances.get_mut(id) else {
            return answer(404, &json!({ "description": "no such instance" }));
        };
        if instance.work.is_some() {
            self.poll(id);
            return busy();
        }
        instance.last_failed = false;
        if work.is_some() {
            instance.work = work;
            return answer(202, &json!({ "operation": "op" }));
        }
        merge(instance, &body);
        answer(200, &json!({}))
    }

    fn deprovision(&mut self, id: &str, state: &State) -> WireAnswer {
        let allowed = state.records.iter().any(|record| {
            let own = record.instance_id.as_str() == id
                && matches!(
                    record.status,
                    Status::DeletionIntended | Status::Deprovisioning { .. } | Status::Doubtful
                );
            let listed = |orphan: &crate::state::record::OrphanRecord| {
                orphan.binding_id.is_none() && orphan.instance_id.as_str() == id
            };
            own || record.orphans.iter().any(listed) || record.retired.iter().any(|it| listed(&it.what))
        });
        self.allow(allowed, || format!("I-05: {id} is deleted, and nobody intended it"));
        let bound = self.bindings.values().any(|binding| binding.instance == id);
        self.allow(!bound, || format!("I-06: {id} is deleted before its bindings"));
        let work = self.work(Verb::Deprovision, Value::Null);
        let Some(instance) = self.instances.get_mut(id) else { return answer(410, &json!({})) };
        match &instance.work {
            Some(Work { verb: Verb::Deprovision, .. }) => return answer(202, &json!({ "operation": "op" })),
            Some(_) => {
                self.poll(id);
                return busy();
            }
            None => {}
        }
        instance.last_failed = false;
        if work.is_some() {
            instance.work = work;
            return answer(202, &json!({ "operation": "op" }));
        }
        self.instances.remove(id);
        self.gone.insert(id.to_owned());
        answer(200, &json!({}))
    }

    fn fetch(&self, id: &str) -> WireAnswer {
        match self.instances.get(id) {
            Some(Instance { work: None, .. }) => answer(200, &json!({})),
            _ => answer(404, &json!({})),
        }
    }

    /// Work goes on whenever somebody asks, for whatever. A failed creation leaves something that has to be deleted.
    fn poll(&mut self, id: &str) -> WireAnswer {
        let Some(instance) = self.instances.get_mut(id) else {
            return answer(if self.gone.contains(id) { 410 } else { 404 }, &json!({}));
        };
        let Some(work) = &mut instance.work else {
            let state = if instance.last_failed { "failed" } else { "succeeded" };
            return answer(200, &json!({ "state": state }));
        };
        if work.polls > 0 {
            work.polls -= 1;
            return answer(200, &json!({ "state": "in progress" }));
        }
        let Some(work) = instance.work.take() else { return answer(500, &json!({})) };
        if work.fails {
            instance.failed |= work.verb == Verb::Provision;
            instance.last_failed = true;
            return answer(200, &json!({ "state": "failed", "description": "quota" }));
        }
        match work.verb {
            Verb::Update => merge(instance, &work.body),
            Verb::Deprovision => {
                self.instances.remove(id);
                self.gone.insert(id.to_owned());
                return answer(410, &json!({}));
            }
            _ => {}
        }
        answer(200, &json!({ "state": "succeeded" }))
    }

    fn bind(&mut self, (id, binding): (&str, &str), query: &str, state: &State) -> WireAnswer {
        let intended = state.records.iter().any(|record| {
            record.binding.as_ref().is_some_and(|known| {
                known.binding_id.as_str() == binding
                    && matches!(known.status, BindingStatus::Intended | BindingStatus::Binding { .. })
            })
        });
        self.allow(intended, || format!("I-24: {binding} is made without a durable intent"));
        match self.instances.get(id) {
            None | Some(Instance { failed: true, .. }) => {
                return answer(400, &json!({ "description": "no such instance" }));
            }
            Some(Instance { work: Some(_), .. }) => {
                self.poll(id);
                return busy();
            }
            Some(_) => {}
        }
        match self.bindings.get(binding) {
            Some(Binding { work: Some(_), .. }) => return answer(202, &json!({ "operation": "op" })),
            // Shown once: a repetition gets none.
            Some(_) => return answer(200, &json!({})),
            None => {}
        }
        self.minted += 1;
        let token = format!("token-{}-{}", self.name, self.minted);
        // Only what can be fetched can be made asynchronously.
        let asynchronous = query.contains("accepts_incomplete=true");
        let work = self.work(Verb::Bind, Value::Null).filter(|_| asynchronous);
        let status = if work.is_some() { 202 } else { 201 };
        let made = Binding { instance: id.to_owned(), token: token.clone(), work, last_failed: false };
        self.bindings.insert(binding.to_owned(), made);
        match status {
            202 => answer(202, &json!({ "operation": "op" })),
            _ => answer(201, &json!({ "credentials": { "token": token } })),
        }
    }

    fn unbind(&mut self, (id, binding): (&str, &str), state: &State) -> WireAnswer {
        let allowed = state.records.iter().any(|record| may_unbind(record, id, binding));
        self.allow(allowed, || format!("I-05: {binding} is unbound, and nobody intended it"));
        let retired = state.records.iter().flat_map(|record| &record.retired);
        if retired.filter_map(|it| it.what.binding_id.as_ref()).any(|it| it.as_str() == binding) {
            let token = self.bindings.get(binding).map(|it| Value::from(it.token.clone()));
            let mut others =
                self.instances.values().filter_map(|other| other.parameters.get("uses")?.as_array());
            let used = token.is_some_and(|token| others.any(|uses| uses.contains(&token)));
            self.allow(!used, || format!("I-37: {binding} is retired while it is in use"));
        }
        let work = self.work(Verb::Unbind, Value::Null);
        match self.bindings.get_mut(binding) {
            None => answer(410, &json!({})),
            Some(Binding { work: Some(Work { verb: Verb::Unbind, .. }), .. }) => {
                answer(202, &json!({ "operation": "op" }))
            }
            Some(Binding { work: Some(_), .. }) => {
                self.poll_binding(binding);
                busy()
            }
            Some(found) if work.is_some() => {
                found.last_failed = false;
                found.work = work;
                answer(202, &json!({ "operation": "op" }))
            }
            Some(_) => {
                self.bindings.remove(binding);
                answer(200, &json!({}))
            }
        }
    }

    fn fetch_binding(&self, binding: &str) -> WireAnswer {
        match self.bindings.get(binding) {
            Some(Binding { work: None, token, .. }) => {
                answer(200, &json!({ "credentials": { "token": token } }))
            }
            _ => answer(404, &json!({})),
        }
    }

    fn poll_binding(&mut self, binding: &str) -> WireAnswer {
        let Some(found) = self.bindings.get_mut(binding) else { return answer(410, &json!({})) };
        match found.work.take() {
            Some(mut work) if work.polls > 0 => {
                work.polls -= 1;
                found.work = Some(work);
                answer(200, &json!({ "state": "in progress" }))
            }
            Some(Work { fails: true, .. }) => {
                found.last_failed = true;
                answer(200, &json!({ "state": "failed" }))
            }
            Some(Work { verb: Verb::Unbind, .. }) => {
                self.bindings.remove(binding);
                answer(410, &json!({}))
            }
            _ if found.last_failed => answer(200, &json!({ "state": "failed" })),
            _ => answer(200, &json!({ "state": "succeeded" })),
        }
    }
}

fn is_bound(record: &InstanceRecord) -> bool {
    let bound = record.binding.as_ref().is_some_and(|binding| binding.status == BindingStatus::Bound);
    record.status == Status::Ready && bound && record.outputs.contains_key("token")
}

fn may_unbind(record: &InstanceRecord, instance: &str, binding: &str) -> bool {
    let own = record.binding.as_ref().is_some_and(|known| {
        known.binding_id.as_str() == binding
            && !matches!(known.status, BindingStatus::Bound | BindingStatus::Intended)
    });
    let retired = record.retired.iter().map(|retired| &retired.what);
    let listed = record.orphans.iter().chain(retired).any(|orphan| {
        orphan.instance_id.as_str() == instance
            && orphan.binding_id.as_ref().is_some_and(|id| id.as_str() == binding)
    });
    own || listed
}

fn busy() -> WireAnswer {
    answer(422, &json!({ "error": "ConcurrencyError", "description": "busy" }))
}

fn merge(instance: &mut Instance, body: &Value) {
    if let Some(plan) = body["plan_id"].as_str() {
        instance.plan = plan.to_owned();
    }
    for (key, value) in body["parameters"].as_object().into_iter().flatten() {
        if value.is_null() {
            instance.parameters.remove(key);
        } else {
            instance.parameters.insert(key.clone(), value.clone());
        }
    }
}

/// The one offering that both brokers have.
pub(super) fn catalog() -> Value {
    let plan = |id: &str| json!({ "id": id, "name": id, "description": id, "free": true, "maximum_polling_duration": 3600 });
    json!({ "services": [{
        "id": "service", "name": "thing", "description": "a thing", "bindable": true, "plan_updateable": true,
        "instances_retrievable": true, "bindings_retrievable": true, "plans": [plan("small"), plan("large")],
    }] })
}
