//! Questions, changes and signatures, against a real BIND.

use std::{net::SocketAddr, time::Duration};

use tokio::net::{TcpListener, UdpSocket};

use super::*;
use crate::{
    providers::Sent,
    testing::bind::{Bind, STRANGER, WRITER},
};

const PATIENCE: Duration = Duration::from_secs(5);
const ZONE: &str = "example.test";

fn name(text: &str) -> DnsName {
    text.parse().unwrap()
}

fn data(of: RecordType, text: &str) -> Data {
    Data::parse(of, text).unwrap()
}

fn text(text: &str) -> Data {
    Data::text(text).unwrap()
}

async fn asked(server: &Bind, owner: &str, of: RecordType) -> Answer {
    let reply = Asker::new(PATIENCE).ask(server.address(), &name(owner), of).await.unwrap();
    assert!(reply.is_authoritative);
    reply.answer
}

async fn texts(server: &Bind, owner: &str) -> Vec<String> {
    let answer = asked(server, owner, RecordType::TXT).await;
    answer.records().iter().map(|found| found.data.to_string()).collect()
}

async fn sent(server: &Bind, update: &Update) -> Result<Updated, DnsError> {
    update.send(server.address(), &server.key(WRITER).unwrap(), PATIENCE).await
}

#[tokio::test]
async fn what_is_there_what_has_no_data_and_what_is_not_there_are_told_apart() {
    let server = Bind::start(&[ZONE]).await.unwrap();
    server.add(ZONE, "a.example.test", RecordType::A, "192.0.2.1").await.unwrap();
    server.add(ZONE, "alias.example.test", RecordType::CNAME, "a.example.test").await.unwrap();
    server.add(ZONE, "sub.example.test", RecordType::NS, "ns.example.org").await.unwrap();
    let found = asked(&server, "A.example.test", RecordType::A).await;
    assert_eq!(found.records(), [Found { ttl: 60, data: data(RecordType::A, "192.0.2.1") }]);
    assert_eq!(asked(&server, "a.example.test", RecordType::TXT).await, Answer::NoData);
    assert_eq!(asked(&server, "b.example.test", RecordType::A).await, Answer::NoSuchName);
    let alias = asked(&server, "alias.example.test", RecordType::A).await;
    assert_eq!(alias, Answer::Alias(name("a.example.test")));
    let below = Asker::new(PATIENCE).ask(server.address(), &name("x.sub.example.test"), RecordType::A).await;
    assert_eq!(below.unwrap(), Reply { is_authoritative: false, answer: Answer::Referral });
    let elsewhere = Asker::new(PATIENCE).ask(server.address(), &name("example.org"), RecordType::A).await;
    assert!(matches!(elsewhere, Err(DnsError::Refused(..))), "{elsewhere:?}");
}

#[tokio::test]
async fn an_answer_too_long_for_a_datagram_is_fetched_by_a_connection() {
    let server = Bind::start(&[ZONE]).await.unwrap();
    let long: Vec<String> = (0..20).map(|number| format!("{number:02}{}", "x".repeat(298))).collect();
    for value in &long {
        server.add(ZONE, "long.example.test", RecordType::TXT, value).await.unwrap();
    }
    assert_eq!(texts(&server, "long.example.test").await, long);
}

#[tokio::test]
async fn a_server_that_is_silent_or_not_there_is_not_an_answer() {
    let asker = Asker::new(Duration::from_millis(50));
    let (datagrams, streams) = silent().await;
    let server = datagrams.local_addr().unwrap();
    let silent = asker.ask(server, &name("example.test"), RecordType::A).await;
    assert_eq!(silent, Err(DnsError::Silent(server)));
    drop((datagrams, streams));
    let gone = asker.ask(server, &name("example.test"), RecordType::A).await;
    assert!(gone.is_err_and(|error| error.is_unknown()));
}

/// Takes everything and says nothing.
async fn silent() -> (UdpSocket, TcpListener) {
    for _ in 0..20 {
        let streams = TcpListener::bind("127.0.0.1:0").await.unwrap();
        if let Ok(datagrams) = UdpSocket::bind(streams.local_addr().unwrap()).await {
            return (datagrams, streams);
        }
    }
    panic!("no port is free");
}

#[tokio::test]
async fn what_is_no_answer_to_the_question_is_not_listened_to() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    let lying = tokio::spawn(async move {
        let mut buffer = [0; 512];
        let (length, from) = server.recv_from(&mut buffer).await.unwrap();
        let mut answer = buffer[..length].to_vec();
        answer[2] |= 0x80;
        let mut other = answer.clone();
        other[0] ^= 0xff;
        // the number of another question; no message at all; then an answer that says "no such name"
        server.send_to(&other, from).await.unwrap();
        server.send_to(b"hello", from).await.unwrap();
        answer[3] |= 3;
        server.send_to(&answer, from).await.unwrap();
    });
    let reply = Asker::new(PATIENCE).ask(address, &name("example.test"), RecordType::A).await.unwrap();
    assert_eq!(reply.answer, Answer::NoSuchName);
    lying.await.unwrap();
}

#[tokio::test]
async fn a_change_is_done_as_a_whole_or_not_at_all() {
    let server = Bind::start(&[ZONE]).await.unwrap();
    let (owner, mark) = (name("www.example.test"), name("_mark.www.example.test"));
    let zone = name(ZONE);
    let create = Update::of(&zone)
        .if_holds(Prerequisite::Absent(owner.clone(), RecordType::A))
        .if_holds(Prerequisite::Absent(mark.clone(), RecordType::TXT))
        .then(Change::Add(owner.clone(), 300, data(RecordType::A, "192.0.2.1")))
        .then(Change::Add(mark.clone(), 300, text("ours")));
    assert_eq!(sent(&server, &create).await, Ok(Updated::Done));
    assert_eq!(sent(&server, &create).await, Ok(Updated::Unmet(Unmet::Exists)), "repeated");
    let replace = |old: &str, new: &str| {
        Update::of(&zone)
            .if_holds(Prerequisite::Exactly(mark.clone(), vec![text("ours")]))
            .if_holds(Prerequisite::Exactly(owner.clone(), vec![data(RecordType::A, old)]))
            .then(Change::RemoveAll(owner.clone(), RecordType::A))
            .then(Change::Add(owner.clone(), 60, data(RecordType::A, new)))
    };
    assert_eq!(
        sent(&server, &replace("192.0.2.9", "192.0.2.2")).await,
        Ok(Updated::Unmet(Unmet::Differs)),
        "not what is there"
    );
    assert_eq!(sent(&server, &replace("192.0.2.1", "192.0.2.2")).await, Ok(Updated::Done));
    let found = asked(&server, "www.example.test", RecordType::A).await;
    assert_eq!(found.records(), [Found { ttl: 60, data: data(RecordType::A, "192.0.2.2") }]);
    let remove = Update::of(&zone)
        .if_holds(Prerequisite::Present(owner.clone(), RecordType::A))
        .then(Change::Remove(owner.clone(), data(RecordType::A, "192.0.2.2")))
        .then(Change::RemoveAll(mark.clone(), RecordType::TXT));
    assert_eq!(sent(&server, &remove).await, Ok(Updated::Done));
    assert_eq!(sent(&server, &remove).await, Ok(Updated::Unmet(Unmet::Differs)));
    assert_eq!(asked(&server, "www.example.test", RecordType::A).await, Answer::NoSuchName);
}

#[tokio::test]
async fn one_of_several_values_is_added_and_removed_alone() {
    let server = Bind::start(&[ZONE]).await.unwrap();
    let (zone, owner) = (name(ZONE), name("_acme-challenge.example.test"));
    for value in ["one", "two", "two"] {
        let add = Update::of(&zone).then(Change::Add(owner.clone(), 60, text(value)));
        assert_eq!(sent(&server, &add).await, Ok(Updated::Done));
    }
    assert_eq!(texts(&server, "_acme-challenge.example.test").await, ["one", "two"]);
    for _ in 0..2 {
        let remove = Update::of(&zone).then(Change::Remove(owner.clone(), text("one")));
        assert_eq!(sent(&server, &remove).await, Ok(Updated::Done));
    }
    assert_eq!(texts(&server, "_acme-challenge.example.test").await, ["two"]);
}

#[tokio::test]
async fn each_reason_of_a_refusal_is_told_apart_and_nothing_was_done() {
    let server = Bind::start(&[ZONE, "other.test"]).await.unwrap();
    let address = server.address();
    let adding =
        |zone: &str, owner: &str| Update::of(&name(zone)).then(Change::Add(name(owner), 60, text("t")));
    let good = adding(ZONE, "a.example.test");
    let before = server.records(ZONE).await.unwrap();
    let secret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let wrong_secret = TsigKey::new(WRITER, Algorithm::HmacSha256, &secret.into()).unwrap();
    let wrong_algorithm = TsigKey::new(WRITER, Algorithm::HmacSha512, &server.secret()).unwrap();
    for (key, update, expected) in [
        (server.key("nobody").unwrap(), &good, "does not know a key"),
        (wrong_algorithm, &good, "does not know a key"),
        (wrong_secret, &good, "the secret is not"),
        (server.key(STRANGER).unwrap(), &good, "policy"),
        (server.key(WRITER).unwrap(), &adding(ZONE, "a.other.test"), "outside of the zone"),
        (
            server.key(WRITER).unwrap(),
            &adding("nowhere.test", "a.nowhere.test"),
            "not the one that takes changes",
        ),
    ] {
        let error = update.send(address, &key, PATIENCE).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!((error.sent(), error.is_unknown()), (Sent::No, false), "{error}");
    }
    assert_eq!(server.records(ZONE).await.unwrap(), before);
}

#[tokio::test]
async fn a_signed_question_takes_no_unsigned_answer() {
    let server = Bind::start(&[ZONE]).await.unwrap();
    let ask = |key: TsigKey| {
        let asker = Asker::new(PATIENCE).signed(key);
        let address = server.address();
        async move { asker.ask(address, &name("ns1.example.test"), RecordType::A).await }
    };
    let reply = ask(server.key(WRITER).unwrap()).await.unwrap();
    assert_eq!(reply.answer.records().len(), 1);
    assert!(matches!(ask(server.key("nobody").unwrap()).await, Err(DnsError::Key(..))));
}

#[tokio::test]
async fn who_answers_for_a_name_is_found_by_walking_up() {
    let server = Bind::start(&[ZONE]).await.unwrap();
    server.add(ZONE, "a.b.example.test", RecordType::A, "192.0.2.1").await.unwrap();
    let finder = Finder::new(vec![server.address()], PATIENCE).port(server.address().port());
    let found = finder.clone().reach(Reach::Anywhere).authorities(&name("x.a.b.example.test")).await.unwrap();
    let found = found.unwrap();
    assert_eq!((found.zone, found.servers.len()), (name(ZONE), 1));
    let expected = Authority { host: name("ns1.example.test"), addresses: vec![server.address()] };
    assert_eq!(found.servers[0], expected);
    let public = finder.authorities(&name("a.b.example.test")).await.unwrap().unwrap();
    assert_eq!(public.servers[0].addresses, [], "loopback is not public");
    let nobody = Finder::new(Vec::new(), PATIENCE).authorities(&name(ZONE)).await;
    assert_eq!(nobody, Err(DnsError::NoResolver));
}

#[tokio::test]
async fn the_second_resolver_is_asked_when_the_first_is_silent() {
    let server = Bind::start(&[ZONE]).await.unwrap();
    let nobody: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let finder = Finder::new(vec![nobody, server.address()], PATIENCE).reach(Reach::Anywhere);
    assert!(finder.authorities(&name("a.example.test")).await.unwrap().is_some());
}
