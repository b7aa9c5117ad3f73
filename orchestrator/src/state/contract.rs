//! What every backend must do, whatever it is made of: one suite, run against each.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::backend::{Change, Lineage, StateBackend};
use super::error::{Kind, StateError};
use super::lock::{Claim, Lock};
use super::samples::{claim, record, reference};
use super::status::Status;

/// Opens the same storage again and again, as other processes would.
pub(super) trait Storage: Send + Sync {
    /// One more handle to the state of stack `shop`.
    fn open(&self) -> Arc<dyn StateBackend>;
}

/// Runs every case on storage of its own.
pub(super) async fn suite<S: Storage>(mut new: impl FnMut() -> S) {
    macro_rules! cases {
        ($($case:ident),* $(,)?) => {
            $(
                let storage = new();
                within(stringify!($case), $case(&storage)).await;
            )*
        };
    }
    cases![
        what_was_never_applied_is_empty,
        reading_creates_nothing,
        the_first_lock_creates_the_state,
        the_seed_is_kept,
        a_commit_is_seen_by_everyone,
        a_record_comes_back_as_it_was,
        the_last_writing_of_a_record_counts,
        a_removed_record_is_gone,
        removing_what_is_not_there_is_harmless,
        records_come_in_the_order_of_their_refs,
        each_commit_moves_the_serial_by_one,
        an_empty_commit_changes_nothing,
        a_commit_is_all_or_nothing,
        a_held_lock_is_refused_and_tells_who,
        an_unlocked_lock_can_be_taken,
        each_lock_has_a_higher_fence,
        an_expired_lock_can_be_taken_over,
        a_renewed_lock_is_not_taken_over,
        the_lock_of_a_dead_process_can_be_taken_over,
        a_lost_lock_cannot_commit,
        a_lost_lock_cannot_be_renewed,
        a_lost_lock_frees_nobody_elses,
        an_unlocked_lock_cannot_commit,
        unlocking_twice_is_harmless,
        a_lock_of_another_lineage_is_refused,
        nobody_holds_a_free_lock,
        an_expired_holder_is_not_shown,
        the_journal_tells_every_change_in_order,
        the_journal_can_be_read_in_pages,
        a_run_is_named_in_its_entries,
        commits_at_the_same_time_all_count,
        of_many_who_lock_at_once_one_gets_it,
        what_was_written_verifies,
        the_fence_survives_unlocking,
        a_reader_needs_no_lock_while_one_is_held,
    ];
}

async fn within(name: &str, case: impl Future<Output = ()>) {
    let ended = tokio::time::timeout(Duration::from_secs(60), case).await;
    assert!(ended.is_ok(), "{name} did not end");
}

async fn locked(backend: &dyn StateBackend) -> Lock {
    backend.lock(&claim(backend, "test").await).await.expect("the lock is free")
}

/// Takes a lock that has ended already.
async fn expired(backend: &dyn StateBackend) -> Lock {
    let short = Claim { lease: Duration::ZERO, ..claim(backend, "test").await };
    backend.lock(&short).await.expect("the lock is free")
}

async fn put(backend: &dyn StateBackend, lock: &Lock, name: &str) -> u64 {
    backend.commit(lock, vec![Change::put(record(name), "created")]).await.expect("it commits")
}

async fn refs(backend: &dyn StateBackend) -> Vec<String> {
    let state = backend.load().await.expect("it loads");
    state.records.iter().map(|record| record.reference.to_string()).collect()
}

async fn what_was_never_applied_is_empty(storage: &impl Storage) {
    let state = storage.open().load().await.unwrap();
    assert!(state.is_new() && state.records.is_empty());
    assert_eq!((state.serial, state.stack.as_str()), (0, "shop"));
}

async fn reading_creates_nothing(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    one.load().await.unwrap();
    one.verify().await.unwrap();
    assert!(one.lock_holder().await.unwrap().is_none() && one.journal(0, 9).await.unwrap().is_empty());
    assert!(other.load().await.unwrap().is_new());
}

async fn the_first_lock_creates_the_state(storage: &impl Storage) {
    let backend = storage.open();
    locked(&*backend).await;
    assert!(!backend.load().await.unwrap().is_new());
    assert!(!storage.open().load().await.unwrap().is_new());
}

async fn the_seed_is_kept(storage: &impl Storage) {
    let backend = storage.open();
    let claim = claim(&*backend, "test").await;
    backend.lock(&claim).await.unwrap();
    let state = storage.open().load().await.unwrap();
    assert_eq!((state.lineage, state.canary), (claim.seed.lineage, Some(claim.seed.canary)));
}

async fn a_commit_is_seen_by_everyone(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    let lock = locked(&*one).await;
    put(&*one, &lock, "db").await;
    assert_eq!(refs(&*one).await, ["db"]);
    assert_eq!(refs(&*other).await, ["db"]);
}

async fn a_record_comes_back_as_it_was(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let written = record("db");
    backend.commit(&lock, vec![Change::put(written.clone(), "created")]).await.unwrap();
    assert_eq!(storage.open().load().await.unwrap().records, [written]);
}

async fn the_last_writing_of_a_record_counts(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let mut written = record("db");
    backend.commit(&lock, vec![Change::put(written.clone(), "created")]).await.unwrap();
    written.status = Status::Ready;
    backend.commit(&lock, vec![Change::put(written.clone(), "ready")]).await.unwrap();
    assert_eq!(backend.load().await.unwrap().records, [written]);
}

async fn a_removed_record_is_gone(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    put(&*backend, &lock, "db").await;
    put(&*backend, &lock, "web").await;
    backend.commit(&lock, vec![Change::remove(reference("db"), "deleted")]).await.unwrap();
    assert_eq!(refs(&*storage.open()).await, ["web"]);
}

async fn removing_what_is_not_there_is_harmless(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let serial = backend.commit(&lock, vec![Change::remove(reference("db"), "deleted")]).await.unwrap();
    assert_eq!((serial, refs(&*backend).await.len()), (1, 0));
    backend.verify().await.unwrap();
}

async fn records_come_in_the_order_of_their_refs(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    for name in ["web", "db", "Cache", "a-1", "a_1"] {
        put(&*backend, &lock, name).await;
    }
    assert_eq!(refs(&*backend).await, ["Cache", "a-1", "a_1", "db", "web"]);
}

async fn each_commit_moves_the_serial_by_one(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    for expected in 1..=5 {
        assert_eq!(put(&*backend, &lock, "db").await, expected);
        assert_eq!(backend.load().await.unwrap().serial, expected);
    }
}

async fn an_empty_commit_changes_nothing(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    put(&*backend, &lock, "db").await;
    assert_eq!(backend.commit(&lock, Vec::new()).await.unwrap(), 1);
    assert_eq!(backend.load().await.unwrap().serial, 1);
    backend.verify().await.unwrap();
}

async fn a_commit_is_all_or_nothing(storage: &impl Storage) {
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

async fn a_held_lock_is_refused_and_tells_who(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    one.lock(&claim(&*one, "apply").await).await.unwrap();
    let error = other.lock(&claim(&*other, "teardown").await).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Locked);
    let text = error.to_string();
    assert!(text.contains("ada") && text.contains("'apply'"), "{text}");
    assert!(text.contains(&std::process::id().to_string()), "{text}");
    let holder = other.lock_holder().await.unwrap().expect("it is held");
    assert_eq!(holder.holder.purpose, "apply");
}

async fn an_unlocked_lock_can_be_taken(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    let lock = locked(&*one).await;
    one.unlock(&lock).await.unwrap();
    locked(&*other).await;
}

async fn each_lock_has_a_higher_fence(storage: &impl Storage) {
    let backend = storage.open();
    let first = expired(&*backend).await;
    let second = expired(&*backend).await;
    assert!(second.fence > first.fence && second.id != first.id);
}

async fn an_expired_lock_can_be_taken_over(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    expired(&*one).await;
    let lock = locked(&*other).await;
    put(&*other, &lock, "db").await;
}

async fn a_renewed_lock_is_not_taken_over(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    let lock = expired(&*one).await;
    one.renew(&lock, Duration::from_secs(60)).await.unwrap();
    let error = other.lock(&claim(&*other, "test").await).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Locked);
}

async fn the_lock_of_a_dead_process_can_be_taken_over(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    let mut dead = claim(&*one, "test").await;
    dead.holder.pid = u32::MAX;
    let lock = one.lock(&dead).await.unwrap();
    assert!(other.lock_holder().await.unwrap().is_none());
    locked(&*other).await;
    let error = one.commit(&lock, vec![Change::put(record("db"), "created")]).await.unwrap_err();
    assert_eq!(error.kind(), Kind::LockLost);
}

async fn a_lost_lock_cannot_commit(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    let lost = expired(&*one).await;
    put(&*one, &lost, "db").await; // not lost yet: nobody has taken it
    locked(&*other).await;
    let error = one.commit(&lost, vec![Change::put(record("web"), "created")]).await.unwrap_err();
    assert!(matches!(error, StateError::LockLost { .. }), "{error}");
    assert_eq!(refs(&*other).await, ["db"]);
}

async fn a_lost_lock_cannot_be_renewed(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    let lost = expired(&*one).await;
    locked(&*other).await;
    let error = one.renew(&lost, Duration::from_secs(60)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::LockLost);
}

async fn a_lost_lock_frees_nobody_elses(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    let lost = expired(&*one).await;
    let lock = locked(&*other).await;
    one.unlock(&lost).await.unwrap();
    put(&*other, &lock, "db").await;
    assert!(other.lock_holder().await.unwrap().is_some());
}

async fn an_unlocked_lock_cannot_commit(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    backend.unlock(&lock).await.unwrap();
    let error = backend.commit(&lock, vec![Change::put(record("db"), "created")]).await.unwrap_err();
    assert_eq!(error.kind(), Kind::LockLost);
    assert!(refs(&*backend).await.is_empty());
}

async fn unlocking_twice_is_harmless(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    backend.unlock(&lock).await.unwrap();
    backend.unlock(&lock).await.unwrap();
    locked(&*backend).await;
}

async fn a_lock_of_another_lineage_is_refused(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    backend.unlock(&lock).await.unwrap();
    let mut foreign = claim(&*backend, "test").await;
    foreign.seed.lineage = Lineage::mint();
    let error = backend.lock(&foreign).await.unwrap_err();
    assert!(matches!(error, StateError::Replaced { .. }), "{error}");
    assert_eq!(error.kind(), Kind::Refused);
    assert!(backend.lock_holder().await.unwrap().is_none());
}

async fn nobody_holds_a_free_lock(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    assert_eq!(backend.lock_holder().await.unwrap().map(|holder| holder.id), Some(lock.id));
    backend.unlock(&lock).await.unwrap();
    assert!(backend.lock_holder().await.unwrap().is_none());
}

async fn an_expired_holder_is_not_shown(storage: &impl Storage) {
    let backend = storage.open();
    expired(&*backend).await;
    assert!(backend.lock_holder().await.unwrap().is_none());
}

async fn the_journal_tells_every_change_in_order(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let two = vec![Change::put(record("a"), "one"), Change::put(record("b"), "two")];
    backend.commit(&lock, two).await.unwrap();
    backend.commit(&lock, vec![Change::remove(reference("a"), "three")]).await.unwrap();
    let journal = storage.open().journal(0, 9).await.unwrap();
    let told: Vec<_> = journal.iter().map(|e| (e.sequence, e.serial, e.what.as_str())).collect();
    assert_eq!(told, [(1, 1, "one"), (2, 1, "two"), (3, 2, "three")]);
    assert!(journal[1].record.is_some() && journal[2].record.is_none());
}

async fn the_journal_can_be_read_in_pages(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    for name in ["a", "b", "c", "d", "e"] {
        put(&*backend, &lock, name).await;
    }
    let sequences = |page: Vec<super::Entry>| page.iter().map(|entry| entry.sequence).collect::<Vec<_>>();
    assert_eq!(sequences(backend.journal(0, 2).await.unwrap()), [1, 2]);
    assert_eq!(sequences(backend.journal(2, 2).await.unwrap()), [3, 4]);
    assert_eq!(sequences(backend.journal(4, 2).await.unwrap()), [5]);
    assert!(backend.journal(5, 2).await.unwrap().is_empty());
}

async fn a_run_is_named_in_its_entries(storage: &impl Storage) {
    let backend = storage.open();
    let first = expired(&*backend).await;
    put(&*backend, &first, "a").await;
    let second = locked(&*backend).await;
    put(&*backend, &second, "b").await;
    let journal = backend.journal(0, 9).await.unwrap();
    assert_eq!(journal[0].run, first.id.to_string());
    assert_eq!(journal[1].run, second.id.to_string());
    assert_eq!(journal[0].who, "ada");
}

async fn commits_at_the_same_time_all_count(storage: &impl Storage) {
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
    backend.verify().await.unwrap();
}

async fn of_many_who_lock_at_once_one_gets_it(storage: &impl Storage) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let backend = storage.open();
        tasks.spawn(async move {
            let claim = claim(&*backend, "test").await;
            backend.lock(&claim).await.map(|lock| lock.fence)
        });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    for error in outcomes.into_iter().filter_map(Result::err) {
        assert!(matches!(error, StateError::Locked { .. } | StateError::Replaced { .. }), "{error}");
    }
}

async fn what_was_written_verifies(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    for round in 0..10 {
        let changes = vec![
            Change::put(record(&format!("i{}", round % 3)), "written"),
            Change::remove(reference(&format!("i{}", (round + 1) % 3)), "removed"),
        ];
        backend.commit(&lock, changes).await.unwrap();
        backend.verify().await.unwrap();
    }
    storage.open().verify().await.unwrap();
}

async fn the_fence_survives_unlocking(storage: &impl Storage) {
    let backend = storage.open();
    let first = locked(&*backend).await;
    backend.unlock(&first).await.unwrap();
    let second = locked(&*storage.open()).await;
    assert!(second.fence > first.fence);
}

async fn a_reader_needs_no_lock_while_one_is_held(storage: &impl Storage) {
    let (writer, reader) = (storage.open(), storage.open());
    let lock = locked(&*writer).await;
    put(&*writer, &lock, "db").await;
    assert_eq!(refs(&*reader).await, ["db"]);
    put(&*writer, &lock, "web").await;
    assert_eq!(refs(&*reader).await, ["db", "web"]);
    reader.verify().await.unwrap();
}

mod run {
    use super::super::samples::stack;
    use super::super::{MemoryBackend, SqliteBackend};
    use super::*;

    impl Storage for MemoryBackend {
        fn open(&self) -> Arc<dyn StateBackend> {
            Arc::new(self.clone())
        }
    }

    struct File(tempfile::TempDir);

    impl Storage for File {
        fn open(&self) -> Arc<dyn StateBackend> {
            Arc::new(SqliteBackend::new(self.0.path().join(".sutler/state.db"), stack("shop")))
        }
    }

    #[tokio::test]
    async fn memory_keeps_the_contract() {
        suite(|| MemoryBackend::new(stack("shop"))).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn sqlite_keeps_the_contract() {
        suite(|| File(tempfile::tempdir().unwrap())).await;
    }
}
