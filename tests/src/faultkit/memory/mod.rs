//! Where a lane's broker keeps what it knows: read and disturbed by somebody who is not the broker.

mod server;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::Connection;
use sutler_broker_server::testing::{postgres::Cluster, proxy::Proxy};

pub(super) use self::server::Server;
use super::{checks::Captured, dump::StoreDump};
use crate::world::WorldError;

/// Which store the broker of a lane has.
#[derive(Debug, Clone, Default)]
pub enum StoreChoice {
    /// A file of its own.
    #[default]
    Sqlite,
    /// A database of its own on this server.
    Postgres(Arc<Cluster>),
}

impl StoreChoice {
    /// Starts a server, for as many lanes as there are.
    ///
    /// # Errors
    /// When its programs are missing or fail.
    pub async fn postgres() -> Result<Self, WorldError> {
        let started = tokio::task::spawn_blocking(Cluster::start).await;
        let started = started.map_err(|error| WorldError::new("starting PostgreSQL", error))?;
        started
            .map(|cluster| Self::Postgres(Arc::new(cluster)))
            .map_err(|error| WorldError::new("starting PostgreSQL", error))
    }

    /// What it is called in tables.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// What it is called on the command line.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }
}

/// The memory of one lane's broker.
#[derive(Debug)]
pub(super) enum Memory {
    /// In this file.
    File(PathBuf),
    /// On a server, behind a proxy.
    Server(Box<Server>),
}

impl Memory {
    /// A memory that nobody used.
    pub(super) async fn new(choice: &StoreChoice, folder: &Path) -> Result<Self, WorldError> {
        Ok(match choice {
            StoreChoice::Sqlite => Self::File(folder.join("broker.db")),
            StoreChoice::Postgres(cluster) => Self::Server(Box::new(Server::new(cluster.clone()).await?)),
        })
    }

    /// `store:` of the broker's configuration, and the password that it reads from `database.password`.
    pub(super) fn setting(&self) -> (String, String) {
        match self {
            Self::File(_) => ("\"sqlite:broker.db\"".to_owned(), String::new()),
            Self::Server(server) => server.setting(),
        }
    }

    /// All rows about these instances. What belongs to others is in the tables of instances and bindings only: they
    /// must not be there.
    pub(super) async fn dump(&self, instances: &[String]) -> Result<StoreDump, WorldError> {
        match self {
            Self::File(path) => StoreDump::of_sqlite(path, instances),
            Self::Server(server) => server.dump(instances).await,
        }
    }

    /// What stands between the broker and its server.
    pub(super) fn proxy(&self) -> Option<&Proxy> {
        match self {
            Self::File(_) => None,
            Self::Server(server) => Some(&server.proxy),
        }
    }

    /// A claim is forgotten, as after a failover to a copy that was behind.
    pub(super) async fn forget_claim(&self) -> bool {
        const FORGET: &str = "UPDATE operations SET fence = fence - 1 WHERE state = 'in progress'";
        match self {
            Self::File(path) => {
                let store = Connection::open(path);
                store.and_then(|store| store.execute(FORGET, [])).is_ok_and(|changed| changed > 0)
            }
            Self::Server(server) => server.change(FORGET).await,
        }
    }

    /// Everything that was written for the broker.
    pub(super) async fn written(&self) -> Result<Vec<Captured>, WorldError> {
        let path = match self {
            Self::File(path) => path,
            Self::Server(server) => return server.written().await,
        };
        let mut captured = Vec::new();
        for ending in ["db", "db-wal"] {
            let place = path.with_extension(ending);
            match std::fs::read(&place) {
                Ok(bytes) => captured.push(Captured { place, bytes }),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(WorldError::new("reading what the broker wrote", error)),
            }
        }
        Ok(captured)
    }
}
