//! The contract, and what is special about a server: it restarts, it is reached over a network, and others use it, too.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use sutler_secrets::KeyRing;
use sutler_spec::OperationState;

use super::PostgresStore;
use crate::{
    config::PostgresAddress,
    instance::{Instance, InstanceState},
    store::{
        Amended, Begun, BrokerStore, StoreError,
        contract::{self, creation, event, finish, id},
    },
    testing::{
        postgres::Cluster,
        proxy::{Cut, Fate, Place, Proxy},
    },
};

fn ring() -> Arc<KeyRing> {
    Arc::new(KeyRing::generate(Timestamp::now()))
}

fn open(address: &PostgresAddress, ring: &Arc<KeyRing>) -> PostgresStore {
    PostgresStore::open(address, ring.clone()).unwrap()
}

fn through(proxy: &Proxy, address: &PostgresAddress) -> PostgresAddress {
    PostgresAddress { port: proxy.port(), connections: 2, ..address.clone() }
}

/// What a query of one number gives, past the store.
async fn count(cluster: &Cluster, address: &PostgresAddress, sql: &str) -> i64 {
    let url = format!("{} password={}", dsn(cluster, address), cluster.password());
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    let task = tokio::spawn(connection);
    let count = client.query_one(sql, &[]).await.unwrap().get(0);
    drop(client);
    task.await.unwrap().unwrap();
    count
}

fn dsn(cluster: &Cluster, address: &PostgresAddress) -> String {
    let schema = &address.schema;
    format!(
        "host=127.0.0.1 port={} user=broker dbname=postgres options='-c search_path={schema}'",
        cluster.port()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_does_what_every_store_does() {
    let cluster = Cluster::shared().unwrap();
    contract::run(Arc::new(open(&cluster.fresh(), &ring()))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_keep_the_contract() {
    let cluster = Cluster::shared().unwrap();
    let (address, ring) = (cluster.fresh(), ring());
    let handles = (0..3).map(|_| Arc::new(open(&address, &ring)) as Arc<dyn BrokerStore>).collect();
    contract::run_shared(handles).await;
}

#[test]
fn b22_of_processes_that_migrate_at_once_one_does_and_all_find_one_installation() {
    let cluster = Cluster::shared().unwrap();
    let (address, ring) = (cluster.fresh(), ring());
    let installations: Vec<String> = std::thread::scope(|scope| {
        let open = || open(&address, &ring).installation().to_owned();
        let opening: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
        opening.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(installations.iter().all(|installation| *installation == installations[0]), "{installations:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s_34_other_keys_are_refused_and_nothing_is_written() {
    let cluster = Cluster::shared().unwrap();
    let (address, ring_of_store) = (cluster.fresh(), ring());
    drop(open(&address, &ring_of_store));
    let refused = PostgresStore::open(&address, ring()).err().unwrap();
    assert!(matches!(refused, StoreError::WrongKeys(_)), "{refused:?}");
    assert_eq!(count(&cluster, &address, "SELECT count(*) FROM meta").await, 3);
    drop(open(&address, &ring_of_store));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused_unless_it_says_that_we_may() {
    let cluster = Cluster::shared().unwrap();
    let (address, ring) = (cluster.fresh(), ring());
    drop(open(&address, &ring));
    let newer =
        "WITH newer AS (INSERT INTO schema_versions (version, oldest) VALUES (98, 1) RETURNING version)
                 SELECT version FROM newer";
    count(&cluster, &address, newer).await;
    drop(open(&address, &ring));
    count(&cluster, &address, &newer.replace("(98, 1)", "(99, 99)")).await;
    let refused = PostgresStore::open(&address, ring).err().unwrap();
    assert!(matches!(refused, StoreError::Newer { found: 99, .. }), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn f07_a_commit_without_an_answer_is_told_as_what_it_was() {
    let cluster = Cluster::shared().unwrap();
    let proxy = Proxy::before(cluster.port()).await.unwrap();
    let address = cluster.fresh();
    let store = open(&through(&proxy, &address), &ring());
    for (round, cut) in [Cut::AFTER_COMMIT, Cut::BEFORE_COMMIT].into_iter().enumerate() {
        let name = format!("cut-{round}");
        let begin = creation(&name);
        let (lease, operation) = (begin.lease.clone(), begin.operation.clone());
        proxy.cut(cut);
        assert_eq!(store.begin(begin).await.unwrap(), Begun::Accepted, "{cut:?}");
        proxy.cut(cut);
        finish(&store, &lease, operation.clone(), InstanceState::Ready).await;
        let ended = store.operation(&operation.id).await.unwrap().unwrap();
        assert_eq!(ended.state, OperationState::Succeeded);
        let row = store.instance(&id(&name)).await.unwrap().unwrap();
        assert_eq!(row.revision, 2, "written once: {cut:?}");
        proxy.cut(cut);
        assert_eq!(store.amend(row.clone(), event(&name)).await.unwrap(), Amended::Written, "{cut:?}");
        assert_eq!(store.instance(&id(&name)).await.unwrap(), Some(Instance { revision: 3, ..row }));
        proxy.cut(cut);
        store.check().await.unwrap();
    }
    assert_eq!(proxy.cuts(), 8);
    assert_eq!(count(&cluster, &address, "SELECT count(*) FROM events").await, 6, "each told once (I-40)");
}

#[tokio::test(flavor = "multi_thread")]
async fn f07_a_claim_whose_commit_was_not_answered_is_had() {
    let cluster = Cluster::shared().unwrap();
    let proxy = Proxy::before(cluster.port()).await.unwrap();
    let store = open(&through(&proxy, &cluster.fresh()), &ring());
    let begin = crate::store::Begin { hold: Duration::ZERO, ..creation("claimed") };
    let wanted = begin.operation.id.clone();
    assert_eq!(store.begin(begin).await.unwrap(), Begun::Accepted);
    proxy.cut(Cut::AFTER_COMMIT);
    let claimed = store.claim(Duration::from_secs(60), 10).await.unwrap();
    assert_eq!(
        claimed.into_iter().map(|(lease, _)| (lease.operation, lease.fence)).collect::<Vec<_>>(),
        [(wanted, 2)]
    );
    assert_eq!(proxy.cuts(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn f07_a_connection_may_be_lost_at_every_message() {
    let cluster = Cluster::shared().unwrap();
    let proxy = Proxy::before(cluster.port()).await.unwrap();
    let address = cluster.fresh();
    let store = open(&through(&proxy, &address), &ring());
    let mut lives = 0;
    for cut in [Cut::before as fn(u64) -> Cut, Cut::after] {
        for message in 1.. {
            let name = format!("life-{lives}");
            lives += 1;
            proxy.cut(cut(message));
            let begin = creation(&name);
            let (lease, operation) = (begin.lease.clone(), begin.operation.clone());
            assert_eq!(store.begin(begin).await.unwrap(), Begun::Accepted, "{message}");
            finish(&store, &lease, operation.clone(), InstanceState::Ready).await;
            let row = store.instance(&id(&name)).await.unwrap().unwrap();
            assert_eq!((row.state, row.revision), (InstanceState::Ready, 2), "{message}");
            if proxy.mend() {
                break;
            }
        }
    }
    assert!(lives > 40, "so few messages? {lives}");
    let told = count(&cluster, &address, "SELECT count(*) FROM events").await;
    assert_eq!(told, i64::from(lives) * 2, "each told once (I-40)");
}

#[tokio::test(flavor = "multi_thread")]
async fn f10_whatever_becomes_of_a_message_what_it_was_part_of_is_done_once() {
    let cluster = Cluster::shared().unwrap();
    let proxy = Proxy::before(cluster.port()).await.unwrap();
    let address = cluster.fresh();
    let store = open(&through(&proxy, &address), &ring());
    let moment = Duration::from_millis(30);
    let fates = [
        Fate::Halved,
        Fate::Reset,
        Fate::Truncated(3),
        Fate::Late(moment),
        Fate::LateAnswer(moment),
        Fate::HalfClosed,
    ];
    let mut lives = 0;
    for fate in fates {
        for at in
            [Place::Message(1), Place::Message(4), Place::Message(9), Place::Commit(1), Place::Commit(2)]
        {
            let name = format!("fate-{lives}");
            lives += 1;
            proxy.cut(Cut { at, fate });
            let begin = creation(&name);
            let (lease, operation) = (begin.lease.clone(), begin.operation.clone());
            assert_eq!(store.begin(begin).await.unwrap(), Begun::Accepted, "{fate:?} {at:?}");
            finish(&store, &lease, operation, InstanceState::Ready).await;
            assert!(!proxy.mend(), "{fate:?} {at:?} did not come to pass");
            let row = store.instance(&id(&name)).await.unwrap().unwrap();
            assert_eq!((row.state, row.revision), (InstanceState::Ready, 2), "{fate:?} {at:?}");
        }
    }
    let told = count(&cluster, &address, "SELECT count(*) FROM events").await;
    assert_eq!(told, lives * 2, "each told once (I-40)");
}

#[tokio::test(flavor = "multi_thread")]
async fn f07_a_server_that_crashes_under_traffic_loses_nothing_that_was_accepted() {
    let cluster = Arc::new(Cluster::start().unwrap());
    let store = Arc::new(open(&cluster.fresh(), &ring()));
    let lives = Arc::new(AtomicUsize::new(0));
    let mut writers = Vec::new();
    for writer in 0..8 {
        let (store, lives) = (store.clone(), lives.clone());
        writers.push(tokio::spawn(async move {
            for number in 0..20 {
                let begin = creation(&format!("crash-{writer}-{number}"));
                let (lease, operation) = (begin.lease.clone(), begin.operation.clone());
                assert_eq!(store.begin(begin).await.unwrap(), Begun::Accepted, "nobody else wants it");
                finish(store.as_ref(), &lease, operation, InstanceState::Ready).await;
                lives.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    for crashed_at in [20, 60, 100] {
        while lives.load(Ordering::Relaxed) < crashed_at {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let cluster = cluster.clone();
        let crash = move || cluster.stop().and_then(|()| cluster.resume());
        tokio::task::spawn_blocking(crash).await.unwrap().unwrap();
    }
    for writer in writers {
        writer.await.unwrap();
    }
    for (writer, number) in (0..8).flat_map(|writer| (0..20).map(move |number| (writer, number))) {
        let row = store.instance(&id(&format!("crash-{writer}-{number}"))).await.unwrap().unwrap();
        assert_eq!((row.state, row.revision), (InstanceState::Ready, 2), "{writer}-{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f10_the_server_lets_go_of_a_process_whose_machine_is_gone() {
    let cluster = Cluster::shared().unwrap();
    let pool = super::pool::pool(&cluster.fresh()).unwrap();
    let client = pool.get().await.unwrap();
    for (setting, limit) in [
        ("tcp_keepalives_idle", "10"),
        ("tcp_keepalives_interval", "2"),
        ("tcp_keepalives_count", "3"),
        ("idle_in_transaction_session_timeout", "5s"),
        ("statement_timeout", "10s"),
    ] {
        let found: String = client.query_one(&format!("SHOW {setting}"), &[]).await.unwrap().get(0);
        assert_eq!(found, limit, "{setting}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_an_error_that_says_which() {
    let cluster = Cluster::shared().unwrap();
    let address = PostgresAddress { port: 1, ..cluster.fresh() };
    let before = Instant::now();
    let refused = tokio::task::spawn_blocking(move || PostgresStore::open(&address, ring()).err().unwrap());
    let refused = refused.await.unwrap();
    assert!(
        matches!(&refused, StoreError::Open { store, .. } if store.contains("127.0.0.1:1/")),
        "{refused:?}"
    );
    assert!(before.elapsed() < Duration::from_secs(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_append_only() {
    let cluster = Cluster::shared().unwrap();
    let address = cluster.fresh();
    let store = open(&address, &ring());
    contract::begun(&store, "told").await;
    let url = format!("{} password={}", dsn(&cluster, &address), cluster.password());
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    let task = tokio::spawn(connection);
    for forbidden in ["DELETE FROM events", "UPDATE events SET kind = 'x'", "TRUNCATE events"] {
        let refused = client.batch_execute(forbidden).await.unwrap_err();
        assert_eq!(refused.as_db_error().unwrap().message(), "events are append-only", "{forbidden}");
    }
    drop(client);
    task.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn b23_keys_are_exchanged_row_by_row() {
    let cluster = Cluster::shared().unwrap();
    let (address, folder) = (cluster.fresh(), tempfile::tempdir().unwrap());
    let keys = folder.path().join("broker.keys");
    contract::run_rotation(&keys, |ring| {
        Ok(Arc::new(PostgresStore::open(&address, ring)?) as Arc<dyn BrokerStore>)
    })
    .await;
    let ring = KeyRing::load(&keys).unwrap();
    let current = ring.current().to_string();
    let in_use = super::keys_in_use(&address, Arc::new(ring)).unwrap();
    assert_eq!(in_use.into_keys().collect::<Vec<_>>(), [current]);
}

/// A connection past the store, with its task.
async fn beside(
    cluster: &Cluster,
    address: &PostgresAddress,
) -> (tokio_postgres::Client, tokio::task::JoinHandle<Result<(), tokio_postgres::Error>>) {
    let url = format!("{} password={}", dsn(cluster, address), cluster.password());
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    (client, tokio::spawn(connection))
}

#[tokio::test(flavor = "multi_thread")]
async fn s_32_what_is_sealed_in_one_place_opens_in_no_other() {
    let cluster = Cluster::shared().unwrap();
    let address = cluster.fresh();
    let store = open(&address, &ring());
    let (client, _connection) = beside(&cluster, &address).await;
    let execute = async |sql: String| client.batch_execute(&sql).await.unwrap();
    assert_eq!(contract::run_moving(&store, execute).await, 20 * 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn s_63_the_newest_event_is_missed_before_it_is_chained() {
    let cluster = Cluster::shared().unwrap();
    let (address, ring) = (cluster.fresh(), ring());
    let store = open(&address, &ring);
    contract::provision_at_once(&store, "chained").await;
    assert_eq!(store.chain_events(10).await.unwrap(), 2);
    contract::provision_at_once(&store, "waiting").await;
    let verify = || super::verify_audit(&address, ring.clone()).unwrap();
    let whole = verify();
    assert_eq!((whole.rows, whole.waiting, &whole.broken), (2, 2, &None));
    let (client, _connection) = beside(&cluster, &address).await;
    client.batch_execute("ALTER TABLE events DISABLE TRIGGER USER").await.unwrap();
    for (done, undone) in [
        (
            "CREATE TABLE taken AS SELECT * FROM events WHERE sequence = 4; DELETE FROM events WHERE sequence = 4",
            "INSERT INTO events OVERRIDING SYSTEM VALUE SELECT * FROM taken",
        ),
        (
            "UPDATE events SET credential = 'x' || credential WHERE sequence = 3",
            "UPDATE events SET credential = substr(credential, 2) WHERE sequence = 3",
        ),
        (
            "CREATE TABLE strands AS SELECT * FROM audit_strands; UPDATE audit_strands SET told = 0, first = 0, second = 0",
            "DELETE FROM audit_strands; INSERT INTO audit_strands SELECT * FROM strands",
        ),
    ] {
        client.batch_execute(done).await.unwrap();
        let broken = verify().broken;
        assert!(matches!(broken, Some(crate::store::AuditBreak::Unlike { .. })), "{done}: {broken:?}");
        client.batch_execute(undone).await.unwrap();
        assert_eq!(verify(), whole, "{undone}");
    }
    while store.chain_events(10).await.unwrap() > 0 {}
    assert_eq!(verify().rows, 4, "what waited is chained as it was told");
}

#[tokio::test(flavor = "multi_thread")]
async fn i_41_what_cannot_be_counted_is_not_done() {
    let cluster = Cluster::shared().unwrap();
    let address = cluster.fresh();
    let store = open(&address, &ring());
    let (client, _connection) = beside(&cluster, &address).await;
    client.batch_execute("DELETE FROM audit_strands").await.unwrap();
    let refused = store.begin(creation("uncounted")).await;
    assert!(matches!(refused, Err(StoreError::Damaged { column: "audit_strands.strand" })), "{refused:?}");
    assert_eq!(store.instance(&id("uncounted")).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn s_63_replicas_chain_what_was_told_and_notice_who_touches_it() {
    let cluster = Cluster::shared().unwrap();
    let (address, ring) = (cluster.fresh(), ring());
    let stores: Vec<_> = (0..2).map(|_| Arc::new(open(&address, &ring))).collect();
    let mut tasks = Vec::new();
    for (number, store) in stores.iter().chain(&stores).cloned().enumerate() {
        tasks.push(tokio::spawn(async move {
            for round in 0..5 {
                contract::provision_at_once(store.as_ref(), &format!("told-{number}-{round}")).await;
                store.chain_events(3).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    while stores[0].chain_events(7).await.unwrap() > 0 {}
    let verify = || super::verify_audit(&address, ring.clone()).unwrap();
    let whole = verify();
    assert_eq!((whole.rows, whole.waiting, &whole.broken), (40, 0, &None));
    let touch = |how: &str| format!("WITH done AS ({how} RETURNING 1) SELECT count(*) FROM done");
    let url = format!("{} password={}", dsn(&cluster, &address), cluster.password());
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    let task = tokio::spawn(connection);
    client
        .batch_execute(
            "ALTER TABLE events DISABLE TRIGGER USER; ALTER TABLE audit_chain DISABLE TRIGGER USER",
        )
        .await
        .unwrap();
    drop(client);
    task.await.unwrap().unwrap();
    count(&cluster, &address, &touch("UPDATE events SET kind = 'x' || kind WHERE sequence = 9")).await;
    assert!(matches!(verify().broken, Some(crate::store::AuditBreak::Changed { event: 9, .. })));
    count(&cluster, &address, &touch("UPDATE events SET kind = substr(kind, 2) WHERE sequence = 9")).await;
    assert_eq!(verify(), whole);
    count(&cluster, &address, &touch("DELETE FROM audit_chain WHERE position > 38")).await;
    assert_eq!(verify().broken, Some(crate::store::AuditBreak::LinkMissing { position: 39 }));
}

/// Accepts and ends so many provisions at once.
async fn provision_all(store: &Arc<PostgresStore>, names: &[String]) {
    let lives: Vec<_> = names
        .iter()
        .map(|name| {
            let (store, begin) = (store.clone(), creation(name));
            tokio::spawn(async move {
                let (lease, operation) = (begin.lease.clone(), begin.operation.clone());
                assert_eq!(store.begin(begin).await.unwrap(), Begun::Accepted);
                finish(store.as_ref(), &lease, operation, InstanceState::Ready).await;
            })
        })
        .collect();
    for life in lives {
        life.await.unwrap();
    }
    for name in names {
        let row = store.instance(&id(name)).await.unwrap().unwrap();
        assert_eq!((row.state, row.revision), (InstanceState::Ready, 2), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_come_at_once_share_commits_and_nobody_shares_a_verdict() {
    let cluster = Cluster::shared().unwrap();
    let address = cluster.fresh();
    let store = Arc::new(open(&address, &ring()));
    let names: Vec<String> = (0..64).map(|number| format!("grouped-{number}")).collect();
    provision_all(&store, &names).await;
    let counted = store.statistics();
    assert!(counted.writes >= 128 && counted.commits * 2 < counted.writes, "{counted:?}");

    // among those that do what they should: who lost its lease, who comes second, whom the database refuses
    let (lost, operation) = contract::begun(store.as_ref(), "lost").await;
    let stolen = crate::operation::Lease { owner: "somebody else".to_owned(), ..lost.clone() };
    let mut writers = Vec::new();
    for number in 0..60 {
        let (store, stolen, operation) = (store.clone(), stolen.clone(), operation.clone());
        writers.push(tokio::spawn(async move {
            if number % 6 == 0 {
                let rows = crate::store::Rows::default();
                let hold = crate::store::Hold::Park(Duration::ZERO);
                let save =
                    crate::store::Save { lease: stolen, operation, hold, rows, event: Some(event("lost")) };
                let refused = store.save(save).await;
                assert!(matches!(refused, Err(StoreError::LeaseLost)), "{refused:?}");
                return 0;
            }
            let begin = match number % 6 {
                1 => creation("wanted by many"),
                2 => crate::store::Begin { decided_on: Some(7), ..creation("grouped-1") },
                _ => creation(&format!("plain-{number}")),
            };
            let is_plain = number % 6 > 2;
            let begun = store.begin(begin).await.unwrap();
            assert!(!is_plain || begun == Begun::Accepted, "{number}");
            assert!(number % 6 != 2 || begun == Begun::Moved, "it has another revision");
            u32::from(number % 6 == 1 && begun == Begun::Accepted)
        }));
    }
    let mut first = 0;
    for writer in writers {
        first += writer.await.unwrap();
    }
    assert_eq!(first, 1, "one of those who wanted the same");
    let told = count(&cluster, &address, "SELECT count(*) FROM events").await;
    assert_eq!(told, 128 + 1 + 30 + 1, "who was refused told nothing");
    let still = store.operation(&operation.id).await.unwrap().unwrap();
    assert_eq!(still.intent, operation.intent, "who lost its lease wrote nothing");
    finish(store.as_ref(), &lost, operation, InstanceState::Ready).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f07_a_group_whose_connection_is_lost_at_any_message_is_decided_one_by_one() {
    let cluster = Cluster::shared().unwrap();
    let proxy = Proxy::before(cluster.port()).await.unwrap();
    let address = cluster.fresh();
    let through = PostgresAddress { connections: 6, ..through(&proxy, &address) };
    let store = Arc::new(open(&through, &ring()));
    let mut rounds = 0;
    let mut round = async |cut: Cut| {
        let names: Vec<String> = (0..8).map(|number| format!("lost-{rounds}-{number}")).collect();
        rounds += 1;
        proxy.cut(cut);
        provision_all(&store, &names).await;
        proxy.mend();
    };
    for message in (1..60).step_by(3) {
        round(Cut::before(message)).await;
        round(Cut::after(message + 1)).await;
    }
    for _ in 0..5 {
        round(Cut::BEFORE_COMMIT).await;
        round(Cut::AFTER_COMMIT).await;
    }
    assert!(proxy.cuts() >= 40, "{}", proxy.cuts());
    let told = count(&cluster, &address, "SELECT count(*) FROM events").await;
    assert_eq!(told, rounds * 8 * 2, "each told once (I-40)");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_to_wait_for_a_lock_keeps_nobody_else() {
    let cluster = Cluster::shared().unwrap();
    let address = cluster.fresh();
    let store = Arc::new(open(&address, &ring()));
    contract::provision_at_once(store.as_ref(), "locked").await;
    let (client, _connection) = beside(&cluster, &address).await;
    client.batch_execute("BEGIN; SELECT 1 FROM instances WHERE id = 'locked' FOR UPDATE").await.unwrap();
    let update = crate::store::Begin {
        decided_on: Some(2),
        rows: crate::store::Rows::default(),
        ..creation("locked")
    };
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.begin(update).await.unwrap() }
    });
    let names: Vec<String> = (0..40).map(|number| format!("unhindered-{number}")).collect();
    provision_all(&store, &names).await;
    assert!(!waiting.is_finished(), "it waits for the lock, alone");
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(waiting.await.unwrap(), Begun::Accepted);
}
