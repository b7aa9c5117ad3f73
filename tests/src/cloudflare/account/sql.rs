//! Runs SQL as D1 does: one text is one transaction, and transactions are not the caller's business.

use std::collections::BTreeMap;
use std::time::Instant;

use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::types::ValueRef;
use rusqlite::{Batch, Connection, Error, ErrorCode, Row, Statement};
use serde_json::{Map, Value, json};

use crate::cloudflare::envelope::Refusal;

const LONGEST_STATEMENT: usize = 100_000;
const MOST_VALUES: usize = 100;
/// Transactions belong to the engine; the rest would leave the database.
const REFUSED: [&str; 9] =
    ["BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE", "ATTACH", "DETACH", "VACUUM"];
const USER_TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";

/// How large a database is.
pub(super) struct Size {
    pub(super) bytes: i64,
    pub(super) tables: i64,
}

/// A new database.
pub(super) fn open() -> Result<Connection, Refusal> {
    let connection = Connection::open_in_memory().map_err(|error| refusal(&error))?;
    connection.pragma_update(None, "foreign_keys", true).map_err(|error| refusal(&error))?;
    Ok(connection)
}

pub(super) fn size(connection: &Connection) -> Result<Size, Refusal> {
    let tables = count(connection, &format!("SELECT count(*) FROM ({USER_TABLES})"));
    tables.and_then(|tables| Ok(Size { bytes: bytes(connection)?, tables })).map_err(|error| refusal(&error))
}

fn bytes(connection: &Connection) -> Result<i64, Error> {
    Ok(count(connection, "PRAGMA page_count")? * count(connection, "PRAGMA page_size")?)
}

fn count(connection: &Connection, sql: &str) -> Result<i64, Error> {
    connection.query_row(sql, [], |row| row.get(0))
}

/// Every table with its rows.
pub(super) fn tables(connection: &Connection) -> Result<BTreeMap<String, Vec<Value>>, Error> {
    let mut names = connection.prepare(USER_TABLES)?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    names
        .into_iter()
        .map(|name| {
            let mut statement =
                connection.prepare(&format!("SELECT * FROM \"{}\"", name.replace('"', "\"\"")))?;
            let rows = rows(&mut statement)?;
            Ok((name, rows))
        })
        .collect()
}

/// Runs one text: all of its statements or none.
pub(super) fn run(connection: &Connection, text: &str, values: &[String]) -> Result<Vec<Value>, Refusal> {
    connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| refusal(&error))?;
    let worked = statements(connection, text, values).and_then(|results| {
        connection.execute_batch("COMMIT").map_err(|error| refusal(&error))?;
        Ok(results)
    });
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").map_err(|error| refusal(&error))?;
    }
    worked
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
    if results.is_empty() {
        return Err(Refusal::new(400, 7500, "no SQL statement found"));
    }
    Ok(results)
}

fn check(statement: &Statement<'_>, values: &[String]) -> Result<(), Refusal> {
    let text = statement.expanded_sql().unwrap_or_default();
    let keyword = keyword(&text);
    let problem = if text.trim().len() > LONGEST_STATEMENT {
        "statement too long: SQLITE_TOOBIG".to_owned()
    } else if REFUSED.contains(&keyword.as_str()) {
        format!("not authorized, {keyword} is the engine's business: SQLITE_AUTH")
    } else if values.len() > MOST_VALUES {
        "too many SQL variables: SQLITE_ERROR".to_owned()
    } else if values.len() != statement.parameter_count() {
        "wrong number of bound parameters: SQLITE_ERROR".to_owned()
    } else {
        return Ok(());
    };
    Err(Refusal::new(400, 7500, problem))
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
            "size_after": bytes(connection)?,
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

/// The first word of a statement, in capitals.
fn keyword(text: &str) -> String {
    let mut rest = text.trim_start_matches([' ', '\t', '\r', '\n', ';', '\u{c}']);
    while let Some(behind) = behind_comment(rest) {
        rest = behind.trim_start();
    }
    rest.chars().take_while(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_uppercase()).collect()
}

fn behind_comment(text: &str) -> Option<&str> {
    let (start, end) = if text.starts_with("--") { (2, "\n") } else { (2, "*/") };
    if !text.starts_with("--") && !text.starts_with("/*") {
        return None;
    }
    Some(text[start..].split_once(end).map_or("", |(_, behind)| behind))
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
    use super::{keyword, open, run, tables};

    #[test]
    fn a_text_is_all_or_nothing() {
        let connection = open().unwrap();
        let refused = run(&connection, "CREATE TABLE a(x); INSERT INTO a VALUES(1); SELECT * FROM b", &[]);
        assert_eq!(refused.unwrap_err().code, 7500);
        assert!(tables(&connection).unwrap().is_empty());
    }

    #[test]
    fn transactions_are_refused_even_behind_a_comment() {
        let connection = open().unwrap();
        for text in ["BEGIN", "/* x */ -- y\n savepoint a", "CREATE TABLE a(x); COMMIT", "ATTACH 'f' AS g"] {
            assert_eq!(run(&connection, text, &[]).unwrap_err().code, 7500, "{text}");
        }
        assert!(tables(&connection).unwrap().is_empty());
    }

    #[test]
    fn a_trigger_body_is_one_statement() {
        let connection = open().unwrap();
        let text =
            "CREATE TABLE a(x); CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM a; SELECT 1; END;";
        assert_eq!(run(&connection, text, &[]).unwrap().len(), 2);
    }

    #[test]
    fn a_statement_may_have_a_hundred_thousand_characters() {
        let connection = open().unwrap();
        let text = |length: usize| format!("SELECT '{}'", "x".repeat(length - 9));
        assert!(run(&connection, &text(100_000), &[]).is_ok());
        let refused = run(&connection, &text(100_001), &[]).unwrap_err();
        assert!(refused.message.contains("too long"), "{}", refused.message);
    }

    #[test]
    fn bound_values_go_with_one_statement_only() {
        let connection = open().unwrap();
        let values = ["x".to_owned()];
        assert_eq!(run(&connection, "SELECT ?1 AS a", &values).unwrap()[0]["results"][0]["a"], "x");
        assert!(run(&connection, "SELECT ?1; SELECT 2", &values).is_err());
        assert!(run(&connection, "SELECT 2", &values).is_err());
    }

    #[test]
    fn the_first_word_is_found_behind_comments() {
        assert_eq!(keyword("  -- a\n/* b */ select 1"), "SELECT");
        assert_eq!(keyword("/* open"), "");
    }
}
