//! What could be understood in two ways is refused; nobody tunnels; nothing tells what we are made of.

use serde_json::{Value, json};

use super::raw::{Raw, credentials};
use crate::world::{World, wanted};

fn put(head: &str, body: &str) -> String {
    format!("PUT /v2/service_instances/smuggled HTTP/1.1\r\n{}{head}\r\n{body}", credentials())
}

#[tokio::test(flavor = "multi_thread")]
async fn s_15_what_two_readers_could_understand_differently_is_400() {
    let world = World::start().await;
    for (what, request) in [heads(), lines(), chunks()].concat() {
        let mut raw = Raw::open(world.handle().address()).await;
        raw.send(&request).await;
        let answer = raw.answer().await.unwrap_or_else(|| panic!("{what}: no answer"));
        assert_eq!(answer.status, 400, "{what}");
        assert!(serde_json::from_slice::<Value>(&answer.body).unwrap().is_object(), "{what}");
        raw.closed().await;
    }
    assert_eq!(world.script.calls(), [], "none of them reached a provider");
}

type Table = Vec<(&'static str, String)>;

/// How long the body is.
fn heads() -> Table {
    let body = wanted(json!({})).to_string();
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let length = body.len();
    vec![
        ("CL and TE", put(&format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"), &chunked)),
        ("TE and CL", put(&format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"), &chunked)),
        ("two CL", put(&format!("Content-Length: {length}\r\nContent-Length: {length}\r\n"), &body)),
        ("a list of CL", put(&format!("Content-Length: {length}, {length}\r\n"), &body)),
        ("a signed CL", put(&format!("Content-Length: +{length}\r\n"), &body)),
        ("a negative CL", put("Content-Length: -1\r\n", &body)),
        ("a hexadecimal CL", put("Content-Length: 0x10\r\n", &body)),
        ("an empty CL", put("Content-Length:\r\n", &body)),
        ("a huge CL", put("Content-Length: 99999999999999999999999\r\n", &body)),
        ("two TE", put("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", &chunked)),
        ("TE with more", put("Transfer-Encoding: gzip, chunked\r\n", &chunked)),
        ("TE identity", put("Transfer-Encoding: identity\r\n", &body)),
        ("TE disguised", put("Transfer-Encoding: xchunked\r\n", &chunked)),
    ]
}

/// Where lines end, and what stands in them.
fn lines() -> Table {
    let body = wanted(json!({})).to_string();
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let host = credentials();
    vec![
        ("a blank before the colon", put("Transfer-Encoding : chunked\r\n", &chunked)),
        ("a continued line", put("X-A: b\r\n c: d\r\n", "")),
        ("a line without colon", put("X-A\r\n", "")),
        ("a bare LF in the head", put("X-A: b\nX-B: c\r\n", "")),
        ("a bare CR in the head", put("X-A: b\rX-B: c\r\n", "")),
        ("only bare LF", format!("GET /v2/catalog HTTP/1.1\n{}\n", host.replace("\r\n", "\n"))),
        ("NUL in a value", put("X-A: b\0c\r\n", "")),
        ("two hosts", format!("GET /v2/catalog HTTP/1.1\r\n{host}Host: other\r\n\r\n")),
        ("no host", "GET /v2/catalog HTTP/1.1\r\nX-Broker-API-Version: 2.17\r\n\r\n".to_owned()),
        ("an absolute target", format!("GET http://other/v2/catalog HTTP/1.1\r\n{host}\r\n")),
        ("a relative target", format!("GET v2/catalog HTTP/1.1\r\n{host}\r\n")),
        ("a fragment", format!("GET /v2/catalog#x HTTP/1.1\r\n{host}\r\n")),
        ("raw bytes in the target", format!("GET /v2/cat\u{e9}log HTTP/1.1\r\n{host}\r\n")),
        ("two blanks", format!("GET  /v2/catalog HTTP/1.1\r\n{host}\r\n")),
        ("a tab", format!("GET\t/v2/catalog HTTP/1.1\r\n{host}\r\n")),
        ("another version", format!("GET /v2/catalog HTTP/1.2\r\n{host}\r\n")),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("no version", "GET /v2/catalog\r\n\r\n".to_owned()),
        (
            "TE in HTTP/1.0",
            format!("PUT /v2/x HTTP/1.0\r\n{host}Transfer-Encoding: chunked\r\n\r\n{chunked}"),
        ),
        ("an empty line first", format!("\r\nGET /v2/catalog HTTP/1.1\r\n{host}\r\n")),
        ("TLS on a plain port", "\u{16}\u{3}\u{1}\u{2}\u{0}\r\n\r\n".to_owned()),
        ("a websocket", put("Connection: upgrade\r\nUpgrade: websocket\r\n", "")),
    ]
}

/// Bodies in chunks.
fn chunks() -> Table {
    let body = wanted(json!({})).to_string();
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    vec![
        (
            "a chunk extension",
            put("Transfer-Encoding: chunked\r\n", &chunked.replacen("\r\n", ";a=b\r\n", 1)),
        ),
        ("a bare LF in a chunk", put("Transfer-Encoding: chunked\r\n", &chunked.replacen("\r\n", "\n", 1))),
        (
            "a chunk of a wrong size",
            put("Transfer-Encoding: chunked\r\n", &format!("5\r\n{body}\r\n0\r\n\r\n")),
        ),
        ("a chunk without size", put("Transfer-Encoding: chunked\r\n", &format!("\r\n{body}\r\n0\r\n\r\n"))),
        (
            "a trailer",
            put("Transfer-Encoding: chunked\r\n", &chunked.replace("\r\n\r\n", "\r\nA: b\r\n\r\n")),
        ),
        ("a huge chunk", put("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn s_15_a_second_request_hidden_in_a_first_is_never_seen() {
    let world = World::start().await;
    let hidden = put(&format!("Content-Length: {}\r\n", wanted(json!({})).to_string().len()), "");
    let mut raw = Raw::open(world.handle().address()).await;
    // for whoever believes Content-Length one request, for whoever believes chunks two
    let body = format!("0\r\n\r\n{hidden}{}", wanted(json!({})));
    let head = format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", body.len());
    raw.send(put(&head, &body)).await;
    assert_eq!(raw.status().await, 400);
    raw.closed().await;
    assert_eq!(world.script.calls(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_one_after_the_other_are_answered_in_their_order() {
    let world = World::start().await;
    let body = wanted(json!({})).to_string();
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\n{}\r\n", credentials());
    let all = [
        get("/v2/catalog"),
        put("Transfer-Encoding: chunked\r\n", &chunked),
        get("/v2/nothing"),
        put(&format!("Content-Length: {}\r\n", body.len()), &body),
        "nonsense\r\n\r\n".to_owned(),
        get("/v2/catalog"),
    ]
    .concat();
    // whole, in two pieces wherever they may be cut, and byte by byte
    for size in [all.len(), 333, 1] {
        let mut raw = Raw::open(world.handle().address()).await;
        for piece in all.as_bytes().chunks(size) {
            raw.send(piece).await;
        }
        let mut statuses = Vec::new();
        while let Some(answer) = raw.answer().await {
            statuses.push(answer.status);
        }
        let put = if size == all.len() { 201 } else { 200 };
        assert_eq!(statuses, [200, put, 404, 200, 400], "in pieces of {size}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s_18_unknown_methods_are_405_and_nothing_tells_what_we_are_made_of() {
    let world = World::start().await;
    for (method, expected) in
        [("TRACE", 405), ("OPTIONS", 405), ("POST", 405), ("BREW", 405), ("CONNECT", 405)]
    {
        let target = if method == "CONNECT" { "other:443" } else { "/v2/catalog" };
        let mut raw = Raw::open(world.handle().address()).await;
        raw.send(format!("{method} {target} HTTP/1.1\r\n{}\r\n", credentials())).await;
        let answer = raw.answer().await.unwrap();
        assert_eq!(answer.status, expected, "{method}");
        let head = answer.head.to_lowercase();
        let body = String::from_utf8(answer.body).unwrap().to_lowercase();
        for banner in ["server:", "x-powered-by", "actix", "rust", env!("CARGO_PKG_VERSION")] {
            assert!(
                !head.contains(banner) && !body.contains(banner),
                "{method} tells {banner}: {head}{body}"
            );
        }
    }
}
