//! What is not a sound state of this stack is refused, and left as it is.

use super::{Harm, Storage, locked, put};
use crate::state::samples::{reference, stack};
use crate::state::{Change, Extent, Kind, StateError};

/// A state with records, history and a revision, that nobody has open.
async fn filled(storage: &impl Storage) {
    let backend = storage.open();
    let lock = locked(&*backend).await;
    for name in ["a", "b", "c"] {
        put(&*backend, &lock, name).await;
    }
    backend.compact(&lock, 9).await.unwrap();
    put(&*backend, &lock, "a").await;
    backend.commit(&lock, vec![Change::remove(reference("c"), "deleted")]).await.unwrap();
    backend.unlock(&lock).await.unwrap();
    storage.open().verify(Extent::Everything).await.unwrap();
}

async fn refused(storage: &impl Storage, harm: Harm) -> StateError {
    filled(storage).await;
    storage.harm(harm).await;
    let backend = storage.open();
    let error = match backend.load().await {
        Ok(_) => backend.verify(Extent::Everything).await.expect_err("nobody noticed"),
        Err(error) => error,
    };
    assert_eq!(error.kind(), Kind::Refused, "{harm:?}: {error}");
    assert!(error.to_string().contains(&backend.location()), "{error}");
    error
}

pub(in crate::state) async fn a_record_that_changed_is_refused(storage: &impl Storage) {
    refused(storage, Harm::ChangedRecord).await;
}

pub(in crate::state) async fn a_record_that_is_missing_is_refused(storage: &impl Storage) {
    refused(storage, Harm::MissingRecord).await;
}

pub(in crate::state) async fn a_journal_that_was_cut_is_refused(storage: &impl Storage) {
    refused(storage, Harm::CutJournal).await;
}

pub(in crate::state) async fn a_journal_that_was_rewritten_is_refused(storage: &impl Storage) {
    refused(storage, Harm::ChangedEntry).await;
}

pub(in crate::state) async fn a_revision_that_changed_is_refused(storage: &impl Storage) {
    refused(storage, Harm::ChangedRevision).await;
}

pub(in crate::state) async fn another_lineage_is_refused(storage: &impl Storage) {
    refused(storage, Harm::OtherLineage).await;
}

pub(in crate::state) async fn a_newer_format_is_refused(storage: &impl Storage) {
    let error = refused(storage, Harm::NewerFormat).await;
    assert!(matches!(error, StateError::NewerFormat { .. }), "{error}");
}

pub(in crate::state) async fn records_of_an_older_time_are_refused(storage: &impl Storage) {
    refused(storage, Harm::OlderSerial).await;
}

pub(in crate::state) async fn the_state_of_another_stack_is_refused(storage: &impl Storage) {
    filled(storage).await;
    let other = storage.open_as(stack("blog"));
    let error = other.load().await.unwrap_err();
    assert!(matches!(error, StateError::ForeignStack { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("'shop'") && text.contains("'blog'"), "{text}");
    assert!(other.lock_holder().await.is_err() && other.journal(0, 9).await.is_err());
    storage.open().verify(Extent::Everything).await.unwrap();
}
