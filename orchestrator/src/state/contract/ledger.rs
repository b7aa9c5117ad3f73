//! The ledger: rows beside the records, in the same commits.

use super::{Storage, locked, put, refs};
use crate::state::samples::{entry, record};
use crate::state::status::Status;
use crate::state::{Change, Extent, LedgerEntry, LedgerKind, LedgerOutcome, StateBackend, restoring};

async fn ledger(backend: &dyn StateBackend) -> Vec<LedgerEntry> {
    backend.load().await.expect("it loads").ledger
}

fn migration(id: &str) -> LedgerEntry {
    entry(LedgerKind::Migration, id)
}

pub(in crate::state) async fn a_fresh_state_has_an_empty_ledger(storage: &impl Storage) {
    let backend = storage.open();
    assert!(ledger(&*backend).await.is_empty());
    let lock = locked(&*backend).await;
    put(&*backend, &lock, "db").await;
    assert!(ledger(&*backend).await.is_empty());
}

pub(in crate::state) async fn a46_an_entry_is_in_the_commit_of_the_effect_it_ends(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let mut done = record("db");
    done.status = Status::Ready;
    let applied = LedgerEntry { outcome: LedgerOutcome::Applied, ..migration("0001_init") };
    let both = || vec![Change::put(done.clone(), "ready"), Change::enter(applied.clone(), "applied")];
    // somebody who lost the lock writes neither
    backend.force_unlock(lock.id).await.unwrap();
    assert!(backend.commit(&lock, both()).await.is_err());
    assert!(ledger(&*backend).await.is_empty() && refs(&*backend).await.is_empty());
    let lock = locked(&*backend).await;
    let serial = backend.commit(&lock, both()).await.unwrap();
    let state = storage.open().load().await.unwrap();
    assert_eq!((serial, state.serial), (1, 1), "one commit");
    assert_eq!((state.records, state.ledger), (vec![done], vec![applied]));
    let serials: Vec<u64> = backend.journal(0, 9).await.unwrap().iter().map(|entry| entry.serial).collect();
    assert_eq!(serials, [1, 1]);
}

pub(in crate::state) async fn b03_two_kinds_with_one_id_are_two_entries(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let other = entry(LedgerKind::StateRekey, "0001_init");
    for row in [migration("0001_init"), other.clone()] {
        backend.commit(&lock, vec![Change::enter(row, "entered")]).await.unwrap();
    }
    assert_eq!(ledger(&*storage.open()).await, [migration("0001_init"), other]);
}

pub(in crate::state) async fn the_last_writing_of_an_entry_counts(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let done = LedgerEntry { outcome: LedgerOutcome::Applied, ..migration("0001_init") };
    for row in [migration("0001_init"), done.clone()] {
        backend.commit(&lock, vec![Change::enter(row, "entered")]).await.unwrap();
    }
    assert_eq!(ledger(&*storage.open()).await, [done]);
    backend.verify(Extent::Everything).await.unwrap();
}

pub(in crate::state) async fn an_entry_is_told_in_the_journal(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    backend.commit(&lock, vec![Change::enter(migration("0001_init"), "begun")]).await.unwrap();
    let told = backend.journal(0, 9).await.unwrap();
    assert_eq!(told[0].reference.as_str(), "ledger/migration/0001_init");
    assert!(told[0].reference.instance().is_none());
    let outcome = told[0].transitions.iter().find(|one| one.field == "outcome");
    assert!(outcome.is_some(), "{:?}", told[0].transitions);
}

pub(in crate::state) async fn the_ledger_survives_a_revision(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    for name in ["a", "z"] {
        put(&*backend, &lock, name).await;
    }
    backend.commit(&lock, vec![Change::enter(migration("0001_init"), "entered")]).await.unwrap();
    let made = backend.compact(&lock, 9).await.unwrap().unwrap();
    let snapshot = storage.open().revision(made.serial).await.unwrap().unwrap();
    assert_eq!((snapshot.records.len(), snapshot.ledger), (2, vec![migration("0001_init")]));
    let state = storage.open().load().await.unwrap();
    assert_eq!((state.records.len(), state.ledger), (2, vec![migration("0001_init")]));
    // and everything goes on from there
    let more = migration("0002_more");
    storage.open().commit(&lock, vec![Change::enter(more.clone(), "entered")]).await.unwrap();
    assert_eq!(ledger(&*storage.open()).await, [migration("0001_init"), more]);
    storage.open().verify(Extent::Everything).await.unwrap();
}

pub(in crate::state) async fn the_ledger_goes_back_with_the_records(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    put(&*backend, &lock, "a").await;
    backend.commit(&lock, vec![Change::enter(migration("0001_init"), "entered")]).await.unwrap();
    let made = backend.compact(&lock, 9).await.unwrap().unwrap();
    let changes = vec![
        Change::enter(LedgerEntry { outcome: LedgerOutcome::Skipped, ..migration("0001_init") }, "skipped"),
        Change::enter(migration("0002_more"), "entered"),
        Change::put(record("b"), "created"),
    ];
    backend.commit(&lock, changes).await.unwrap();
    let now = backend.load().await.unwrap();
    let snapshot = backend.revision(made.serial).await.unwrap().unwrap();
    backend.commit(&lock, restoring((&now.records, &now.ledger), &snapshot)).await.unwrap();
    let state = storage.open().load().await.unwrap();
    assert_eq!(refs(&*backend).await, ["a"]);
    assert_eq!(state.ledger, [migration("0001_init")]);
    assert!(restoring((&state.records, &state.ledger), &snapshot).is_empty());
    storage.open().verify(Extent::Everything).await.unwrap();
}

pub(in crate::state) async fn the_ledger_is_no_record(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    backend.commit(&lock, vec![Change::enter(migration("0001_init"), "entered")]).await.unwrap();
    assert!(refs(&*storage.open()).await.is_empty());
}

pub(in crate::state) async fn an_entry_can_be_written_again(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let row = LedgerEntry { outcome: LedgerOutcome::Applied, ..migration("0001_init") };
    backend.commit(&lock, vec![Change::enter(row.clone(), "applied")]).await.unwrap();
    let found = ledger(&*storage.open()).await;
    assert_eq!(found.first(), Some(&row));
    storage.open().commit(&lock, vec![Change::enter(row, "applied")]).await.unwrap();
    assert_eq!(ledger(&*storage.open()).await, found);
}
