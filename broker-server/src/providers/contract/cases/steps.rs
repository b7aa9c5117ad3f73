//! Every step of a life, disturbed in turn.

use super::{Case, MOST};
use crate::providers::{
    Sent,
    contract::{
        Broken,
        disturbed::Disturbance,
        life::{Tolerance, quiet, troubled},
        platform::Platform,
        report::Outcome,
        staged::Staged,
        trouble::Trouble,
    },
};

/// Disturbs the first step of each request of a life, then in another life the second, until no request has more.
async fn sweep<S: Staged>(times: u64, what: Disturbance) -> Result<u32, Broken> {
    let mut platform = Platform::<S>::set().await?;
    let reference = quiet(&mut platform).await?;
    let mut runs = 0;
    for at in 1..=MOST {
        let trouble = Trouble::Step { at, times, what };
        match troubled(&mut platform, &reference, &trouble, Tolerance::Success).await? {
            0 => return Ok(runs),
            met => runs += met,
        }
    }
    Err(Broken(format!("a request has more than {MOST} steps")))
}

/// A step that was done is done again: [`crate::providers::Attempt::Again`].
pub(super) async fn every_step_repeated<S: Staged>() -> Case {
    sweep::<S>(1, Disturbance::Repeat).await.map(Outcome::Kept)
}

/// A step fails before its call; once the engine knows that, once it does not.
pub(super) async fn every_step_failed_before_the_call<S: Staged>() -> Case {
    let known = sweep::<S>(1, Disturbance::Skip(Sent::No)).await?;
    Ok(Outcome::Kept(known + sweep::<S>(2, Disturbance::Skip(Sent::Perhaps)).await?))
}

/// A step is done and its answer is lost.
pub(super) async fn every_step_lost_its_answer<S: Staged>() -> Case {
    sweep::<S>(1, Disturbance::Lose).await.map(Outcome::Kept)
}

/// The process dies after the intent was recorded and before the call.
pub(super) async fn every_step_killed_before_the_call<S: Staged>() -> Case {
    sweep::<S>(1, Disturbance::DieBefore).await.map(Outcome::Kept)
}

/// The process dies after the call and before its result was recorded.
pub(super) async fn every_step_killed_between_call_and_record<S: Staged>() -> Case {
    sweep::<S>(1, Disturbance::DieAfter).await.map(Outcome::Kept)
}

/// The process dies, and dies in the recovery, and in the recovery of that.
pub(super) async fn every_recovery_killed_again<S: Staged>() -> Case {
    sweep::<S>(3, Disturbance::DieAfter).await.map(Outcome::Kept)
}

/// A step that is declared to read changes nothing; any other makes one changing call at most.
pub(super) async fn recovery_is_true_for_every_step_that_ran<S: Staged>() -> Case {
    let mut platform = Platform::<S>::set().await?;
    platform.switch.watch();
    quiet(&mut platform).await?;
    match platform.switch.problems().first() {
        Some(problem) => Err(Broken::new(problem)),
        None => Ok(Outcome::Kept(1)),
    }
}
