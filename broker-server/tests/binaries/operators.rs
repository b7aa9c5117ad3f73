//! What operators see of the program itself: traces, log lines, health while it ends.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use opentelemetry_proto::tonic::{collector::trace::v1::ExportTraceServiceRequest, trace::v1::Span};
use prost::Message;
use serde_json::{Value, json};
use sutler_catalog::probe::Behaviour;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

use crate::process::{PASSWORD, Process, call, client, configure};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";
const REQUEST: &str = "a-request-of-the-platform";
const CANARY: &str = "canary-that-nobody-may-see";
const TOKEN: &str = "Bearer otlp-canary";
const PATIENCE: Duration = Duration::from_secs(30);

/// A configuration of the probe, on an address for operators, too.
fn probing(folder: &Path, more: &str) -> PathBuf {
    let common = "management: 127.0.0.1:0\nofferings: [sutler-probe]\nvendors: { probe: { slow: 1s } }\n";
    configure(folder, &format!("{common}{more}"))
}

fn start(config: &Path) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sutler-broker"));
    command.args(["serve", "-c"]).arg(config).env("SUTLER_LOG", "debug").env("OTEL_BSP_SCHEDULE_DELAY", "50");
    Process::start(command)
}

/// Asks for an instance that takes a while.
fn slow(process: &Process) -> reqwest::RequestBuilder {
    let behaviour = Behaviour::Slow;
    let body = json!({
        "service_id": behaviour.home().id().as_str(), "plan_id": behaviour.id().as_str(),
        "organization_guid": "o", "space_guid": "s", "parameters": { "secret": CANARY },
    });
    let url = format!("http://{}/v2/service_instances/i?accepts_incomplete=true", process.address);
    client().put(url).json(&body).header("X-Broker-API-Request-Identity", REQUEST)
}

/// Polls until the operation has ended well.
async fn settled(process: &Process) {
    let url = format!("http://{}/v2/service_instances/i/last_operation", process.address);
    let polling = async {
        while call(client().get(&url)).await.1["state"] != "succeeded" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, polling).await.expect("it succeeds");
}

async fn readiness(process: &Process) -> (u16, Value) {
    let address = process.management.as_ref().expect("a management address");
    let response = client().get(format!("http://{address}/health/ready")).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// A receiver of traces.
struct Receiver(MockServer);

impl Receiver {
    async fn start() -> Self {
        let server = MockServer::start().await;
        let wanted = Mock::given(matchers::method("POST")).and(matchers::path("/v1/traces"));
        let wanted = wanted.and(matchers::header("authorization", TOKEN));
        wanted.respond_with(ResponseTemplate::new(200)).mount(&server).await;
        Self(server)
    }

    async fn bodies(&self) -> Vec<Vec<u8>> {
        let requests = self.0.received_requests().await.unwrap_or_default();
        requests.into_iter().map(|request| request.body).collect()
    }

    async fn spans(&self) -> Vec<Span> {
        let decoded = self
            .bodies()
            .await
            .into_iter()
            .map(|body| ExportTraceServiceRequest::decode(body.as_slice()).expect("protobuf of OTLP"));
        let resources = decoded.flat_map(|request| request.resource_spans);
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }

    /// Waits for a span.
    async fn span(&self, wanted: impl Fn(&Span) -> bool) -> Span {
        let waiting = async {
            loop {
                if let Some(span) = self.spans().await.into_iter().find(&wanted) {
                    return span;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("the span is sent")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the span is one of that kind: they have different fields.
fn has(span: &Span, field: &str) -> bool {
    span.attributes.iter().any(|attribute| attribute.key == field)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_goes_from_the_platform_through_a_restart_to_the_vendor_call() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    std::fs::write(folder.path().join("otlp.token"), TOKEN).unwrap();
    let telemetry = format!(
        "telemetry: {{ otlp: {{ endpoint: \"{}\", headers: {{ authorization: {{ file: otlp.token }} }} }} }}\n",
        receiver.0.uri()
    );
    let config = probing(folder.path(), &telemetry);
    let mut process = start(&config);
    let put = slow(&process).header("traceparent", format!("00-{TRACE}-{SPAN}-01"));
    assert_eq!(call(put).await.0, 202);
    let request = receiver.span(|span| span.name == "provision" && has(span, "endpoint")).await;
    assert_eq!((hex(&request.trace_id), hex(&request.parent_span_id)), (TRACE.to_owned(), SPAN.to_owned()));
    process.signal("KILL");
    let mut logs = process.ended().2;
    let before = receiver.spans().await.len();

    process = start(&config);
    settled(&process).await;
    let (status, _, log) = process.end();
    assert!(status.success());
    logs.extend(log);

    let spans = receiver.spans().await;
    let of_trace: Vec<&Span> = spans.iter().filter(|span| hex(&span.trace_id) == TRACE).collect();
    let operations: Vec<&&Span> = of_trace.iter().filter(|span| has(span, "operation_id")).collect();
    assert!(operations.iter().all(|span| span.parent_span_id == request.span_id), "{operations:?}");
    let after = &spans[before..];
    assert!(after.iter().any(|span| has(span, "operation_id")), "the work after the restart is in the trace");
    let ids = |spans: Vec<&&Span>| spans.iter().map(|span| span.span_id.clone()).collect::<Vec<_>>();
    let steps: Vec<&&Span> = of_trace.iter().filter(|span| has(span, "step")).collect();
    let calls: Vec<&&Span> = of_trace.iter().filter(|span| has(span, "outcome")).collect();
    assert!(!steps.is_empty() && !calls.is_empty());
    let (operation_ids, step_ids) = (ids(operations), ids(steps.clone()));
    assert!(steps.iter().any(|span| operation_ids.contains(&span.parent_span_id)), "{steps:?}");
    assert!(calls.iter().any(|span| step_ids.contains(&span.parent_span_id)), "{calls:?}");

    for body in receiver.bodies().await {
        let text = String::from_utf8_lossy(&body);
        for secret in [PASSWORD, CANARY, TOKEN] {
            assert!(!text.contains(secret), "S-38: {secret} in a trace");
        }
    }
    lines_name_what_they_are_about(&logs);
}

/// Each line is one object; those of a request and of its operation, before and after the restart, say so.
fn lines_name_what_they_are_about(logs: &[String]) {
    let lines: Vec<Value> = logs
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    assert!(!logs.concat().contains(PASSWORD) && !logs.concat().contains(CANARY), "S-38");
    let common = [("request_id", REQUEST), ("credential", "me"), ("instance_id", "i"), ("trace_id", TRACE)];
    let of_request = lines.iter().filter(|line| line["endpoint"] == "provision");
    let of_operation = lines.iter().filter(|line| line["operation_id"].is_string());
    for line in of_request.clone().chain(of_operation.clone()) {
        for (field, value) in common {
            assert_eq!(line[field], value, "{field} in {line}");
        }
    }
    assert!(of_request.clone().any(|line| line["message"] == "answered" && line["status"] == 202));
    assert!(of_operation.clone().all(|line| line["work"] == "provision"));
    assert!(of_operation.clone().any(|line| line["message"] == "succeeded"), "after the restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_of_traces_that_does_not_answer_costs_no_request_and_no_end() {
    let folder = tempfile::tempdir().unwrap();
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = deaf.local_addr().unwrap();
    let telemetry = format!("telemetry: {{ otlp: {{ endpoint: \"http://{endpoint}\" }} }}\n");
    let process = start(&probing(folder.path(), &telemetry));
    let url = format!("http://{}/v2/catalog", process.address);
    for _ in 0..50 {
        let answer = tokio::time::timeout(Duration::from_secs(5), call(client().get(&url))).await;
        assert_eq!(answer.expect("at once").0, 200);
    }
    let ending = tokio::task::spawn_blocking(move || process.end());
    let ended = tokio::time::timeout(Duration::from_secs(15), ending).await.expect("it ends").unwrap();
    assert!(ended.0.success());
}

#[test]
fn s_28_traces_do_not_leave_the_machine_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    for (telemetry, expected) in [
        ("telemetry: { otlp: { endpoint: \"http://example.com:4318\" } }\n", "travel in the clear"),
        ("telemetry: { otlp: { endpoint: \"http://127.0.0.1:4318\", sample: 2 } }\n", "a share from 0 to 1"),
    ] {
        let config = probing(folder.path(), telemetry);
        let mut check = Command::new(env!("CARGO_BIN_EXE_sutler-broker"));
        let output = check.args(["check", "-c"]).arg(&config).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(expected), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_says_so_first_and_its_work_goes_on_in_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let config = probing(folder.path(), "tuning: { drain_delay: 3s }\n");
    let process = start(&config);
    assert_eq!(readiness(&process).await.0, 200);
    assert_eq!(call(slow(&process)).await.0, 202);
    process.signal("TERM");
    let draining = async {
        loop {
            let (status, body) = readiness(&process).await;
            if status == 503 {
                return body;
            }
        }
    };
    let body = tokio::time::timeout(PATIENCE, draining).await.expect("it says that it ends");
    assert_eq!(body["parts"]["serving"], "draining", "{body}");
    let catalog = client().get(format!("http://{}/v2/catalog", process.address));
    assert_eq!(call(catalog).await.0, 200, "until the load balancer knows, requests are served");
    let ended = tokio::task::spawn_blocking(move || process.ended()).await.unwrap();
    assert!(ended.0.success());

    let process = start(&config);
    settled(&process).await;
    assert!(process.end().0.success());
}
