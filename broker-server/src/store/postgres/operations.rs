//! Rows of the table `operations`: the record itself, and the lease on it.

use std::{borrow::Cow, time::Duration};

use serde_json::Value;
use sutler_spec::{BindingId, InstanceId};
use tokio_postgres::Row;

use super::{
    row::Reading,
    transact::{Session, Trouble},
};
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
    class, attempt, in_doubt, touched, failures, owner, fence, due_at, credential, request, originating_identity,
    turn, trace, revoking, sent_at)
    VALUES ($1, $2, $3, $4, 'in progress', $5, $6, $7, $8, $9, $10, $11, $12, 0, $13, $14,
            clock_timestamp() + $15 * interval '1 millisecond', $16, $17, $18, $19, $20, $21,
            CASE WHEN $8::text IS NOT NULL THEN clock_timestamp() END)
    ON CONFLICT DO NOTHING";

const SAVE: &str =
    "UPDATE operations SET state = $4, description = $5, instance_usable = $6, update_repeatable = $7,
    change = $8, revoking = $9, checkpoint = $10, step = $11, class = $12, attempt = $13, in_doubt = $14,
    touched = $15, failures = $16, owner = $17, due_at = clock_timestamp() + $18 * interval '1 millisecond',
    ended_at = CASE WHEN $19 THEN clock_timestamp() END, written_by = $20, turn = $21,
    sent_at = CASE WHEN $14 THEN coalesce(sent_at, clock_timestamp()) WHEN $11::text IS NOT NULL THEN clock_timestamp()
              END
    WHERE id = $1 AND owner = $2 AND fence = $3 AND state = 'in progress'";

macro_rules! all {
    ($table:literal) => {
        concat!(
            "o.id, o.instance, o.binding, o.work, o.state, o.description, o.instance_usable, o.update_repeatable, \
             o.digest, o.change, o.revoking, o.checkpoint, o.step, o.class, o.attempt, o.in_doubt, o.touched, \
             o.failures, o.fence, o.credential, o.request, o.originating_identity, o.turn, \
             (extract(epoch FROM clock_timestamp() - o.sent_at) * 1000)::bigint, o.trace, \
             (extract(epoch FROM clock_timestamp() - o.created_at) * 1000)::bigint",
            $table
        )
    };
}

macro_rules! status {
    ($condition:literal) => {
        concat!(
            "SELECT id, binding, work, state, description, instance_usable, update_repeatable, digest,
             owner IS NULL AND step IS NULL AND NOT in_doubt,
             (extract(epoch FROM due_at - clock_timestamp()) * 1000)::bigint FROM operations ",
            $condition
        )
    };
}

/// Writes a new operation, claimed. Whether it was: the id is new, and nothing is in progress on the instance.
pub(super) async fn insert(
    session: &Session,
    (row, lease): (&Operation, &Lease),
    hold: Duration,
) -> Result<bool, Trouble> {
    let key = [row.id.as_str()];
    session
        .execute(
            INSERT,
            &[
                &row.id.as_str(),
                &row.instance.as_str(),
                &row.binding.as_ref().map(BindingId::as_str),
                &row.work.as_str(),
                &row.digest.as_bytes().as_slice(),
                &session.sealer.seal_option(CHANGE, &key, row.change.as_ref())?,
                &session.sealer.seal(CHECKPOINT, &key, &row.checkpoint)?,
                &row.intent.as_ref().map(|intent| intent.step.as_str()),
                &row.intent.as_ref().map(|intent| intent.class.as_str()),
                &row.intent.as_ref().map(|intent| i64::from(intent.attempt)),
                &row.in_doubt,
                &row.touched,
                &lease.owner,
                &lease.fence.cast_signed(),
                &milliseconds(hold),
                &row.actor.credential,
                &row.actor.request,
                &row.actor.originating_identity.as_ref().map(plain),
                &i64::from(row.turn),
                &row.actor.trace,
                &row.revoking.as_ref().map(BindingId::as_str),
            ],
        )
        .await
        .map(|changed| changed == 1)
}

/// Writes how an operation stands, if the lease still holds; whether it does. What is sealed is erased when it ends.
pub(super) async fn save(
    session: &Session,
    (row, lease): (&Operation, &Lease),
    (hold, write): (Hold, &str),
) -> Result<bool, Trouble> {
    let key = [row.id.as_str()];
    let (owner, due_in, kept) = match hold {
        Hold::Keep(lease_for) => (Some(lease.owner.as_str()), milliseconds(lease_for), true),
        Hold::Park(after) => (None, milliseconds(after), true),
        Hold::End => (None, 0.0, false),
    };
    session
        .execute(
            &save_statement(),
            &[
                &row.id.as_str(),
                &lease.owner,
                &lease.fence.cast_signed(),
                &state_word(row.state),
                &row.description,
                &row.instance_usable,
                &row.update_repeatable,
                &session.sealer.seal_option(CHANGE, &key, row.change.as_ref().filter(|_| kept))?,
                &row.revoking.as_ref().map(BindingId::as_str),
                &session.sealer.seal_option(CHECKPOINT, &key, Some(&row.checkpoint).filter(|_| kept))?,
                &row.intent.as_ref().map(|intent| intent.step.as_str()),
                &row.intent.as_ref().map(|intent| intent.class.as_str()),
                &row.intent.as_ref().map(|intent| i64::from(intent.attempt)),
                &row.in_doubt,
                &row.touched,
                &i64::from(row.failures),
                &owner,
                &due_in,
                &!kept,
                &write,
                &i64::from(row.turn),
            ],
        )
        .await
        .map(|changed| changed == 1)
}

/// The conditional write; without its conditions where a test asks for the mistake.
fn save_statement() -> Cow<'static, str> {
    // values that nothing is compared with still have types
    let (any_owner, any_fence) = ("$2::text = $2", "$3::bigint = $3");
    let unfenced = || SAVE.replace("owner = $2", any_owner).replace("fence = $3", any_fence);
    if faults::mutant("no_fence_check") {
        unfenced().into()
    } else if faults::mutant("fence_by_number_only") {
        SAVE.replace("owner = $2", any_owner).into()
    } else if faults::mutant("terminal_overwritten") {
        unfenced().replace(" AND state = 'in progress'", "").into()
    } else {
        SAVE.into()
    }
}

/// Whether the operation is as this write left it. Waits for the write, should it still be under way.
pub(super) async fn is_written_by(session: &Session, id: &OperationId, write: &str) -> Result<bool, Trouble> {
    let sql = "SELECT written_by FROM operations WHERE id = $1 FOR UPDATE";
    let row = session.row(sql, &[&id.as_str()]).await?;
    let written_by: Option<String> = row.map(|row| row.column(0)).transpose()?.flatten();
    Ok(written_by.as_deref() == Some(write))
}

/// Whether the operation has been accepted.
pub(super) async fn is_known(session: &Session, id: &OperationId) -> Result<bool, Trouble> {
    Ok(session.row("SELECT 1 FROM operations WHERE id = $1", &[&id.as_str()]).await?.is_some())
}

/// Whether something is in progress on the instance.
pub(super) async fn is_busy(session: &Session, instance: &InstanceId) -> Result<bool, Trouble> {
    let sql = "SELECT 1 FROM operations WHERE instance = $1 AND state = 'in progress'";
    Ok(session.row(sql, &[&instance.as_str()]).await?.is_some())
}

/// Ends an operation in favour of another one. Whether there was one to end.
pub(super) async fn supersede(session: &Session, id: &OperationId) -> Result<bool, Trouble> {
    session
        .execute(
            "UPDATE operations SET state = 'failed', description = 'A deletion took its place.', change = NULL,
             checkpoint = NULL, ended_at = clock_timestamp(), fence = fence + 1
             WHERE id = $1 AND state = 'in progress'",
            &[&id.as_str()],
        )
        .await
        .map(|changed| changed == 1)
}

/// Whoever may be in the middle of a step of the operation that made way holds the new one, too, until it lets go.
pub(super) async fn inherit_hold(
    session: &Session,
    (new, superseded): (&OperationId, &OperationId),
) -> Result<(), Trouble> {
    session
        .execute(
            "UPDATE operations SET owner = old.owner,
             due_at = CASE WHEN old.owner IS NULL THEN clock_timestamp() ELSE old.due_at END
             FROM operations AS old WHERE old.id = $2 AND operations.id = $1",
            &[&new.as_str(), &superseded.as_str()],
        )
        .await
        .map(|_| ())
}

/// What is held by the same holder on the same instance is due.
pub(super) async fn let_go(
    session: &Session,
    (lease, instance): (&Lease, &InstanceId),
) -> Result<(), Trouble> {
    session
        .execute(
            "UPDATE operations SET due_at = clock_timestamp()
             WHERE instance = $1 AND state = 'in progress' AND owner = $2 AND id <> $3",
            &[&instance.as_str(), &lease.owner, &lease.operation.as_str()],
        )
        .await
        .map(|_| ())
}

const CLAIM: &str = concat!(
    "WITH due AS MATERIALIZED (
         SELECT sequence FROM operations
         WHERE state = 'in progress' AND due_at <= (SELECT clock_timestamp())
         ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
     UPDATE operations AS o SET owner = $1, fence = o.fence + 1,
     due_at = clock_timestamp() + $2 * interval '1 millisecond',
     in_doubt = o.in_doubt OR (o.step IS NOT NULL AND o.class <> 'read_only'),
     touched = o.touched OR (o.step IS NOT NULL AND o.class <> 'read_only')
     FROM due WHERE o.sequence = due.sequence RETURNING ",
    all!("")
);

/// Claims operations that are due and that nobody else is claiming just now.
pub(super) async fn claim(
    session: &Session,
    (owner, lease, limit): (&str, Duration, usize),
) -> Result<Vec<(Lease, Operation)>, Trouble> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = session.rows(&claim_statement(), &[&owner, &milliseconds(lease), &limit]).await?;
    Ok(leased(&rows, &session.sealer, owner)?)
}

/// The claim, or a test's mistake of it.
fn claim_statement() -> Cow<'static, str> {
    if faults::mutant("doubt_forgotten") {
        let doubt = "in_doubt = o.in_doubt OR (o.step IS NOT NULL AND o.class <> 'read_only')";
        CLAIM.replace(doubt, "in_doubt = o.in_doubt, step = NULL").into()
    } else if faults::mutant("left_behind_on_restart") {
        CLAIM.replace("state = 'in progress' AND", "state = 'in progress' AND owner IS NULL AND").into()
    } else {
        CLAIM.into()
    }
}

/// What this owner has claimed already.
pub(super) async fn claimed(session: &Session, owner: &str) -> Result<Vec<(Lease, Operation)>, Trouble> {
    let sql = concat!("SELECT ", all!(" FROM operations AS o WHERE state = 'in progress' AND owner = $1"));
    let rows = session.rows(sql, &[&owner]).await?;
    Ok(leased(&rows, &session.sealer, owner)?)
}

fn leased(rows: &[Row], sealer: &Sealer, owner: &str) -> Result<Vec<(Lease, Operation)>, StoreError> {
    let lease = |row: &Row| {
        let (operation, fence) = read(row, sealer)?;
        let lease = Lease { operation: operation.id.clone(), owner: owner.to_owned(), fence };
        Ok((lease, operation))
    };
    rows.iter().map(lease).collect()
}

/// Reads the operation.
pub(super) async fn get(session: &Session, id: &OperationId) -> Result<Option<Operation>, Trouble> {
    let sql = concat!("SELECT ", all!(" FROM operations AS o WHERE id = $1"));
    let row = session.row(sql, &[&id.as_str()]).await?;
    Ok(row.map(|row| read(&row, &session.sealer)).transpose()?.map(|(operation, _)| operation))
}

/// Reads what polling needs.
pub(super) async fn status(
    session: &Session,
    subject: &Subject,
    named: Option<&OperationId>,
) -> Result<Option<OperationStatus>, Trouble> {
    let (instance, binding) = match subject {
        Subject::Instance(instance) => (instance.as_str(), None),
        Subject::Binding(instance, binding) => (instance.as_str(), Some(binding.as_str())),
    };
    let row = match (named, binding) {
        (Some(id), _) => {
            let sql = status!("WHERE id = $3 AND instance = $1 AND binding IS NOT DISTINCT FROM $2");
            session.row(sql, &[&instance, &binding, &id.as_str()]).await?
        }
        // two statements, because `IS NOT DISTINCT FROM` uses no index
        (None, Some(binding)) => {
            let sql = status!("WHERE instance = $1 AND binding = $2 ORDER BY sequence DESC LIMIT 1");
            session.row(sql, &[&instance, &binding]).await?
        }
        (None, None) => {
            let sql = status!("WHERE instance = $1 AND binding IS NULL ORDER BY sequence DESC LIMIT 1");
            session.row(sql, &[&instance]).await?
        }
    };
    Ok(row.map(|row| read_status(&row)).transpose()?)
}

/// Reads the status of what is in progress on the instance.
pub(super) async fn active(
    session: &Session,
    instance: &InstanceId,
) -> Result<Option<OperationStatus>, Trouble> {
    let sql = status!("WHERE instance = $1 AND state = 'in progress'");
    let row = session.row(sql, &[&instance.as_str()]).await?;
    Ok(row.map(|row| read_status(&row)).transpose()?)
}

fn read_status(row: &Row) -> Result<OperationStatus, StoreError> {
    let (id, binding): (&str, Option<String>) = (row.column(0)?, row.column(1)?);
    Ok(OperationStatus {
        id: OperationId::from(id),
        binding: binding.map(BindingId::new).transpose().map_err(damaged("operations.binding"))?,
        work: word(row.column(2)?, "operations.work", Work::from_word)?,
        state: word(row.column(3)?, "operations.state", state_from)?,
        description: row.column(4)?,
        instance_usable: row.column(5)?,
        update_repeatable: row.column(6)?,
        digest: digest(row.column(7)?, "operations.digest")?,
        is_parked: row.column(8)?,
        due_in: row.column::<i64>(9)?.max(0).unsigned_abs(),
    })
}

fn read(row: &Row, sealer: &Sealer) -> Result<(Operation, u64), StoreError> {
    let id: String = row.column(0)?;
    let key = [id.as_str()];
    let (binding, revoking): (Option<String>, Option<String>) = (row.column(2)?, row.column(10)?);
    let (in_doubt, sent_for): (bool, Option<i64>) = (row.column(15)?, row.column(23)?);
    let identity: Option<String> = row.column(21)?;
    let (step, class, attempt) = (row.column(12)?, row.column(13)?, row.column(14)?);
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
        intent: intent(step, class, attempt)?,
        in_doubt,
        touched: row.column(16)?,
        failures: count(row.column(17)?, "operations.failures")?,
        turn: count(row.column(22)?, "operations.turn")?,
        doubted_for: Duration::from_millis(sent_for.filter(|_| in_doubt).unwrap_or(0).max(0).unsigned_abs()),
        age: Duration::from_millis(row.column::<i64>(25)?.max(0).unsigned_abs()),
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

fn intent(
    step: Option<String>,
    class: Option<String>,
    attempt: Option<i64>,
) -> Result<Option<Intent>, StoreError> {
    let (Some(step), Some(class), Some(attempt)) = (step, class, attempt) else { return Ok(None) };
    Ok(Some(Intent { step, class, attempt: count(attempt, "operations.attempt")? }))
}

fn count(number: i64, column: &'static str) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(damaged(column))
}

/// Milliseconds as `interval` multiplies them.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "smaller than 2^53")]
    let milliseconds = millis(duration).min(1 << 42) as f64;
    milliseconds
}
