//! The lock's row: taken, renewed and given back in transactions that compare its owner.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};
use uuid::Uuid;

use super::column::Count;
use super::failure::{damaged, sql};
use super::file::Place;
use super::{create, load};
use crate::state::StateError;
use crate::state::backend::Lineage;
use crate::state::lock::{Claim, Held, Lock, LockInfo, lease_end};

/// What a write is compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    lineage: Lineage,
    token: Uuid,
    fence: u64,
}

impl Key {
    pub(super) fn of(lock: &Lock) -> Self {
        Self { lineage: lock.lineage, token: lock.token, fence: lock.fence }
    }

    /// The key of whoever holds the lock now.
    pub(super) fn from_row(lineage: String, Count(fence): Count, token: Option<String>) -> Option<Self> {
        let token = Uuid::try_parse(&token?).ok()?;
        Some(Self { lineage: Lineage::parse(&lineage)?, token, fence })
    }
}

pub(super) fn lock(connection: &mut Connection, place: &Place, claim: &Claim) -> Result<Lock, StateError> {
    let failed = sql(place, "lock");
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failed)?;
    let header = load::header(&transaction, place)?;
    let (fence, held) = row(&transaction, place)?;
    let location = place.location();
    let held = Held::decide(held, fence, claim, Timestamp::now())
        .map_err(|holder| StateError::Locked { location, holder })?;
    header.standing.admit_writer(place.gate, || place.location())?;
    if header.lineage != claim.seed.lineage {
        return Err(StateError::Replaced { location: place.location() });
    }
    create::upgrade(&transaction, header.format).map_err(&failed)?;
    let token = held.token.to_string();
    transaction
        .execute(
            "UPDATE lock SET fence = ?1, token = ?2, info = ?3",
            params![Count(held.fence), token, written(&held.info, place)?],
        )
        .map_err(&failed)?;
    transaction.commit().map_err(&failed)?;
    Ok(held.hand_over(header.lineage))
}

pub(super) fn renew(
    connection: &mut Connection,
    place: &Place,
    key: Key,
    lease: Duration,
) -> Result<(), StateError> {
    let failed = sql(place, "renew the lock of");
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failed)?;
    let lineage = load::header(&transaction, place)?.lineage;
    let (_, held) = row(&transaction, place)?;
    match held {
        Some(Held { mut info, token, fence }) if (Key { lineage, token, fence }) == key => {
            info.until = lease_end(Timestamp::now(), lease);
            transaction.execute("UPDATE lock SET info = ?1", [written(&info, place)?]).map_err(&failed)?;
            transaction.commit().map_err(&failed)
        }
        _ => Err(StateError::LockLost { location: place.location() }),
    }
}

pub(super) fn unlock(connection: &mut Connection, place: &Place, key: Key) -> Result<(), StateError> {
    let cleared = connection.execute(
        "UPDATE lock SET token = NULL, info = NULL WHERE token = ?1 AND fence = ?2",
        params![key.token.to_string(), Count(key.fence)],
    );
    cleared.map(|_| ()).map_err(sql(place, "unlock"))
}

/// Takes the lock away, if it has this id.
pub(super) fn force(connection: &mut Connection, place: &Place, id: Uuid) -> Result<LockInfo, StateError> {
    let failed = sql(place, "unlock");
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failed)?;
    load::header(&transaction, place)?;
    let held = row(&transaction, place)?.1.map(|held| held.info);
    let info = LockInfo::named(held, id, || place.location())?;
    transaction.execute("UPDATE lock SET token = NULL, info = NULL", []).map_err(&failed)?;
    transaction.commit().map_err(&failed)?;
    Ok(info)
}

pub(super) fn holder(connection: &Connection, place: &Place) -> Result<Option<LockInfo>, StateError> {
    load::header(connection, place)?;
    let (_, held) = row(connection, place)?;
    Ok(held.map(|held| held.info).filter(|info| !info.is_free(Timestamp::now())))
}

/// The fence so far, and the lock, if it is held.
fn row(connection: &Connection, place: &Place) -> Result<(u64, Option<Held>), StateError> {
    let (Count(fence), token, info): (Count, Option<String>, Option<String>) = connection
        .query_one("SELECT fence, token, info FROM lock WHERE id = 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .map_err(sql(place, "read the lock of"))?;
    let Some((token, info)) = token.zip(info) else { return Ok((fence, None)) };
    let unreadable = || damaged(place, "its lock cannot be read");
    let info = serde_json::from_str(&info).map_err(|_| unreadable())?;
    let token = Uuid::try_parse(&token).map_err(|_| unreadable())?;
    Ok((fence, Some(Held { info, token, fence })))
}

fn written(info: &LockInfo, place: &Place) -> Result<String, StateError> {
    serde_json::to_string(info).map_err(|_| damaged(place, "the lock cannot be written"))
}
