//! A platform that sends every request to every replica, and again when it got no answer.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::site::PASSWORD;

/// How long anything may take, disturbances included.
const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct Platform {
    client: reqwest::Client,
    ports: Vec<u16>,
    catalog: Value,
}

/// A status and a body.
pub(crate) type Answer = (u16, Value);

impl Platform {
    pub(crate) async fn new(ports: Vec<u16>) -> Self {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
        let mut platform = Self { client, ports, catalog: Value::Null };
        platform.catalog = platform.ask(0, Method::GET, "/v2/catalog", None).await.1;
        platform
    }

    /// Offering and plan by their names, as in request bodies.
    pub(crate) fn offer(&self, service: &str, plan: &str) -> (String, String) {
        let named = |list: &Value, name: &str| {
            let list = list.as_array().expect("a list");
            list.iter().find(|entry| entry["name"] == name).expect("it is offered").clone()
        };
        let service = named(&self.catalog["services"], service);
        let plan = named(&service["plans"], plan);
        let id = |entry: &Value| entry["id"].as_str().expect("an id").to_owned();
        (id(&service), id(&plan))
    }

    /// Sends the request to all replicas at once, until each has answered with something else than "not now".
    pub(crate) async fn everywhere(&self, method: Method, path: &str, body: Option<&Value>) -> Vec<Answer> {
        let asked = (0..self.ports.len()).map(|replica| self.ask(replica, method.clone(), path, body));
        join_all(asked).await
    }

    async fn ask(&self, replica: usize, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let url = format!("http://127.0.0.1:{}{path}", self.ports[replica]);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let request = self
                .client
                .request(method.clone(), &url)
                .basic_auth("platform", Some(PASSWORD))
                .header("x-broker-api-version", "2.17");
            let request = match body {
                Some(body) => request.json(body),
                None => request,
            };
            let problem = match request.send().await {
                Ok(answer) if answer.status().as_u16() < 500 => {
                    let status = answer.status().as_u16();
                    if let Ok(body) = answer.json().await {
                        return (status, body);
                    }
                    "half an answer".to_owned()
                }
                Ok(answer) => format!("{}", answer.status()),
                Err(error) => error.to_string(),
            };
            assert!(Instant::now() < deadline, "{method} {url}: {problem}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Polls until every replica says that it is over; all must say the same.
    async fn settled(&self, path: &str, operation: &str, over: &[Answer]) {
        let path = format!("{path}/last_operation?operation={operation}");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let polled = self.everywhere(Method::GET, &path, None).await;
            if polled.iter().all(|(status, body)| *status == 410 || body["state"] != "in progress") {
                let said = |(status, body): &Answer| (*status, json!({ "state": body["state"] }));
                assert!(polled.iter().all(|answer| over.contains(&said(answer))), "{path}: {polled:?}");
                return;
            }
            assert!(Instant::now() < deadline, "{path}: {polled:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Sends a request everywhere and waits for its work. All replicas that named an operation named the same one.
    pub(crate) async fn done(&self, method: Method, path: &str, body: Option<&Value>) {
        let query = if method == Method::DELETE { body.expect("ids").as_object() } else { None };
        let mut url = format!("{path}?accepts_incomplete=true");
        for (name, value) in query.into_iter().flatten() {
            url += &format!("&{name}={}", value.as_str().expect("an id"));
        }
        let is_delete = method == Method::DELETE;
        let answers = self.everywhere(method, &url, body.filter(|_| !is_delete)).await;
        let expected: &[u16] = if is_delete { &[200, 202, 410] } else { &[200, 201, 202] };
        assert!(answers.iter().all(|(status, _)| expected.contains(status)), "{url}: {answers:?}");
        let operations: HashSet<&str> =
            answers.iter().filter_map(|(_, body)| body["operation"].as_str()).collect();
        assert!(operations.len() <= 1, "one piece of work has one name: {url}: {answers:?}");
        let over: &[Answer] = &if is_delete {
            vec![(410, json!({ "state": null })), (200, json!({ "state": "succeeded" }))]
        } else {
            vec![(200, json!({ "state": "succeeded" }))]
        };
        for operation in operations {
            self.settled(path, operation, over).await;
        }
    }
}
