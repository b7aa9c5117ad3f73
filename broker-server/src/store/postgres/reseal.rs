//! One step of sealing anew.

use std::collections::BTreeMap;

use super::{
    row::Reading,
    transact::{Conclusion, Session, Trouble, Value},
};
use crate::{
    faults,
    store::{
        StoreError,
        reseal::{Cursor, Page, Purpose, SealedTable, sealed_columns},
    },
};

/// Looks at the next rows of a table and seals those anew that need it. Whoever else writes them waits, and wins.
pub(super) async fn page(
    session: &Session,
    (table, cursor, limit): (&SealedTable, &Cursor, usize),
) -> Result<Conclusion<Page>, Trouble> {
    let (key, parts) = (table.key.join(", "), table.key.len());
    let marks: Vec<String> = (1..=parts).map(|number| format!("${number}")).collect();
    let sql = format!(
        "SELECT {} FROM {} WHERE ({key}) > ({}) ORDER BY {key} LIMIT {limit} {}",
        table.all(),
        table.name,
        marks.join(", "),
        if cursor.purpose == Purpose::Sealing { "FOR UPDATE" } else { "" }
    );
    // nothing that names a row is empty
    let after: Vec<String> =
        (0..parts).map(|part| cursor.after.get(part).cloned().unwrap_or_default()).collect();
    let values: Vec<Value<'_>> = after.iter().map(|part| part as Value<'_>).collect();
    let rows = session.rows(&sql, &values).await?;
    let mut page = Page { seen: rows.len(), rows: 0, last: Vec::new() };
    for row in rows {
        let key: Vec<String> = (0..parts).map(|part| row.column(part)).collect::<Result<_, StoreError>>()?;
        let mut anew: Vec<(&str, Vec<u8>)> = Vec::new();
        for (index, column) in table.columns.iter().enumerate() {
            let Some(bytes) = row.column::<Option<Vec<u8>>>(parts + index)? else { continue };
            if let Some(bytes) = session.sealer.seal_anew(&table.place(&key, column), bytes, table.name)? {
                anew.push((column, bytes));
            }
        }
        if !anew.is_empty() && cursor.purpose == Purpose::Sealing {
            write(session, table, (&key, &anew)).await?;
            page.rows += 1;
            faults::pass("B23").await?;
        }
        page.last = key;
    }
    Ok(Conclusion::Commit(page))
}

async fn write(
    session: &Session,
    table: &SealedTable,
    (key, anew): (&[String], &[(&str, Vec<u8>)]),
) -> Result<(), Trouble> {
    let set: Vec<String> =
        anew.iter().zip(1..).map(|((column, _), number)| format!("{column} = ${number}")).collect();
    let this: Vec<String> =
        table.key.iter().zip(anew.len() + 1..).map(|(part, number)| format!("{part} = ${number}")).collect();
    let sql = format!("UPDATE {} SET {} WHERE {}", table.name, set.join(", "), this.join(" AND "));
    let values: Vec<Value<'_>> = anew
        .iter()
        .map(|(_, bytes)| bytes as Value<'_>)
        .chain(key.iter().map(|part| part as Value<'_>))
        .collect();
    session.execute(&sql, &values).await.map(|_| ())
}

/// The proof of the keys, last of all.
pub(super) async fn canary(session: &Session) -> Result<Conclusion<()>, Trouble> {
    let canary = session.sealer.canary();
    session.execute("UPDATE meta SET value = $1 WHERE name = 'canary'", &[&canary]).await?;
    Ok(Conclusion::Commit(()))
}

/// How many sealed values need each key.
pub(super) async fn keys_in_use(session: &Session) -> Result<BTreeMap<String, u64>, Trouble> {
    let mut found = BTreeMap::new();
    for (table, column, condition) in sealed_columns() {
        let sql = format!(
            "SELECT 'k-' || encode(substr({column}, 2, 4), 'hex'), count(*) FROM {table}
             WHERE {column} IS NOT NULL AND {condition} GROUP BY 1"
        );
        for row in session.rows(&sql, &[]).await? {
            *found.entry(row.column(0)?).or_default() += row.column::<i64>(1)?.unsigned_abs();
        }
    }
    Ok(found)
}
