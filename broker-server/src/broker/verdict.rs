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
        /// Attempts without a clear answer up to now.
        failures: u32,
    },
    /// Record the checkpoint, and end without success: it takes too long.
    GiveUp {
        /// Where it could go on.
        checkpoint: Checkpoint,
        /// For the end user.
        failure: Failure,
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
        Ok(Progress::Next(checkpoint)) if too_old => {
            Verdict::GiveUp { checkpoint, failure: Failure { touched: true, ..overdue("not finished") } }
        }
        Ok(Progress::Next(checkpoint)) => Verdict::Next(checkpoint),
        Ok(Progress::Pending { checkpoint, description, .. }) if too_old => {
            Verdict::GiveUp { checkpoint, failure: Failure { touched: true, ..overdue(&description) } }
        }
        Ok(Progress::Pending { checkpoint, after, description }) => {
            let after = backoff::while_pending(after, tuning, jitter);
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
            let in_doubt = sent == Sent::Perhaps;
            // a vendor that asks to wait has answered: that is no failure, and its patience is not counted
            let asks_to_wait = retry_after.is_some() && !in_doubt;
            let failures = standing.failures.saturating_add(u32::from(!asks_to_wait));
            if too_old || failures >= tuning.attempts {
                let given_up =
                    format!("This was given up after {failures} attempts. Last error: {description}");
                return Verdict::Fail(Failure { touched: standing.touched || in_doubt, ..plain(given_up) });
            }
            let after = backoff::after_failure(failures, tuning, retry_after, jitter);
            Verdict::Retry { after, description, in_doubt, failures }
        }
    }
}

/// What is said of an operation that has reached its greatest age.
pub(super) fn overdue(last_state: &str) -> Failure {
    plain(format!("This did not finish in time; it was given up. Last state: {last_state}"))
}

fn plain(description: String) -> Failure {
    Failure { refusal: None, touched: false, description, instance_usable: None, update_repeatable: None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

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
        for (answer, standing) in [(unavailable(Sent::Perhaps), tried), (unavailable(Sent::No), old)] {
            match judge(answer, standing, &tuning(), 1.0) {
                Verdict::Fail(failure) => assert_eq!(failure.refusal, None),
                other => panic!("{other:?}"),
            }
        }
        for answer in [pending(), Ok(Progress::Next(Checkpoint::at("next", Value::Null)))] {
            match judge(answer, old, &tuning(), 1.0) {
                Verdict::GiveUp { failure, .. } => assert!(failure.touched),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_vendor_that_asks_to_wait_uses_no_attempt_up() {
        let busy = || {
            let retry_after = Some(Duration::from_secs(90));
            Err(ProviderError::Unavailable { description: "busy".to_owned(), retry_after, sent: Sent::No })
        };
        let tried = Standing { failures: 2, ..FRESH };
        match judge(busy(), tried, &tuning(), 1.0) {
            Verdict::Retry { failures, in_doubt, after, .. } => {
                assert_eq!((failures, in_doubt, after.as_secs()), (2, false, 90));
            }
            other => panic!("{other:?}"),
        }
        let old = Standing { age: Duration::from_secs(86_400), ..FRESH };
        assert!(matches!(judge(busy(), old, &tuning(), 1.0), Verdict::Fail(_)), "but not for ever");
    }

    fn pending() -> Result<Progress<Completed>, ProviderError> {
        Ok(Progress::Pending {
            checkpoint: Checkpoint::begin(),
            after: Duration::from_secs(1),
            description: "busy".to_owned(),
        })
    }

    fn any_answer() -> impl Strategy<Value = Result<Progress<Completed>, ProviderError>> {
        let sent = prop_oneof![Just(Sent::No), Just(Sent::Perhaps)];
        let wish = proptest::option::of((0_u64..1_000_000).prop_map(Duration::from_secs));
        prop_oneof![
            Just(Ok(Progress::Done(Completed::Gone))),
            Just(Ok(Progress::Next(Checkpoint::at("next", Value::Null)))),
            Just(pending()),
            Just(Err(ProviderError::refused(Refusal::Conflict, "foreign"))),
            Just(Err(ProviderError::Failed {
                description: "broken".to_owned(),
                usable: Usability::Unusable,
                repeat: Repeatability::Pointless,
            })),
            (sent, wish).prop_map(|(sent, retry_after)| {
                Err(ProviderError::Unavailable { description: "?".to_owned(), retry_after, sent })
            }),
        ]
    }

    proptest! {
        #[test]
        fn i_14_i_15_every_verdict_ends_or_waits_within_bounds_and_forgets_no_doubt(
            answer in any_answer(),
            (failures, touched, age) in (0_u32..100, any::<bool>(), 0_u64..200_000),
            (attempts, jitter) in (1_u32..50, -1.0..2.0),
        ) {
            let tuning = Tuning { attempts, ..Tuning::default() };
            let standing = Standing { failures, touched, age: Duration::from_secs(age) };
            let too_old = standing.age >= tuning.operation_age;
            let may_be_there = touched || matches!(answer, Err(ProviderError::Unavailable { sent: Sent::Perhaps, .. }));
            match judge(answer.clone(), standing, &tuning, jitter) {
                Verdict::Done(_) => prop_assert!(matches!(answer, Ok(Progress::Done(_)))),
                Verdict::Next(_) => prop_assert!(!too_old),
                Verdict::Park { after, .. } => {
                    prop_assert!(!too_old && after <= backoff::longest(&tuning));
                }
                Verdict::Retry { after, in_doubt, failures: counted, .. } => {
                    prop_assert!(!too_old && after <= backoff::longest(&tuning));
                    prop_assert!(counted < attempts.max(failures + 1));
                    prop_assert_eq!(in_doubt || touched, may_be_there);
                }
                Verdict::GiveUp { failure, .. } => prop_assert!(too_old && failure.touched),
                Verdict::Fail(failure) => {
                    prop_assert!(failure.touched || !may_be_there, "what may be there can be deleted");
                    if matches!(answer, Err(ProviderError::Refused { .. })) {
                        prop_assert_eq!(failure.touched, touched, "a refusal did nothing itself");
                    }
                }
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
