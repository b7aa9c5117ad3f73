//! `sutler-broker sweep`: what is at the vendor and what is in the store, compared by the real binary beside a broker that
//! serves.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test, helpers included")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use sutler_tests::world::{World, WorldOptions};
use tokio::process::Command;

/// A platform of one broker.
struct Platform {
    client: reqwest::Client,
    url: String,
    password: String,
    catalog: Value,
}

impl Platform {
    async fn of(world: &World) -> Self {
        let broker = world.broker("data");
        let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().expect("a client");
        let mut platform =
            Self { client, url: broker.url(), password: broker.password().to_owned(), catalog: Value::Null };
        platform.catalog = platform.ask(Method::GET, "/v2/catalog", &Value::Null).await.1;
        platform
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request =
            request.basic_auth("platform", Some(&self.password)).header("X-Broker-API-Version", "2.17");
        let request = if body.is_null() { request } else { request.json(body) };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Ids of an offering and its only plan.
    fn ids(&self, service: &str) -> Value {
        let services = self.catalog["services"].as_array().unwrap();
        let service = services.iter().find(|offered| offered["name"] == service).unwrap();
        json!({ "service_id": service["id"], "plan_id": service["plans"][0]["id"] })
    }

    /// Asks until it is done.
    async fn done(&self, method: Method, path: &str, body: &Value) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let (status, answer) = self.ask(method.clone(), path, body).await;
            match status {
                200 | 201 | 410 => return,
                // in progress, or not yet over
                202 | 422 => {}
                _ => panic!("{method} {path}: {status} {answer}"),
            }
            assert!(Instant::now() < deadline, "{method} {path} is never done: {status} {answer}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn provision(&self, name: &str, service: &str, parameters: &Value) {
        let mut body = self.ids(service);
        body["organization_guid"] = json!("organization");
        body["space_guid"] = json!("space");
        body["context"] = json!({ "platform": "test", "instance_name": name });
        body["parameters"] = parameters.clone();
        self.done(Method::PUT, &format!("/v2/service_instances/{name}?accepts_incomplete=true"), &body).await;
    }

    async fn deprovision(&self, name: &str, service: &str) {
        let ids = self.ids(service);
        let text = |id: &str| ids[id].as_str().unwrap().to_owned();
        let query = format!("service_id={}&plan_id={}", text("service_id"), text("plan_id"));
        let path = format!("/v2/service_instances/{name}?accepts_incomplete=true&{query}");
        self.done(Method::DELETE, &path, &Value::Null).await;
    }
}

/// Exit code and standard output.
async fn sweep(world: &World, config: &str, more: &[&str]) -> (Option<i32>, String) {
    let folder: PathBuf = world.root().join("broker-data");
    let output = Command::new(world.binaries().broker())
        .args(["sweep", "-c"])
        .arg(folder.join(config))
        .args(more)
        .output()
        .await
        .unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// Everything that is at the vendor, but for times.
async fn names(world: &World) -> Vec<String> {
    let mut names = world.fake().live().await.unwrap().managed_objects();
    names.sort();
    names
}

/// A name that is free again, and the id of a database that is there.
struct Databases {
    late: String,
    lost: String,
}

/// The name of the token that is there twice afterwards.
async fn disturb(world: &World, databases: &Databases) -> String {
    // a call that arrives after its instance was deleted; an owner who deletes by hand; a request that was done twice
    let fake = world.fake();
    fake.somebody("d1.create", &json!({}), &json!({ "name": databases.late })).await.unwrap();
    fake.somebody("d1.delete", &json!({ "database_id": databases.lost }), &json!(null)).await.unwrap();
    let token = fake.live().await.unwrap().snapshot().tokens[0].clone();
    let groups = fake.somebody("tokens.permission_groups", &json!({}), &json!(null)).await.unwrap();
    let policy = json!({
        "effect": "allow", "resources": { format!("com.cloudflare.api.account.{}", sutler_tests::world::ACCOUNT): "*" },
        "permission_groups": [{ "id": groups["result"][0]["id"] }],
    });
    let twin = json!({ "name": token.name, "policies": [policy] });
    fake.somebody("tokens.create", &json!({}), &twin).await.unwrap();
    token.name
}

async fn everything_is_found(world: &World, late: &str, token: &str) {
    let (code, text) = sweep(world, "broker.yaml", &[]).await;
    assert_eq!(code, Some(3), "{text}");
    for line in [
        format!("orphan: {late} ("),
        "left behind by instance deleted".to_owned(),
        "missing: instance lost is ready here and gone at the vendor".to_owned(),
        format!("twin: binding double of instance token has {token} ("),
        "3 findings. Nothing was changed.".to_owned(),
    ] {
        assert!(text.contains(&line), "{line}\n{text}");
    }
    let (code, document) = sweep(world, "broker.yaml", &["--json"]).await;
    assert_eq!(code, Some(3));
    let report: Value = serde_json::from_str(&document).unwrap();
    let findings = |service: usize| report["services"][service]["findings"].as_array().unwrap().clone();
    let (databases, tokens) = (findings(0), findings(1));
    let of_kind = |kind: &str| databases.iter().find(|finding| finding["kind"] == kind).unwrap();
    assert_eq!((databases.len(), tokens.len()), (2, 1), "{document}");
    assert_eq!(
        (&of_kind("orphan")["name"], &of_kind("orphan")["instance"]),
        (&json!(late), &json!("deleted"))
    );
    assert_eq!(of_kind("missing")["instance"], "lost");
    assert_eq!((&tokens[0]["kind"], &tokens[0]["binding"]), (&json!("twin"), &json!("double")));
    assert_eq!(tokens[0]["objects"].as_array().map(Vec::len), Some(2));
}

async fn a_vendor_that_cannot_be_asked_is_no_vendor_without_objects(world: &World) {
    let folder = world.root().join("broker-data");
    let config = std::fs::read_to_string(folder.join("broker.yaml")).unwrap();
    let elsewhere = config.replace(world.fake().base_url(), "http://127.0.0.1:9/client/v4");
    std::fs::write(folder.join("elsewhere.yaml"), elsewhere).unwrap();
    let (code, text) = sweep(world, "elsewhere.yaml", &[]).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("problem: the vendor could not be asked"), "{text}");
    assert!(text.contains("not everything could be looked at"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sweep_finds_orphans_twins_and_what_is_missing_and_changes_nothing() {
    let world = World::shop(WorldOptions::default()).await.unwrap();
    let platform = Platform::of(&world).await;
    for name in ["kept", "lost", "deleted"] {
        platform.provision(name, "cloudflare-d1", &json!({})).await;
    }
    let live = world.fake().live().await.unwrap();
    let databases = live.databases();
    let named = |name: &str| databases.iter().find(|(full, _)| full.starts_with(name)).unwrap().clone();
    let resources = json!({ "resources": { "database": named("kept").1 } });
    platform.provision("token", "cloudflare-token", &resources).await;
    let binding = "/v2/service_instances/token/service_bindings/double?accepts_incomplete=true";
    platform.done(Method::PUT, binding, &platform.ids("cloudflare-token")).await;

    let (code, text) = sweep(&world, "broker.yaml", &[]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.ends_with("Vendor and store agree.\n"), "{text}");
    assert!(text.contains("cloudflare-d1: 3 at the vendor with a mark, 3 in the store"), "{text}");

    let databases = Databases { late: named("deleted").0, lost: named("lost").1 };
    platform.deprovision("deleted", "cloudflare-d1").await;
    let token = disturb(&world, &databases).await;
    let before = names(&world).await;
    everything_is_found(&world, &databases.late, &token).await;
    assert_eq!(names(&world).await, before, "nothing was changed at the vendor");
    let (status, _) = platform.ask(Method::GET, "/v2/service_instances/kept", &Value::Null).await;
    assert_eq!(status, 200, "the broker serves all the while");
    a_vendor_that_cannot_be_asked_is_no_vendor_without_objects(&world).await;
}
