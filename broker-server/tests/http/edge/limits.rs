//! Limits of size, time and number that hold, whatever the other side does.

use std::time::{Duration, Instant};

use serde_json::json;
use sutler_broker_server::Config;
use tokio::{io::AsyncWriteExt, net::TcpSocket, time::timeout};

use super::raw::{Raw, SOON, credentials};
use crate::world::{World, send, wanted};

/// Limits that a test can wait for.
fn hasty(config: &mut Config) {
    config.limits.head_deadline = Duration::from_millis(400);
    config.limits.keep_alive = Duration::from_millis(800);
    config.limits.body_deadline = Duration::from_millis(2_500);
    config.limits.answer_deadline = Duration::from_secs(2);
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\n{}\r\n", credentials())
}

#[tokio::test(flavor = "multi_thread")]
async fn s_05_a_body_without_credentials_is_not_read() {
    let world = World::start().await;
    let mut raw = Raw::open(world.handle().address()).await;
    raw.send("PUT /v2/service_instances/i HTTP/1.1\r\nHost: broker\r\nContent-Length: 1073741824\r\n\r\n")
        .await;
    assert_eq!(raw.status().await, 401);
    let piece = [b' '; 16 << 10];
    let mut taken = 0;
    while timeout(SOON, raw.stream.write_all(&piece)).await.expect("it closes").is_ok() {
        taken += piece.len();
        // what the kernels of both sides keep is not read by anybody
        assert!(taken < 16 << 20, "it goes on reading");
    }
    raw.closed().await;
    assert_eq!(world.script.calls(), []);
    assert_eq!(world.get("/v2/service_instances/i").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn s_11_targets_and_heads_have_a_size() {
    let world = World::start().await;
    let fields = |count: usize| (0..count).map(|n| format!("X-{n}: a\r\n")).collect::<String>();
    let with = |more: String| format!("GET /v2/catalog HTTP/1.1\r\n{}{more}\r\n", credentials());
    for (what, request, status) in [
        ("a target of 8 KiB", get(&format!("/v2/{}", "a".repeat((8 << 10) - 4))), 404),
        ("one byte more", get(&format!("/v2/{}", "a".repeat((8 << 10) - 3))), 414),
        ("60 kB of path", get(&format!("/v2/{}", "a".repeat(60_000))), 414),
        ("a query without end", get(&format!("/v2/catalog?{}", "a".repeat(200_000))), 414),
        ("90 fields", with(fields(90)), 200),
        ("100 fields", with(fields(100)), 431),
        ("60 KiB of fields", with(format!("X-A: {}\r\n", "a".repeat(60 << 10))), 200),
        ("70 KiB of fields", with(format!("X-A: {}\r\n", "a".repeat(70 << 10))), 431),
        ("200 KiB of fields", with(format!("X-A: {}\r\n", "a".repeat(200 << 10))), 431),
    ] {
        let mut raw = Raw::open(world.handle().address()).await;
        raw.send(request).await;
        assert_eq!(raw.status().await, status, "{what}");
        if status >= 414 {
            raw.closed().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s_12_bodies_have_a_size_however_it_is_told() {
    let world = World::with(|config| config.limits.body = 2_000).await;
    let put = |more: String, body: String| {
        format!("PUT /v2/service_instances/i HTTP/1.1\r\n{}{more}\r\n{body}", credentials())
    };
    for (what, request, status) in [
        ("announced", put("Content-Length: 1000000\r\n".to_owned(), String::new()), 413),
        (
            "in chunks",
            put("Transfer-Encoding: chunked\r\n".to_owned(), format!("bb8\r\n{}\r\n", " ".repeat(3_000))),
            413,
        ),
        (
            "compressed",
            put("Content-Encoding: gzip\r\nContent-Length: 5\r\n".to_owned(), "abcde".to_owned()),
            400,
        ),
    ] {
        let mut raw = Raw::open(world.handle().address()).await;
        raw.send(request).await;
        assert_eq!(raw.status().await, status, "{what}");
        raw.closed().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s_13_a_head_that_stalls_is_answered_408_and_closed() {
    let world = World::with(hasty).await;
    let begun = format!("GET /v2/catalog HTTP/1.1\r\n{}", credentials());
    // the first request of a connection, and the second: the library has a limit for the first only
    for earlier in [0, 1] {
        let mut raw = Raw::open(world.handle().address()).await;
        for _ in 0..earlier {
            raw.send(get("/v2/catalog")).await;
            assert_eq!(raw.status().await, 200);
        }
        let started = Instant::now();
        raw.send(&begun).await;
        assert_eq!(raw.status().await, 408, "after {earlier} requests");
        raw.closed().await;
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s_13_idle_connections_are_closed_without_an_answer() {
    let world = World::with(hasty).await;
    let mut silent = Raw::open(world.handle().address()).await;
    let mut used = Raw::open(world.handle().address()).await;
    used.send(get("/v2/catalog")).await;
    assert_eq!(used.status().await, 200);
    assert!(silent.answer().await.is_none());
    assert!(used.answer().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn s_13_a_connection_that_was_used_once_is_closed_when_its_own_time_is_over() {
    let world = World::with(|config| {
        hasty(config);
        // neither what a first request would have been given, nor the double that the HTTP library waits
        config.limits.head_deadline = Duration::from_secs(30);
        config.limits.keep_alive = Duration::from_secs(4);
    })
    .await;
    let mut used = Raw::open(world.handle().address()).await;
    used.send(get("/v2/nothing")).await;
    assert_eq!(used.status().await, 404);
    let started = Instant::now();
    assert!(used.answer().await.is_none());
    assert!(started.elapsed() < Duration::from_secs(7), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn s_13_a_body_that_stalls_or_trickles_is_answered_408() {
    let world = World::with(hasty).await;
    let head =
        format!("PUT /v2/service_instances/i HTTP/1.1\r\n{}Content-Length: 10000\r\n\r\n", credentials());
    for (what, trickle) in [("it stalls", None), ("a byte now and then", Some(Duration::from_millis(100)))] {
        let started = Instant::now();
        let mut raw = Raw::open(world.handle().address()).await;
        raw.send(&head).await;
        let status = match trickle {
            None => raw.status().await,
            Some(pause) => loop {
                if let Ok(status) = timeout(pause, raw.status()).await {
                    break status;
                }
                raw.send(" ").await;
            },
        };
        assert_eq!(status, 408, "{what}");
        raw.closed().await;
        // two seconds of patience, far from the fifteen that bodies may take by default
        assert!(started.elapsed() < Duration::from_secs(8), "{what}: {:?}", started.elapsed());
    }
    // a slow one that is fast enough is read to its end
    let body = wanted(json!({})).to_string();
    let mut raw = Raw::open(world.handle().address()).await;
    raw.send(head.replace("10000", &body.len().to_string())).await;
    for piece in body.as_bytes().chunks(body.len() / 4 + 1) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        raw.send(piece).await;
    }
    assert_eq!(raw.status().await, 201);
    assert_eq!(world.script.calls().len(), 1, "none of the others got through");
}

#[tokio::test(flavor = "multi_thread")]
async fn s_13_whoever_does_not_read_answers_is_let_go() {
    let world = World::with(hasty).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let mut stream = socket.connect(world.handle().address()).await.unwrap();
    let started = Instant::now();
    let request = get("/v2/catalog");
    // as many as go: until the broker cannot write, does not read any more, and gives up
    while timeout(SOON, stream.write_all(request.as_bytes())).await.expect("it lets go").is_ok() {}
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    assert_eq!(world.get("/v2/catalog").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn s_13_a_request_that_takes_too_long_is_answered_503() {
    let world = World::with(|config| {
        // bodies may take all their time, and nobody waits for work: only the limit of the whole is left
        config.limits.slowest = 1;
        config.limits.request_deadline = Duration::from_millis(500);
        config.tuning.sync_limit = Duration::from_millis(500);
    })
    .await;
    let started = Instant::now();
    let mut raw = Raw::open(world.handle().address()).await;
    let head =
        format!("PUT /v2/service_instances/i HTTP/1.1\r\n{}Content-Length: 10000\r\n\r\n", credentials());
    raw.send(format!("{head}{}", " ".repeat(100))).await;
    assert_eq!(raw.status().await, 503);
    raw.closed().await;
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn s_14_sockets_that_only_wait_keep_nobody_out() {
    let world = World::with(|config| config.limits.connections = 300).await;
    let known = Raw::open(world.handle().address()).await;
    let mut idle = Vec::new();
    for _ in 0..1_500 {
        idle.push(Raw::open(world.handle().address()).await);
    }
    let started = Instant::now();
    for _ in 0..20 {
        let client = reqwest::Client::builder().timeout(SOON).build().unwrap();
        let request = client
            .get(world.url("/v2/catalog"))
            .basic_auth(crate::world::USER, Some(crate::world::PASSWORD))
            .header("X-Broker-API-Version", "2.17");
        assert_eq!(send(request).await.status, 200);
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    // the oldest ones made room
    let mut known = known;
    known.closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s_14_a_connection_that_proved_who_it_is_outlives_strangers() {
    let world = World::with(|config| config.limits.connections = 50).await;
    let mut known = Raw::open(world.handle().address()).await;
    known.send(get("/v2/catalog")).await;
    assert_eq!(known.status().await, 200);
    let mut strangers = Vec::new();
    for _ in 0..200 {
        strangers.push(Raw::open(world.handle().address()).await);
    }
    known.send(get("/v2/catalog")).await;
    assert_eq!(known.status().await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn s_45_a_handler_that_panics_answers_500_and_the_process_lives() {
    let world = World::start().await;
    world.ready("/v2/service_instances/i").await;
    world.script.panic_on_fetch("c4n4ry-payload");
    for _ in 0..3 {
        let answer = world.get("/v2/service_instances/i").await;
        assert_eq!(answer.status, 500);
        assert!(answer.description().starts_with("internal error; request "), "{:?}", answer.body);
        assert!(!answer.body.to_string().contains("c4n4ry"));
    }
    assert_eq!(world.get("/v2/catalog").await.status, 200);
    assert_eq!(world.delete(&format!("/v2/service_instances/i?{}", crate::world::ids())).await.status, 200);
}
