//! The transactions: what changes together.

use std::time::{Duration, SystemTime};

use futures_util::join;

use super::{
    bindings, events, expenses,
    instances::{self, Presence},
    operations,
    row::Reading,
    transact::{Conclusion, Session, Trouble},
};
use crate::{
    expense::Spending,
    faults,
    instance::Instance,
    operation::{Lease, Operation},
    store::{Amended, Begin, Begun, Event, RowChange, Rows, Save, StoreError, column},
};

/// Accepts an operation, unless the world is not what the decision was made on. What has this id already is it.
pub(super) async fn begin(session: &Session, begin: &Begin) -> Result<Conclusion<Begun>, Trouble> {
    let begun = try_begin(session, begin).await?;
    // the locks that were taken on the way here wait for a write that is still under way
    if begun == Begun::Moved
        && session.perhaps_written
        && operations::is_known(session, &begin.operation.id).await?
    {
        return Ok(Conclusion::Undo(Begun::Accepted));
    }
    Ok(match begun {
        Begun::Accepted => Conclusion::Commit(begun),
        Begun::Moved => Conclusion::Undo(begun),
    })
}

async fn try_begin(session: &Session, begin: &Begin) -> Result<Begun, Trouble> {
    match instance_if(begin) {
        Some(change) if !session.perhaps_written => begin_at_once(session, begin, change).await,
        _ => begin_in_turn(session, begin).await,
    }
}

/// What the acceptance of an operation does to its instance, where one statement can do that and say whether the
/// instance is what the decision was made on.
enum InstanceIf<'a> {
    Put(&'a Instance, Option<u64>),
    Touch(u64),
}

fn instance_if(begin: &Begin) -> Option<InstanceIf<'_>> {
    let is_plain = begin.supersedes.is_none()
        && begin.rows.revoked.is_none()
        && begin.rows.spending == Spending::Nothing
        && !matches!(begin.rows.binding, RowChange::Remove);
    match (&begin.rows.instance, begin.decided_on) {
        _ if !is_plain => None,
        // the database wants to see the instance before its binding
        (RowChange::Put(_), None) if begin.rows.binding != RowChange::Keep => None,
        (RowChange::Put(instance), revision) => Some(InstanceIf::Put(instance, revision)),
        (RowChange::Keep, Some(revision)) => Some(InstanceIf::Touch(revision)),
        (RowChange::Keep, None) | (RowChange::Remove, _) => None,
    }
}

/// All statements are sent without waiting for each other's answers: each says for itself whether it did what it should,
/// and where one did not, what the others did is undone.
async fn begin_at_once(session: &Session, begin: &Begin, change: InstanceIf<'_>) -> Result<Begun, Trouble> {
    let operation = &begin.operation;
    let change = async {
        match change {
            InstanceIf::Put(instance, revision) => instances::put_if(session, (instance, revision)).await,
            InstanceIf::Touch(revision) => instances::touch_if(session, &operation.instance, revision).await,
        }
    };
    let bind = async {
        match &begin.rows.binding {
            RowChange::Put(binding) => bindings::put(session, binding).await,
            RowChange::Keep | RowChange::Remove => Ok(()),
        }
    };
    let (changed, bound, inserted, told) = join!(
        change,
        bind,
        operations::insert(session, (operation, &begin.lease), begin.hold),
        events::append(session, operation.id.as_str(), (&begin.event, Some(&operation.digest))),
    );
    // the first that failed says why: the others only that one before them did
    if !changed? {
        return Ok(Begun::Moved);
    }
    bound?;
    if !inserted? {
        return Ok(Begun::Moved);
    }
    told?;
    faults::pass("B02").await?;
    Ok(Begun::Accepted)
}

/// One statement after the other, under a lock on the instance.
async fn begin_in_turn(session: &Session, begin: &Begin) -> Result<Begun, Trouble> {
    let operation = &begin.operation;
    if instances::locked_revision(session, &operation.instance).await? != begin.decided_on {
        return Ok(Begun::Moved);
    }
    if let Some(superseded) = &begin.supersedes
        && !operations::supersede(session, superseded).await?
    {
        return Ok(Begun::Moved);
    }
    let presence = if begin.decided_on.is_some() { Presence::Known } else { Presence::New };
    if !change_rows(session, (operation, &begin.rows, presence)).await?
        || !operations::insert(session, (operation, &begin.lease), begin.hold).await?
    {
        return Ok(Begun::Moved);
    }
    if let Some(superseded) = &begin.supersedes {
        operations::inherit_hold(session, (&operation.id, superseded)).await?;
    }
    events::append(session, operation.id.as_str(), (&begin.event, Some(&operation.digest))).await?;
    faults::pass("B02").await?;
    Ok(Begun::Accepted)
}

/// Writes how an operation stands; `write` names this very write.
pub(super) async fn save(session: &Session, (save, write): (&Save, &str)) -> Result<Conclusion<()>, Trouble> {
    let lease = &save.lease;
    if session.perhaps_written && operations::is_written_by(session, &lease.operation, write).await? {
        return Ok(Conclusion::Undo(()));
    }
    let tell = async {
        match &save.event {
            Some(event) => events::append(session, write, (event, None)).await,
            None => Ok(()),
        }
    };
    // sent without waiting for each other's answers: where the lease is lost, all is undone
    let (saved, changed, told) = join!(
        operations::save(session, (&save.operation, lease), (save.hold, write)),
        change_rows(session, (&save.operation, &save.rows, Presence::Known)),
        tell,
    );
    if !saved? {
        return Err(StoreError::LeaseLost.into());
    }
    changed?;
    told?;
    faults::pass("B13").await?;
    Ok(Conclusion::Commit(()))
}

/// Writes an instance outside any operation; `change` names this very write.
pub(super) async fn amend(
    session: &Session,
    (instance, event, change): (&Instance, &Event, &str),
) -> Result<Conclusion<Amended>, Trouble> {
    let known = instances::locked_revision(session, &instance.id).await?;
    if session.perhaps_written && events::is_written(session, change).await? {
        return Ok(Conclusion::Undo(Amended::Written));
    }
    if known != Some(instance.revision) || operations::is_busy(session, &instance.id).await? {
        return Ok(Conclusion::Undo(Amended::Moved));
    }
    instances::put(session, (instance, Presence::Known)).await?;
    events::append(session, change, (event, None)).await?;
    Ok(Conclusion::Commit(Amended::Written))
}

/// Forgets what ended longer ago than this, but never the last operation of an instance that is still there.
pub(super) async fn forget(session: &Session, older_than: Duration) -> Result<Conclusion<u64>, Trouble> {
    let forgotten = session
        .execute(
            "DELETE FROM operations AS o
             WHERE o.ended_at < (SELECT clock_timestamp()) - $1 * interval '1 millisecond'
             AND NOT (EXISTS (SELECT 1 FROM instances WHERE id = o.instance)
                      AND o.sequence = (SELECT max(sequence) FROM operations AS later WHERE
                          later.instance = o.instance AND later.binding IS NOT DISTINCT FROM o.binding))",
            &[&operations::milliseconds(older_than)],
        )
        .await?;
    faults::pass("B24").await?;
    Ok(Conclusion::Commit(forgotten))
}

/// Remembers which catalog is served, and since when.
pub(super) async fn catalog_since(session: &Session, digest: &str) -> Result<SystemTime, Trouble> {
    let sql = "INSERT INTO meta (name, value)
         VALUES ('catalog', convert_to($1 || floor(extract(epoch FROM clock_timestamp()))::text, 'UTF8'))
         ON CONFLICT (name) DO UPDATE SET value = excluded.value
         WHERE NOT starts_with(convert_from(meta.value, 'UTF8'), $1)";
    session.execute(sql, &[&format!("{digest} ")]).await?;
    let sql = "SELECT convert_from(value, 'UTF8') FROM meta WHERE name = 'catalog'";
    let row = session.row(sql, &[]).await?;
    let value: String = row.map(|row| row.column(0)).transpose()?.unwrap_or_default();
    Ok(column::catalog_since(&value)?)
}

/// Proves that writing works.
pub(super) async fn probe(session: &Session) -> Result<Conclusion<()>, Trouble> {
    session
        .execute(
            "INSERT INTO meta (name, value) VALUES ('probe', convert_to(clock_timestamp()::text, 'UTF8'))
             ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value",
            &[],
        )
        .await
        .map(|_| Conclusion::Commit(()))
}

/// Bindings go before their instance, instances come before their bindings. Whether the instance was as new as it
/// should be.
async fn change_rows(
    session: &Session,
    (operation, rows, presence): (&Operation, &Rows, Presence),
) -> Result<bool, Trouble> {
    let removed = operation.binding.as_ref().filter(|_| rows.binding == RowChange::Remove);
    for binding in removed.into_iter().chain(&rows.revoked) {
        bindings::remove(session, &operation.instance, binding).await?;
    }
    match &rows.instance {
        RowChange::Keep => instances::touch(session, &operation.instance).await?,
        RowChange::Put(instance) => {
            if !instances::put(session, (instance, presence)).await? {
                return Ok(false);
            }
        }
        RowChange::Remove => instances::remove(session, &operation.instance).await?,
    }
    if let RowChange::Put(binding) = &rows.binding {
        bindings::put(session, binding).await?;
    }
    expenses::change(session, &rows.spending).await?;
    Ok(true)
}

/// Claims what is due for this owner, unless it has claimed already.
pub(super) async fn claim(
    session: &Session,
    (owner, lease, limit): (&str, Duration, usize),
) -> Result<Conclusion<Vec<(Lease, Operation)>>, Trouble> {
    if session.perhaps_written {
        let claimed = operations::claimed(session, owner).await?;
        if !claimed.is_empty() {
            return Ok(Conclusion::Undo(claimed));
        }
    }
    operations::claim(session, (owner, lease, limit)).await.map(Conclusion::Commit)
}
