//! The cases, by what is disturbed.

mod calls;
mod changes;
mod deletion;
mod requests;
mod states;
mod steps;

use futures_util::{StreamExt, future::BoxFuture, stream};

use super::{
    Broken,
    report::{Outcome, Report},
    staged::Staged,
};

/// What a case comes to.
type Case = Result<Outcome, Broken>;

/// More steps or calls than any life has.
const MOST: u64 = 500;
/// Cases that run at a time, each on a stage of its own.
const AT_ONCE: usize = 8;

const UNSTRUCK: &str = "the stage cannot make vendor calls fail (Staged::strike)";

macro_rules! cases {
    ($stage:ty: $($module:ident::$case:ident),* $(,)?) => {
        vec![$((stringify!($case), Box::pin($module::$case::<$stage>()) as BoxFuture<'_, Case>)),*]
    };
}

/// Runs those of these names, or all.
pub(super) async fn chosen<S: Staged>(only: &[&str]) -> Report {
    let cases: Vec<(&'static str, BoxFuture<'_, Case>)> = cases![S:
        requests::a_whole_life,
        requests::refusals_leave_nothing,
        requests::update_repeated,
        requests::what_is_fixed_is_refused_by_name,
        requests::bind_and_unbind_repeated,
        requests::unbind_revokes,
        requests::what_is_made_is_marked,
        steps::recovery_is_true_for_every_step_that_ran,
        steps::every_step_repeated,
        steps::every_step_failed_before_the_call,
        steps::every_step_lost_its_answer,
        steps::every_step_killed_before_the_call,
        steps::every_step_killed_between_call_and_record,
        steps::every_recovery_killed_again,
        deletion::delete_of_what_never_existed,
        deletion::delete_after_a_failed_creation_at_every_step,
        deletion::create_again_after_a_failed_creation_at_every_step,
        deletion::unbind_after_a_failed_bind_at_every_step,
        changes::a_failed_update_at_every_step_is_taken_up,
        deletion::what_vanished_is_gone_and_can_be_deleted,
        calls::foreign_object_of_the_same_name_is_not_touched,
        calls::second_page,
        calls::every_call_lost_on_the_way,
        calls::every_call_lost_its_answer,
        calls::too_many_requests_with_and_without_retry_after,
        calls::server_errors_and_html_are_unknown_not_absent,
        calls::errors_after_the_work_was_done,
        calls::rejected_credentials,
        calls::no_secret_in_errors,
        states::a_state_that_nobody_knows_has_an_end,
    ];
    let chosen = cases.into_iter().filter(|(name, _)| only.is_empty() || only.contains(name));
    let run = chosen.map(|(name, case)| async move { (name, Outcome::from(case.await)) });
    let cases = stream::iter(run).buffered(AT_ONCE).collect().await;
    let offering = S::set().await.provider().offering().name().to_owned();
    Report { offering, cases }
}
