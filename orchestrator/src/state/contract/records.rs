//! What is recorded, and what readers see of it.

use std::sync::Arc;

use super::{Storage, locked, put, refs};
use crate::state::samples::{claim, record, reference};
use crate::state::status::Status;
use crate::state::{Change, Extent};

pub(in crate::state) async fn what_was_never_applied_is_empty(storage: &impl Storage) {
    let state = storage.open().load().await.unwrap();
    assert!(state.is_new() && state.records.is_empty());
    assert_eq!((state.serial, state.stack.as_str()), (0, "shop"));
}

pub(in crate::state) async fn reading_creates_nothing(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    one.load().await.unwrap();
    one.verify(Extent::Everything).await.unwrap();
    assert!(one.lock_holder().await.unwrap().is_none() && one.journal(0, 9).await.unwrap().is_empty());
    assert!(other.load().await.unwrap().is_new());
}

pub(in crate::state) async fn the_seed_is_kept(storage: &impl Storage) {
    let backend = storage.open();
    let claim = claim(&*backend, "test").await;
    backend.lock(&claim).await.unwrap();
    let state = storage.open().load().await.unwrap();
    assert_eq!((state.lineage, state.canary), (claim.seed.lineage, Some(claim.seed.canary)));
}

pub(in crate::state) async fn a_commit_is_seen_by_everyone(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    let lock = locked(&*one).await;
    put(&*one, &lock, "db").await;
    assert_eq!(refs(&*one).await, ["db"]);
    assert_eq!(refs(&*other).await, ["db"]);
}

pub(in crate::state) async fn a_record_comes_back_as_it_was(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let written = record("db");
    backend.commit(&lock, vec![Change::put(written.clone(), "created")]).await.unwrap();
    assert_eq!(storage.open().load().await.unwrap().records, [written]);
}

pub(in crate::state) async fn the_last_writing_of_a_record_counts(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let mut written = record("db");
    backend.commit(&lock, vec![Change::put(written.clone(), "created")]).await.unwrap();
    written.status = Status::Ready;
    backend.commit(&lock, vec![Change::put(written.clone(), "ready")]).await.unwrap();
    assert_eq!(backend.load().await.unwrap().records, [written]);
}

pub(in crate::state) async fn a_removed_record_is_gone(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    put(&*backend, &lock, "db").await;
    put(&*backend, &lock, "web").await;
    backend.commit(&lock, vec![Change::remove(reference("db"), "deleted")]).await.unwrap();
    assert_eq!(refs(&*storage.open()).await, ["web"]);
}

pub(in crate::state) async fn removing_what_is_not_there_is_harmless(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let serial = backend.commit(&lock, vec![Change::remove(reference("db"), "deleted")]).await.unwrap();
    assert_eq!((serial, refs(&*backend).await.len()), (1, 0));
    backend.verify(Extent::Everything).await.unwrap();
}

pub(in crate::state) async fn records_come_in_the_order_of_their_refs(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    for name in ["web", "db", "Cache", "a-1", "a_1"] {
        put(&*backend, &lock, name).await;
    }
    assert_eq!(refs(&*backend).await, ["Cache", "a-1", "a_1", "db", "web"]);
}

pub(in crate::state) async fn each_commit_moves_the_serial_by_one(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    for expected in 1..=5 {
        assert_eq!(put(&*backend, &lock, "db").await, expected);
        assert_eq!(backend.load().await.unwrap().serial, expected);
    }
}

pub(in crate::state) async fn an_empty_commit_changes_nothing(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    put(&*backend, &lock, "db").await;
    assert_eq!(backend.commit(&lock, Vec::new()).await.unwrap(), 1);
    assert_eq!(backend.load().await.unwrap().serial, 1);
    backend.verify(Extent::Everything).await.unwrap();
}

pub(in crate::state) async fn a_commit_is_all_or_nothing(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let changes = vec![
        Change::put(record("a"), "created"),
        Change::put(record("b"), "created"),
        Change::remove(reference("a"), "deleted"),
    ];
    assert_eq!(backend.commit(&lock, changes.clone()).await.unwrap(), 1);
    assert_eq!(refs(&*backend).await, ["b"]);
    backend.unlock(&lock).await.unwrap();
    backend.commit(&lock, changes).await.unwrap_err();
    assert_eq!(backend.journal(0, 9).await.unwrap().len(), 3);
}

pub(in crate::state) async fn commits_at_the_same_time_all_count(storage: &impl Storage) {
    let backend = storage.open();
    let lock = Arc::new(locked(&*backend).await);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..64 {
        let (backend, lock) = (Arc::clone(&backend), Arc::clone(&lock));
        tasks.spawn(async move { put(&*backend, &lock, &format!("i{number}")).await });
    }
    let mut serials = tasks.join_all().await;
    serials.sort_unstable();
    assert_eq!(serials, (1..=64).collect::<Vec<u64>>());
    let state = storage.open().load().await.unwrap();
    assert_eq!((state.serial, state.records.len()), (64, 64));
    backend.verify(Extent::Everything).await.unwrap();
}

pub(in crate::state) async fn what_was_written_verifies(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    for round in 0..10 {
        let changes = vec![
            Change::put(record(&format!("i{}", round % 3)), "written"),
            Change::remove(reference(&format!("i{}", (round + 1) % 3)), "removed"),
        ];
        backend.commit(&lock, changes).await.unwrap();
        backend.verify(Extent::Everything).await.unwrap();
    }
    storage.open().verify(Extent::Everything).await.unwrap();
}

pub(in crate::state) async fn a_large_commit_is_one_commit(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let changes = (0..300).map(|number| Change::put(record(&format!("i{number:03}")), "created")).collect();
    assert_eq!(backend.commit(&lock, changes).await.unwrap(), 1);
    let state = storage.open().load().await.unwrap();
    assert_eq!((state.serial, state.records.len()), (1, 300));
    storage.open().verify(Extent::Everything).await.unwrap();
}

pub(in crate::state) async fn a_record_may_be_large(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let mut large = record("db");
    large.name = "ä\"\\\n".repeat(50_000);
    backend.commit(&lock, vec![Change::put(large.clone(), "created")]).await.unwrap();
    assert_eq!(storage.open().load().await.unwrap().records, [large]);
}

pub(in crate::state) async fn i_23_a_reader_sees_whole_commits_only(storage: &impl Storage) {
    let writer = storage.open();
    let lock = locked(&*writer).await;
    let reader = storage.open();
    let (done, stopped) = tokio::sync::oneshot::channel::<()>();
    let reading = tokio::spawn(async move {
        let (mut seen, mut stopped) = (0, stopped);
        loop {
            let state = reader.load().await.unwrap();
            assert!(state.serial >= seen, "time ran backwards");
            seen = state.serial;
            let names: Vec<_> = state.records.iter().map(|record| record.name.as_str()).collect();
            assert!(names.is_empty() || (names.len() == 2 && names[0] == names[1]), "{names:?}");
            if stopped.try_recv().is_ok() {
                return;
            }
        }
    });
    for round in 0..20 {
        let named = |reference: &str| {
            let mut record = record(reference);
            record.name = format!("round-{round}");
            Change::put(record, "written")
        };
        writer.commit(&lock, vec![named("a"), named("b")]).await.unwrap();
    }
    done.send(()).unwrap();
    reading.await.unwrap();
}

pub(in crate::state) async fn nothing_is_sound(storage: &impl Storage) {
    storage.open().verify(Extent::Everything).await.unwrap();
    storage.open().verify(Extent::SinceRevision).await.unwrap();
    locked(&*storage.open()).await;
    storage.open().verify(Extent::Everything).await.unwrap();
    storage.open().verify(Extent::SinceRevision).await.unwrap();
}

pub(in crate::state) async fn a_ref_that_was_removed_can_be_used_again(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    for _ in 0..3 {
        put(&*backend, &lock, "db").await;
        backend.commit(&lock, vec![Change::remove(reference("db"), "deleted")]).await.unwrap();
    }
    put(&*backend, &lock, "db").await;
    assert_eq!(refs(&*storage.open()).await, ["db"]);
    backend.verify(Extent::Everything).await.unwrap();
}
