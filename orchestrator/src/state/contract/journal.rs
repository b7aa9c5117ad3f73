//! What the journal tells.

use serde_json::json;

use super::{Storage, expired, locked, put};
use crate::state::samples::{CANARY, record, reference};
use crate::state::status::Status;
use crate::state::{Change, Extent, Seen};

pub(in crate::state) async fn the_journal_tells_every_change_in_order(storage: &impl Storage) {
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

pub(in crate::state) async fn the_journal_can_be_read_in_pages(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    for name in ["a", "b", "c", "d", "e"] {
        put(&*backend, &lock, name).await;
    }
    let sequences =
        |page: Vec<crate::state::Entry>| page.iter().map(|entry| entry.sequence).collect::<Vec<_>>();
    assert_eq!(sequences(backend.journal(0, 2).await.unwrap()), [1, 2]);
    assert_eq!(sequences(backend.journal(2, 2).await.unwrap()), [3, 4]);
    assert_eq!(sequences(backend.journal(4, 2).await.unwrap()), [5]);
    assert!(backend.journal(5, 2).await.unwrap().is_empty());
}

pub(in crate::state) async fn a_run_is_named_in_its_entries(storage: &impl Storage) {
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

pub(in crate::state) async fn a_change_keeps_its_own_name(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    put(&*backend, &lock, "a").await;
    put(&*backend, &lock, "a").await;
    let journal = backend.journal(0, 9).await.unwrap();
    assert!(journal.iter().all(|entry| entry.change.get_version_num() == 7));
    assert_ne!(journal[0].change, journal[1].change);
    assert_eq!(storage.open().journal(0, 9).await.unwrap(), journal);
}

pub(in crate::state) async fn a_transition_tells_what_was_and_what_is(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let mut written = record("db");
    backend.commit(&lock, vec![Change::put(written.clone(), "created")]).await.unwrap();
    written.status = Status::Ready;
    written.protected = true;
    backend.commit(&lock, vec![Change::put(written, "ready")]).await.unwrap();
    let journal = storage.open().journal(0, 9).await.unwrap();
    let born = &journal[0].transitions;
    assert!(born.len() > 5 && born.iter().all(|one| one.from.is_none() && one.to.is_some()), "{born:?}");
    let told: Vec<_> =
        journal[1].transitions.iter().map(|one| (one.field.as_str(), &one.from, &one.to)).collect();
    let value = |value| Some(Seen::Value(value));
    assert_eq!(
        told,
        [
            ("protected", &value(json!(false)), &value(json!(true))),
            ("status", &value(json!("intended")), &value(json!("ready"))),
        ]
    );
}

pub(in crate::state) async fn a_removal_leaves_a_tombstone(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    put(&*backend, &lock, "db").await;
    backend.commit(&lock, vec![Change::remove(reference("db"), "deleted")]).await.unwrap();
    let journal = storage.open().journal(1, 9).await.unwrap();
    assert!(journal[0].record.is_none());
    let told = &journal[0].transitions;
    assert!(told.len() > 5 && told.iter().all(|one| one.from.is_some() && one.to.is_none()), "{told:?}");
}

pub(in crate::state) async fn what_comes_back_is_another_incarnation(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    for _ in 0..2 {
        put(&*backend, &lock, "db").await;
        put(&*backend, &lock, "db").await;
        put(&*backend, &lock, "web").await;
        backend.commit(&lock, vec![Change::remove(reference("db"), "deleted")]).await.unwrap();
    }
    let history = storage.open().history(&reference("db"), 0, 99).await.unwrap();
    let told: Vec<_> = history.iter().map(|entry| (entry.ordinal, entry.incarnation)).collect();
    assert_eq!(told, [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (6, 2)]);
    let web = storage.open().history(&reference("web"), 0, 99).await.unwrap();
    assert_eq!(
        web.iter().map(|entry| (entry.ordinal, entry.incarnation)).collect::<Vec<_>>(),
        [(1, 1), (2, 1)]
    );
}

pub(in crate::state) async fn changes_in_one_commit_are_counted_one_by_one(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    let mut ready = record("db");
    ready.status = Status::Ready;
    let changes = vec![
        Change::put(record("db"), "one"),
        Change::put(ready, "two"),
        Change::remove(reference("db"), "three"),
        Change::put(record("db"), "four"),
    ];
    backend.commit(&lock, changes).await.unwrap();
    let history = backend.history(&reference("db"), 0, 9).await.unwrap();
    let told: Vec<_> =
        history.iter().map(|entry| (entry.ordinal, entry.incarnation, entry.what.as_str())).collect();
    assert_eq!(told, [(1, 1, "one"), (2, 1, "two"), (3, 1, "three"), (4, 2, "four")]);
    let status = history[1].transitions.iter().find(|one| one.field == "status").expect("it changed");
    assert_eq!(status.from, Some(Seen::Value(json!("intended"))));
}

pub(in crate::state) async fn the_count_goes_on_under_the_next_lock(storage: &impl Storage) {
    let first = storage.open();
    let lock = expired(&*first).await;
    put(&*first, &lock, "db").await;
    let second = storage.open();
    let lock = locked(&*second).await;
    put(&*second, &lock, "db").await;
    let history = first.history(&reference("db"), 0, 9).await.unwrap();
    assert_eq!(history.iter().map(|entry| entry.ordinal).collect::<Vec<_>>(), [1, 2]);
}

pub(in crate::state) async fn the_history_of_a_ref_tells_its_changes_only(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    for name in ["a", "b", "a", "c", "a"] {
        put(&*backend, &lock, name).await;
    }
    let sequences =
        |page: Vec<crate::state::Entry>| page.iter().map(|entry| entry.sequence).collect::<Vec<_>>();
    let a = reference("a");
    assert_eq!(sequences(backend.history(&a, 0, 99).await.unwrap()), [1, 3, 5]);
    assert_eq!(sequences(backend.history(&a, 0, 2).await.unwrap()), [1, 3]);
    assert_eq!(sequences(backend.history(&a, 3, 2).await.unwrap()), [5]);
    assert!(backend.history(&reference("never"), 0, 9).await.unwrap().is_empty());
}

pub(in crate::state) async fn i_28_no_parameter_reaches_the_journal(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    put(&*backend, &lock, "db").await;
    let journal = storage.open().journal(0, 9).await.unwrap();
    let text = serde_json::to_string(&journal).unwrap();
    assert!(text.contains("parameters.size") && !text.contains(CANARY), "{text}");
}

pub(in crate::state) async fn how_far_a_listener_was_told_is_known_to_everyone(storage: &impl Storage) {
    let (one, other) = (storage.open(), storage.open());
    assert!(one.told().await.unwrap().is_empty());
    let lock = locked(&*one).await;
    put(&*one, &lock, "a").await;
    assert!(one.told().await.unwrap().is_empty());
    one.tell("webhook/audit", 3).await.unwrap();
    other.tell("webhook/\u{e4} 'b'; --", 7).await.unwrap();
    let expected = [("webhook/audit".to_owned(), 3), ("webhook/\u{e4} 'b'; --".to_owned(), 7)].into();
    assert_eq!(one.told().await.unwrap(), expected);
    assert_eq!(storage.open().told().await.unwrap(), expected);
    other.tell("webhook/audit", 4).await.unwrap();
    assert_eq!(one.told().await.unwrap()["webhook/audit"], 4);
}

pub(in crate::state) async fn a_listener_never_goes_back(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    put(&*backend, &lock, "a").await;
    let many = (1..=8_u64).map(|sequence| {
        let backend = storage.open();
        async move { backend.tell("webhook/audit", sequence % 8 + 1).await.unwrap() }
    });
    futures_util::future::join_all(many).await;
    assert_eq!(backend.told().await.unwrap()["webhook/audit"], 8, "of many at once the furthest counts");
    backend.tell("webhook/audit", 2).await.unwrap();
    assert_eq!(backend.told().await.unwrap()["webhook/audit"], 8);
}

pub(in crate::state) async fn telling_needs_no_lock_and_is_no_commit(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    put(&*backend, &lock, "a").await;
    let before = (backend.load().await.unwrap(), backend.journal(0, 9).await.unwrap());
    storage.open().tell("webhook/audit", 1).await.unwrap();
    assert_eq!((backend.load().await.unwrap(), backend.journal(0, 9).await.unwrap()), before);
    put(&*backend, &lock, "b").await;
    backend.compact(&lock, 2).await.unwrap();
    backend.unlock(&lock).await.unwrap();
    backend.verify(Extent::Everything).await.unwrap();
    assert_eq!(backend.told().await.unwrap()["webhook/audit"], 1, "a revision forgets nobody");
}
