//! What every backend must do, whatever it is made of: one suite, run against each, case by case.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::backend::{Change, StateBackend};
use super::lock::{Claim, Lock};
use super::movable::Movable;
use super::samples::{claim, record};
use crate::name::StackName;

mod damage;
mod journal;
mod ledger;
mod locks;
pub(super) mod moves;
mod records;
mod revisions;

/// Opens the same storage again and again, as other processes would.
#[async_trait]
pub(super) trait Storage: Send + Sync {
    /// One more handle to the state of stack `shop`.
    fn open(&self) -> Arc<dyn StateBackend>;

    /// A handle to the same place for another stack.
    fn open_as(&self, stack: StackName) -> Arc<dyn StateBackend>;

    /// The same place, seen by a move.
    fn open_to_move(&self) -> Arc<dyn Movable>;

    /// Does something to what is stored, behind everyone's back.
    async fn harm(&self, harm: Harm);
}

/// What can happen to a state that nobody has open.
#[derive(Debug, Clone, Copy)]
pub(super) enum Harm {
    /// A record is not what was written.
    ChangedRecord,
    /// A record is gone.
    MissingRecord,
    /// The end of the journal is gone.
    CutJournal,
    /// An entry of the journal is not what was written.
    ChangedEntry,
    /// A revision is not what was written.
    ChangedRevision,
    /// The state says that it is another one.
    OtherLineage,
    /// It was written by a newer program.
    NewerFormat,
    /// It says that fewer commits were made.
    OlderSerial,
}

async fn within(name: &str, case: impl Future<Output = ()>) {
    let ended = tokio::time::timeout(Duration::from_secs(120), case).await;
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

/// Runs every case on storage of its own; each is a test with a name.
macro_rules! contract {
    ($new:path) => {
        contract! { @each $new;
            records: what_was_never_applied_is_empty, reading_creates_nothing, the_seed_is_kept,
                a_commit_is_seen_by_everyone, a_record_comes_back_as_it_was, the_last_writing_of_a_record_counts,
                a_removed_record_is_gone, removing_what_is_not_there_is_harmless,
                records_come_in_the_order_of_their_refs, each_commit_moves_the_serial_by_one,
                an_empty_commit_changes_nothing, a_commit_is_all_or_nothing, commits_at_the_same_time_all_count,
                what_was_written_verifies, a_large_commit_is_one_commit, a_record_may_be_large,
                i_23_a_reader_sees_whole_commits_only, nothing_is_sound, a_ref_that_was_removed_can_be_used_again;
            locks: the_first_lock_creates_the_state, a_held_lock_is_refused_and_tells_who,
                an_unlocked_lock_can_be_taken, each_lock_has_a_higher_fence, an_expired_lock_can_be_taken_over,
                a_renewed_lock_is_not_taken_over, the_lock_of_a_dead_process_can_be_taken_over,
                a_lost_lock_cannot_commit, a_lost_lock_cannot_be_renewed, a_lost_lock_frees_nobody_elses,
                an_unlocked_lock_cannot_commit, unlocking_twice_is_harmless, a_lock_of_another_lineage_is_refused,
                nobody_holds_a_free_lock, an_expired_holder_is_not_shown, of_many_who_lock_at_once_one_gets_it,
                the_fence_survives_unlocking, a_reader_needs_no_lock_while_one_is_held,
                a_forged_token_writes_nothing, a_forged_fence_writes_nothing, a_lock_of_another_life_writes_nothing,
                the_wrong_id_unlocks_nothing, a_forced_unlock_frees_the_lock_and_its_holder_writes_nothing,
                i_18_after_a_forced_unlock_the_old_holder_frees_nobody_elses, a_free_lock_cannot_be_forced,
                a_fence_is_never_given_twice_even_after_force, a_lock_tells_since_when_and_until_when,
                i_20_of_two_who_think_they_hold_it_one_writes, an_unlocked_state_keeps_what_was_written;
            journal: the_journal_tells_every_change_in_order, the_journal_can_be_read_in_pages,
                a_run_is_named_in_its_entries, a_change_keeps_its_own_name, a_transition_tells_what_was_and_what_is,
                a_removal_leaves_a_tombstone, what_comes_back_is_another_incarnation,
                changes_in_one_commit_are_counted_one_by_one, the_count_goes_on_under_the_next_lock,
                the_history_of_a_ref_tells_its_changes_only, i_28_no_parameter_reaches_the_journal,
                how_far_a_listener_was_told_is_known_to_everyone, a_listener_never_goes_back,
                telling_needs_no_lock_and_is_no_commit;
            revisions: a_run_without_a_change_makes_no_revision, a_revision_holds_what_was_recorded,
                a_revision_is_made_once, revisions_are_listed_oldest_first, only_so_many_revisions_are_kept,
                the_current_revision_is_never_forgotten, a_revision_needs_the_lock,
                i_25_equal_states_are_equal_revisions, a_revision_can_be_restored, a_revision_that_never_was_is_none,
                everything_goes_on_past_a_revision, the_journal_survives_a_revision,
                the_count_goes_on_past_a_revision;
            ledger: a_fresh_state_has_an_empty_ledger, a46_an_entry_is_in_the_commit_of_the_effect_it_ends,
                b03_two_kinds_with_one_id_are_two_entries, the_last_writing_of_an_entry_counts,
                an_entry_is_told_in_the_journal, the_ledger_survives_a_revision, the_ledger_goes_back_with_the_records,
                the_ledger_is_no_record, an_entry_can_be_written_again;
        }
    };
    (stored $new:path) => {
        contract! { $new }
        contract! { @each $new;
            damage: a_record_that_changed_is_refused, a_record_that_is_missing_is_refused,
                a_journal_that_was_cut_is_refused, a_journal_that_was_rewritten_is_refused,
                a_revision_that_changed_is_refused, another_lineage_is_refused, a_newer_format_is_refused,
                records_of_an_older_time_are_refused, the_state_of_another_stack_is_refused;
            moves: a_place_that_never_moved_is_what_it_is, what_leaves_can_be_read_and_not_changed,
                a_tombstone_says_where_the_state_went, an_arriving_copy_is_nobodys_state,
                only_the_holder_of_the_lock_swaps_a_standing, a_standing_is_swapped_once,
                a_move_that_is_given_up_leaves_everything_as_it_was, i_27_a_state_that_arrived_is_the_one_that_left,
                i_27_a_state_that_left_is_the_one_that_arrives, what_is_sealed_opens_at_the_new_place,
                a_target_that_holds_something_is_left_alone, what_is_left_of_a_given_up_move_is_replaced,
                i_27_a_damaged_entry_of_a_copy_is_noticed_and_written_again,
                i_27_a_damaged_revision_of_a_copy_is_noticed_and_written_again,
                i_27_damage_at_the_source_stops_a_move_before_it_begins, only_an_arriving_copy_is_discarded,
                a_source_is_removed_only_when_everything_is_found_at_the_target, a_removed_source_keeps_its_tombstone,
                a_second_move_of_the_same_state_is_refused, a_holder_that_lost_its_lock_copies_nothing,
                a_state_of_format_1_goes_on_counting_at_its_new_place, a_state_without_records_can_move,
                the_ledger_moves_with_the_state;
        }
    };
    (@each $new:path; $($part:ident: $($case:ident),+;)+) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let storage = $new().await;
                super::super::within(stringify!($case), super::super::$part::$case(&storage)).await;
            }
        )+)+
    };
}

// after the macro, which it uses
mod run;
