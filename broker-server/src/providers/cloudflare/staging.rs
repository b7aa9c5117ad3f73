//! For tests: Cloudflare as canned answers, and the engine as a loop that never waits.

use std::time::Duration;

use serde_json::{Value, json};
use sutler_spec::{BindingId, InstanceId, Parameters, PlanId, ServiceId};
use wiremock::{
    Mock, MockBuilder, MockServer, Request, ResponseTemplate,
    matchers::{method, path},
};

use super::client::{Client, CloudflareConfig};
use crate::operation::OperationId;
use crate::providers::{
    Attempt, BEGIN, BindingFacts, Change, Checkpoint, CreatedBinding, IdempotencyKey, InstanceFacts, Marker,
    Progress, Provider, ProviderError, ProvisionedInstance, Record, RecoveryClass, Step, Work,
};

pub(super) const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
/// Stands in every text of the vendor's; must never reach a user.
pub(super) const CANARY: &str = "canary-7b1f";

pub(super) fn client(base_url: &str) -> Client {
    let config = CloudflareConfig {
        base_url: base_url.to_owned(),
        s3_base_url: Some(format!("{base_url}/s3")),
        account_id: ACCOUNT.to_owned(),
        api_token: "master-token".into(),
        call_timeout: Duration::from_millis(500),
        calls_per_five_minutes: CloudflareConfig::DEFAULT_CALLS,
    };
    Client::new(&config).expect("the configuration is right")
}

/// A mock for a method and a path below the account.
pub(super) fn on(verb: &str, below: &str) -> MockBuilder {
    Mock::given(method(verb)).and(path(format!("/accounts/{ACCOUNT}{below}")))
}

pub(super) fn ok(result: impl Into<Value>) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(
        json!({ "success": true, "errors": [], "messages": [CANARY], "result": result.into() }),
    )
}

/// One page of a list of `total`.
pub(super) fn page(rows: impl Into<Value>, total: usize) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "success": true, "errors": [], "messages": [], "result": rows.into(), "result_info": { "total_count": total },
    }))
}

pub(super) fn refusal(status: u16, code: i64) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({
        "success": false, "errors": [{ "code": code, "message": CANARY }], "messages": [CANARY], "result": null,
    }))
}

pub(super) fn html(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(format!("<html>{CANARY}</html>"), "text/html")
}

/// The calls that were made, as `METHOD path` below the account.
pub(super) async fn calls(server: &MockServer) -> Vec<String> {
    server.received_requests().await.unwrap_or_default().iter().map(shown).collect()
}

fn shown(request: &Request) -> String {
    format!("{} {}", request.method, request.url.path().replace(&format!("/accounts/{ACCOUNT}"), ""))
}

/// The calls that change something; a query that only looks is none.
pub(super) async fn changes(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap_or_default();
    let changing = requests.iter().filter(|request| {
        !request.method.is_safe() && !String::from_utf8_lossy(&request.body).contains("SELECT name")
    });
    changing.map(shown).collect()
}

/// The bodies sent with a method to a path below the account.
pub(super) async fn bodies(server: &MockServer, verb: &str, below: &str) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap_or_default();
    let fits = |request: &&Request| {
        request.method.as_str() == verb && request.url.path() == format!("/accounts/{ACCOUNT}{below}")
    };
    requests
        .iter()
        .filter(fits)
        .map(|request| serde_json::from_slice(&request.body).unwrap_or_default())
        .collect()
}

/// How a piece of work went.
#[derive(Debug)]
pub(super) struct Driven<T> {
    pub(super) outcome: Result<T, ProviderError>,
    /// The steps that were taken.
    pub(super) steps: Vec<String>,
    /// How long was waited each time, and what users were told meanwhile.
    pub(super) waits: Vec<(Duration, String)>,
    /// Where the work stood last.
    pub(super) last: Checkpoint,
}

impl<T: std::fmt::Debug> Driven<T> {
    pub(super) fn done(self) -> T {
        self.outcome.expect("the work succeeds")
    }

    /// The error; it holds nothing of the vendor's.
    pub(super) fn error(self) -> ProviderError {
        self.outcome.expect_err("the work does not succeed")
    }
}

/// Feeds each checkpoint back, as the engine does, until there is an end. A step changes at most one thing, and nothing
/// if it says so.
async fn drive<T>(
    stage: &Stage<'_>,
    work: Work,
    (start, attempt): (Checkpoint, Attempt),
    ask: impl AsyncFn(&Checkpoint, Attempt) -> Result<Progress<T>, ProviderError>,
) -> Driven<T> {
    let (mut checkpoint, mut attempt) = (start, attempt);
    let (mut steps, mut waits) = (Vec::new(), Vec::<(Duration, String)>::new());
    for _ in 0..500 {
        steps.push(checkpoint.step.clone());
        let before = changes(stage.server).await.len();
        let answer = ask(&checkpoint, attempt).await;
        let made = changes(stage.server).await.len() - before;
        let is_read_only = stage.provider.recovery(work, &checkpoint.step) == RecoveryClass::ReadOnly;
        assert!(made <= usize::from(!is_read_only), "{} made {made} changes", checkpoint.step);
        let outcome = match answer {
            Ok(Progress::Next(next)) => {
                checkpoint = next;
                attempt = Attempt::First;
                continue;
            }
            Ok(Progress::Pending { checkpoint: next, after, description }) => {
                assert!(!description.contains(CANARY), "{description}");
                checkpoint = next;
                attempt = Attempt::First;
                waits.push((after, description));
                continue;
            }
            Ok(Progress::Done(done)) => Ok(done),
            Err(error) => Err(error),
        };
        if let Err(error) = &outcome {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains(CANARY) && !shown.contains("127.0.0.1"), "{shown}");
        }
        return Driven { outcome, steps, waits, last: checkpoint };
    }
    panic!("the work does not end: {steps:?}");
}

/// An instance, its provider and the vendor behind it.
pub(super) struct Stage<'a> {
    server: &'a MockServer,
    pub(super) provider: &'a dyn Provider,
    pub(super) instance: InstanceFacts,
    pub(super) marker: Marker,
    key: IdempotencyKey,
}

impl<'a> Stage<'a> {
    pub(super) fn new(provider: &'a dyn Provider, server: &'a MockServer, wanted: Value) -> Self {
        let id = InstanceId::new("instance").expect("an id");
        let marker = Marker::for_instance("installation", &id);
        let instance = InstanceFacts {
            id,
            service_id: ServiceId::new("service").expect("an id"),
            plan_id: PlanId::new("plan").expect("an id"),
            name: Some("shop".to_owned()),
            parameters: parameters(wanted),
            record: None,
        };
        let operation = OperationId::from("operation");
        let key = IdempotencyKey::new(&operation, BEGIN, (0, Duration::ZERO));
        Self { provider, server, instance, marker, key }
    }

    pub(super) fn with_record(mut self, record: Value) -> Self {
        self.instance.record = Some(Record(record));
        self
    }

    pub(super) fn binding_marker(&self) -> Marker {
        self.marker.for_binding(&BindingId::new("binding").expect("an id"))
    }

    fn step<'s>(&'s self, checkpoint: &'s Checkpoint, attempt: Attempt, marker: &'s Marker) -> Step<'s> {
        Step { instance: &self.instance, checkpoint, attempt, marker, key: &self.key }
    }

    pub(super) async fn provision(&self) -> Driven<ProvisionedInstance> {
        self.provision_from(Checkpoint::begin(), Attempt::First).await
    }

    pub(super) async fn provision_from(
        &self,
        start: Checkpoint,
        attempt: Attempt,
    ) -> Driven<ProvisionedInstance> {
        let ask = async |checkpoint: &Checkpoint, attempt| {
            self.provider.provision(self.step(checkpoint, attempt, &self.marker)).await
        };
        drive(self, Work::Provision, (start, attempt), ask).await
    }

    pub(super) async fn update(&self, wanted: Value) -> Driven<ProvisionedInstance> {
        let change = Change {
            plan_id: self.instance.plan_id.clone(),
            parameters: parameters(wanted),
            named: Vec::new(),
        };
        let ask = async |checkpoint: &Checkpoint, attempt| {
            self.provider.update(self.step(checkpoint, attempt, &self.marker), &change).await
        };
        drive(self, Work::Update, (Checkpoint::begin(), Attempt::First), ask).await
    }

    pub(super) async fn deprovision(&self) -> Driven<()> {
        self.deprovision_after(Value::Null).await
    }

    /// Deprovisions what an unfinished creation left, which knew this last.
    pub(super) async fn deprovision_after(&self, left_over: Value) -> Driven<()> {
        let ask = async |checkpoint: &Checkpoint, attempt| {
            self.provider.deprovision(self.step(checkpoint, attempt, &self.marker)).await
        };
        drive(self, Work::Deprovision, (Checkpoint::at(BEGIN, left_over), Attempt::First), ask).await
    }

    pub(super) async fn bind(&self) -> Driven<CreatedBinding> {
        self.bind_from(Checkpoint::begin(), Attempt::First).await
    }

    pub(super) async fn bind_from(&self, start: Checkpoint, attempt: Attempt) -> Driven<CreatedBinding> {
        let (binding, marker) = (binding(None), self.binding_marker());
        let ask = async |checkpoint: &Checkpoint, attempt| {
            self.provider.bind(self.step(checkpoint, attempt, &marker), &binding).await
        };
        drive(self, Work::Bind, (start, attempt), ask).await
    }

    pub(super) async fn unbind(&self, record: Option<Value>) -> Driven<()> {
        let (binding, marker) = (binding(record), self.binding_marker());
        let ask = async |checkpoint: &Checkpoint, attempt| {
            self.provider.unbind(self.step(checkpoint, attempt, &marker), &binding).await
        };
        drive(self, Work::Unbind, (Checkpoint::begin(), Attempt::First), ask).await
    }
}

fn binding(record: Option<Value>) -> BindingFacts {
    BindingFacts {
        id: BindingId::new("binding").expect("an id"),
        parameters: Parameters::default(),
        application: None,
        record: record.map(Record),
    }
}

pub(super) fn parameters(wanted: Value) -> Parameters {
    match wanted {
        Value::Object(members) => Parameters::new(members),
        _ => Parameters::default(),
    }
}
