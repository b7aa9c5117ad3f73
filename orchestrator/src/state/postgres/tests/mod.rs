//! What only a database can suffer: lost answers, restarts, many processes at once.

mod cluster;
mod proxy;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio_postgres::NoTls;

pub(in crate::state) use cluster::Cluster;
use proxy::{Cut, Proxy};

use super::PostgresBackend;
use crate::config::{PostgresPlace, Transport};
use crate::state::contract::moves::step_by_step;
use crate::state::relocation::Route;
use crate::state::samples::{claim, entry, record, stack};
use crate::state::{Change, Claim, Extent, LedgerKind, Movable, StateBackend, StateError};

fn backend(place: PostgresPlace) -> Arc<dyn StateBackend> {
    Arc::new(PostgresBackend::new(place, stack("shop")))
}

/// Waits for a condition, and fails when it does not come.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Runs statements behind everyone's back.
pub(in crate::state) async fn sql(place: &PostgresPlace, statements: &str) {
    let url = format!("postgres://ada:hunter2@127.0.0.1:{}/postgres", place.port);
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("SET search_path = {}; {statements}", place.schema)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_commit_that_is_lost_is_looked_up() {
    let cluster = Cluster::shared();
    for cut in [Cut::BeforeCommit, Cut::AfterCommit] {
        let place = cluster.fresh();
        let proxy = Proxy::start(place.port, cut).await;
        let direct = backend(place.clone());
        let backend = backend(PostgresPlace { port: proxy.port, ..place });
        let claim = claim(&*backend, "test").await;
        proxy.cut_next();
        let lock = backend.lock(&claim).await.unwrap();
        assert!(proxy.has_cut(), "{cut:?}");
        assert_eq!(lock.fence, 1, "{cut:?}: it was taken once");
        for number in 0..5_u64 {
            proxy.cut_next();
            let change = Change::put(record(&format!("i{number}")), "created");
            assert_eq!(backend.commit(&lock, vec![change]).await.unwrap(), number + 1, "{cut:?}");
            assert!(proxy.has_cut(), "{cut:?}");
        }
        assert_eq!(direct.journal(0, 99).await.unwrap().len(), 5, "{cut:?}: each was written once");
        proxy.cut_next();
        backend.renew(&lock, Duration::from_secs(600)).await.unwrap();
        proxy.cut_next();
        assert_eq!(
            backend.compact(&lock, 9).await.unwrap().map(|revision| revision.serial),
            Some(5),
            "{cut:?}"
        );
        assert_eq!(direct.revisions().await.unwrap().len(), 1);
        proxy.cut_next();
        assert_eq!(backend.force_unlock(lock.id).await.unwrap().id, lock.id, "{cut:?}");
        let lock = backend.lock(&Claim { ..claim }).await.unwrap();
        proxy.cut_next();
        backend.unlock(&lock).await.unwrap();
        assert!(proxy.has_cut() && direct.lock_holder().await.unwrap().is_none());
        direct.verify(Extent::Everything).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b11_an_entry_of_the_ledger_whose_commit_was_not_answered_is_read_back_and_there_once() {
    let cluster = Cluster::shared();
    for cut in [Cut::BeforeCommit, Cut::AfterCommit] {
        let place = cluster.fresh();
        let proxy = Proxy::start(place.port, cut).await;
        let direct = backend(place.clone());
        let backend = backend(PostgresPlace { port: proxy.port, ..place });
        let lock = backend.lock(&claim(&*backend, "test").await).await.unwrap();
        let applied = entry(LedgerKind::Migration, "0001_init");
        let changes = vec![Change::put(record("db"), "ready"), Change::enter(applied.clone(), "applied")];
        proxy.cut_next();
        assert_eq!(backend.commit(&lock, changes).await.unwrap(), 1, "{cut:?}: it is no failure");
        assert!(proxy.has_cut(), "{cut:?}");
        let state = direct.load().await.unwrap();
        assert_eq!((state.records.len(), state.ledger), (1, vec![applied]), "{cut:?}");
        assert_eq!(direct.journal(0, 9).await.unwrap().len(), 2, "{cut:?}: each was written once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_step_of_a_move_that_is_lost_is_looked_up() {
    let cluster = Cluster::shared();
    for cut in [Cut::BeforeCommit, Cut::AfterCommit] {
        let (from, to) = (cluster.fresh(), cluster.fresh());
        let filled = backend(from.clone());
        let lock = filled.lock(&claim(&*filled, "test").await).await.unwrap();
        filled.commit(&lock, vec![Change::put(record("a"), "created")]).await.unwrap();
        filled.compact(&lock, 9).await.unwrap();
        filled.unlock(&lock).await.unwrap();
        let before = filled.load().await.unwrap();
        let proxy = Proxy::start(from.port, cut).await;
        let behind = |place: &PostgresPlace| -> Arc<dyn Movable> {
            let place = PostgresPlace { port: proxy.port, ..place.clone() };
            Arc::new(PostgresBackend::to_move(place, stack("shop")))
        };
        let (source, target) = (behind(&from), behind(&to));
        let route = Route { from: String::new(), to: String::new(), source, target };
        let cut_off = async |step: &str| assert!(proxy.has_cut(), "{cut:?} {step}");
        step_by_step(&route, || proxy.cut_next(), cut_off).await;
        assert!(matches!(backend(from).load().await, Err(StateError::Left { .. })));
        let there = backend(to);
        there.verify(Extent::Everything).await.unwrap();
        assert_eq!(there.load().await.unwrap(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_after_a_takeover_is_told_as_what_it_was() {
    let cluster = Cluster::shared();
    let place = cluster.fresh();
    let proxy = Proxy::start(place.port, Cut::BeforeCommit).await;
    let direct = backend(place.clone());
    let backend = backend(PostgresPlace { port: proxy.port, ..place });
    let short = Claim { lease: Duration::ZERO, ..claim(&*backend, "test").await };
    let lost = backend.lock(&short).await.unwrap();
    direct.lock(&claim(&*direct, "test").await).await.unwrap();
    proxy.cut_next();
    let error = backend.commit(&lost, vec![Change::put(record("db"), "created")]).await.unwrap_err();
    assert!(matches!(error, StateError::LockLost { .. }), "{error}");
    assert!(direct.load().await.unwrap().records.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_server_is_outlived_and_loses_nothing() {
    let cluster = Cluster::start();
    let backend = backend(cluster.fresh());
    let lock = Arc::new(backend.lock(&claim(&*backend, "test").await).await.unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    let written = Arc::new(AtomicUsize::new(0));
    for number in 0..40 {
        let (backend, lock, written) = (Arc::clone(&backend), Arc::clone(&lock), Arc::clone(&written));
        tasks.spawn(async move {
            tokio::time::sleep(Duration::from_millis(number * 10)).await;
            let change = vec![Change::put(record(&format!("i{number}")), "created")];
            let told = backend.commit(&lock, change).await.is_ok();
            written.fetch_add(1, Ordering::Relaxed);
            (number, told)
        });
    }
    until("some are written, and others are not", async || written.load(Ordering::Relaxed) >= 10).await;
    let server = tokio::task::spawn_blocking(move || {
        cluster.stop();
        cluster.resume();
        cluster
    });
    let cluster = server.await.unwrap();
    let outcomes = tasks.join_all().await;
    let state = backend.load().await.unwrap();
    for (number, told) in &outcomes {
        let found = state.records.iter().any(|record| record.reference.as_str() == format!("i{number}"));
        assert!(found || !told, "i{number} was told to be written, and is gone");
    }
    assert_eq!(
        backend.journal(0, 999).await.unwrap().len() as u64,
        state.serial,
        "nothing was written twice"
    );
    backend.verify(Extent::Everything).await.unwrap();
    drop(cluster);
}

#[tokio::test(flavor = "multi_thread")]
async fn stacks_share_a_database_without_meeting() {
    let cluster = Cluster::shared();
    let (one, other) = (cluster.fresh(), cluster.fresh());
    let shop = backend(one);
    let blog: Arc<dyn StateBackend> = Arc::new(PostgresBackend::new(other, stack("blog")));
    for backend in [&shop, &blog] {
        let lock = backend.lock(&claim(&**backend, "test").await).await.unwrap();
        backend.commit(&lock, vec![Change::put(record("db"), "created")]).await.unwrap();
    }
    assert_ne!(shop.load().await.unwrap().records, blog.load().await.unwrap().records);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_reached_is_told_with_its_place_and_without_its_password() {
    let cluster = Cluster::shared();
    let nowhere = PostgresPlace { database: "nowhere".to_owned(), ..cluster.fresh() };
    let error = backend(nowhere).load().await.unwrap_err();
    let text = format!("{error} {:?}", std::error::Error::source(&error).map(ToString::to_string));
    assert!(text.contains("postgres://ada@127.0.0.1") && !text.contains("hunter2"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_together_is_written_together() {
    let cluster = Cluster::shared();
    let place = cluster.fresh();
    let backend = backend(place.clone());
    let lock = Arc::new(backend.lock(&claim(&*backend, "test").await).await.unwrap());
    // whoever writes waits for this row: the others gather meanwhile
    let url = format!("postgres://ada:hunter2@127.0.0.1:{}/postgres", place.port);
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let (watching, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let holder: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let before = transactions(&client, &place).await;
    client.batch_execute(&format!("BEGIN; SELECT 1 FROM {}.header FOR UPDATE", place.schema)).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    let begun = Arc::new(AtomicUsize::new(0));
    for number in 0..50 {
        let (backend, lock, begun) = (Arc::clone(&backend), Arc::clone(&lock), Arc::clone(&begun));
        let change = vec![Change::put(record(&format!("i{number}")), "created")];
        tasks.spawn(async move {
            // what is handed in is in the queue when the task waits for the first time
            begun.fetch_add(1, Ordering::Relaxed);
            backend.commit(&lock, change).await.unwrap()
        });
    }
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))";
    until("all are handed in, and the first waits for the row", async || {
        let sessions: i64 = watching.query_one(waiting, &[&holder]).await.unwrap().get(0);
        begun.load(Ordering::Relaxed) == 50 && sessions > 0
    })
    .await;
    client.batch_execute("COMMIT").await.unwrap();
    let serials = tasks.join_all().await;
    assert_eq!(serials.iter().max(), Some(&50));
    let after = transactions(&client, &place).await;
    assert!(after - before <= 6, "50 commits took {} transactions", after - before);
}

/// How many transactions wrote the journal: each row names its own.
async fn transactions(client: &tokio_postgres::Client, place: &PostgresPlace) -> i64 {
    let query = format!("SELECT count(DISTINCT xmin::TEXT) FROM {}.journal", place.schema);
    client.query_one(&query, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_of_a_commit_does_not_grow_with_the_state() {
    // its own server: what others write would be counted too
    let cluster = Cluster::start();
    let place = cluster.fresh();
    let backend = backend(place.clone());
    let lock = backend.lock(&claim(&*backend, "test").await).await.unwrap();
    let url = format!("postgres://ada:hunter2@127.0.0.1:{}/postgres", place.port);
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let written = async || -> i64 {
        let query = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::BIGINT";
        client.query_one(query, &[]).await.unwrap().get(0)
    };
    let mut grown = Vec::new();
    for (from, to) in [(0, 50), (50, 2000)] {
        let fill = (from..to).map(|number| Change::put(record(&format!("i{number:05}")), "created"));
        backend.commit(&lock, fill.collect()).await.unwrap();
        client.batch_execute("VACUUM").await.unwrap();
        client.batch_execute("CHECKPOINT").await.unwrap();
        let before = written().await;
        for _ in 0..30 {
            backend.commit(&lock, vec![Change::put(record("i00007"), "written")]).await.unwrap();
        }
        grown.push(written().await - before);
    }
    assert!(grown[1] <= grown[0] * 2, "{grown:?} bytes of log for thirty commits");
}

#[tokio::test(flavor = "multi_thread")]
async fn s_09_the_database_is_verified_by_authority_and_name() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let cluster = Cluster::start_with(Some((&made.cert.pem(), &made.signing_key.serialize_pem())));
    let folder = tempfile::tempdir().unwrap();
    let authority = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path)
    };
    let (right, wrong) = (authority("right.pem", made.cert.pem()), authority("wrong.pem", other.cert.pem()));
    let at = |host: &str, authority: Option<std::path::PathBuf>| {
        let transport = Transport::Tls { authority };
        backend(PostgresPlace { host: host.to_owned(), transport, ..cluster.fresh() })
    };
    let trusted = at("localhost", right.clone());
    trusted.lock(&claim(&*trusted, "test").await).await.unwrap();
    for refused in [at("localhost", wrong), at("127.0.0.1", right)] {
        let error = refused.load().await.unwrap_err();
        assert!(matches!(error, StateError::Storage { .. }), "{error}");
    }
}
