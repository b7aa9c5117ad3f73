//! The gates before any use case, and what every answer carries.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use sutler_broker_server::config::MissingVersionHeader;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::world::{PASSWORD, USER, World, send, wanted};

#[tokio::test(flavor = "multi_thread")]
async fn s_04_there_is_one_401() {
    let world = World::start().await;
    let mut answers = Vec::new();
    for request in [
        world.client.get(world.url("/v2/catalog")),
        world.client.get(world.url("/v2/catalog")).basic_auth(USER, Some("wrong")),
        world.client.get(world.url("/v2/catalog")).basic_auth("wrong", Some(PASSWORD)),
        world.client.get(world.url("/nowhere")),
        world.client.delete(world.url("/v2/service_instances/i")).bearer_auth(PASSWORD),
    ] {
        let answer = send(request).await;
        assert_eq!(answer.status, 401);
        assert!(answer.headers.contains_key("www-authenticate"));
        answers.push(answer.body);
    }
    assert!(answers.iter().all(|body| *body == answers[0] && body.is_object()), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s_05_a_401_does_not_wait_for_the_body() {
    let world = World::start().await;
    let mut stream = TcpStream::connect(world.handle().address()).await.unwrap();
    let head = "PUT /v2/service_instances/i HTTP/1.1\r\nHost: broker\r\nContent-Length: 1073741824\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = async {
        let mut buffer = [0; 4096];
        while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
            let length = stream.read(&mut buffer).await.unwrap();
            assert!(length > 0, "closed without an answer");
            answer.extend_from_slice(&buffer[..length]);
        }
    };
    timeout(Duration::from_secs(5), read).await.expect("an answer before the body");
    assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 401"));
    assert_eq!(world.script.calls(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn b_ver_the_version_header_is_required_and_2_x() {
    for (setting, missing) in [
        (MissingVersionHeader::PreconditionFailed, 412),
        (MissingVersionHeader::BadRequest, 400),
        (MissingVersionHeader::Accept, 200),
    ] {
        let world = match setting {
            MissingVersionHeader::PreconditionFailed => World::start().await,
            MissingVersionHeader::BadRequest => {
                World::with(|config| config.missing_version_header = MissingVersionHeader::BadRequest).await
            }
            MissingVersionHeader::Accept => {
                World::with(|config| config.missing_version_header = MissingVersionHeader::Accept).await
            }
        };
        let request = || world.client.get(world.url("/v2/catalog")).basic_auth(USER, Some(PASSWORD));
        assert_eq!(send(request()).await.status, missing);
        for (version, expected) in
            [("2.13", 200), ("2.17", 200), ("2.99", 200), ("3.0", 412), ("1.9", 412), ("two", 412)]
        {
            let answer = send(request().header("X-Broker-API-Version", version)).await;
            assert_eq!(answer.status, expected, "{version}");
            assert!(answer.status == 200 || !answer.description().is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b_rid_02_the_request_identity_is_echoed_on_every_answer() {
    let world = World::start().await;
    for (path, status) in [
        ("/v2/catalog", 200),
        ("/v2/service_instances/i", 404),
        ("/nowhere", 404),
        ("/v2/service_instances/%", 400),
    ] {
        let answer =
            send(world.request(Method::GET, path).header("X-Broker-API-Request-Identity", "request-1")).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.headers["x-broker-api-request-identity"], "request-1", "{path}");
        assert!(answer.body.is_object(), "{path}");
    }
    let unauthenticated =
        world.client.get(world.url("/")).header("X-Broker-API-Request-Identity", "request-2");
    assert_eq!(send(unauthenticated).await.headers["x-broker-api-request-identity"], "request-2");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_methods_are_answered_in_json() {
    let world = World::start().await;
    for (method, path, status) in [
        (Method::GET, "/", 404),
        (Method::GET, "/v2/nothing", 404),
        (Method::POST, "/v2/catalog", 405),
        (Method::PUT, "/v2/service_instances/i/last_operation", 405),
        (Method::from_bytes(b"BREW").unwrap(), "/v2/catalog", 405),
        (Method::GET, "/v2/service_instances/a%2fb", 400),
    ] {
        let answer = send(world.request(method.clone(), path)).await;
        assert_eq!((answer.status, answer.body.is_object()), (status, true), "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b_cat_07_an_unchanged_catalog_is_not_sent_again() {
    let world = World::start().await;
    let first = world.get("/v2/catalog").await;
    assert_eq!(first.body["services"][0]["name"], "scripted");
    let etag = first.headers["etag"].to_str().unwrap();
    let modified = first.headers["last-modified"].to_str().unwrap();
    for (name, value, status) in [
        ("If-None-Match", etag, 304),
        ("If-None-Match", &format!("\"other\", W/{etag}"), 304),
        ("If-None-Match", "*", 304),
        ("If-None-Match", "\"other\"", 200),
        ("If-Modified-Since", modified, 304),
        ("If-Modified-Since", "Fri, 31 Dec 2100 23:59:59 GMT", 304),
        ("If-Modified-Since", "Friday, 31-Dec-00 23:59:59 GMT", 200),
        ("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT", 200),
        ("If-Modified-Since", "yesterday", 200),
    ] {
        let answer = send(world.request(Method::GET, "/v2/catalog").header(name, value)).await;
        assert_eq!(answer.status, status, "{name}: {value}");
        assert_eq!(answer.headers["etag"], etag);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_json_objects_within_limits() {
    let world = World::with(|config| config.limits.body = 2_000).await;
    let put = |body: String| world.request(Method::PUT, "/v2/service_instances/i").body(body);
    let good = wanted(json!({})).to_string();
    for (request, status) in [
        (put(String::new()), 400),
        (put("[]".to_owned()), 400),
        (put("{".to_owned()), 400),
        (put(good.clone()).header("Content-Type", "text/plain"), 400),
        (put(good.clone()).header("Content-Encoding", "gzip"), 400),
        (put(format!("{good}{}", " ".repeat(2_000))), 413),
        (put(good.clone()).header("X-Broker-API-Originating-Identity", "cf notbase64"), 400),
        (put(good.clone()).header("X-Broker-API-Originating-Identity", "cf e30="), 201),
        (put(good.clone()).header("Content-Type", "application/json; charset=utf-8"), 200),
    ] {
        let answer = send(request).await;
        assert_eq!(answer.status, status, "{:?}", answer.body);
        assert!(answer.body.is_object());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s_03_credentials_are_exchanged_without_a_restart() {
    use sutler_broker_server::config::{Credential, Proof, Validity};
    let world = World::start().await;
    let proof = Proof::Bearer { token: "another-long-enough-secret".into() };
    world
        .handle()
        .replace_credentials(vec![Credential { id: "new".to_owned(), proof, validity: Validity::default() }])
        .unwrap();
    assert_eq!(world.get("/v2/catalog").await.status, 401);
    let request = world.client.get(world.url("/v2/catalog")).header("X-Broker-API-Version", "2.17");
    assert_eq!(send(request.bearer_auth("another-long-enough-secret")).await.status, 200);
}
