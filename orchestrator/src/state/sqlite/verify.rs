//! Checking everything: SQLite's own structure, every record, every link of the journal.

use rusqlite::Connection;

use super::failure::{damaged, sql};
use super::file::Place;
use super::load;
use crate::state::StateError;

/// So many entries are held at once.
const PAGE: usize = 4096;

/// Finds any damage there is.
pub(super) fn everything(connection: &mut Connection, place: &Place) -> Result<(), StateError> {
    let verdict: String =
        connection.query_one("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(sql(place, "check"))?;
    if verdict != "ok" {
        return Err(damaged(place, format!("SQLite says: {verdict}")));
    }
    load::state(connection, place)?;
    chain(connection, place)
}

fn chain(connection: &mut Connection, place: &Place) -> Result<(), StateError> {
    let snapshot = connection.transaction().map_err(sql(place, "check"))?;
    let header = load::header(&snapshot, place)?;
    let (mut head, mut sequence, mut serial) = (header.origin, 0, 0);
    loop {
        let page = load::journal(&snapshot, place, (sequence, PAGE))?;
        if page.is_empty() {
            break;
        }
        for entry in page {
            let follows = entry.sequence == sequence + 1 && entry.serial >= serial;
            if !follows || entry.hash_after(head) != entry.hash {
                return Err(damaged(
                    place,
                    format!("its journal is not what was written, at entry {}", sequence + 1),
                ));
            }
            (head, sequence, serial) = (entry.hash, entry.sequence, entry.serial);
        }
    }
    if (head, sequence) == (header.tip.head, header.tip.sequence) {
        Ok(())
    } else {
        Err(damaged(place, "its journal is shorter or longer than its header says"))
    }
}
