//! Checking: every record and the journal since the last revision; or SQLite's own structure, the whole journal and
//! every revision too.

use rusqlite::Connection;

use super::column::Count;
use super::failure::{damaged, sql};
use super::file::Place;
use super::{load, revisions};
use crate::state::StateError;
use crate::state::backend::Extent;
use crate::state::journal::Tip;
use crate::state::revision::Revision;

/// So many entries are held at once.
const PAGE: usize = 4096;

/// Finds any damage there is, as far as it looks.
pub(super) fn verify(connection: &mut Connection, place: &Place, extent: Extent) -> Result<(), StateError> {
    if extent == Extent::Everything {
        let verdict: String = connection
            .query_one("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(sql(place, "check"))?;
        if verdict != "ok" {
            return Err(damaged(place, format!("SQLite says: {verdict}")));
        }
        length(connection, place)?;
    }
    load::state(connection, place)?;
    let snapshot = connection.transaction().map_err(sql(place, "check"))?;
    let revisions = revisions::list(&snapshot, place)?;
    match extent {
        Extent::SinceRevision => chain(&snapshot, place, (revisions.last().map(Revision::tip), &[])),
        Extent::Everything => {
            for revision in &revisions {
                revisions::read(&snapshot, place, revision.serial)?;
            }
            chain(&snapshot, place, (None, &revisions))
        }
    }
}

/// The file is as long as it says, to the byte: SQLite itself does not mind when the rest of its last page is gone. While
/// there is something in the write-ahead log, that is not to be expected.
fn length(connection: &Connection, place: &Place) -> Result<(), StateError> {
    let number =
        |name| connection.pragma_query_value(None, name, |row| row.get::<_, Count>(0).map(|count| count.0));
    let said = number("page_count").map_err(sql(place, "check"))?
        * number("page_size").map_err(sql(place, "check"))?;
    let there = std::fs::metadata(&place.path).map(|file| file.len());
    let is_settled = place.log_length() == 0;
    match there {
        Ok(there) if is_settled && there != said => {
            Err(damaged(place, format!("it has {there} bytes, and says that it has {said}")))
        }
        _ => Ok(()),
    }
}

/// Follows the journal from somewhere to its end, past these revisions.
fn chain(
    connection: &Connection,
    place: &Place,
    (from, revisions): (Option<Tip>, &[Revision]),
) -> Result<(), StateError> {
    let header = load::header(connection, place)?;
    let mut tip = from.unwrap_or(Tip::start(header.origin));
    let mut passed = revisions.iter().filter(|revision| revision.sequence > 0).peekable();
    loop {
        let page = load::journal(connection, place, (tip.sequence, PAGE))?;
        if page.is_empty() {
            break;
        }
        for entry in page {
            let expected = tip.sequence + 1;
            if !tip.follow(&entry) {
                return Err(damaged(
                    place,
                    format!("its journal is not what was written, at entry {expected}"),
                ));
            }
            let here = passed.next_if(|revision| revision.sequence == tip.sequence);
            if here.is_some_and(|revision| revision.head != tip.head || revision.fold != tip.fold.as_hash()) {
                return Err(damaged(place, "a revision is not what its journal led to"));
            }
        }
    }
    let ends = (tip.head, tip.sequence, tip.fold) == (header.tip.head, header.tip.sequence, header.tip.fold);
    if ends && passed.peek().is_none() {
        Ok(())
    } else {
        Err(damaged(place, "its journal is shorter or longer than its header says"))
    }
}
