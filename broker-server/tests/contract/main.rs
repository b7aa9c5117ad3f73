//! The contract of providers catches what it is there to catch: a provider that keeps it passes, and each of its
//! flawed copies breaks the case that names the flaw.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test, helpers included")]

mod notes;
#[path = "../../examples/notes-broker.rs"]
#[expect(dead_code, reason = "its main function is for the program")]
mod notes_broker;
mod shelf;
mod stage;
mod vendor;

use shelf::Flaw;
use stage::{Flawed, Stage};
use sutler_broker_server::providers::contract::{self, Outcome};

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_a_flaw_keeps_all_of_the_contract() {
    let report = contract::run::<Stage<stage::Sound>>().await;
    assert_eq!(report.not_tried(), [""; 0], "{report}");
}

/// The flawed provider breaks the case, and says so by name.
async fn breaks<F: Flawed>(case: &str) {
    let report = contract::examine::<Stage<F>>(&[case]).await;
    let outcome = report.outcome(case).unwrap();
    assert!(matches!(outcome, Outcome::Broken(_)), "{:?} is not noticed by {case}\n{report}", F::FLAW);
    assert!(report.to_string().contains(&format!("BROKEN     {}", case.replace('_', " "))));
}

macro_rules! flaws {
    ($($test:ident: $flaw:ident breaks $($case:ident),+;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            struct ThisFlaw;
            impl Flawed for ThisFlaw {
                const FLAW: Option<Flaw> = Some(Flaw::$flaw);
            }
            $(breaks::<ThisFlaw>(stringify!($case)).await;)+
        }
    )*};
}

flaws! {
    creating_again_without_looking_makes_a_twin: CreatesBlindly breaks every_step_killed_between_call_and_record;
    a_name_alone_is_no_proof: Adopts breaks foreign_object_of_the_same_name_is_not_touched;
    an_unclear_answer_is_not_gone: UnclearIsGone breaks server_errors_and_html_are_unknown_not_absent;
    rejected_credentials_are_not_gone: RejectedIsGone breaks rejected_credentials;
    a_list_has_more_than_one_page: ReadsOnePage breaks second_page;
    what_the_vendor_says_is_not_for_users: QuotesTheVendor breaks no_secret_in_errors;
    the_vendors_word_for_a_state_is_not_for_users: QuotesStates breaks a_state_that_nobody_knows_has_an_end;
    unbind_has_to_revoke: KeepsKeys breaks unbind_revokes;
    a_step_that_writes_does_not_read_only: LiesAboutReading breaks recovery_is_true_for_every_step_that_ran;
    deleting_nothing_is_success: DeletesOnce breaks what_vanished_is_gone_and_can_be_deleted, every_step_repeated;
    a_creation_that_failed_left_something: ForgetsTheUnfinished breaks
        create_again_after_a_failed_creation_at_every_step;
    a_change_that_failed_left_something: LeavesLids breaks a_failed_update_at_every_step_is_taken_up;
    a_vendor_that_asks_to_wait_is_waited_for: DoesNotWait breaks too_many_requests_with_and_without_retry_after;
    what_cannot_be_is_refused_before_anything_is_done: ChecksTooLate breaks refusals_leave_nothing;
    what_is_ours_can_be_listed: ListsNothing breaks what_is_made_is_marked;
    a_lost_value_is_not_handed_out: HandsOutOldKeys breaks every_step_killed_between_call_and_record;
}
