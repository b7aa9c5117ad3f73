//! The suite, against each implementation.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Harm, Storage};
use crate::config::{BucketPlace, PostgresPlace};
use crate::name::StackName;
use crate::state::postgres::tests::{self as postgres_tests, Cluster};
use crate::state::s3::tests::{self as s3_tests, Server, Tamper};
use crate::state::samples::stack;
use crate::state::{MemoryBackend, Movable, PostgresBackend, SqliteBackend, StateBackend};

#[async_trait]
impl Storage for MemoryBackend {
    fn open(&self) -> Arc<dyn StateBackend> {
        Arc::new(self.clone())
    }

    fn open_as(&self, _: StackName) -> Arc<dyn StateBackend> {
        unreachable!("memory belongs to one process and one stack")
    }

    fn open_to_move(&self) -> Arc<dyn Movable> {
        unreachable!("memory stays where it is")
    }

    async fn harm(&self, harm: Harm) {
        unreachable!("nobody can do {harm:?} to the memory of a process")
    }
}

mod memory {
    async fn new() -> crate::state::MemoryBackend {
        crate::state::MemoryBackend::new(super::stack("shop"))
    }

    contract! { new }
}

struct File(tempfile::TempDir);

impl File {
    fn path(&self) -> std::path::PathBuf {
        self.0.path().join(".sutler/state.db")
    }
}

#[async_trait]
impl Storage for File {
    fn open(&self) -> Arc<dyn StateBackend> {
        self.open_as(stack("shop"))
    }

    fn open_as(&self, stack: StackName) -> Arc<dyn StateBackend> {
        Arc::new(SqliteBackend::new(self.path(), stack))
    }

    fn open_to_move(&self) -> Arc<dyn Movable> {
        Arc::new(SqliteBackend::to_move(self.path(), stack("shop")))
    }

    async fn harm(&self, harm: Harm) {
        let statement = match harm {
            Harm::ChangedRecord => {
                "UPDATE record SET body = replace(body, 'shop-a', 'shop-x') WHERE reference = 'a'"
            }
            Harm::MissingRecord => "DELETE FROM record WHERE reference = 'b'",
            Harm::CutJournal => "DELETE FROM journal WHERE sequence = 5",
            Harm::ChangedEntry => "UPDATE journal SET transitions = '[]' WHERE sequence = 2",
            Harm::ChangedRevision => "UPDATE chunk SET body = replace(body, 'shop-b', 'shop-x')",
            Harm::OtherLineage => "UPDATE header SET lineage = '6f1c1e0a-0000-4000-8000-000000000000'",
            Harm::NewerFormat => "PRAGMA user_version = 99",
            Harm::OlderSerial => "UPDATE header SET serial = serial - 1",
        };
        rusqlite::Connection::open(self.path()).unwrap().execute_batch(statement).unwrap();
    }
}

mod sqlite {
    async fn new() -> super::File {
        super::File(tempfile::tempdir().unwrap())
    }

    contract! { stored new }
}

struct Database {
    /// Lives as long as the test.
    _cluster: Arc<Cluster>,
    place: PostgresPlace,
}

#[async_trait]
impl Storage for Database {
    fn open(&self) -> Arc<dyn StateBackend> {
        self.open_as(stack("shop"))
    }

    fn open_as(&self, stack: StackName) -> Arc<dyn StateBackend> {
        Arc::new(PostgresBackend::new(self.place.clone(), stack))
    }

    fn open_to_move(&self) -> Arc<dyn Movable> {
        Arc::new(PostgresBackend::to_move(self.place.clone(), stack("shop")))
    }

    async fn harm(&self, harm: Harm) {
        let statement = match harm {
            Harm::ChangedRecord => {
                "UPDATE record SET body = replace(body, 'shop-a', 'shop-x') WHERE reference = 'a'"
            }
            Harm::MissingRecord => "DELETE FROM record WHERE reference = 'b'",
            Harm::CutJournal => "DELETE FROM journal WHERE sequence = 5",
            Harm::ChangedEntry => "UPDATE journal SET transitions = '[]' WHERE sequence = 2",
            Harm::ChangedRevision => "UPDATE chunk SET body = replace(body, 'shop-b', 'shop-x')",
            Harm::OtherLineage => "UPDATE header SET lineage = '6f1c1e0a-0000-4000-8000-000000000000'",
            Harm::NewerFormat => "UPDATE header SET format = 99",
            Harm::OlderSerial => "UPDATE header SET serial = serial - 1",
        };
        postgres_tests::sql(&self.place, statement).await;
    }
}

mod postgres {
    async fn new() -> super::Database {
        let cluster = super::Cluster::shared();
        let place = cluster.fresh();
        super::Database { _cluster: cluster, place }
    }

    contract! { stored new }
}

struct Bucket {
    /// Lives as long as the test.
    _server: Arc<Server>,
    place: BucketPlace,
}

#[async_trait]
impl Storage for Bucket {
    fn open(&self) -> Arc<dyn StateBackend> {
        self.open_as(stack("shop"))
    }

    fn open_as(&self, stack: StackName) -> Arc<dyn StateBackend> {
        s3_tests::open(self.place.clone(), stack)
    }

    fn open_to_move(&self) -> Arc<dyn Movable> {
        s3_tests::open_to_move(self.place.clone(), stack("shop"))
    }

    async fn harm(&self, harm: Harm) {
        let tamper = Tamper::new(self.place.clone());
        let archive = tamper.last("archive", "").await;
        match harm {
            Harm::ChangedRecord => {
                let first = "journal/0000000001-0000000004";
                tamper.replace(first, "\"name\":\"shop-a\"", "\"name\":\"shop-x\"").await;
            }
            Harm::MissingRecord => tamper.delete("journal/0000000001-0000000004").await,
            Harm::CutJournal => tamper.delete(&archive).await,
            Harm::ChangedEntry => tamper.replace(&archive, "\"what\":\"created\"", "\"what\":\"made\"").await,
            Harm::ChangedRevision => {
                let index = tamper.last("revisions", ".index").await;
                tamper.replace(&index, "sutler-revision", "sutler-revisiom").await;
            }
            Harm::OtherLineage => tamper.replace("current", "\"lineage\":\"", "\"lineage\":\"f").await,
            Harm::NewerFormat => tamper.replace("current", "\"format\":2", "\"format\":99").await,
            Harm::OlderSerial => tamper.replace("current", "\"serial\":5", "\"serial\":4").await,
        }
    }
}

mod s3 {
    async fn new() -> super::Bucket {
        let server = super::Server::shared().await;
        let place = server.fresh();
        super::Bucket { _server: server, place }
    }

    contract! { stored new }
}
