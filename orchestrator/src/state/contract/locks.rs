//! Who may write, and who may not any more.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::{Storage, expired, locked, put, refs};
use crate::state::samples::{claim, record};
use crate::state::{Change, Extent, Kind, Lineage, Lock, StateBackend, StateError};

pub(in crate::state) async fn the_first_lock_creates_the_state(storage: &impl Storage) {
    let backend = storage.open();
    locked(&*backend).await;
    assert!(!backend.load().await.unwrap().is_new());
    assert!(!storage.open().load().await.unwrap().is_new());
}

pub(in crate::state) async fn a_held_lock_is_refused_and_tells_who(storage: &impl Storage) {
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

pub(in crate::state) async fn an_unlocked_lock_can_be_taken(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    let lock = locked(&*one).await;
    one.unlock(&lock).await.unwrap();
    locked(&*other).await;
}

pub(in crate::state) async fn each_lock_has_a_higher_fence(storage: &impl Storage) {
    let backend = storage.open();
    let first = expired(&*backend).await;
    let second = expired(&*backend).await;
    assert!(second.fence > first.fence && second.id != first.id);
}

pub(in crate::state) async fn an_expired_lock_can_be_taken_over(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    expired(&*one).await;
    let lock = locked(&*other).await;
    put(&*other, &lock, "db").await;
}

pub(in crate::state) async fn a_renewed_lock_is_not_taken_over(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    let lock = expired(&*one).await;
    one.renew(&lock, Duration::from_secs(60)).await.unwrap();
    let error = other.lock(&claim(&*other, "test").await).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Locked);
}

pub(in crate::state) async fn the_lock_of_a_dead_process_can_be_taken_over(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    let mut dead = claim(&*one, "test").await;
    dead.holder.pid = u32::MAX;
    let lock = one.lock(&dead).await.unwrap();
    assert!(other.lock_holder().await.unwrap().is_none());
    locked(&*other).await;
    let error = one.commit(&lock, vec![Change::put(record("db"), "created")]).await.unwrap_err();
    assert_eq!(error.kind(), Kind::LockLost);
}

pub(in crate::state) async fn a_lost_lock_cannot_commit(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    let lost = expired(&*one).await;
    put(&*one, &lost, "db").await; // not lost yet: nobody has taken it
    locked(&*other).await;
    let error = one.commit(&lost, vec![Change::put(record("web"), "created")]).await.unwrap_err();
    assert!(matches!(error, StateError::LockLost { .. }), "{error}");
    assert_eq!(refs(&*other).await, ["db"]);
}

pub(in crate::state) async fn a_lost_lock_cannot_be_renewed(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    let lost = expired(&*one).await;
    locked(&*other).await;
    let error = one.renew(&lost, Duration::from_secs(60)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::LockLost);
}

pub(in crate::state) async fn a_lost_lock_frees_nobody_elses(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    let lost = expired(&*one).await;
    let lock = locked(&*other).await;
    one.unlock(&lost).await.unwrap();
    put(&*other, &lock, "db").await;
    assert!(other.lock_holder().await.unwrap().is_some());
}

pub(in crate::state) async fn an_unlocked_lock_cannot_commit(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    backend.unlock(&lock).await.unwrap();
    let error = backend.commit(&lock, vec![Change::put(record("db"), "created")]).await.unwrap_err();
    assert_eq!(error.kind(), Kind::LockLost);
    assert!(refs(&*backend).await.is_empty());
}

pub(in crate::state) async fn unlocking_twice_is_harmless(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    backend.unlock(&lock).await.unwrap();
    backend.unlock(&lock).await.unwrap();
    locked(&*backend).await;
}

pub(in crate::state) async fn a_lock_of_another_lineage_is_refused(storage: &impl Storage) {
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

pub(in crate::state) async fn nobody_holds_a_free_lock(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    assert_eq!(backend.lock_holder().await.unwrap().map(|holder| holder.id), Some(lock.id));
    backend.unlock(&lock).await.unwrap();
    assert!(backend.lock_holder().await.unwrap().is_none());
}

pub(in crate::state) async fn an_expired_holder_is_not_shown(storage: &impl Storage) {
    let backend = storage.open();
    expired(&*backend).await;
    assert!(backend.lock_holder().await.unwrap().is_none());
}

pub(in crate::state) async fn of_many_who_lock_at_once_one_gets_it(storage: &impl Storage) {
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
        assert!(matches!(error, StateError::Locked { .. } | StateError::Replaced { .. }), "{error:?}");
    }
}

pub(in crate::state) async fn the_fence_survives_unlocking(storage: &impl Storage) {
    let backend = storage.open();
    let first = locked(&*backend).await;
    backend.unlock(&first).await.unwrap();
    let second = locked(&*storage.open()).await;
    assert!(second.fence > first.fence);
}

pub(in crate::state) async fn a_reader_needs_no_lock_while_one_is_held(storage: &impl Storage) {
    let (writer, reader) = (storage.open(), storage.open());
    let lock = locked(&*writer).await;
    put(&*writer, &lock, "db").await;
    assert_eq!(refs(&*reader).await, ["db"]);
    put(&*writer, &lock, "web").await;
    assert_eq!(refs(&*reader).await, ["db", "web"]);
    reader.verify(Extent::Everything).await.unwrap();
}

pub(in crate::state) async fn a_forged_token_writes_nothing(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let forged = Lock { token: Uuid::new_v4(), ..lock.same() };
    refuses_everything(&*backend, &forged).await;
    put(&*backend, &lock, "db").await;
}

pub(in crate::state) async fn a_forged_fence_writes_nothing(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    refuses_everything(&*backend, &Lock { fence: lock.fence + 1, ..lock.same() }).await;
    refuses_everything(&*backend, &Lock { fence: lock.fence - 1, ..lock.same() }).await;
    put(&*backend, &lock, "db").await;
}

pub(in crate::state) async fn a_lock_of_another_life_writes_nothing(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let other = Lock { lineage: Lineage::mint(), ..lock.same() };
    let error = backend.commit(&other, vec![Change::put(record("db"), "created")]).await.unwrap_err();
    assert_eq!(error.kind(), Kind::LockLost, "{error}");
    assert!(refs(&*backend).await.is_empty());
}

async fn refuses_everything(backend: &dyn StateBackend, lock: &Lock) {
    let before = backend.load().await.unwrap();
    let error = backend.commit(lock, vec![Change::put(record("db"), "created")]).await.unwrap_err();
    assert_eq!(error.kind(), Kind::LockLost, "{error}");
    let error = backend.renew(lock, Duration::from_secs(600)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::LockLost, "{error}");
    let error = backend.compact(lock, 9).await.unwrap_err();
    assert_eq!(error.kind(), Kind::LockLost, "{error}");
    backend.unlock(lock).await.unwrap();
    assert!(backend.lock_holder().await.unwrap().is_some(), "a stranger freed it");
    assert_eq!(backend.load().await.unwrap(), before);
}

pub(in crate::state) async fn the_wrong_id_unlocks_nothing(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let error = storage.open().force_unlock(Uuid::new_v4()).await.unwrap_err();
    assert!(matches!(error, StateError::OtherLock { .. }), "{error}");
    assert_eq!(error.kind(), Kind::Locked);
    assert!(error.to_string().contains(&lock.id.to_string()), "{error}");
    put(&*backend, &lock, "db").await;
}

pub(in crate::state) async fn a_forced_unlock_frees_the_lock_and_its_holder_writes_nothing(
    storage: &impl Storage,
) {
    let (one, other) = (storage.open(), storage.open());
    let lock = locked(&*one).await;
    put(&*one, &lock, "db").await;
    let taken = other.force_unlock(lock.id).await.unwrap();
    assert_eq!((taken.id, taken.holder.who.as_str()), (lock.id, "ada"));
    assert!(other.lock_holder().await.unwrap().is_none());
    let error = one.commit(&lock, vec![Change::put(record("web"), "created")]).await.unwrap_err();
    assert_eq!(error.kind(), Kind::LockLost, "{error}");
    assert_eq!(refs(&*other).await, ["db"]);
    locked(&*other).await;
}

pub(in crate::state) async fn i_18_after_a_forced_unlock_the_old_holder_frees_nobody_elses(
    storage: &impl Storage,
) {
    let (one, other) = (storage.open(), storage.open());
    let lost = locked(&*one).await;
    other.force_unlock(lost.id).await.unwrap();
    let lock = locked(&*other).await;
    one.unlock(&lost).await.unwrap();
    assert_eq!(other.lock_holder().await.unwrap().map(|holder| holder.id), Some(lock.id));
    assert_eq!(one.renew(&lost, Duration::from_secs(60)).await.unwrap_err().kind(), Kind::LockLost);
    put(&*other, &lock, "db").await;
}

pub(in crate::state) async fn a_free_lock_cannot_be_forced(storage: &impl Storage) {
    let backend = storage.open();
    let error = backend.force_unlock(Uuid::new_v4()).await.unwrap_err();
    assert!(matches!(error, StateError::NotLocked { .. }), "{error}");
    let lock = locked(&*backend).await;
    backend.unlock(&lock).await.unwrap();
    let error = backend.force_unlock(lock.id).await.unwrap_err();
    assert!(matches!(error, StateError::NotLocked { .. }), "{error}");
}

pub(in crate::state) async fn a_fence_is_never_given_twice_even_after_force(storage: &impl Storage) {
    let backend = storage.open();
    let mut fences = Vec::new();
    for _ in 0..3 {
        let lock = locked(&*backend).await;
        fences.push(lock.fence);
        backend.force_unlock(lock.id).await.unwrap();
    }
    assert!(fences.is_sorted_by(|one, other| one < other), "{fences:?}");
}

pub(in crate::state) async fn a_lock_tells_since_when_and_until_when(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let before = backend.lock_holder().await.unwrap().unwrap();
    assert!((before.until - before.since).get_seconds() <= 60 && before.since < before.until, "{before}");
    backend.renew(&lock, Duration::from_secs(600)).await.unwrap();
    let after = backend.lock_holder().await.unwrap().unwrap();
    assert_eq!((after.id, after.since), (before.id, before.since));
    assert!(after.until > before.until, "{after}");
}

pub(in crate::state) async fn i_20_of_two_who_think_they_hold_it_one_writes(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    let lost = Arc::new(expired(&*one).await);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..16 {
        let (one, lost) = (Arc::clone(&one), Arc::clone(&lost));
        let change = vec![Change::put(record(&format!("a{number}")), "created")];
        tasks.spawn(async move { one.commit(&lost, change).await.is_ok() });
    }
    let lock = locked(&*other).await;
    let serial = other.load().await.unwrap().serial;
    put(&*other, &lock, "b").await;
    let written = tasks.join_all().await.into_iter().filter(|written| *written).count();
    // what the first holder wrote, it wrote before the second one had the lock
    let state = other.load().await.unwrap();
    assert_eq!((state.serial, state.records.len()), (serial + 1, written + 1));
    assert_eq!(serial, written as u64);
    other.verify(Extent::Everything).await.unwrap();
    one.commit(&lost, vec![Change::put(record("c"), "created")]).await.unwrap_err();
}

pub(in crate::state) async fn an_unlocked_state_keeps_what_was_written(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    put(&*backend, &lock, "db").await;
    backend.unlock(&lock).await.unwrap();
    let lock = locked(&*storage.open()).await;
    assert_eq!(put(&*backend, &lock, "web").await, 2);
    assert_eq!(refs(&*storage.open()).await, ["db", "web"]);
}
