//! Revisions: what they hold, how many there are, and that everything else goes on past them.

use super::{Storage, expired, locked, put, refs};
use crate::state::samples::{record, reference};
use crate::state::status::Status;
use crate::state::{Change, Extent, Kind, StateBackend, restoring};

async fn serials(backend: &dyn StateBackend) -> Vec<u64> {
    backend.revisions().await.unwrap().iter().map(|revision| revision.serial).collect()
}

pub(in crate::state) async fn a_run_without_a_change_makes_no_revision(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    assert_eq!(backend.compact(&lock, 9).await.unwrap(), None);
    backend.commit(&lock, Vec::new()).await.unwrap();
    assert_eq!(backend.compact(&lock, 9).await.unwrap(), None);
    assert!(serials(&*storage.open()).await.is_empty());
}

pub(in crate::state) async fn a_revision_holds_what_was_recorded(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    for name in ["b", "a"] {
        put(&*backend, &lock, name).await;
    }
    let recorded = backend.load().await.unwrap();
    let made = backend.compact(&lock, 9).await.unwrap().expect("something changed");
    assert_eq!((made.serial, made.sequence, made.records), (2, 2, 2));
    put(&*backend, &lock, "c").await;
    let snapshot = storage.open().revision(2).await.unwrap().expect("it is there");
    assert_eq!(snapshot.records, recorded.records);
    assert_eq!(snapshot.revision, made);
}

pub(in crate::state) async fn a_revision_is_made_once(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    put(&*backend, &lock, "a").await;
    assert!(backend.compact(&lock, 9).await.unwrap().is_some());
    assert_eq!(backend.compact(&lock, 9).await.unwrap(), None);
    backend.unlock(&lock).await.unwrap();
    let lock = locked(&*storage.open()).await;
    assert_eq!(storage.open().compact(&lock, 9).await.unwrap(), None);
    assert_eq!(serials(&*backend).await, [1]);
}

pub(in crate::state) async fn revisions_are_listed_oldest_first(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    for name in ["a", "b", "c"] {
        put(&*backend, &lock, name).await;
        put(&*backend, &lock, name).await;
        backend.compact(&lock, 9).await.unwrap();
    }
    assert_eq!(serials(&*storage.open()).await, [2, 4, 6]);
}

pub(in crate::state) async fn only_so_many_revisions_are_kept(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    for _ in 0..4 {
        put(&*backend, &lock, "a").await;
        backend.compact(&lock, 2).await.unwrap();
    }
    assert_eq!(serials(&*storage.open()).await, [3, 4]);
    assert_eq!(backend.revision(2).await.unwrap(), None);
    backend.verify(Extent::Everything).await.unwrap();
}

pub(in crate::state) async fn the_current_revision_is_never_forgotten(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    for _ in 0..2 {
        put(&*backend, &lock, "a").await;
        backend.compact(&lock, 0).await.unwrap();
    }
    assert_eq!(serials(&*backend).await, [2]);
    assert_eq!(storage.open().revision(2).await.unwrap().unwrap().records.len(), 1);
}

pub(in crate::state) async fn a_revision_needs_the_lock(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    let lost = expired(&*one).await;
    put(&*one, &lost, "a").await;
    locked(&*other).await;
    let error = one.compact(&lost, 9).await.unwrap_err();
    assert_eq!(error.kind(), Kind::LockLost, "{error}");
    assert!(serials(&*other).await.is_empty());
}

pub(in crate::state) async fn i_25_equal_states_are_equal_revisions(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let (a, b) = (record("a"), record("b"));
    let changes = vec![Change::put(b.clone(), "created"), Change::put(a.clone(), "created")];
    backend.commit(&lock, changes).await.unwrap();
    let first = backend.compact(&lock, 9).await.unwrap().unwrap();
    let mut other = a.clone();
    other.status = Status::Ready;
    backend.commit(&lock, vec![Change::put(other, "changed")]).await.unwrap();
    let second = backend.compact(&lock, 9).await.unwrap().unwrap();
    backend.commit(&lock, vec![Change::remove(b.reference.clone(), "deleted")]).await.unwrap();
    backend.commit(&lock, vec![Change::put(a, "changed back"), Change::put(b, "back")]).await.unwrap();
    let third = backend.compact(&lock, 9).await.unwrap().unwrap();
    assert_ne!(first.digest, second.digest);
    assert_eq!((first.digest, first.fold), (third.digest, third.fold));
    assert_ne!(first.head, third.head);
}

pub(in crate::state) async fn a_revision_can_be_restored(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    for name in ["a", "b"] {
        put(&*backend, &lock, name).await;
    }
    let then = backend.load().await.unwrap();
    backend.compact(&lock, 9).await.unwrap();
    let mut changed = record("a");
    changed.status = Status::Ready;
    let changes = vec![
        Change::put(changed, "changed"),
        Change::remove(reference("b"), "deleted"),
        Change::put(record("c"), "new"),
    ];
    backend.commit(&lock, changes).await.unwrap();
    let now = backend.load().await.unwrap();
    let snapshot = backend.revision(2).await.unwrap().unwrap();
    let serial = backend.commit(&lock, restoring((&now.records, &now.ledger), &snapshot)).await.unwrap();
    assert_eq!(serial, now.serial + 1, "restoring is a new serial, not an old one");
    assert_eq!(storage.open().load().await.unwrap().records, then.records);
    let told = backend.history(&reference("c"), 0, 9).await.unwrap();
    assert!(told.last().unwrap().what.contains("revision 2"), "{told:?}");
    backend.verify(Extent::Everything).await.unwrap();
}

pub(in crate::state) async fn a_revision_that_never_was_is_none(storage: &impl Storage) {
    let backend = storage.open();
    assert_eq!(backend.revision(1).await.unwrap(), None);
    assert!(serials(&*backend).await.is_empty());
    let lock = locked(&*backend).await;
    put(&*backend, &lock, "a").await;
    assert_eq!(backend.revision(1).await.unwrap(), None);
}

pub(in crate::state) async fn everything_goes_on_past_a_revision(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    for name in ["a", "b"] {
        put(&*backend, &lock, name).await;
    }
    backend.compact(&lock, 9).await.unwrap();
    backend.commit(&lock, vec![Change::remove(reference("a"), "deleted")]).await.unwrap();
    assert_eq!(put(&*backend, &lock, "c").await, 4);
    for extent in [Extent::SinceRevision, Extent::Everything] {
        storage.open().verify(extent).await.unwrap();
    }
    assert_eq!(refs(&*storage.open()).await, ["b", "c"]);
    backend.unlock(&lock).await.unwrap();
    let other = storage.open();
    let lock = locked(&*other).await;
    assert_eq!(put(&*other, &lock, "a").await, 5);
    assert_eq!(refs(&*storage.open()).await, ["a", "b", "c"]);
}

pub(in crate::state) async fn the_journal_survives_a_revision(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    for name in ["a", "b", "a"] {
        put(&*backend, &lock, name).await;
    }
    let before = backend.journal(0, 99).await.unwrap();
    backend.compact(&lock, 1).await.unwrap();
    assert_eq!(storage.open().journal(0, 99).await.unwrap(), before);
    put(&*backend, &lock, "a").await;
    backend.compact(&lock, 1).await.unwrap();
    put(&*backend, &lock, "a").await;
    let sequences =
        |page: Vec<crate::state::Entry>| page.iter().map(|entry| entry.sequence).collect::<Vec<_>>();
    assert_eq!(sequences(storage.open().journal(0, 99).await.unwrap()), [1, 2, 3, 4, 5]);
    assert_eq!(sequences(storage.open().journal(2, 2).await.unwrap()), [3, 4]);
    assert_eq!(sequences(storage.open().history(&reference("a"), 1, 99).await.unwrap()), [3, 4, 5]);
}

pub(in crate::state) async fn the_count_goes_on_past_a_revision(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    put(&*backend, &lock, "a").await;
    backend.commit(&lock, vec![Change::remove(reference("a"), "deleted")]).await.unwrap();
    backend.compact(&lock, 1).await.unwrap();
    backend.unlock(&lock).await.unwrap();
    let other = storage.open();
    let lock = locked(&*other).await;
    put(&*other, &lock, "a").await;
    let told = storage.open().history(&reference("a"), 2, 9).await.unwrap();
    assert_eq!((told[0].ordinal, told[0].incarnation), (3, 2));
}
