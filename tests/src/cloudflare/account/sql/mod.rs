//! Runs SQL as D1 does: one text is one transaction, and transactions are not the caller's business.

mod rules;
mod tail;

use std::collections::BTreeMap;
use std::time::Instant;

use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::types::ValueRef;
use rusqlite::{Batch, Connection, Error, ErrorCode, Row, Statement};
use serde_json::{Map, Value, json};

use self::rules::Guard;
use crate::cloudflare::envelope::Refusal;

const USER_TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";

/// How large a database is.
pub(super) struct Size {
    pub(super) bytes: i64,
    pub(super) tables: i64,
}

/// A database: a real SQLite, under D1's rules.
#[derive(Debug)]
pub(super) struct Engine {
    connection: Connection,
    guard: Guard,
}

impl Engine {
    /// A new database.
    pub(super) fn open() -> Result<Self, Refusal> {
        let opened = Connection::open_in_memory().and_then(|mut connection| {
            connection.pragma_update(None, "foreign_keys", true)?;
            let guard = Guard::default();
            guard.watch(&mut connection)?;
            Ok(Self { connection, guard })
        });
        opened.map_err(|error| refusal(&error))
    }

    pub(super) fn size(&self) -> Result<Size, Refusal> {
        let tables = count(&self.connection, &format!("SELECT count(*) FROM ({USER_TABLES})"));
        tables
            .and_then(|tables| Ok(Size { bytes: bytes(&self.connection)?, tables }))
            .map_err(|error| refusal(&error))
    }

    /// Every table with its rows.
    pub(super) fn tables(&self) -> Result<BTreeMap<String, Vec<Value>>, Error> {
        let mut names = self.connection.prepare(USER_TABLES)?;
        let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let of_table = |name: String| {
            let all = format!("SELECT * FROM \"{}\"", name.replace('"', "\"\""));
            let rows = rows(&mut self.connection.prepare(&all)?)?;
            Ok((name, rows))
        };
        names.into_iter().map(of_table).collect()
    }

    /// Runs one text: all of its statements or none.
    pub(super) fn run(&self, text: &str, values: &[String]) -> Result<Vec<Value>, Refusal> {
        let ours = |sql: &str| self.connection.execute_batch(sql).map_err(|error| refusal(&error));
        ours("BEGIN IMMEDIATE")?;
        let worked = self.guard.held(|| statements(&self.connection, text, values));
        let worked = worked.and_then(|results| ours("COMMIT").map(|()| results));
        if !self.connection.is_autocommit() {
            ours("ROLLBACK")?;
        }
        let size = bytes(&self.connection).map_err(|error| refusal(&error))?;
        worked.map(|mut results| {
            results.iter_mut().for_each(|result| result["meta"]["size_after"] = json!(size));
            results
        })
    }
}

fn bytes(connection: &Connection) -> Result<i64, Error> {
    Ok(count(connection, "PRAGMA page_count")? * count(connection, "PRAGMA page_size")?)
}

fn count(connection: &Connection, sql: &str) -> Result<i64, Error> {
    connection.query_row(sql, [], |row| row.get(0))
}

fn statements(connection: &Connection, text: &str, values: &[String]) -> Result<Vec<Value>, Refusal> {
    let mut results = Vec::new();
    let mut batch = Batch::new(connection, text);
    while let Some(mut statement) = batch.next().map_err(|error| refusal(&error))? {
        if !values.is_empty() && !results.is_empty() {
            return Err(Refusal::new(400, 7400, "params are allowed with one statement only"));
        }
        check(&statement, values)?;
        results.push(execute(connection, &mut statement, values).map_err(|error| refusal(&error))?);
    }
    if results.is_empty() || tail::is_without_statement(text) {
        return Err(Refusal::new(400, 7500, "SQL code did not contain a statement."));
    }
    Ok(results)
}

fn check(statement: &Statement<'_>, values: &[String]) -> Result<(), Refusal> {
    if values.len() == statement.parameter_count() {
        return Ok(());
    }
    Err(Refusal::new(400, 7500, "Wrong number of parameter bindings for SQL query."))
}

fn execute(
    connection: &Connection,
    statement: &mut Statement<'_>,
    values: &[String],
) -> Result<Value, Error> {
    let started = Instant::now();
    let before = connection.total_changes();
    let writes = !statement.readonly();
    for (index, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, value)?;
    }
    let rows = rows(statement)?;
    let changes = connection.total_changes() - before;
    let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
    Ok(json!({
        "success": true,
        "meta": {
            "changed_db": writes,
            "changes": changes,
            "duration": milliseconds,
            "last_row_id": connection.last_insert_rowid(),
            "rows_read": rows.len(),
            "rows_written": changes,
            "served_by_primary": true,
            "served_by_region": "WEUR",
            "timings": {"sql_duration_ms": milliseconds},
        },
        "results": rows,
    }))
}

/// Steps through a bound statement to its end.
fn rows(statement: &mut Statement<'_>) -> Result<Vec<Value>, Error> {
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut found = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        found.push(object(row, &names)?);
    }
    Ok(found)
}

fn object(row: &Row<'_>, names: &[String]) -> Result<Value, Error> {
    let mut fields = Map::new();
    for (index, name) in names.iter().enumerate() {
        let value = match row.get_ref(index)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => json!(number),
            ValueRef::Real(number) => json!(number),
            ValueRef::Text(text) => json!(String::from_utf8_lossy(text)),
            ValueRef::Blob(bytes) => json!(bytes),
        };
        fields.insert(name.clone(), value);
    }
    Ok(Value::Object(fields))
}

fn refusal(error: &Error) -> Refusal {
    let (message, code) = match error {
        Error::SqliteFailure(failure, text) => {
            let message = text.clone().unwrap_or_else(|| failure.to_string());
            (message, failure.code)
        }
        Error::SqlInputError { msg, offset, error, .. } => (format!("{msg} at offset {offset}"), error.code),
        other => (other.to_string(), ErrorCode::Unknown),
    };
    let class = if code == ErrorCode::ConstraintViolation { "SQLITE_CONSTRAINT" } else { "SQLITE_ERROR" };
    Refusal::new(400, 7500, format!("{message}: {class}"))
}

#[cfg(test)]
mod tests {
    use super::Engine;

    #[test]
    fn bound_values_go_with_one_statement_only() {
        let engine = Engine::open().unwrap();
        let values = ["x".to_owned()];
        assert_eq!(engine.run("SELECT ?1 AS a", &values).unwrap()[0]["results"][0]["a"], "x");
        assert!(engine.run("SELECT ?1; SELECT 2", &values).is_err());
        assert!(engine.run("SELECT 2", &values).is_err());
    }

    #[test]
    fn the_rules_are_for_the_callers_sql_and_not_for_what_the_fake_asks_itself() {
        let engine = Engine::open().unwrap();
        assert!(engine.run("PRAGMA page_count", &[]).is_err());
        assert!(engine.size().unwrap().bytes >= 0);
        assert!(engine.tables().unwrap().is_empty());
    }
}
