//! Brokers that tell, do not, and tell nonsense; what is made of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sutler_broker_client::{Client, Pacing, Settings};
use sutler_catalog::{Index, Limits};
use sutler_secrets::KeyRing;
use sutler_spec::{BindingId, PlanId, ServiceId};
use tokio::sync::Semaphore;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::config::{Format, Source};
use crate::state::State;
use crate::state::record::{BindingRecord, Named};
use crate::state::samples::{record, reference, stack};
use crate::state::status::BindingStatus;

const CONFIG: &str = "stack: shop
state: 'memory:'
brokers:
  edge: { url: 'http://127.0.0.1:1' }
instances:
  other: { service: thing }
  db: { service: thing, params: { size: 1, password: hunter2, from: '@other.id' } }
";

struct Bench {
    server: MockServer,
    config: Config,
    vault: Vault,
    brokers: BrokerSet,
    record: InstanceRecord,
}

impl Bench {
    async fn new(retrievable: bool) -> Self {
        let server = MockServer::start().await;
        let source = Source { path: "sutler.yaml".into(), text: Arc::from(CONFIG), format: Format::Yaml };
        let config = crate::config::parse(&source).unwrap_or_else(|problems| panic!("{problems}"));
        let ring = Arc::new(KeyRing::generate(jiff::Timestamp::UNIX_EPOCH));
        let vault = Vault::with_ring(ring, &State::empty(stack("shop")), "test").unwrap();
        let mut settings = Settings::new(server.uri().parse().unwrap());
        settings.call_timeout = Duration::from_millis(300);
        let broker = ConnectedBroker {
            name: BrokerName::new("edge").unwrap(),
            client: Client::new(settings).unwrap(),
            index: Arc::new(index(retrievable)),
            limit: Arc::new(Semaphore::new(4)),
        };
        let record = recorded(&vault);
        Self { server, config, vault, brokers: BrokerSet::of([broker]), record }
    }

    async fn look(&self, answer: ResponseTemplate) -> Observed {
        self.server.reset().await;
        Mock::given(any()).respond_with(answer).mount(&self.server).await;
        self.ask(Duration::ZERO).await.0
    }

    /// Asks with patience; and what was told of who is waited for.
    async fn ask(&self, limit: Duration) -> (Observed, Vec<Wait>) {
        let (told, waits) = std::sync::mpsc::channel();
        let tell = move |wait: &Wait| told.send(wait.clone()).unwrap();
        let pacing = Pacing { minimum: Duration::from_millis(50), jitter: || 0.0, ..Pacing::default() };
        let patience = Patience::new(limit, pacing, tell);
        let (config, trouble) = (&self.config, &BrokerErrors::default());
        let witness =
            Witness { config, vault: &self.vault, brokers: &self.brokers, trouble, patience: &patience };
        let observed = witness.observe(std::iter::once(&self.record)).await.remove(0);
        (observed, waits.try_iter().collect())
    }

    /// So often this, and then what is recorded.
    async fn first(&self, times: u64, answer: ResponseTemplate) {
        self.server.reset().await;
        Mock::given(any())
            .respond_with(answer)
            .up_to_n_times(times)
            .with_priority(1)
            .mount(&self.server)
            .await;
        let fine = ResponseTemplate::new(200).set_body_json(json!({}));
        Mock::given(any()).respond_with(fine).mount(&self.server).await;
    }

    async fn fields(&self, answer: Value) -> Vec<(String, Standing)> {
        let observed = self.look(ResponseTemplate::new(200).set_body_json(answer)).await;
        observed.fields.into_iter().map(|field| (field.name, field.standing)).collect()
    }
}

fn index(retrievable: bool) -> Index {
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
        "properties": {
            "size": { "type": "integer" }, "from": { "type": "string" },
            "password": { "type": "string", "writeOnly": true },
        },
    });
    let catalog = json!({ "services": [{
        "id": "service-1", "name": "thing", "description": "a thing", "bindable": true,
        "instances_retrievable": retrievable,
        "metadata": { "sutler": { "outputs": [{ "name": "id", "secret": false }], "extensions": [] } },
        "plans": [
            { "id": "plan-1", "name": "small", "description": "small", "schemas": { "service_instance": { "create": { "parameters": schema } } } },
            { "id": "plan-2", "name": "large", "description": "large" },
        ],
    }] });
    Index::check(serde_json::from_value(catalog).unwrap(), Limits::default()).unwrap()
}

/// Ready, with three parameters, two attributes, a dashboard and one credential.
fn recorded(vault: &Vault) -> InstanceRecord {
    let name = reference("db");
    let asked = json!({ "size": 1, "password": "hunter2", "from": "t0psecret" });
    let values =
        json!({ "id": "db-1", "region": "weur", "dashboard_url": "https://x.example/1", "token": "s3cret" });
    let index = index(true);
    let offering = index.offering_by_id(&ServiceId::new("service-1").unwrap());
    let outputs = crate::execute::outputs((vault, offering), &name, values.as_object().unwrap().clone());
    let mut record = record("db");
    record.asked.parameters = vault.seal_parameters(&name, &asked);
    record.service_plan = Named { id: PlanId::new("plan-1").unwrap(), name: "small".to_owned() };
    record.status = Status::Ready;
    record.outputs = outputs;
    record.binding = Some(BindingRecord {
        binding_id: BindingId::new("b-1").unwrap(),
        status: BindingStatus::Bound,
        credentials: vec!["token".to_owned()],
        metadata: serde_json::Map::new(),
        rotation: None,
    });
    record
}

#[tokio::test]
async fn a11_i_08_whatever_is_no_authentic_absence_leaves_it_unknown() {
    let bench = Bench::new(true).await;
    let html = |status| ResponseTemplate::new(status).set_body_raw("<html>not here</html>", "text/html");
    let json = |status, body: Value| ResponseTemplate::new(status).set_body_json(body);
    let gone = json!({ "description": "The instance does not exist." });
    for (what, answer) in [
        ("401", json(401, json!({}))),
        ("403", json(403, json!({ "description": "no" }))),
        ("404 of a proxy", html(404)),
        ("410 of a proxy", html(410)),
        ("404 without a body", ResponseTemplate::new(404)),
        ("404 with a list", json(404, json!([]))),
        ("404 with a text", json(404, json!("gone"))),
        ("422 busy", json(422, json!({ "error": "ConcurrencyError", "description": "busy" }))),
        ("429", json(429, gone.clone()).insert_header("retry-after", "30")),
        ("500", json(500, gone.clone())),
        ("502 of a proxy", html(502)),
        ("503", json(503, json!({ "description": "down" }))),
        ("200 of a login page", html(200)),
        ("an empty list", json(200, json!([]))),
        ("nothing", ResponseTemplate::new(200)),
        ("no content", ResponseTemplate::new(204)),
        ("a redirect", ResponseTemplate::new(302).insert_header("location", "/login")),
        ("silence", json(404, gone.clone()).set_delay(std::time::Duration::from_secs(2))),
    ] {
        let observed = bench.look(answer).await;
        assert_eq!(observed.verdict, Verdict::Unknown, "{what}: {}", observed.detail);
        assert!(observed.body.is_none() && observed.fields.is_empty(), "{what}");
    }
    for status in [404, 410] {
        let observed = bench.look(json(status, gone.clone())).await;
        assert_eq!(observed.verdict, Verdict::Missing, "{status}");
    }
}

#[tokio::test]
async fn a31_what_a_broker_does_not_tell_is_not_observable_and_never_as_recorded() {
    let bench = Bench::new(true).await;
    let fields = bench.fields(json!({})).await;
    assert!(fields.iter().all(|(_, standing)| *standing == Standing::NotObservable), "{fields:?}");
    let mut names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let outputs = ["outputs.dashboard_url", "outputs.id", "outputs.region", "outputs.token"];
    let parameters = ["params.from", "params.password", "params.size"];
    assert_eq!(names, [&outputs[..], &parameters[..], &["plan", "service"]].concat());
}

#[tokio::test]
async fn each_field_is_compared_and_no_secret_is_shown() {
    let bench = Bench::new(true).await;
    let fields = bench
        .fields(json!({
            "service_id": "service-1", "plan_id": "plan-2", "dashboard_url": "https://x.example/1",
            "parameters": { "size": 2.0, "from": "other", "extra": true },
            "metadata": { "attributes": { "id": "db-2", "region": "eeur", "new": 1, "token": "theirs" } },
        }))
        .await;
    let differs = |recorded: Option<&str>, found: Option<&str>| Standing::Differs {
        recorded: recorded.map(str::to_owned),
        found: found.map(str::to_owned),
    };
    let expected = [
        ("service", Standing::Same),
        ("plan", differs(Some("small"), Some("the id plan-2"))),
        ("params.size", differs(Some("1"), Some("2.0"))),
        ("params.password", Standing::NotObservable),
        // what stands there instead of a reference may be somebody's secret
        ("params.from", differs(None, None)),
        ("params.extra", Standing::Unrecorded),
        ("outputs.id", differs(Some("\"db-1\""), Some("\"db-2\""))),
        // not declared public
        ("outputs.region", differs(None, None)),
        ("outputs.dashboard_url", Standing::Same),
        // a credential belongs to the binding, whatever an attribute of that name says
        ("outputs.token", Standing::NotObservable),
        ("outputs.new", Standing::Unrecorded),
    ];
    let expected: Vec<_> = expected.into_iter().map(|(name, standing)| (name.to_owned(), standing)).collect();
    let mut sorted = fields.clone();
    sorted.sort_by_key(|(name, _)| expected.iter().position(|(other, _)| other == name));
    assert_eq!(sorted, expected);
    let told = format!("{fields:?}");
    for secret in ["hunter2", "t0psecret", "s3cret", "theirs", "other"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

#[tokio::test]
async fn what_differs_at_the_vendor_counts_for_more_than_what_the_broker_remembers() {
    let bench = Bench::new(true).await;
    let drift = |drift: Value| json!({ "parameters": { "size": 1 }, "metadata": { "attributes": { "id": "db-1", "x-sutler-drift": drift } } });
    let fields = bench.fields(drift(json!([{ "field": "size", "wanted": 1, "found": 3 }]))).await;
    let size = fields.iter().find(|(name, _)| name == "params.size").unwrap();
    assert_eq!(size.1, Standing::Differs { recorded: Some("1".into()), found: Some("3".into()) });
    assert!(!fields.iter().any(|(name, _)| name.contains("x-sutler-drift")), "{fields:?}");
    // in a form that nobody knows, it still says that something differs
    for nonsense in [json!("yes"), json!([]), json!([{ "felt": "size" }]), json!([7])] {
        let observed = bench.look(ResponseTemplate::new(200).set_body_json(drift(nonsense.clone()))).await;
        assert_eq!(observed.verdict, Verdict::Drifted, "{nonsense}");
        assert_eq!(observed.detail, "differs in x-sutler-drift");
    }
}

#[tokio::test]
async fn who_cannot_be_asked_is_not_asked() {
    let mut bench = Bench::new(false).await;
    let observed = bench.look(ResponseTemplate::new(404).set_body_json(json!({}))).await;
    assert_eq!(observed.verdict, Verdict::NotObservable);
    bench.record.status = Status::ChangeIntended;
    assert_eq!(bench.look(ResponseTemplate::new(200)).await.verdict, Verdict::Unknown);
    bench.record.status = Status::Ready;
    bench.record.broker = BrokerName::new("away").unwrap();
    let observed = bench.look(ResponseTemplate::new(200)).await;
    assert_eq!(observed.verdict, Verdict::Unknown);
    assert_eq!(observed.detail, "broker 'away' is not configured any more");
    assert!(bench.server.received_requests().await.unwrap().is_empty());
}

fn later(status: u16, seconds: u32) -> ResponseTemplate {
    let body = json!({ "description": "too many calls" });
    ResponseTemplate::new(status).set_body_json(body).insert_header("retry-after", seconds.to_string())
}

#[tokio::test]
async fn a_broker_that_wants_to_be_asked_later_is_asked_again_when_it_said() {
    let bench = Bench::new(true).await;
    for (status, times) in [(503, 2), (429, 1)] {
        bench.first(times, later(status, 1)).await;
        let begun = Instant::now();
        let (observed, waits) = bench.ask(Duration::from_secs(60)).await;
        assert_eq!(observed.verdict, Verdict::Live, "{status}: {}", observed.detail);
        assert!(begun.elapsed() >= Duration::from_secs(times), "not sooner: {:?}", begun.elapsed());
        assert_eq!(bench.server.received_requests().await.unwrap().len() as u64, times + 1);
        let told: Vec<_> =
            waits.iter().map(|wait| (wait.broker.as_str(), wait.pause.as_secs_f64())).collect();
        assert_eq!(told.len() as u64, times, "each wait is told: {told:?}");
        assert!(
            told.iter().all(|(broker, pause)| *broker == "edge" && (0.9..=1.0).contains(pause)),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn another_request_at_the_same_instance_is_waited_for() {
    let bench = Bench::new(true).await;
    let busy = json!({ "error": "ConcurrencyError", "description": "an update is under way" });
    bench.first(3, ResponseTemplate::new(422).set_body_json(busy)).await;
    let (observed, _) = bench.ask(Duration::from_secs(60)).await;
    assert_eq!(observed.verdict, Verdict::Live, "{}", observed.detail);
}

#[tokio::test]
async fn what_would_outlast_the_patience_is_unknown_at_once_and_says_why() {
    let bench = Bench::new(true).await;
    bench.first(9, later(503, 60)).await;
    let begun = Instant::now();
    let (observed, waits) = bench.ask(Duration::from_secs(20)).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "nobody waits for nothing: {:?}", begun.elapsed());
    assert_eq!((observed.verdict, waits.len()), (Verdict::Unknown, 0));
    for words in ["503", "too many calls", "later than --wait allows"] {
        assert!(observed.detail.contains(words), "{words}: {}", observed.detail);
    }
    bench.first(9, later(503, 1)).await;
    let (observed, waits) = bench.ask(Duration::from_millis(2500)).await;
    assert_eq!((observed.verdict, waits.len()), (Verdict::Unknown, 2));
    assert!(observed.detail.contains("asked 3 times"), "{}", observed.detail);
}

#[tokio::test]
async fn who_only_failed_is_not_waited_for() {
    let bench = Bench::new(true).await;
    for answer in [ResponseTemplate::new(503), ResponseTemplate::new(500), ResponseTemplate::new(403)] {
        bench.first(1, answer.set_body_json(json!({}))).await;
        let (observed, waits) = bench.ask(Duration::from_secs(60)).await;
        assert_eq!((observed.verdict, waits.len()), (Verdict::Unknown, 0));
    }
}

#[tokio::test]
async fn a_broker_that_is_waited_for_keeps_nobody_from_the_others_and_the_order_stays() {
    let bench = Bench::new(true).await;
    bench.server.reset().await;
    Mock::given(any()).respond_with(later(503, 300)).mount(&bench.server).await;
    let mut records = vec![bench.record.clone(); 40];
    for (at, record) in records.iter_mut().enumerate() {
        record.reference = reference(&format!("db-{at}"));
        if at % 2 == 1 {
            record.broker = BrokerName::new("away").unwrap();
        }
    }
    let patience = Patience::new(Duration::from_secs(60), Pacing::default(), |_| {});
    let (config, trouble) = (&bench.config, &BrokerErrors::default());
    let witness =
        Witness { config, vault: &bench.vault, brokers: &bench.brokers, trouble, patience: &patience };
    let observed = witness.observe(records.iter()).await;
    let told: Vec<_> = observed.iter().map(|one| one.record.reference.clone()).collect();
    assert_eq!(told, records.iter().map(|record| record.reference.clone()).collect::<Vec<_>>());
    // each was asked about, although the broker wants to be left alone for longer than there is time
    assert_eq!(bench.server.received_requests().await.unwrap().len(), 20);
}
