//! The suite, against each implementation.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Harm, Storage};
use crate::name::StackName;
use crate::state::samples::stack;
use crate::state::{MemoryBackend, SqliteBackend, StateBackend};

#[async_trait]
impl Storage for MemoryBackend {
    fn open(&self) -> Arc<dyn StateBackend> {
        Arc::new(self.clone())
    }

    fn open_as(&self, _: StackName) -> Arc<dyn StateBackend> {
        unreachable!("memory belongs to one process and one stack")
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

    async fn harm(&self, harm: Harm) {
        let statement = match harm {
            Harm::ChangedRecord => {
                "UPDATE record SET body = replace(body, 'shop-a', 'shop-x') WHERE reference = 'a'"
            }
            Harm::MissingRecord => "DELETE FROM record WHERE reference = 'b'",
            Harm::CutJournal => "DELETE FROM journal WHERE sequence = 5",
            Harm::ChangedEntry => "UPDATE journal SET transitions = '[]' WHERE sequence = 2",
            Harm::ChangedRevision => "UPDATE revision SET body = replace(body, 'shop-b', 'shop-x')",
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
