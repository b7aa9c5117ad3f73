//! Peers that are silent, slow, or gone: what a broken connection says about the request.

use std::time::{Duration, Instant};

use sutler_broker_client::{
    Call, Client, ClientError,
    Orphan::{self, Instance},
};
use sutler_spec::Asynchrony::Allowed;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::world::{Act, Script, client, head, instance, orphans, provision, provision_request, settings};

#[tokio::test]
async fn a_silent_or_trickling_broker_is_left_in_time() {
    let trickle = |bytes: &str| Act::Repeat(bytes.as_bytes().to_vec(), Duration::from_millis(20));
    let length = head("201 Created", "content-length: 1000000\r\n");
    for (acts, left) in [
        (vec![Act::Hang], Instance),
        (vec![Act::Say(b"HTTP/1.1 201 Cre".to_vec()), Act::Hang], Instance),
        (vec![Act::Say(b"HTTP/1.1 201 Created\r\nx: ".to_vec()), trickle("y")], Instance),
        (vec![length.clone(), Act::Hang], Instance),
        (vec![length.clone(), trickle(" ")], Instance),
        (vec![head("400 Bad Request", "content-length: 9\r\n"), Act::Hang], Orphan::None),
    ] {
        let script = Script::play(acts).await;
        let mut settings = settings(&script.url);
        settings.call_timeout = Duration::from_millis(600);
        let begun = Instant::now();
        let error = provision(&Client::new(settings).unwrap()).await;
        assert!(begun.elapsed() < Duration::from_secs(2), "{error:?} after {:?}", begun.elapsed());
        match left {
            Orphan::None => assert_eq!(error.status(), Some(400)),
            _ => assert!(matches!(error, ClientError::TimedOut { .. }), "{error:?}"),
        }
        assert_eq!(orphans(Call::Provision, &error), left, "{error:?}");
    }
}

#[tokio::test]
async fn a_lost_connection_may_have_carried_the_request() {
    for acts in [
        vec![Act::Close],
        vec![Act::Say(b"HTTP/1.1 20".to_vec()), Act::Close],
        vec![Act::Say(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), Act::Close],
        vec![head("201 Created", "content-length: 100\r\n"), Act::Say(b"{}".to_vec()), Act::Close],
        vec![head("201 Created", "transfer-encoding: chunked\r\n"), Act::Say(b"zz\r\n{}".to_vec())],
        vec![head("201 Created", "content-length: 2\r\ncontent-length: 5\r\n"), Act::Say(b"{}   ".to_vec())],
    ] {
        let script = Script::play(acts).await;
        let error = provision(&client(&script.url)).await;
        assert!(matches!(error, ClientError::Interrupted { .. }), "{error:?}");
        assert!(error.outcome_is_unknown());
        assert_eq!(orphans(Call::Provision, &error), Instance);
        assert_eq!(script.connections(), 1, "a request is never repeated");
    }
}

#[tokio::test]
async fn an_absent_broker_got_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    for url in [format!("http://{closed}"), "https://broker.invalid".to_owned()] {
        let error = provision(&client(&url)).await;
        assert!(matches!(error, ClientError::NotSent { .. }), "{error:?}");
        assert!(!error.outcome_is_unknown());
        assert_eq!(orphans(Call::Provision, &error), Orphan::None);
    }
}

#[tokio::test]
async fn a_body_that_stalls_is_not_waited_for_to_the_end_of_the_call() {
    let script = Script::play(vec![head("201 Created", "content-length: 9\r\n"), Act::Hang]).await;
    let mut settings = settings(&script.url);
    settings.idle_timeout = Duration::from_millis(300);
    let begun = Instant::now();
    let error = provision(&Client::new(settings).unwrap()).await;
    assert!(matches!(error, ClientError::TimedOut { limit } if limit.as_millis() == 300), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_slow_but_steady_answer_is_waited_for() {
    let steady = b"2\r\n  \r\n".to_vec();
    let mut acts = vec![head("201 Created", "transfer-encoding: chunked\r\n")];
    for _ in 0..5 {
        acts.extend([Act::Say(steady.clone()), Act::Wait(Duration::from_millis(200))]);
    }
    acts.push(Act::Say(b"2\r\n{}\r\n0\r\n\r\n".to_vec()));
    let script = Script::play(acts).await;
    let mut settings = settings(&script.url);
    settings.idle_timeout = Duration::from_millis(600);
    let client = Client::new(settings).unwrap();
    client.provision(&instance(), &provision_request(), Allowed).await.unwrap();
}

#[tokio::test]
async fn what_does_not_matter_is_not_waited_for() {
    for status in ["302 Found", "401 Unauthorized"] {
        let script = Script::play(vec![head(status, "content-length: 9\r\n"), Act::Hang]).await;
        let begun = Instant::now();
        let error = provision(&client(&script.url)).await;
        assert!(matches!(error, ClientError::Redirected { .. } | ClientError::Unauthorized), "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
}

#[tokio::test]
async fn a_handshake_that_hangs_carries_nothing() {
    let script = Script::play(vec![]).await;
    let mut settings = settings(&script.url.replace("http:", "https:"));
    settings.connect_timeout = Duration::from_millis(300);
    let begun = Instant::now();
    let error = provision(&Client::new(settings).unwrap()).await;
    assert!(matches!(error, ClientError::NotSent { .. }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_string("{\"services\":[]}");
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let relay = Script::relay(*server.address()).await;
    let client = client(&relay.url);
    for _ in 0..20 {
        client.catalog(None).await.unwrap();
    }
    assert_eq!(relay.connections(), 1);
}
