//! A broker in memory behind real HTTP, which can be told to answer otherwise, and writes down what it was asked.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

/// What every secret that the broker hands out begins with.
pub(super) const CANARY: &str = "c4n4ry-t0k3n";

/// How to answer a request, once.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// This, and nothing else happens.
    Say(u16, Value),
    /// Do it, and then answer this: the answer of success was lost.
    DoAndSay(u16, Value),
    /// Go on after the answer; so many polls say that it is not done yet, and then this.
    Accept(u32, End),
}

/// How accepted work ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Succeeds,
    Fails,
}

#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub(super) reference: String,
    pub(super) plan: String,
    pub(super) parameters: Value,
    work: Option<Work>,
}

#[derive(Debug, Clone)]
struct Work {
    verb: &'static str,
    body: Value,
    polls: u32,
    end: End,
}

type Watcher = Arc<dyn Fn(&str) + Send + Sync>;

#[derive(Default)]
struct Inner {
    log: Vec<String>,
    names: HashMap<String, String>,
    instances: BTreeMap<String, Instance>,
    bindings: BTreeMap<String, (String, Option<Work>)>,
    acts: HashMap<String, VecDeque<Act>>,
    finished: HashMap<String, &'static str>,
    /// The body of the last such request.
    bodies: HashMap<String, Value>,
    watcher: Option<Watcher>,
    minted: u32,
    secrets: HashMap<String, String>,
    /// Every request goes on after its answer.
    asynchronous: bool,
    /// The maintenance version that the plan `small` offers.
    maintenance: Option<String>,
    /// Bindings of the plan `small` can be rotated.
    rotatable: bool,
}

/// The broker. Clones are the same one.
#[derive(Clone, Default)]
pub(super) struct Fake(Arc<Mutex<Inner>>);

impl Fake {
    pub(super) async fn serve(&self) -> MockServer {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(self.clone()).mount(&server).await;
        server
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// From the next such request on, such as `provision db`, acts so; then as usual again.
    pub(super) fn act(&self, what: &str, acts: impl IntoIterator<Item = Act>) {
        self.inner().acts.entry(what.to_owned()).or_default().extend(acts);
    }

    /// From now on the plan `small` offers this maintenance version, and requests that name another one are refused.
    pub(super) fn offer_maintenance(&self, version: &str) {
        self.inner().maintenance = Some(version.to_owned());
    }

    /// From now on bindings of the plan `small` can be rotated; a request that names no living predecessor is refused.
    pub(super) fn rotatable(&self) {
        self.inner().rotatable = true;
    }

    /// Tokens that consumers have in their parameters and that do not work (any more).
    pub(super) fn dead_tokens(&self) -> Vec<String> {
        let inner = self.inner();
        let alive = |token: &str| {
            inner.bindings.keys().any(|binding| inner.secrets.get(binding).is_some_and(|it| it == token))
        };
        let uses = inner.instances.values().filter_map(|it| it.parameters["uses"][0].as_str());
        uses.filter(|token| token.starts_with(CANARY) && !alive(token)).map(str::to_owned).collect()
    }

    pub(super) fn asynchronous(&self) {
        self.inner().asynchronous = true;
    }

    /// Is called with each request, before it is answered.
    pub(super) fn watch(&self, watcher: impl Fn(&str) + Send + Sync + 'static) {
        self.inner().watcher = Some(Arc::new(watcher));
    }

    /// What was asked since the last time, polls and fetches left out.
    pub(super) fn asked(&self) -> Vec<String> {
        let log = std::mem::take(&mut self.inner().log);
        log.into_iter().filter(|line| !line.starts_with("poll ") && !line.starts_with("fetch")).collect()
    }

    /// Everything that was asked since the last time, polls and fetches too.
    pub(super) fn everything_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.inner().log)
    }

    /// What exists, by ref.
    pub(super) fn instances(&self) -> Vec<(String, Instance)> {
        self.inner().instances.values().map(|one| (one.reference.clone(), one.clone())).collect()
    }

    /// The instances that bindings belong to, by ref.
    pub(super) fn bindings(&self) -> Vec<String> {
        let inner = self.inner();
        let mut owners: Vec<_> =
            inner.bindings.values().map(|(instance, _)| inner.names[instance].clone()).collect();
        owners.sort();
        owners
    }

    /// The body of the last such request.
    pub(super) fn body(&self, what: &str) -> Value {
        self.inner().bodies[what].clone()
    }

    /// Ends what an instance is at.
    pub(super) fn finish(&self, reference: &str) {
        let mut inner = self.inner();
        inner.instances.values_mut().filter(|one| one.reference == reference).for_each(|one| one.work = None);
    }

    /// Forgets everything it had.
    pub(super) fn forget(&self) {
        let mut inner = self.inner();
        inner.instances.clear();
        inner.bindings.clear();
    }
}

impl Respond for Fake {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let path = request.url.path().to_owned();
        if path == "/v2/catalog" {
            return answer(200, &catalog(&self.inner()));
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let segments: Vec<&str> = path.trim_start_matches("/v2/service_instances/").split('/').collect();
        let method = request.method.as_str();
        let (verb, binding): (&'static str, _) = match (method, segments.as_slice()) {
            ("PUT", [_]) => ("provision", None),
            ("PATCH", [_]) => ("update", None),
            ("DELETE", [_]) => ("deprovision", None),
            ("GET", [_]) => ("fetch", None),
            ("GET", [_, "last_operation"]) => ("poll", None),
            ("PUT", [_, _, binding]) => ("bind", Some(*binding)),
            ("DELETE", [_, _, binding]) => ("unbind", Some(*binding)),
            ("GET", [_, _, binding]) => ("fetch binding", Some(*binding)),
            ("GET", [_, _, binding, "last_operation"]) => ("poll", Some(*binding)),
            other => panic!("the client asked {other:?}"),
        };
        self.take((verb, segments[0], binding), body)
    }
}

impl Fake {
    fn take(&self, (verb, id, binding): (&'static str, &str, Option<&str>), body: Value) -> ResponseTemplate {
        let (what, act, watcher) = {
            let mut inner = self.inner();
            if let Some(reference) = body["context"]["ref"].as_str() {
                inner.names.insert(id.to_owned(), reference.to_owned());
            }
            let what = format!("{verb} {}", inner.names.get(id).map_or("?", String::as_str));
            inner.log.push(what.clone());
            inner.bodies.insert(what.clone(), body.clone());
            let act = inner.acts.get_mut(&what).and_then(VecDeque::pop_front);
            (what, act, inner.watcher.clone())
        };
        if let Some(watcher) = watcher {
            watcher(&what);
        }
        let mut inner = self.inner();
        let named = body["maintenance_info"]["version"].as_str();
        if named.is_some() && named != inner.maintenance.as_deref() {
            return answer(422, &json!({ "error": "MaintenanceInfoConflict", "description": "look again" }));
        }
        let predecessor = body["predecessor_binding_id"].as_str();
        if predecessor.is_some_and(|id| !inner.rotatable || !inner.bindings.contains_key(id)) {
            return answer(400, &json!({ "description": "no such predecessor" }));
        }
        let long =
            inner.asynchronous && matches!(verb, "provision" | "update" | "deprovision" | "bind" | "unbind");
        match act {
            Some(Act::Say(status, body)) => answer(status, &body),
            Some(Act::DoAndSay(status, said)) => {
                inner.serve((verb, id, binding), body);
                answer(status, &said)
            }
            Some(Act::Accept(polls, end)) => inner.accept((verb, id, binding), body, (polls, end)),
            None if long => inner.accept((verb, id, binding), body, (1, End::Succeeds)),
            None => inner.serve((verb, id, binding), body),
        }
    }
}

impl Inner {
    fn serve(
        &mut self,
        (verb, id, binding): (&'static str, &str, Option<&str>),
        body: Value,
    ) -> ResponseTemplate {
        let busy = self.instances.get(id).is_some_and(|instance| instance.work.is_some());
        let concurrent = || answer(422, &json!({ "error": "ConcurrencyError", "description": "busy" }));
        match (verb, binding) {
            ("poll", None) => self.poll(id),
            ("poll", Some(binding)) => self.poll_binding(binding),
            ("update" | "deprovision" | "bind", _) if busy => concurrent(),
            ("provision", _) => self.provision(id, body),
            ("update", _) => match self.instances.get_mut(id) {
                Some(instance) => {
                    merge(instance, &body);
                    answer(200, &json!({}))
                }
                None => answer(404, &json!({ "description": "no such instance" })),
            },
            ("deprovision", _) if !self.instances.contains_key(id) => answer(410, &json!({})),
            ("deprovision", _) if self.bindings.values().any(|(instance, _)| instance == id) => {
                answer(400, &json!({ "description": "there are bindings" }))
            }
            ("deprovision", _) => {
                self.instances.remove(id);
                answer(200, &json!({}))
            }
            ("fetch", _) => match self.instances.get(id) {
                Some(instance) => answer(200, &instance_body(instance)),
                None => answer(404, &json!({})),
            },
            ("bind", Some(binding)) if !self.instances.contains_key(id) => {
                answer(400, &json!({ "description": format!("no instance for {binding}") }))
            }
            ("bind", Some(binding)) => {
                let known = self.bindings.insert(binding.to_owned(), (id.to_owned(), None)).is_some();
                answer(if known { 200 } else { 201 }, &self.binding_body(id, binding))
            }
            ("fetch binding", Some(binding)) if self.bindings.contains_key(binding) => {
                answer(200, &self.binding_body(id, binding))
            }
            ("fetch binding", _) => answer(404, &json!({})),
            ("unbind", Some(binding)) => match self.bindings.remove(binding) {
                Some(_) => answer(200, &json!({})),
                None => answer(410, &json!({})),
            },
            other => panic!("{other:?}"),
        }
    }

    fn provision(&mut self, id: &str, body: Value) -> ResponseTemplate {
        let wanted = instance(&self.names[id], &body);
        match self.instances.get(id) {
            Some(there) if there.parameters != wanted.parameters => answer(409, &json!({})),
            Some(Instance { work: Some(_), .. }) => answer(202, &json!({ "operation": "provision" })),
            Some(there) => answer(200, &instance_body(there)),
            None => {
                let answer = answer(201, &instance_body(&wanted));
                self.instances.insert(id.to_owned(), wanted);
                answer
            }
        }
    }

    fn accept(
        &mut self,
        (verb, id, binding): (&'static str, &str, Option<&str>),
        body: Value,
        (polls, end): (u32, End),
    ) -> ResponseTemplate {
        let work = Some(Work { verb, body: body.clone(), polls, end });
        match (verb, binding) {
            ("provision", _) if self.instances.contains_key(id) => return self.provision(id, body),
            ("provision", _) => {
                let made = Instance { work, ..instance(&self.names[id], &body) };
                self.instances.insert(id.to_owned(), made);
            }
            ("bind", Some(binding)) if self.bindings.get(binding).is_some_and(|(_, work)| work.is_none()) => {
                return self.serve((verb, id, Some(binding)), body);
            }
            ("bind", Some(binding)) => {
                self.bindings.insert(binding.to_owned(), (id.to_owned(), work));
            }
            ("unbind", Some(binding)) => match self.bindings.get_mut(binding) {
                Some(found) => found.1 = work,
                None => return answer(410, &json!({})),
            },
            ("update" | "deprovision", _) => match self.instances.get_mut(id) {
                Some(found) if found.work.as_ref().is_some_and(|other| other.verb != verb) => {
                    return self.serve((verb, id, binding), body);
                }
                Some(found) => found.work = work,
                None => return self.serve((verb, id, binding), body),
            },
            other => panic!("{other:?}"),
        }
        answer(202, &json!({ "operation": verb }))
    }

    fn poll(&mut self, id: &str) -> ResponseTemplate {
        let Some(instance) = self.instances.get_mut(id) else {
            let gone = self.finished.get(id) == Some(&"deprovision");
            return answer(if gone { 410 } else { 404 }, &json!({}));
        };
        let Some(work) = &mut instance.work else { return answer(200, &json!({ "state": "succeeded" })) };
        if work.polls > 0 {
            work.polls -= 1;
            return answer(200, &json!({ "state": "in progress", "description": "half way" }));
        }
        let Some(work) = instance.work.take() else { panic!("there is work") };
        self.finished.insert(id.to_owned(), work.verb);
        match (work.verb, work.end) {
            (_, End::Fails) => answer(200, &json!({ "state": "failed", "description": "quota exceeded" })),
            ("update", _) => {
                merge(instance, &work.body);
                answer(200, &json!({ "state": "succeeded" }))
            }
            ("deprovision", _) => {
                self.instances.remove(id);
                answer(410, &json!({}))
            }
            _ => answer(200, &json!({ "state": "succeeded" })),
        }
    }

    fn poll_binding(&mut self, binding: &str) -> ResponseTemplate {
        let Some((_, work)) = self.bindings.get_mut(binding) else { return answer(410, &json!({})) };
        match work.take() {
            Some(mut pending) if pending.polls > 0 => {
                pending.polls -= 1;
                *work = Some(pending);
                answer(200, &json!({ "state": "in progress" }))
            }
            Some(Work { end: End::Fails, .. }) => answer(200, &json!({ "state": "failed" })),
            Some(Work { verb: "unbind", .. }) => {
                self.bindings.remove(binding);
                answer(200, &json!({ "state": "succeeded" }))
            }
            _ => answer(200, &json!({ "state": "succeeded" })),
        }
    }

    fn binding_body(&mut self, id: &str, binding: &str) -> Value {
        let minted = self.minted + 1;
        let mut fresh = false;
        let secret = self.secrets.entry(binding.to_owned()).or_insert_with(|| {
            fresh = true;
            format!("{CANARY}-{minted}")
        });
        let body = json!({ "credentials": {
            "id": format!("id-{}", self.names[id]),
            "token": secret,
            "ports": [1, 2],
        } });
        self.minted += u32::from(fresh);
        body
    }
}

fn instance(reference: &str, body: &Value) -> Instance {
    Instance {
        reference: reference.to_owned(),
        plan: body["plan_id"].as_str().unwrap_or_default().to_owned(),
        parameters: body.get("parameters").cloned().unwrap_or_else(|| json!({})),
        work: None,
    }
}

fn merge(instance: &mut Instance, body: &Value) {
    if let Some(plan) = body["plan_id"].as_str() {
        instance.plan = plan.to_owned();
    }
    for (key, value) in body["parameters"].as_object().into_iter().flatten() {
        if value.is_null() {
            instance.parameters.as_object_mut().map(|members| members.remove(key));
        } else {
            instance.parameters[key] = value.clone();
        }
    }
}

fn instance_body(instance: &Instance) -> Value {
    let attributes = json!({ "size": instance.parameters.get("size").cloned().unwrap_or(json!(0)) });
    json!({
        "dashboard_url": format!("https://dashboard.example/{}", instance.reference),
        "metadata": { "attributes": attributes },
    })
}

fn answer(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

fn catalog(inner: &Inner) -> Value {
    let update = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "size": { "type": ["integer", "null"] },
            "uses": {},
            "password": { "type": ["string", "null"] },
        },
        "additionalProperties": false,
    });
    // What can be chosen once and never changed.
    let mut create = update.clone();
    create["properties"]["region"] = json!({ "type": "string" });
    let schemas = json!({ "service_instance": {
        "create": { "parameters": create }, "update": { "parameters": update },
    } });
    let plan = |id: &str, name: &str| json!({ "id": id, "name": name, "description": name, "free": true, "schemas": schemas });
    let mut small = plan("plan-small", "small");
    small["binding_rotatable"] = inner.rotatable.into();
    if let Some(version) = &inner.maintenance {
        small["maintenance_info"] = json!({ "version": version, "description": "a minute of silence" });
    }
    json!({ "services": [{
        "id": "service-thing", "name": "thing", "description": "a thing", "bindable": true,
        "plan_updateable": true, "instances_retrievable": true, "bindings_retrievable": true,
        "metadata": { "sutler": { "outputs": [
            { "name": "id", "description": "its id", "secret": false },
            { "name": "size", "description": "its size", "secret": false },
            { "name": "token", "description": "its token", "secret": true },
            { "name": "ports", "description": "its ports" },
            { "name": "nope", "description": "promised, and never there" },
        ] } },
        "plans": [small, plan("plan-large", "large")],
    }] })
}
