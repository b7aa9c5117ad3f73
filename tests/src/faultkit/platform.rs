//! A platform: asks, remembers every answer, and asks again where it does not know.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    evidence::{Answer, Asked, Call, Exchange},
    proxy::Proxy,
};
use crate::cloudflare::Control;

/// How what a platform wanted ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// It is done; with the document of the last answer.
    Done(Value),
    /// It was refused, with this status.
    Refused(u16, Value),
    /// It was accepted and failed; with what the last operation says.
    Failed(Value),
}

/// Whether the platform accepts incomplete answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Mode {
    /// It polls.
    Async,
    /// It waits.
    Sync,
}

/// A platform with one credential.
#[derive(Debug)]
pub struct Platform {
    client: reqwest::Client,
    url: String,
    password: String,
    vendor: Control,
    /// Everything it asked and was told.
    pub history: Vec<Exchange>,
}

/// What is wanted of an instance or binding.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The request.
    pub call: Call,
    /// The instance.
    pub instance: String,
    /// The binding.
    pub binding: Option<String>,
    /// The offering and its plan.
    pub offering: (&'static str, &'static str),
    /// The body, of requests that have one.
    pub body: Value,
    /// What it is called in the history; `refused…` when nothing may come of it.
    pub name: String,
}

impl Platform {
    /// A platform that talks to the broker behind this proxy. The vendor is only looked at.
    #[must_use]
    pub fn new(client: reqwest::Client, way: &Proxy, password: String, vendor: Control) -> Self {
        let url = format!("http://{}", way.address());
        Self { client, url, password, vendor, history: Vec::new() }
    }

    /// Sends a wish once.
    pub async fn ask(&mut self, wish: &Wish, mode: Mode) -> Answer {
        let Wish { call, instance, binding, offering, body, name } = wish;
        let asked = Asked {
            call: *call,
            instance: instance.clone(),
            binding: binding.clone(),
            wish: name.clone(),
            operation: None,
        };
        let mut path = format!("/v2/service_instances/{instance}");
        if let Some(binding) = binding {
            path.push_str(&format!("/service_bindings/{binding}"));
        }
        let method = match call {
            Call::Provision | Call::Bind => reqwest::Method::PUT,
            Call::Update => reqwest::Method::PATCH,
            Call::Deprovision | Call::Unbind => reqwest::Method::DELETE,
            Call::Poll => reqwest::Method::GET,
        };
        let (service, plan) = offering;
        let mut query = vec![("accepts_incomplete", (mode == Mode::Async).to_string())];
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.url));
        if method == reqwest::Method::DELETE {
            query.extend([("service_id", (*service).to_owned()), ("plan_id", (*plan).to_owned())]);
        } else {
            let mut whole = json!({ "service_id": service, "plan_id": plan });
            if *call == Call::Provision {
                whole["organization_guid"] = json!("o");
                whole["space_guid"] = json!("s");
            }
            if let (Value::Object(whole), Value::Object(body)) = (&mut whole, body) {
                whole.extend(body.clone());
            }
            request = request.json(&whole);
        }
        self.send(asked, request.query(&query)).await
    }

    /// Asks how an operation stands.
    pub async fn poll(&mut self, wish: &Wish, operation: &str) -> Answer {
        let mut path = format!("/v2/service_instances/{}", wish.instance);
        if let Some(binding) = &wish.binding {
            path.push_str(&format!("/service_bindings/{binding}"));
        }
        let asked = Asked {
            call: Call::Poll,
            instance: wish.instance.clone(),
            binding: wish.binding.clone(),
            wish: String::new(),
            operation: Some(operation.to_owned()),
        };
        let request = self.client.get(format!("{}{path}/last_operation", self.url));
        self.send(asked, request.query(&[("operation", operation)])).await
    }

    async fn send(&mut self, asked: Asked, request: reqwest::RequestBuilder) -> Answer {
        let request = request
            .basic_auth("platform", Some(&self.password))
            .header("X-Broker-API-Version", "2.17")
            .timeout(Duration::from_secs(25));
        let before = self.calls();
        let answer = read(request).await;
        let exchange = Exchange { asked, answer: answer.clone(), ledger: (before, self.calls()) };
        self.history.push(exchange);
        answer
    }

    fn calls(&self) -> u64 {
        self.vendor.ledger_length()
    }
}

async fn read(request: reqwest::RequestBuilder) -> Answer {
    let Ok(answer) = request.send().await else { return Answer::Lost };
    let status = answer.status().as_u16();
    let Ok(bytes) = answer.bytes().await else { return Answer::Lost };
    match serde_json::from_slice(&bytes) {
        Ok(body) => Answer::Came { status, body },
        Err(_) => Answer::Lost,
    }
}
