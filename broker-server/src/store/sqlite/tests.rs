//! The contract, and what is special about a file.

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use rusqlite::Connection;
use sutler_secrets::KeyRing;

use super::SqliteStore;
use crate::store::{BrokerStore, StoreError, Which, contract};

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
async fn sqlite_keeps_the_contract() {
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
    assert!(matches!(refused(&path, ring), StoreError::Newer { found: 99, known: 3 }));
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
