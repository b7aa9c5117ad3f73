//! The OpenAPI document and the program agree: requests are made from the document, and every answer must be in it.

use std::{
    collections::{BTreeSet, HashMap},
    process::Command,
    time::Duration,
};

use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Map, Value, json};
use sutler_catalog::probe::Behaviour;

use crate::process::{PASSWORD, Process, client, configure};

/// How many requests are made.
const REQUESTS: usize = 1_000;

/// Choices that are the same in each run.
struct Choices(u64);

impl Choices {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let index = self.next() % all.len() as u64;
        &all[usize::try_from(index).unwrap()]
    }

    /// Once in so many times.
    fn rarely(&mut self, times: u64) -> bool {
        self.next().is_multiple_of(times)
    }
}

/// A request that the document describes, or nearly.
struct Request {
    path: String,
    method: String,
    url: String,
    body: Option<Value>,
    is_known: bool,
    version: Option<&'static str>,
}

/// An instance for each plan, so that requests meet.
const PLANS: [Behaviour; 6] = [
    Behaviour::Instant,
    Behaviour::Slow,
    Behaviour::AsyncOnly,
    Behaviour::AsyncBinding,
    Behaviour::Expiring,
    Behaviour::SlowUpdate,
];

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    value["$ref"].as_str().map_or(value, |pointer| document.pointer(&pointer[1..]).unwrap())
}

/// Makes a value that a property of that name and schema may have, or nearly.
fn value(name: &str, plan: Behaviour, choices: &mut Choices) -> Value {
    let odd =
        [json!(""), json!(7), json!(null), json!("no such thing"), json!([]), json!({ "unknown": "x" })];
    if choices.rarely(12) {
        return choices.of(&odd).clone();
    }
    match name {
        "service_id" => json!(plan.home().id().as_str()),
        "plan_id" => json!(if choices.rarely(10) { choices.of(&PLANS).id() } else { plan.id() }.as_str()),
        "parameters" => choices.of(&[json!({}), json!({ "note": "a" }), json!({ "note": "b" })]).clone(),
        "context" => json!({ "platform": "kubernetes", "namespace": "n", "clusterid": "c" }),
        "maintenance_info" => choices.of(&[json!({ "version": "9.9.9" }), json!({}), json!(null)]).clone(),
        "previous_values" => json!({ "plan_id": plan.id().as_str() }),
        "bind_resource" => json!({ "app_guid": "application" }),
        "predecessor_binding_id" => json!(choices.of(&["b0", "b1"])),
        _ => json!("text"),
    }
}

/// What is required nearly always, what is optional now and then.
fn body(schema: &Value, plan: Behaviour, choices: &mut Choices) -> Value {
    let mut body = Map::new();
    let named: Vec<&str> = ["service_id", "plan_id", "organization_guid", "space_guid"].to_vec();
    for name in schema["properties"].as_object().unwrap().keys() {
        let usual = named.contains(&name.as_str())
            && !(name == "plan_id" && schema["anyOf"].is_null() && choices.rarely(3));
        if if usual { !choices.rarely(25) } else { choices.rarely(6) } {
            body.insert(name.clone(), value(name, plan, choices));
        }
    }
    Value::Object(body)
}

fn request(document: &Value, choices: &mut Choices) -> Request {
    let paths: Vec<(&String, &Value)> = document["paths"].as_object().unwrap().iter().collect();
    let (path, item) = *choices.of(&paths);
    let methods: Vec<&String> = item.as_object().unwrap().keys().filter(|key| *key != "parameters").collect();
    let method = (*choices.of(&methods)).clone();
    let operation = &item[&method];
    let plan = *choices.of(&PLANS);
    let instance = if choices.rarely(40) { "never%20heard%20of" } else { plan.name() };
    let binding = *choices.of(&["b0", "b1"]);
    let url = path.replace("{instance_id}", instance).replace("{binding_id}", binding);
    let mut query = Vec::new();
    for parameter in operation["parameters"].as_array().unwrap() {
        let parameter = resolve(document, parameter);
        let name = parameter["name"].as_str().unwrap();
        let chosen = match name {
            _ if parameter["in"] != "query" || choices.rarely(12) => continue,
            "accepts_incomplete" => (*choices.of(&["true", "true", "true", "false", "1"])).to_owned(),
            "operation" => continue,
            _ => value(name, plan, choices).as_str().unwrap_or("odd").to_owned(),
        };
        query.push(format!("{name}={}", chosen.replace(' ', "%20")));
    }
    let content = &operation["requestBody"]["content"]["application/json"]["schema"];
    let body = (!content.is_null()).then(|| match choices.rarely(40) {
        true => choices.of(&[json!([]), json!("text"), json!({})]).clone(),
        false => body(resolve(document, content), plan, choices),
    });
    Request {
        url: format!("{url}?{}", query.join("&")),
        path: path.clone(),
        method,
        body,
        is_known: !choices.rarely(40),
        version: *choices.of(&[Some("2.17"), Some("2.17"), Some("2.13"), Some("2.17"), Some("2.99"), None]),
    }
}

/// By the name of their schema.
type Validators = HashMap<String, Validator>;

/// What an answer has that the document has not.
fn undeclared(
    (document, validators): (&Value, &mut Validators),
    request: &Request,
    answer: &(u16, Option<String>, Value),
) -> Option<String> {
    let (status, content_type, body) = answer;
    let response = &document["paths"][&request.path][&request.method]["responses"][&status.to_string()];
    if response.is_null() {
        return Some(format!("{status} is not declared"));
    }
    let schema = &response["content"]["application/json"]["schema"];
    if schema.is_null() {
        return content_type.as_ref().map(|kind| format!("{status} has a body of type {kind}"));
    }
    if content_type.as_deref() != Some("application/json") {
        return Some(format!("{status} has the content type {content_type:?}"));
    }
    let name = schema["$ref"].as_str().unwrap().to_owned();
    let validator = validators.entry(name).or_insert_with_key(|name| {
        let whole = json!({ "$ref": name, "components": document["components"] });
        jsonschema::draft202012::new(&whole).unwrap()
    });
    let problems: Vec<String> = validator.iter_errors(body).map(|problem| problem.to_string()).collect();
    (!problems.is_empty()).then(|| format!("{status} {body}: {}", problems.join("; ")))
}

async fn send(
    client: &reqwest::Client,
    process: &Process,
    request: &Request,
) -> (u16, Option<String>, Value) {
    let method = Method::from_bytes(request.method.to_uppercase().as_bytes()).unwrap();
    let mut sent = client.request(method, format!("http://{}{}", process.address, request.url));
    sent = sent.basic_auth("platform", Some(if request.is_known { PASSWORD } else { "wrong" }));
    if let Some(version) = request.version {
        sent = sent.header("X-Broker-API-Version", version);
    }
    if let Some(body) = &request.body {
        sent = sent.json(body);
    }
    let response = sent.send().await.unwrap();
    assert!(response.headers().contains_key("x-broker-api-request-identity"));
    let content_type = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let bytes = response.bytes().await.unwrap();
    (status, content_type, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

fn serve(folder: &std::path::Path) -> Process {
    let more = "management: 127.0.0.1:0\nextensions: [discover]\nofferings: [sutler-probe]\nvendors: { probe: { slow: 60ms } }\n\
                tuning: { inline_budget: 30ms, sync_limit: 1s, drain_delay: 1ms }\n";
    let config = configure(folder, more);
    let mut command = Command::new(env!("CARGO_BIN_EXE_sutler-broker"));
    command.args(["serve", "-c"]).arg(config);
    Process::start(command)
}

async fn served(process: &Process) -> Value {
    let url = format!("http://{}/openapi.json", process.management.as_ref().unwrap());
    client().get(url).send().await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_to_generated_requests_is_in_the_document() {
    let folder = tempfile::tempdir().unwrap();
    let process = serve(folder.path());
    let document = served(&process).await;
    let printed = Command::new(env!("CARGO_BIN_EXE_sutler-broker")).arg("openapi").output().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&printed.stdout).unwrap(), document, "served and printed");

    let client = client();
    let mut choices = Choices(0x5eed_0b5e_55ed);
    let (mut seen, mut operations) = (BTreeSet::new(), BTreeSet::new());
    let mut tampered = document.clone();
    let mut noticed = 0;
    let (mut validators, mut tampered_validators) = (Validators::new(), Validators::new());
    for path in tampered["paths"].as_object_mut().unwrap().values_mut() {
        for operation in path.as_object_mut().unwrap().values_mut().filter(|value| value.is_object()) {
            operation["responses"].as_object_mut().unwrap().remove("404");
        }
    }
    tampered["components"]["schemas"]["LastOperation"]["properties"]["state"] = json!({ "enum": ["done"] });
    for number in 0..REQUESTS {
        let request = request(&document, &mut choices);
        let answer =
            tokio::time::timeout(Duration::from_secs(30), send(&client, &process, &request)).await.unwrap();
        if let Some(problem) = undeclared((&document, &mut validators), &request, &answer) {
            panic!("request {number}, {} {} {:?}: {problem}", request.method, request.url, request.body);
        }
        noticed +=
            usize::from(undeclared((&tampered, &mut tampered_validators), &request, &answer).is_some());
        operations.insert((request.path.clone(), request.method.clone()));
        seen.insert(answer.0);
        assert_ne!(answer.0, 500, "{} {} {:?}: {}", request.method, request.url, request.body, answer.2);
    }
    assert_eq!(operations.len(), 11, "every endpoint was asked");
    for status in [200, 201, 202, 400, 401, 404, 409, 410, 412, 422] {
        assert!(seen.contains(&status), "{status} was never answered; {seen:?}");
    }
    assert!(noticed > 0, "a document without a status, or with another schema, is found out");
    assert!(process.end().0.success());
}
