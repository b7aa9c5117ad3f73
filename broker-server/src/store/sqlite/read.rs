//! Reading: connections that only read, and columns that may be damaged.

use std::{
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use rusqlite::{Connection, Row, types::FromSql};

use super::schema;
use crate::store::StoreError;

/// Connections for reads. A read is a few pages of a mapped file: cheaper than handing it to another thread.
pub(super) struct Readers {
    connections: Vec<Mutex<Connection>>,
    next: AtomicUsize,
}

impl Readers {
    /// Opens `count` connections.
    pub(super) fn open(path: &Path, count: usize) -> Result<Self, StoreError> {
        let connections =
            (0..count).map(|_| schema::open_for_reading(path).map(Mutex::new)).collect::<Result<_, _>>()?;
        Ok(Self { connections, next: AtomicUsize::new(0) })
    }

    /// A connection that is free, or the one whose turn it is.
    pub(super) fn get(&self) -> MutexGuard<'_, Connection> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.connections.len();
        let free = self.connections[turn..].iter().chain(&self.connections[..turn]);
        for connection in free {
            if let Ok(connection) = connection.try_lock() {
                return connection;
            }
        }
        self.connections[turn].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many connections there are, and how many are in use.
    pub(super) fn counts(&self) -> (u64, u64) {
        let in_use = self.connections.iter().filter(|connection| connection.try_lock().is_err()).count();
        (self.connections.len() as u64, in_use as u64)
    }
}

/// Typed columns.
pub(super) trait Reading {
    /// The column with this index.
    fn column<T: FromSql>(&self, index: usize) -> Result<T, StoreError>;
}

impl Reading for Row<'_> {
    fn column<T: FromSql>(&self, index: usize) -> Result<T, StoreError> {
        self.get(index).map_err(StoreError::read)
    }
}
