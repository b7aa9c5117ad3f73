//! ACME, as it behaves: names are unique, a password is shown once, lists have pages, and things go wrong.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use acme_broker::vendor::PAGE;
use serde_json::{Value, json};
use sutler_broker_server::providers::contract::{Fault, Page};

use crate::http::{Request, Response, serve};

pub(crate) const TOKEN: &str = "acme-token-of-these-tests";

#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) fields: Value,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) mailboxes: Vec<Row>,
    pub(crate) passwords: Vec<Row>,
    pub(crate) changes: u64,
    pub(crate) struck: bool,
    calls: u64,
    made: u64,
    fault: Option<(u64, Fault)>,
}

/// The fake, on a port of its own.
#[derive(Clone)]
pub(crate) struct Fake {
    state: Arc<Mutex<State>>,
    pub(crate) address: SocketAddr,
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = state.clone();
        let address = serve(move |request| lock(&shared).meet(request)).await;
        Self { state, address }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    pub(crate) fn strike(&mut self, nth: u64, fault: &Fault) {
        self.fault = Some((self.calls + nth, fault.clone()));
        self.struck = false;
    }

    pub(crate) fn heal(&mut self) -> bool {
        self.fault = None;
        std::mem::take(&mut self.struck)
    }

    pub(crate) fn make(&mut self, name: &str) {
        self.made += 1;
        let fields = json!({ "quota": 100, "region": "eu" });
        self.mailboxes.push(Row { id: self.made, name: name.to_owned(), fields });
    }

    /// A call, and the fault that it meets.
    fn meet(&mut self, request: &Request) -> Option<Response> {
        self.calls += 1;
        let calls = self.calls;
        let fault = self.fault.take_if(|(at, _)| *at == calls).map(|(_, fault)| fault);
        self.struck |= fault.is_some();
        let page = |Page { status, content_type, retry_after, body }: Page| Response {
            status,
            content_type,
            retry_after,
            body,
        };
        match fault {
            None => Some(self.answer(request)),
            Some(Fault::DropRequest) => None,
            Some(Fault::DropAnswer) => {
                self.answer(request);
                None
            }
            Some(Fault::Answer(canned)) => Some(page(canned)),
            Some(Fault::AnswerAfterwards(canned)) => {
                self.answer(request);
                Some(page(canned))
            }
        }
    }

    fn answer(&mut self, request: &Request) -> Response {
        if request.token != format!("Bearer {TOKEN}") {
            return Response::json(401, &Value::Null);
        }
        let mut parts = request.path.trim_matches('/').split('/');
        let (kind, id) = (parts.next().unwrap_or_default(), parts.next().and_then(|id| id.parse().ok()));
        let page = request.query.strip_prefix("page=").and_then(|page| page.parse().ok()).unwrap_or(0);
        match (request.method.as_str(), kind, id) {
            ("GET", "mailboxes", None) => Response::json(200, &listed(&self.mailboxes, page)),
            ("GET", "passwords", None) => Response::json(200, &listed(&self.passwords, page)),
            ("GET", "mailboxes", Some(id)) => found(&self.mailboxes, id),
            ("POST", "mailboxes", None) => self.create(&request.body),
            ("POST", "passwords", None) => self.mint(&request.body),
            ("PATCH", "mailboxes", Some(id)) => self.resize(id, &request.body),
            ("DELETE", "mailboxes", Some(id)) => self.delete(id, |state| &mut state.mailboxes),
            ("DELETE", "passwords", Some(id)) => self.delete(id, |state| &mut state.passwords),
            _ => Response::json(400, &Value::Null),
        }
    }

    fn create(&mut self, body: &Value) -> Response {
        let name = body["name"].as_str().unwrap();
        if self.mailboxes.iter().any(|row| row.name == name) {
            return Response::json(409, &Value::Null);
        }
        self.make(name);
        self.changes += 1;
        found(&self.mailboxes, self.made)
    }

    fn mint(&mut self, body: &Value) -> Response {
        self.made += 1;
        self.changes += 1;
        let value = format!("password-{}-that-nobody-says", self.made);
        let name = body["label"].as_str().unwrap().to_owned();
        self.passwords.push(Row { id: self.made, name: name.clone(), fields: json!({ "value": value }) });
        Response::json(201, &json!({ "id": self.made, "label": name, "value": value }))
    }

    fn resize(&mut self, id: u64, body: &Value) -> Response {
        let Some(row) = self.mailboxes.iter_mut().find(|row| row.id == id) else {
            return Response::json(404, &Value::Null);
        };
        row.fields["quota"] = body["quota"].clone();
        self.changes += 1;
        found(&self.mailboxes, id)
    }

    fn delete(&mut self, id: u64, rows: impl Fn(&mut Self) -> &mut Vec<Row>) -> Response {
        let Some(at) = rows(self).iter().position(|row| row.id == id) else {
            return Response::json(404, &Value::Null);
        };
        rows(self).remove(at);
        self.changes += 1;
        Response::json(200, &Value::Null)
    }
}

fn shown(row: &Row) -> Value {
    json!({ "id": row.id, "name": row.name, "label": row.name, "quota": row.fields["quota"] })
}

fn listed(rows: &[Row], page: usize) -> Value {
    rows.iter().skip(page * PAGE).take(PAGE).map(shown).collect()
}

fn found(rows: &[Row], id: u64) -> Response {
    match rows.iter().find(|row| row.id == id) {
        Some(row) => Response::json(200, &shown(row)),
        None => Response::json(404, &Value::Null),
    }
}
