//! Rows of the table `operations`: the record itself, and the lease on it.

use std::{borrow::Cow, time::Duration};

use rusqlite::{Connection, Row};
use serde_json::Value;
use sutler_spec::{BindingId, InstanceId};

use super::read::Reading;
use crate::{
    faults,
    operation::{Intent, Lease, Operation, OperationId, OperationStatus, Work},
    store::{
        Actor, Hold, StoreError, Subject,
        column::{damaged, digest, millis, state_from, state_word, word},
        seal::{Column, Sealer, plain},
    },
};

const CHANGE: Column = Column::new("operations", "change");
const CHECKPOINT: Column = Column::new("operations", "checkpoint");

const INSERT: &str =
    "INSERT INTO operations (id, instance, binding, work, state, digest, change, checkpoint, step,
    class, attempt, in_doubt, touched, failures, owner, fence, due_at, created_at, credential, request,
    originating_identity, turn, trace, revoking, sent_at)
    VALUES (?1, ?2, ?3, ?4, 'in progress', ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
    ?22, iif(?8 IS NULL, NULL, ?16))";

const SAVE: &str =
    "UPDATE operations SET state = ?4, description = ?5, instance_usable = ?6, update_repeatable = ?7,
    change = ?8, revoking = ?9, checkpoint = ?10, step = ?11, class = ?12, attempt = ?13, in_doubt = ?14,
    touched = ?15, failures = ?16, owner = ?17, due_at = ?18, ended_at = ?19, turn = ?20,
    sent_at = CASE WHEN ?14 THEN coalesce(sent_at, ?21) WHEN ?11 IS NOT NULL THEN ?21 END
    WHERE id = ?1 AND owner = ?2 AND fence = ?3 AND state = 'in progress'";

const CLAIM: &str = "UPDATE operations SET owner = ?1, fence = fence + 1, due_at = ?2,
    in_doubt = in_doubt OR (step IS NOT NULL AND class <> 'read_only'),
    touched = touched OR (step IS NOT NULL AND class <> 'read_only')
    WHERE sequence = (SELECT sequence FROM operations WHERE state = 'in progress' AND due_at <= ?3
                      ORDER BY due_at LIMIT 1)
    RETURNING id";

pub(super) const ALL: &str = "SELECT id, instance, binding, work, state, description, instance_usable,
    update_repeatable, digest, change, revoking, checkpoint, step, class, attempt, in_doubt, touched, failures,
    fence, credential, request, originating_identity, turn, sent_at, trace, created_at FROM operations";

macro_rules! status {
    ($condition:literal) => {
        concat!(
            "SELECT id, binding, work, state, description, instance_usable, update_repeatable, digest,
             owner IS NULL AND step IS NULL AND in_doubt = 0, due_at, instance FROM operations ",
            $condition
        )
    };
}

/// What polling reads: a named operation, the last one, the one in progress.
pub(super) const NAMED: &str = status!("WHERE id = ?3 AND instance = ?1 AND binding IS ?2");
pub(super) const LAST: &str =
    status!("WHERE instance = ?1 AND binding IS ?2 AND ?3 IS NULL ORDER BY sequence DESC LIMIT 1");
pub(super) const ACTIVE: &str = status!("WHERE instance = ?1 AND state = 'in progress'");

/// Writes a new operation, claimed.
pub(super) fn insert(
    connection: &Connection,
    sealer: &Sealer,
    (row, lease): (&Operation, &Lease),
    (now, until): (i64, i64),
) -> Result<(), StoreError> {
    let key = [row.id.as_str()];
    let values = rusqlite::params![
        row.id.as_str(),
        row.instance.as_str(),
        row.binding.as_ref().map(BindingId::as_str),
        row.work.as_str(),
        row.digest.as_bytes().as_slice(),
        sealer.seal_option(CHANGE, &key, row.change.as_ref())?,
        sealer.seal(CHECKPOINT, &key, &row.checkpoint)?,
        row.intent.as_ref().map(|intent| intent.step.as_str()),
        row.intent.as_ref().map(|intent| intent.class.as_str()),
        row.intent.as_ref().map(|intent| intent.attempt),
        row.in_doubt,
        row.touched,
        lease.owner,
        lease.fence.cast_signed(),
        until,
        now,
        row.actor.credential,
        row.actor.request,
        row.actor.originating_identity.as_ref().map(plain),
        row.turn,
        row.actor.trace,
        row.revoking.as_ref().map(BindingId::as_str),
    ];
    connection
        .prepare_cached(INSERT)
        .and_then(|mut insert| insert.execute(values))
        .map_err(StoreError::write)?;
    Ok(())
}

/// Writes how an operation stands, if the lease still holds. What is sealed is erased when it ends.
pub(super) fn save(
    connection: &Connection,
    sealer: &Sealer,
    (row, lease): (&Operation, &Lease),
    (hold, now): (Hold, i64),
) -> Result<(), StoreError> {
    let key = [row.id.as_str()];
    let (owner, due_at, ended_at) = match hold {
        Hold::Keep(lease_for) => (Some(lease.owner.as_str()), now + millis(lease_for), None),
        Hold::Park(after) => (None, now + millis(after), None),
        Hold::End => (None, now, Some(now)),
    };
    let kept = ended_at.is_none();
    let values = rusqlite::params![
        row.id.as_str(),
        lease.owner,
        lease.fence.cast_signed(),
        state_word(row.state),
        row.description,
        row.instance_usable,
        row.update_repeatable,
        sealer.seal_option(CHANGE, &key, row.change.as_ref().filter(|_| kept))?,
        row.revoking.as_ref().map(BindingId::as_str),
        sealer.seal_option(CHECKPOINT, &key, Some(&row.checkpoint).filter(|_| kept))?,
        row.intent.as_ref().map(|intent| intent.step.as_str()),
        row.intent.as_ref().map(|intent| intent.class.as_str()),
        row.intent.as_ref().map(|intent| intent.attempt),
        row.in_doubt,
        row.touched,
        row.failures,
        owner,
        due_at,
        ended_at,
        row.turn,
        now,
    ];
    let changed = connection
        .prepare_cached(&save_statement())
        .and_then(|mut save| save.execute(values))
        .map_err(StoreError::write)?;
    if changed == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
}

/// The conditional write; without its conditions where a test asks for the mistake.
fn save_statement() -> Cow<'static, str> {
    for (mutant, forgotten) in [
        ("no_fence_check", " AND owner = ?2 AND fence = ?3"),
        ("fence_by_number_only", " AND owner = ?2"),
        ("terminal_overwritten", " AND owner = ?2 AND fence = ?3 AND state = 'in progress'"),
    ] {
        if faults::mutant(mutant) {
            return SAVE.replace(forgotten, "").into();
        }
    }
    SAVE.into()
}

/// Ends an operation in favour of another one. Whether there was one to end.
pub(super) fn supersede(connection: &Connection, id: &OperationId, now: i64) -> Result<bool, StoreError> {
    connection
        .prepare_cached(
            "UPDATE operations SET state = 'failed', description = 'A deletion took its place.', change = NULL,
             checkpoint = NULL, ended_at = ?2, fence = fence + 1
             WHERE id = ?1 AND state = 'in progress'",
        )
        .and_then(|mut update| update.execute((id.as_str(), now)))
        .map(|changed| changed == 1)
        .map_err(StoreError::write)
}

/// Whoever may be in the middle of a step of the operation that made way holds the new one, too, until it lets go.
pub(super) fn inherit_hold(
    connection: &Connection,
    (new, superseded): (&OperationId, &OperationId),
    now: i64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE operations SET owner = old.owner, due_at = iif(old.owner IS NULL, ?3, old.due_at)
             FROM (SELECT owner, due_at FROM operations WHERE id = ?2) AS old WHERE id = ?1",
        )
        .and_then(|mut update| update.execute((new.as_str(), superseded.as_str(), now)))
        .map(|_| ())
        .map_err(StoreError::write)
}

/// What is held by the same holder on the same instance is due.
pub(super) fn let_go(
    connection: &Connection,
    (lease, instance): (&Lease, &InstanceId),
    now: i64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE operations SET due_at = ?4
             WHERE instance = ?1 AND state = 'in progress' AND owner = ?2 AND id <> ?3",
        )
        .and_then(|mut update| {
            update.execute((instance.as_str(), lease.owner.as_str(), lease.operation.as_str(), now))
        })
        .map(|_| ())
        .map_err(StoreError::write)
}

/// Claims one operation that is due.
pub(super) fn claim(
    connection: &Connection,
    sealer: &Sealer,
    (owner, now, until): (&str, i64, i64),
) -> Result<Option<(Lease, Operation)>, StoreError> {
    let mut take = connection.prepare_cached(&claim_statement()).map_err(StoreError::write)?;
    let mut taken = take.query((owner, until, now)).map_err(StoreError::write)?;
    let Some(id) = taken.next().map_err(StoreError::write)?.map(|row| row.column::<String>(0)).transpose()?
    else {
        return Ok(None);
    };
    drop(taken);
    let found = get(connection, sealer, &OperationId::from(id.as_str()), now)?;
    let (operation, fence) = found.ok_or(StoreError::Damaged { column: "operations.id" })?;
    let lease = Lease { operation: operation.id.clone(), owner: owner.to_owned(), fence };
    Ok(Some((lease, operation)))
}

/// The claim, or a test's mistake of it.
fn claim_statement() -> Cow<'static, str> {
    if faults::mutant("doubt_forgotten") {
        CLAIM.replace("in_doubt OR (step IS NOT NULL AND class <> 'read_only')", "in_doubt").into()
    } else if faults::mutant("left_behind_on_restart") {
        CLAIM.replace("state = 'in progress' AND", "state = 'in progress' AND owner IS NULL AND").into()
    } else {
        CLAIM.into()
    }
}

/// Reads the operation and its fence.
pub(super) fn get(
    connection: &Connection,
    sealer: &Sealer,
    id: &OperationId,
    now: i64,
) -> Result<Option<(Operation, u64)>, StoreError> {
    let mut get = connection.prepare_cached(&format!("{ALL} WHERE id = ?1")).map_err(StoreError::read)?;
    let mut rows = get.query([id.as_str()]).map_err(StoreError::read)?;
    rows.next().map_err(StoreError::read)?.map(|row| read(row, sealer, now)).transpose()
}

/// Reads what polling needs.
pub(super) fn status(
    connection: &Connection,
    subject: &Subject,
    named: Option<&OperationId>,
    now: i64,
) -> Result<Option<OperationStatus>, StoreError> {
    let (instance, binding) = match subject {
        Subject::Instance(instance) => (instance.as_str(), None),
        Subject::Binding(instance, binding) => (instance.as_str(), Some(binding.as_str())),
    };
    let statement = if named.is_some() { NAMED } else { LAST };
    let values = (instance, binding, named.map(OperationId::as_str));
    let mut get = connection.prepare_cached(statement).map_err(StoreError::read)?;
    let mut rows = get.query(values).map_err(StoreError::read)?;
    rows.next().map_err(StoreError::read)?.map(|row| read_status(row, now)).transpose()
}

/// Reads the status of what is in progress on the instance.
pub(super) fn active(
    connection: &Connection,
    instance: &InstanceId,
    now: i64,
) -> Result<Option<OperationStatus>, StoreError> {
    let mut get = connection.prepare_cached(ACTIVE).map_err(StoreError::read)?;
    let mut rows = get.query([instance.as_str()]).map_err(StoreError::read)?;
    rows.next().map_err(StoreError::read)?.map(|row| read_status(row, now)).transpose()
}

fn read_status(row: &Row<'_>, now: i64) -> Result<OperationStatus, StoreError> {
    let binding: Option<String> = row.column(1)?;
    Ok(OperationStatus {
        id: OperationId::from(row.column::<String>(0)?.as_str()),
        binding: binding.map(BindingId::new).transpose().map_err(damaged("operations.binding"))?,
        work: word(row.column(2)?, "operations.work", Work::from_word)?,
        state: word(row.column(3)?, "operations.state", state_from)?,
        description: row.column(4)?,
        instance_usable: row.column(5)?,
        update_repeatable: row.column(6)?,
        digest: digest(row.column(7)?, "operations.digest")?,
        is_parked: row.column(8)?,
        due_in: (row.column::<i64>(9)? - now).max(0).unsigned_abs(),
    })
}

fn read(row: &Row<'_>, sealer: &Sealer, now: i64) -> Result<(Operation, u64), StoreError> {
    let id: String = row.column(0)?;
    let key = [id.as_str()];
    let (binding, revoking): (Option<String>, Option<String>) = (row.column(2)?, row.column(10)?);
    let (step, class, attempt) = (row.column(12)?, row.column(13)?, row.column(14)?);
    let (in_doubt, sent_at): (bool, Option<i64>) = (row.column(15)?, row.column(23)?);
    let identity: Option<String> = row.column(21)?;
    let operation = Operation {
        instance: InstanceId::new(row.column::<String>(1)?).map_err(damaged("operations.instance"))?,
        binding: binding.map(BindingId::new).transpose().map_err(damaged("operations.binding"))?,
        work: word(row.column(3)?, "operations.work", Work::from_word)?,
        state: word(row.column(4)?, "operations.state", state_from)?,
        description: row.column(5)?,
        instance_usable: row.column(6)?,
        update_repeatable: row.column(7)?,
        digest: digest(row.column(8)?, "operations.digest")?,
        change: sealer.open_option(CHANGE, &key, row.column(9)?)?,
        revoking: revoking.map(BindingId::new).transpose().map_err(damaged("operations.revoking"))?,
        checkpoint: sealer.open_option(CHECKPOINT, &key, row.column(11)?)?.unwrap_or(Value::Null),
        intent: intent(step, class, attempt),
        in_doubt,
        touched: row.column(16)?,
        failures: row.column(17)?,
        turn: row.column(22)?,
        doubted_for: sent_at.filter(|_| in_doubt).map_or(Duration::ZERO, |at| since(at, now)),
        age: since(row.column(25)?, now),
        actor: Actor {
            credential: row.column(19)?,
            request: row.column(20)?,
            originating_identity: identity.and_then(|text| serde_json::from_str(&text).ok()),
            trace: row.column(24)?,
        },
        id: OperationId::from(id.as_str()),
    };
    Ok((operation, row.column::<i64>(18)?.unsigned_abs()))
}

fn since(at: i64, now: i64) -> Duration {
    Duration::from_millis((now - at).max(0).unsigned_abs())
}

fn intent(step: Option<String>, class: Option<String>, attempt: Option<u32>) -> Option<Intent> {
    Some(Intent { step: step?, class: class?, attempt: attempt? })
}
