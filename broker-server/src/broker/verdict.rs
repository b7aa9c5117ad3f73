//! What follows from what a provider answered. Pure: no clock, no store, no vendor.

use std::time::Duration;

use super::{backoff, error::Failure};
use crate::{
    config::Tuning,
    providers::{
        Checkpoint, CreatedBinding, Progress, ProviderError, ProvisionedInstance, Refusal, Repeatability,
        Sent, Usability,
    },
};

/// A finished piece of work.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Completed {
    /// A provision or update.
    Instance(ProvisionedInstance),
    /// A bind.
    Binding(CreatedBinding),
    /// A deprovision or unbind.
    Gone,
}

/// How the step stood before the answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// Attempts without a clear answer before this one.
    pub(super) failures: u32,
    /// Whether something may have been done before this attempt.
    pub(super) touched: bool,
    /// Age of the operation.
    pub(super) age: Duration,
}

/// What to do now.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// Record the checkpoint and go on.
    Next(Checkpoint),
    /// Record the checkpoint and ask later.
    Park {
        /// Where to go on.
        checkpoint: Checkpoint,
        /// When.
        after: Duration,
        /// For the end user.
        description: String,
    },
    /// Try the same step again later.
    Retry {
        /// When.
        after: Duration,
        /// For the log and the end user.
        description: String,
        /// Whether the attempt may have reached the vendor.
        in_doubt: bool,
    },
    /// It is done.
    Done(Completed),
    /// It ends without success.
    Fail(Failure),
}

/// Judges an answer.
pub(super) fn judge(
    answer: Result<Progress<Completed>, ProviderError>,
    standing: Standing,
    tuning: &Tuning,
    jitter: f64,
) -> Verdict {
    let too_old = standing.age >= tuning.operation_age;
    match answer {
        Ok(Progress::Done(completed)) => Verdict::Done(completed),
        Ok(Progress::Next(checkpoint)) => Verdict::Next(checkpoint),
        Ok(Progress::Pending { description, .. }) if too_old => {
            let given_up = format!("This did not finish in time; it was given up. Last state: {description}");
            Verdict::Fail(Failure { touched: true, ..plain(given_up) })
        }
        Ok(Progress::Pending { checkpoint, after, description }) => {
            let after = backoff::while_pending(after, tuning.poll_interval, jitter);
            Verdict::Park { checkpoint, after, description }
        }
        Err(ProviderError::Refused { refusal, description }) => Verdict::Fail(Failure {
            refusal: Some(refusal),
            touched: standing.touched,
            update_repeatable: (refusal == Refusal::Unsupported).then_some(false),
            ..plain(description)
        }),
        Err(ProviderError::Failed { description, usable, repeat }) => Verdict::Fail(Failure {
            touched: true,
            instance_usable: Some(usable == Usability::Usable),
            update_repeatable: Some(repeat == Repeatability::Repeatable),
            ..plain(description)
        }),
        Err(ProviderError::Unavailable { description, retry_after, sent }) => {
            let failures = standing.failures + 1;
            let in_doubt = sent == Sent::Perhaps;
            if too_old || failures >= tuning.attempts {
                let given_up =
                    format!("This was given up after {failures} attempts. Last error: {description}");
                return Verdict::Fail(Failure { touched: standing.touched || in_doubt, ..plain(given_up) });
            }
            let after = backoff::after_failure(failures, tuning.backoff_cap, retry_after, jitter);
            Verdict::Retry { after, description, in_doubt }
        }
    }
}

fn plain(description: String) -> Failure {
    Failure { refusal: None, touched: false, description, instance_usable: None, update_repeatable: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: Standing = Standing { failures: 0, touched: false, age: Duration::ZERO };

    fn unavailable(sent: Sent) -> Result<Progress<Completed>, ProviderError> {
        Err(ProviderError::Unavailable { description: "no answer".to_owned(), retry_after: None, sent })
    }

    fn tuning() -> Tuning {
        Tuning { attempts: 3, ..Tuning::default() }
    }

    #[test]
    fn an_unclear_answer_is_asked_for_again_and_remembered_as_a_doubt_only_if_it_was_sent() {
        for (sent, in_doubt) in [(Sent::No, false), (Sent::Perhaps, true)] {
            match judge(unavailable(sent), FRESH, &tuning(), 1.0) {
                Verdict::Retry { in_doubt: found, after, .. } => {
                    assert_eq!((found, after.as_millis()), (in_doubt, 500));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn attempts_and_age_are_bounded() {
        let tried = Standing { failures: 2, ..FRESH };
        let old = Standing { age: Duration::from_secs(86_400), ..FRESH };
        let pending = Ok(Progress::Pending {
            checkpoint: Checkpoint::begin(),
            after: Duration::from_secs(1),
            description: "busy".to_owned(),
        });
        for (answer, standing) in
            [(unavailable(Sent::Perhaps), tried), (unavailable(Sent::No), old), (pending, old)]
        {
            match judge(answer, standing, &tuning(), 1.0) {
                Verdict::Fail(failure) => assert_eq!(failure.refusal, None),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_refusal_touched_nothing_unless_something_had_been_touched() {
        for touched in [false, true] {
            let refused = Err(ProviderError::refused(Refusal::Quota, "full"));
            match judge(refused, Standing { touched, ..FRESH }, &tuning(), 1.0) {
                Verdict::Fail(failure) => {
                    assert_eq!((failure.touched, failure.refusal), (touched, Some(Refusal::Quota)));
                    assert_eq!(failure.update_repeatable, None);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
