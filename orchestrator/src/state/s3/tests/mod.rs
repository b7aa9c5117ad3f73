//! What only a bucket can suffer: conditions that are ignored, lost answers, objects that change or go.

mod proxy;
mod server;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use proxy::{Fault, Proxy};
pub(in crate::state) use server::Server;
use server::place;

use super::objects::{Keys, Objects, Put};
use super::{BucketBackend, Known, refresh};
use crate::config::BucketPlace;
use crate::name::StackName;
use crate::state::contract::moves::step_by_step;
use crate::state::relocation::Route;
use crate::state::samples::{claim, record, stack};
use crate::state::standing::Gate;
use crate::state::{Change, Claim, Extent, Kind, Movable, StateBackend, StateError};

pub(in crate::state) fn open(place: BucketPlace, stack: StackName) -> Arc<dyn StateBackend> {
    Arc::new(BucketBackend::with((place, stack), Some(keys()), Gate::Current))
}

/// The same place, seen by a move.
pub(in crate::state) fn open_to_move(place: BucketPlace, stack: StackName) -> Arc<dyn Movable> {
    Arc::new(BucketBackend::with((place, stack), Some(keys()), Gate::Any))
}

/// Who we are to the server: it believes anyone.
fn keys() -> Keys {
    Keys { id: "test".to_owned(), secret: "test".to_owned() }
}

fn shop(place: BucketPlace) -> Arc<dyn StateBackend> {
    open(place, stack("shop"))
}

/// Changes objects behind everyone's back.
pub(in crate::state) struct Tamper(Objects);

impl Tamper {
    pub(in crate::state) fn new(place: BucketPlace) -> Self {
        Self(Objects::new(place, Some(keys())).unwrap())
    }

    /// The last object of a folder.
    pub(in crate::state) async fn last(&self, folder: &str, ending: &str) -> String {
        let names = self.0.list(folder).await.unwrap();
        format!("{folder}/{}", names.iter().rfind(|name| name.ends_with(ending)).unwrap())
    }

    pub(in crate::state) async fn delete(&self, name: &str) {
        self.0.discard(vec![name.to_owned()]).await;
        assert!(self.0.get(name).await.unwrap().is_none(), "{name}");
    }

    pub(in crate::state) async fn replace(&self, name: &str, from: &str, to: &str) {
        let found = self.0.get(name).await.unwrap().unwrap();
        let text = String::from_utf8(found.bytes.to_vec()).unwrap();
        assert!(text.contains(from), "{name}: {text}");
        self.write(name, Bytes::from(text.replacen(from, to, 1))).await;
    }

    async fn write(&self, name: &str, bytes: Bytes) {
        self.0.discard(vec![name.to_owned()]).await;
        let written = self.0.create(name, bytes).await;
        assert!(matches!(written, Put::Done(_)), "{name}: {written:?}");
    }

    async fn read(&self, name: &str) -> Bytes {
        self.0.get(name).await.unwrap().unwrap().bytes
    }

    async fn known(&self) -> Known {
        let mut known = None;
        refresh(&self.0, &stack("shop"), &mut known).await.unwrap();
        known.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_ignores_conditions_is_refused_before_anything_is_written() {
    let server = Server::shared().await;
    for (header, told) in [("if-none-match", "If-None-Match: *"), ("if-match", "If-Match")] {
        let proxy = Proxy::start(server.port, Fault::Drops(header)).await;
        let prefix = server.fresh().prefix;
        let backend = shop(place(proxy.port, &prefix));
        let error = backend.lock(&claim(&*backend, "test").await).await.unwrap_err();
        assert!(matches!(error, StateError::Unsuitable { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(told) && text.contains(&format!("s3://states/{prefix}")), "{text}");
        let left = Tamper::new(place(server.port, &prefix));
        assert!(left.0.list("").await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_is_looked_up() {
    let server = Server::shared().await;
    for lost in [Fault::LosesAnswer as fn(&'static str) -> Fault, Fault::LosesRequest] {
        let there = server.fresh();
        let proxy = Proxy::start(server.port, Fault::None).await;
        let (backend, direct) = (shop(place(proxy.port, &there.prefix)), shop(there));
        let first = claim(&*backend, "test").await;
        proxy.fail_next(lost("/current"));
        let lock = backend.lock(&first).await.unwrap();
        assert!(proxy.has_failed());
        assert_eq!(lock.fence, 1);
        let segments = ["/current", "0000000001-0000000002", "/current", "0000000001-0000000004"];
        for (number, name) in (1_u64..).zip(segments) {
            proxy.fail_next(lost(name));
            let change = Change::put(record(&format!("i{number}")), "created");
            assert_eq!(backend.commit(&lock, vec![change]).await.unwrap(), number);
            assert!(proxy.has_failed(), "{name}");
        }
        assert_eq!(direct.journal(0, 99).await.unwrap().len(), 4, "each was written once");
        proxy.fail_next(lost("/current"));
        backend.renew(&lock, Duration::from_secs(600)).await.unwrap();
        proxy.fail_next(lost("/current"));
        assert_eq!(backend.compact(&lock, 9).await.unwrap().map(|revision| revision.serial), Some(4));
        proxy.fail_next(lost("/current"));
        backend.unlock(&lock).await.unwrap();
        assert!(direct.lock_holder().await.unwrap().is_none());
        let lock = backend.lock(&Claim { ..first }).await.unwrap();
        proxy.fail_next(lost("/current"));
        assert_eq!(backend.force_unlock(lock.id).await.unwrap().id, lock.id);
        assert!(proxy.has_failed() && direct.lock_holder().await.unwrap().is_none());
        direct.verify(Extent::Everything).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_step_of_a_move_that_is_lost_is_looked_up() {
    let server = Server::shared().await;
    for lost in [Fault::LosesAnswer as fn(&'static str) -> Fault, Fault::LosesRequest] {
        let (from, to) = (server.fresh(), server.fresh());
        let filled = shop(from.clone());
        let lock = filled.lock(&claim(&*filled, "test").await).await.unwrap();
        filled.commit(&lock, vec![Change::put(record("a"), "created")]).await.unwrap();
        filled.compact(&lock, 9).await.unwrap();
        filled.unlock(&lock).await.unwrap();
        let before = filled.load().await.unwrap();
        let proxy = Proxy::start(server.port, Fault::None).await;
        let source = open_to_move(place(proxy.port, &from.prefix), stack("shop"));
        let target = open_to_move(place(proxy.port, &to.prefix), stack("shop"));
        let route = Route { from: String::new(), to: String::new(), source, target };
        let cut_off = async |step: &str| assert!(step == "strip" || proxy.has_failed(), "{step}");
        step_by_step(&route, || proxy.fail_next(lost("/current")), cut_off).await;
        proxy.fail_next(Fault::None);
        assert!(matches!(shop(from).load().await, Err(StateError::Left { .. })));
        let there = shop(to);
        there.verify(Extent::Everything).await.unwrap();
        assert_eq!(there.load().await.unwrap(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compaction_that_was_cut_off_is_finished_by_the_next() {
    let server = Server::shared().await;
    for name in
        [".index", ".trails", ".json", ".places", "/00000000000000000001-00000000000000000002", "/current"]
    {
        let there = server.fresh();
        let proxy = Proxy::start(server.port, Fault::None).await;
        let (backend, direct) = (shop(place(proxy.port, &there.prefix)), shop(there));
        let lock = backend.lock(&claim(&*backend, "test").await).await.unwrap();
        for reference in ["a", "b"] {
            backend.commit(&lock, vec![Change::put(record(reference), "created")]).await.unwrap();
        }
        // what a process that died there leaves
        proxy.fail_next(Fault::LosesAnswer(name));
        let waiting = tokio::time::timeout(Duration::from_millis(1), backend.compact(&lock, 9)).await;
        drop(waiting);
        assert_eq!(direct.load().await.unwrap().records.len(), 2, "{name}");
        direct.compact(&lock, 9).await.unwrap();
        direct.commit(&lock, vec![Change::put(record("c"), "created")]).await.unwrap();
        assert_eq!(direct.revisions().await.unwrap().len(), 1, "{name}");
        assert_eq!(shop(place(server.port, &prefix_of(&*direct))).journal(0, 9).await.unwrap().len(), 3);
        direct.verify(Extent::Everything).await.unwrap();
    }
}

fn prefix_of(backend: &dyn StateBackend) -> String {
    let location = backend.location();
    location.strip_prefix("s3://states/").unwrap().split(' ').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_written_grow_with_the_steps_and_not_with_the_state() {
    let server = Server::shared().await;
    let proxy = Proxy::start(server.port, Fault::None).await;
    let backend = shop(place(proxy.port, &server.fresh().prefix));
    let lock = backend.lock(&claim(&*backend, "test").await).await.unwrap();
    let ten = async || {
        let before = proxy.written();
        for round in 0..10 {
            let mut changed = record("i0007");
            changed.name = format!("round-{round}");
            backend.commit(&lock, vec![Change::put(changed, "written")]).await.unwrap();
        }
        let after = proxy.written();
        (after.0 - before.0, after.1 - before.1)
    };
    backend.commit(&lock, vec![Change::put(record("i0007"), "created")]).await.unwrap();
    let small = ten().await;
    let fill = (0..800).map(|number| Change::put(record(&format!("i{number:04}")), "created")).collect();
    backend.commit(&lock, fill).await.unwrap();
    backend.compact(&lock, 9).await.unwrap();
    let whole = proxy.written().0;
    let large = ten().await;
    assert_eq!((small.1, large.1), (20, 20), "a segment and `current` for each step");
    // `current` names the revision by now
    assert!(large.0 < small.0 + 10 * 1500, "{small:?} bytes and requests became {large:?}");
    let before = proxy.written().0;
    backend.compact(&lock, 9).await.unwrap();
    let revision = proxy.written().0 - before;
    assert!(revision < whole / 3, "a revision of ten steps took {revision} bytes, everything so far {whole}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_run_makes_a_revision_in_between_and_keeps_one() {
    let server = Server::shared().await;
    let there = server.fresh();
    let backend = shop(there.clone());
    let lock = backend.lock(&claim(&*backend, "test").await).await.unwrap();
    backend.commit(&lock, vec![Change::put(record("a"), "created")]).await.unwrap();
    backend.compact(&lock, 9).await.unwrap();
    for _ in 0..3 {
        let many =
            (0..1100).map(|number| Change::put(record(&format!("i{}", number % 7)), "written")).collect();
        backend.commit(&lock, many).await.unwrap();
        // the answer comes before the revision
        backend.renew(&lock, Duration::from_secs(600)).await.unwrap();
    }
    let known = Tamper::new(there.clone()).known().await;
    assert!(known.pointer.segments().is_empty() && known.entries.is_empty(), "the journal is in archives");
    let serials = async || {
        let revisions = backend.revisions().await.unwrap();
        revisions.iter().map(|revision| revision.serial).collect::<Vec<_>>()
    };
    assert_eq!(serials().await, [1, 4]);
    backend.commit(&lock, vec![Change::put(record("b"), "created")]).await.unwrap();
    backend.compact(&lock, 9).await.unwrap();
    assert_eq!(serials().await, [1, 5], "what was made in between goes");
    assert_eq!(backend.journal(3000, 999).await.unwrap().len(), 302);
    shop(there).verify(Extent::Everything).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_object_is_cut_changed_or_gone_is_noticed() {
    let server = Server::shared().await;
    let there = server.fresh();
    let backend = shop(there.clone());
    let lock = backend.lock(&claim(&*backend, "test").await).await.unwrap();
    for name in ["a", "b", "c"] {
        backend.commit(&lock, vec![Change::put(record(name), "created")]).await.unwrap();
    }
    backend.compact(&lock, 9).await.unwrap();
    backend.commit(&lock, vec![Change::put(record("d"), "created")]).await.unwrap();
    let whole = backend.load().await.unwrap();
    let tamper = Tamper::new(there.clone());
    let mut names = vec!["current".to_owned()];
    for folder in ["journal", "archive", "revisions", "chunks"] {
        names.extend(tamper.0.list(folder).await.unwrap().into_iter().map(|name| format!("{folder}/{name}")));
    }
    assert_eq!(names.len(), 9, "{names:?}");
    for name in names {
        let bytes = tamper.read(&name).await;
        let mut flipped = bytes.to_vec();
        flipped[bytes.len() / 2] ^= 1;
        let halves =
            [Some(bytes.slice(..bytes.len() / 2)), Some(Bytes::from(flipped)), Some(Bytes::new()), None];
        for (kind, part) in halves.into_iter().enumerate() {
            match part {
                Some(part) => tamper.write(&name, part).await,
                None => tamper.delete(&name).await,
            }
            let fresh = shop(there.clone());
            let loaded = fresh.load().await;
            if let Ok(loaded) = &loaded {
                assert_eq!(loaded, &whole, "{name} {kind}: damage was read as another state");
            }
            let error = match loaded {
                Ok(_) => {
                    fresh.verify(Extent::Everything).await.expect_err(&format!("{name} {kind}: not noticed"))
                }
                Err(error) => error,
            };
            assert_eq!(error.kind(), Kind::Refused, "{name} {kind}: {error}");
            tamper.write(&name, bytes.clone()).await;
        }
    }
    shop(there).verify(Extent::Everything).await.unwrap();
}
