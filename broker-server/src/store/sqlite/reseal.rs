//! One step of sealing anew.

use rusqlite::{Connection, params_from_iter, types::Value};

use super::read::Reading;
use crate::{
    faults,
    store::{
        StoreError,
        reseal::{Cursor, Page, Purpose, SealedTable},
        seal::Sealer,
    },
};

/// Looks at the next rows of a table and seals those anew that need it.
pub(super) fn page(
    connection: &Connection,
    sealer: &Sealer,
    (table, cursor, limit): (&SealedTable, &Cursor, usize),
) -> Result<Page, StoreError> {
    let rows = read(connection, (table, cursor, limit))?;
    let mut page = Page { seen: rows.len(), rows: 0, last: Vec::new() };
    for (key, sealed) in rows {
        let mut anew: Vec<(&str, Vec<u8>)> = Vec::new();
        for (column, bytes) in table.columns.iter().zip(sealed) {
            let Some(bytes) = bytes else { continue };
            if let Some(bytes) = sealer.seal_anew(&table.place(&key, column), bytes, table.name)? {
                anew.push((column, bytes));
            }
        }
        if !anew.is_empty() && cursor.purpose == Purpose::Sealing {
            write(connection, table, &key, anew)?;
            page.rows += 1;
            faults::reach("B23")?;
        }
        page.last = key;
    }
    Ok(page)
}

type Row = (Vec<String>, Vec<Option<Vec<u8>>>);

fn read(
    connection: &Connection,
    (table, cursor, limit): (&SealedTable, &Cursor, usize),
) -> Result<Vec<Row>, StoreError> {
    let key = table.key.join(", ");
    let marks = vec!["?"; table.key.len()].join(", ");
    let sql = format!(
        "SELECT {} FROM {} WHERE ({key}) > ({marks}) ORDER BY {key} LIMIT {limit}",
        table.all(),
        table.name
    );
    let mut list = connection.prepare_cached(&sql).map_err(StoreError::read)?;
    // nothing that names a row is empty
    let after = (0..table.key.len()).map(|part| cursor.after.get(part).cloned().unwrap_or_default());
    let mut rows = list.query(params_from_iter(after)).map_err(StoreError::read)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(StoreError::read)? {
        let parts = table.key.len();
        let key = (0..parts).map(|part| row.column(part)).collect::<Result<_, _>>()?;
        let sealed = (0..table.columns.len()).map(|index| row.column(parts + index));
        found.push((key, sealed.collect::<Result<_, _>>()?));
    }
    Ok(found)
}

fn write(
    connection: &Connection,
    table: &SealedTable,
    key: &[String],
    anew: Vec<(&str, Vec<u8>)>,
) -> Result<(), StoreError> {
    let set: Vec<String> = anew.iter().map(|(column, _)| format!("{column} = ?")).collect();
    let this: Vec<String> = table.key.iter().map(|part| format!("{part} = ?")).collect();
    let sql = format!("UPDATE {} SET {} WHERE {}", table.name, set.join(", "), this.join(" AND "));
    let values = anew.into_iter().map(|(_, bytes)| Value::Blob(bytes));
    let values = values.chain(key.iter().map(|part| Value::Text(part.clone())));
    connection
        .prepare_cached(&sql)
        .and_then(|mut update| update.execute(params_from_iter(values)))
        .map(|_| ())
        .map_err(StoreError::write)
}

/// The proof of the keys, last of all.
pub(super) fn canary(connection: &Connection, sealer: &Sealer) -> Result<(), StoreError> {
    connection
        .execute("UPDATE meta SET value = ?1 WHERE name = 'canary'", [sealer.canary()])
        .map(|_| ())
        .map_err(StoreError::write)
}

/// How many sealed values need each key.
pub(super) fn keys_in_use(
    connection: &Connection,
) -> Result<std::collections::BTreeMap<String, u64>, StoreError> {
    let mut found = std::collections::BTreeMap::new();
    for (table, column, condition) in crate::store::reseal::sealed_columns() {
        let sql = format!(
            "SELECT 'k-' || lower(hex(substr({column}, 2, 4))), count(*) FROM {table}
             WHERE {column} IS NOT NULL AND {condition} GROUP BY 1"
        );
        let mut list = connection.prepare(&sql).map_err(StoreError::read)?;
        let mut rows = list.query([]).map_err(StoreError::read)?;
        while let Some(row) = rows.next().map_err(StoreError::read)? {
            *found.entry(row.column(0)?).or_default() += row.column::<i64>(1)?.unsigned_abs();
        }
    }
    Ok(found)
}
