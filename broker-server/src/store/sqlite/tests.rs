//! The contract, and what is special about a file.

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use rusqlite::{Connection, StatementStatus};
use sutler_secrets::KeyRing;
use sutler_spec::InstanceId;

use super::{SqliteStore, operations};
use crate::{
    operation::OperationId,
    store::{BrokerStore, StoreError, Subject, Which, contract},
};

fn ring() -> Arc<KeyRing> {
    Arc::new(KeyRing::generate(Timestamp::now()))
}

fn refused(path: &Path, ring: Arc<KeyRing>) -> StoreError {
    match SqliteStore::open(path, ring) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_does_what_every_store_does() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("broker.db"), ring()).unwrap();
    contract::run(Arc::new(store)).await;
}

#[tokio::test]
async fn the_installation_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let (path, ring) = (folder.path().join("broker.db"), ring());
    let first = SqliteStore::open(&path, ring.clone()).unwrap().installation().to_owned();
    assert_eq!(SqliteStore::open(&path, ring).unwrap().installation(), first);
}

#[test]
fn s_34_other_keys_are_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broker.db");
    drop(SqliteStore::open(&path, ring()).unwrap());
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(refused(&path, ring()), StoreError::WrongKeys(_)));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_store_has_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let (path, ring) = (folder.path().join("broker.db"), ring());
    let store = SqliteStore::open(&path, ring.clone()).unwrap();
    assert!(matches!(refused(&path, ring.clone()), StoreError::InUse { .. }));
    drop(store);
    assert!(SqliteStore::open(&path, ring).is_ok());
}

#[test]
fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, ring) = (folder.path().join("broker.db"), ring());
    drop(SqliteStore::open(&path, ring.clone()).unwrap());
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    assert!(matches!(refused(&path, ring), StoreError::Newer { found: 99, known: 7 }));
}

#[test]
fn the_file_is_private_and_fully_durable() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broker.db");
    let store = SqliteStore::open(&path, ring()).unwrap();
    for name in ["broker.db", "broker.db-wal", "broker.db-shm", "broker.db.lock"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    drop(store);
    let mode: String =
        Connection::open(&path).unwrap().query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[tokio::test]
async fn events_are_append_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broker.db");
    let store = SqliteStore::open(&path, ring()).unwrap();
    contract::run(Arc::new(store)).await;
    let connection = Connection::open(&path).unwrap();
    let count: i64 = connection.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
    assert!(count > 10);
    assert!(connection.execute("DELETE FROM events", []).is_err());
    assert!(connection.execute("UPDATE events SET kind = 'x'", []).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn b23_keys_are_exchanged_row_by_row() {
    let folder = tempfile::tempdir().unwrap();
    let (path, keys) = (folder.path().join("broker.db"), folder.path().join("broker.keys"));
    contract::run_rotation(&keys, |ring| {
        Ok(Arc::new(SqliteStore::open(&path, ring)?) as Arc<dyn BrokerStore>)
    })
    .await;
    let ring = KeyRing::load(&keys).unwrap();
    let in_use = super::keys_in_use(&path).unwrap();
    assert_eq!(in_use.keys().collect::<Vec<_>>(), [&ring.current().to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s_32_what_is_sealed_in_one_place_opens_in_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broker.db");
    let store = SqliteStore::open(&path, ring()).unwrap();
    let connection = Connection::open(&path).unwrap();
    let execute = async |sql: String| connection.execute_batch(&sql).unwrap();
    assert_eq!(contract::run_moving(&store, execute).await, 20 * 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn s_35_keys_are_not_exchanged_when_something_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let (path, keys) = (folder.path().join("broker.db"), folder.path().join("broker.keys"));
    let old = KeyRing::create(&keys, Timestamp::now()).unwrap().current().to_string();
    let store = SqliteStore::open(&path, Arc::new(KeyRing::load(&keys).unwrap())).unwrap();
    for name in ["kept-1", "kept-2", "kept-3"] {
        contract::begun(&store, name).await;
    }
    let damage = "UPDATE instances SET record = (SELECT parameters FROM instances WHERE id = 'kept-1')
                  WHERE id = 'kept-3'";
    Connection::open(&path).unwrap().execute_batch(damage).unwrap();
    let mut ring = KeyRing::load(&keys).unwrap();
    ring.rotate(Timestamp::now());
    store.replace_keys(Arc::new(ring)).await.unwrap();
    let refused = loop {
        match store.reseal(1).await {
            Ok(step) => assert!(!step.is_done && step.rows == 0, "nothing is begun: {step:?}"),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, StoreError::Unseal { .. }), "{refused:?}");
    let in_use = super::keys_in_use(&path).unwrap();
    assert_eq!(in_use.keys().collect::<Vec<_>>(), [&old], "every value is as it was");
}

#[tokio::test]
async fn what_is_written_is_written_with_the_settings_that_durability_and_secrecy_need() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("broker.db"), ring()).unwrap();
    for (setting, expected) in
        [("synchronous", 2), ("foreign_keys", 1), ("secure_delete", 1), ("busy_timeout", 5_000)]
    {
        let read = move |connection: &Connection| {
            let sql = format!("PRAGMA {setting}");
            connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).map_err(StoreError::read)
        };
        assert_eq!(store.writer.write(read).await.unwrap(), expected, "{setting}");
    }
    contract::begun(&store, "owner").await;
    let orphan = |connection: &Connection| {
        let sql = "INSERT INTO bindings (instance, id, state, digest, parameters, created_at, updated_at)
                   VALUES ('nobody', 'b', 'ready', x'00', x'00', 0, 0)";
        connection.execute(sql, []).map(|_| ()).map_err(StoreError::write)
    };
    assert!(matches!(store.writer.write(orphan).await, Err(StoreError::Write(_))), "no binding of nothing");
}

/// Does this to a store with a chain of some events, past all triggers, and says what verifying finds.
async fn tampered(how: &str) -> crate::store::AuditReport {
    let folder = tempfile::tempdir().unwrap();
    let (path, ring) = (folder.path().join("broker.db"), ring());
    let store = SqliteStore::open(&path, ring.clone()).unwrap();
    for number in 0..3 {
        contract::provision_at_once(&store, &format!("told-{number}")).await;
    }
    drop(store);
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "DROP TRIGGER events_are_never_changed; DROP TRIGGER events_are_never_deleted;
             DROP TRIGGER audit_chain_is_never_changed; DROP TRIGGER audit_chain_is_never_cut;",
        )
        .unwrap();
    connection.execute_batch(how).unwrap();
    drop(connection);
    super::verify_audit(&path, &ring).unwrap()
}

#[tokio::test]
async fn s_63_a_chain_that_somebody_touched_is_broken_where_they_did() {
    use crate::store::AuditBreak;
    let whole = tampered("SELECT 1").await;
    assert_eq!((whole.rows, &whole.broken), (6, &None));
    let (position, event) = (3, 3);
    for (how, broken) in [
        ("DELETE FROM events WHERE sequence = 3", AuditBreak::EventMissing { position, event }),
        ("UPDATE events SET credential = 'somebody' WHERE sequence = 3", AuditBreak::Changed { position, event }),
        ("UPDATE events SET detail = NULL WHERE sequence = 3", AuditBreak::Changed { position, event }),
        ("UPDATE audit_chain SET digest = zeroblob(32) WHERE position = 3", AuditBreak::Changed { position, event }),
        ("DELETE FROM audit_chain WHERE position = 3", AuditBreak::LinkMissing { position }),
        (
            "UPDATE events SET sequence = -1 WHERE sequence = 3; UPDATE events SET sequence = 3 WHERE sequence = 4;
             UPDATE events SET sequence = 4 WHERE sequence = -1",
            AuditBreak::Changed { position, event },
        ),
        (
            "DELETE FROM events WHERE sequence > 5; DELETE FROM audit_chain WHERE position > 5",
            AuditBreak::LinkMissing { position: 6 },
        ),
        ("DELETE FROM meta WHERE name = 'audit_head'", AuditBreak::Head),
        ("UPDATE meta SET value = substr(value, 1, 79) || x'00' WHERE name = 'audit_head'", AuditBreak::Head),
        (
            "INSERT INTO events (at, kind, instance) VALUES (1, 'provision.accepted', 'never')",
            AuditBreak::Unchained { count: 1 },
        ),
    ] {
        assert_eq!(tampered(how).await.broken, Some(broken), "{how}");
    }
}

#[tokio::test]
async fn i_41_a_change_that_cannot_be_audited_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broker.db");
    let store = SqliteStore::open(&path, ring()).unwrap();
    Connection::open(&path).unwrap().execute_batch("DROP TABLE audit_chain").unwrap();
    let begin = contract::creation("unaudited");
    assert!(matches!(store.begin(begin).await, Err(StoreError::Write(_))));
    assert_eq!(store.instance(&contract::id("unaudited")).await.unwrap(), None);
}

#[tokio::test]
async fn the_chain_is_verified_while_the_store_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let (path, ring) = (folder.path().join("broker.db"), ring());
    let store = SqliteStore::open(&path, ring.clone()).unwrap();
    for rows in [2, 4, 6] {
        contract::provision_at_once(&store, &format!("told-{rows}")).await;
        let report = super::verify_audit(&path, &ring).unwrap();
        assert_eq!((report.rows, report.broken), (rows, None));
    }
}

#[tokio::test]
async fn a_store_is_read_beside_its_process_and_never_written_there() {
    let folder = tempfile::tempdir().unwrap();
    let (path, ring) = (folder.path().join("broker.db"), ring());
    assert!(matches!(SqliteStore::open_beside(&path, ring.clone()), Err(StoreError::Open { .. })));
    assert!(!path.exists(), "looking makes nothing");
    let store = Arc::new(SqliteStore::open(&path, ring.clone()).unwrap());
    contract::run(store.clone()).await;
    let beside = SqliteStore::open_beside(&path, ring).unwrap();
    assert_eq!(beside.installation(), store.installation());
    let ids = beside.instances(Which::Present, None, 1_000).await.unwrap();
    assert!(!ids.is_empty());
    assert_eq!(beside.instance(&ids[0]).await.unwrap(), store.instance(&ids[0]).await.unwrap());
    assert!(matches!(beside.take_over().await, Err(StoreError::Closed)));
    assert!(matches!(SqliteStore::open_beside(&path, self::ring()), Err(StoreError::WrongKeys(_))));
}

/// One that is prepared anew for each value costs several times what it reads.
#[test]
fn a_poll_prepares_its_statement_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broker.db");
    drop(SqliteStore::open(&path, ring()).unwrap());
    let connection = super::schema::open_for_reading(&path).unwrap();
    let status = |instance: &str, named: Option<&OperationId>| {
        let subject = Subject::Instance(InstanceId::new(instance).unwrap());
        assert_eq!(operations::status(&connection, &subject, named, 0).unwrap(), None);
        assert_eq!(operations::active(&connection, subject.instance(), 0).unwrap(), None);
    };
    for instance in ["one", "two", "three"] {
        status(instance, None);
        status(instance, Some(&OperationId::new()));
    }
    for sql in [operations::NAMED, operations::LAST, operations::ACTIVE] {
        let statement = connection.prepare_cached(sql).unwrap();
        assert!(statement.get_status(StatementStatus::Run) >= 3, "{sql}");
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{sql}");
    }
}
