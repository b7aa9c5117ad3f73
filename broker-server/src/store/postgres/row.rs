//! Columns that may be damaged.

use tokio_postgres::{Row, types::FromSql};

use crate::store::StoreError;

/// Typed columns.
pub(super) trait Reading {
    /// The column with this index.
    fn column<'a, T: FromSql<'a>>(&'a self, index: usize) -> Result<T, StoreError>;
}

impl Reading for Row {
    fn column<'a, T: FromSql<'a>>(&'a self, index: usize) -> Result<T, StoreError> {
        self.try_get(index).map_err(StoreError::read)
    }
}
