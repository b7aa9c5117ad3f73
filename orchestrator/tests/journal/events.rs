//! Events reach a file and a webhook, each at least once and in order.

use std::sync::Mutex;

use base64::prelude::{BASE64_STANDARD, Engine};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sutler::state::Change;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::home::{Home, SECRET};

/// Refuses the third and the fourth post, and remembers what it took.
struct Moody {
    asked: Mutex<u32>,
}

impl Respond for Moody {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let mut asked = self.asked.lock().unwrap();
        *asked += 1;
        ResponseTemplate::new(match *asked {
            3 => 503,
            4 => 429,
            _ => 204,
        })
    }
}

async fn listener() -> MockServer {
    let server = MockServer::start().await;
    let moody = Moody { asked: Mutex::new(0) };
    Mock::given(method("POST")).respond_with(moody).mount(&server).await;
    server
}

fn configuration(server: &MockServer) -> String {
    format!(
        "events:\n  file: events.jsonl\n  webhooks: {{ audit: {{ url: \"{}/hook\", secret: {{ env: SECRET_OF_HOOK }} }} }}\n",
        server.uri()
    )
}

fn signed(request: &Request) -> bool {
    let header = |name: &str| request.headers.get(name).unwrap().to_str().unwrap().to_owned();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"secret").unwrap();
    Mac::update(&mut mac, format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).as_bytes());
    Mac::update(&mut mac, &request.body);
    header("webhook-signature") == format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_delivered_signed_and_in_order_and_nothing_twice_without_need() {
    let server = listener().await;
    let home = Home::new(5, &configuration(&server)).await;
    home.run(&["events", "--deliver"], 0);
    let posts = server.received_requests().await.unwrap();
    assert_eq!(posts.len(), 7, "five events, two of which were posted again");
    let ids: Vec<String> = posts
        .iter()
        .map(|post| {
            assert!(signed(post));
            let event: Value = serde_json::from_slice(&post.body).unwrap();
            assert_eq!(
                (&event["specversion"], &event["type"]),
                (&"1.0".into(), &"dev.sutler.instance.created".into())
            );
            assert!(!String::from_utf8_lossy(&post.body).contains(SECRET));
            event["id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert!(ids[2] == ids[3] && ids[3] == ids[4], "the same event until it is taken: {ids:?}");
    let lines = || std::fs::read_to_string(home.path("events.jsonl")).unwrap();
    let of_file: Vec<String> = lines()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();
    let mut distinct = ids.clone();
    distinct.dedup();
    assert_eq!(of_file, distinct);

    home.run(&["events", "--deliver"], 0);
    assert_eq!(server.received_requests().await.unwrap().len(), 7, "nothing is new");
    let session = home.session().await;
    let record = home.record(&session, 9);
    session.backend.commit(&session.lock, vec![Change::put(record, "created")]).await.unwrap();
    session.end().await.unwrap();
    home.run(&["events", "--deliver"], 0);
    assert_eq!(server.received_requests().await.unwrap().len(), 8);
    assert_eq!(lines().lines().count(), 6);

    std::fs::remove_file(home.path(".sutler/events")).unwrap();
    home.run(&["events", "--deliver"], 0);
    let posts = server.received_requests().await.unwrap().len();
    assert_eq!(posts, 8, "how far a webhook was told is known to the state");
    let told = lines();
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.len(), 12, "without the note of this machine its file is told everything again");
    assert_eq!(told[6]["id"], ids[0].as_str(), "under the same id");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_is_away_is_told_later_and_holds_up_nobody_else() {
    let server = listener().await;
    let address = server.uri();
    let more = configuration(&server).replace(&address, "http://127.0.0.1:1");
    let home = Home::new(2, &more).await;
    let said = home.run(&["events", "--deliver"], 1);
    assert!(said.contains("webhook 'audit'") && said.contains("tries again"), "{said}");
    assert_eq!(std::fs::read_to_string(home.path("events.jsonl")).unwrap().lines().count(), 2);
    let config = std::fs::read_to_string(home.path("sutler.yaml")).unwrap();
    std::fs::write(
        home.path("sutler.yaml"),
        config.replace("http://127.0.0.1:1/hook", &format!("{address}/hook")),
    )
    .unwrap();
    home.run(&["events", "--deliver"], 0);
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
    assert_eq!(std::fs::read_to_string(home.path("events.jsonl")).unwrap().lines().count(), 2);
}
