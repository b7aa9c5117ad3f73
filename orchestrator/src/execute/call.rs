//! Asking a broker: repeated while nobody knows what became of the request, and while it is busy with another.

use std::future::Future;
use std::time::Duration;

use sutler_broker_client::{Call, ClientError};
use tokio::time::Instant;

use super::aftermath::doubt_after;
use super::error::StepError;
use super::progress::Progress;
use super::step::Step;
use crate::brokers::ConnectedBroker;

/// What became of a request that may have been sent several times.
#[derive(Debug)]
pub(super) struct Sent<T> {
    /// The last answer.
    pub(super) answer: Result<T, ClientError>,
    /// What is known of the attempts before it.
    pub(super) doubt: Doubt,
}

/// Whether the broker may have acted on an earlier request of the same kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It certainly has not.
    None,
    /// It may have.
    Some,
}

/// How persistent to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Persistence {
    /// As the options say.
    Usual,
    /// One attempt, unless the broker asks to wait.
    Once,
}

/// What to do after an answer that is no success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    /// Nothing more.
    No,
    /// Ask again, a few times.
    FewTimes,
    /// Ask again until the broker has finished something else.
    UntilFree,
}

impl Step {
    /// Sends a request, within the broker's limit, as often as makes sense. The same request is safe to repeat.
    pub(super) async fn send<T, F: Future<Output = Result<T, ClientError>>>(
        &self,
        broker: &ConnectedBroker,
        (call, persistence): (Call, Persistence),
        mut request: impl FnMut() -> F,
    ) -> Result<Sent<T>, StepError> {
        let options = &self.shared.context.options;
        let attempts = if persistence == Persistence::Once { 1 } else { options.attempts.max(1) };
        let begun = Instant::now();
        let (mut failures, mut doubt) = (0, Doubt::None);
        for round in 0_u32.. {
            self.shared.check()?;
            let error = match self.ask(broker, request()).await? {
                Ok(answer) => return Ok(Sent { answer: Ok(answer), doubt }),
                Err(error) => error,
            };
            let patient = begun.elapsed() < options.maximum_wait;
            let note = match again(&error) {
                Again::UntilFree if patient => "the broker is busy with this instance".to_owned(),
                Again::FewTimes if failures + 1 < attempts => {
                    failures += 1;
                    format!("no usable answer, asking again ({failures} of {})", attempts - 1)
                }
                _ => return Ok(Sent { answer: Err(error), doubt }),
            };
            if doubt_after(call, &error) == Doubt::Some {
                doubt = Doubt::Some;
            }
            self.tell_waiting(note, begun.elapsed());
            self.shared.sleep(options.pacing.pause(round, error.retry_after())).await?;
        }
        Err(StepError::Lost)
    }

    /// Makes one request, when the broker's limits let it out.
    pub(super) async fn ask<T>(
        &self,
        broker: &ConnectedBroker,
        request: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<Result<T, ClientError>, StepError> {
        let gate = self.shared.gate(&broker.name);
        let ticket = self.shared.unless_stopped(gate.enter()).await?;
        let permit = broker.limit.acquire().await;
        let answer = request.await;
        drop(permit);
        ticket.came_back(answer.as_ref().err());
        Ok(answer)
    }

    /// Tells what this step waits for.
    pub(super) fn tell_waiting(&self, description: String, since: Duration) {
        let reference = self.planned.reference.clone();
        self.shared.tell(Progress::Waiting { reference, description, since });
    }
}

fn again(error: &ClientError) -> Again {
    if error.is_concurrency_error() {
        return Again::UntilFree;
    }
    match error {
        ClientError::NotSent { .. } | ClientError::TimedOut { .. } | ClientError::Interrupted { .. } => {
            Again::FewTimes
        }
        ClientError::Rejected { status: 408 | 429 | 500.., .. } => Again::FewTimes,
        ClientError::Malformed { status: 200..=299 | 500.., .. } => Again::FewTimes,
        _ => Again::No,
    }
}

/// Whether an answer says nothing about the thing that was asked for (I-08): who we are, how much we ask, or silence.
pub(super) fn says_nothing(error: &ClientError) -> bool {
    matches!(error, ClientError::NotSent { .. } | ClientError::Unauthorized)
        || matches!(error.status(), Some(401 | 403 | 408 | 429 | 300..=399))
}

#[cfg(test)]
mod tests {
    use sutler_spec::{ErrorBody, ErrorCode};

    use super::*;

    fn rejected(status: u16, code: Option<ErrorCode>) -> ClientError {
        ClientError::Rejected {
            status,
            body: ErrorBody { error: code, ..ErrorBody::default() },
            retry_after: None,
        }
    }

    #[test]
    fn only_what_may_end_differently_is_asked_again() {
        for status in [408, 429, 500, 502, 503, 504, 599] {
            assert_eq!(again(&rejected(status, None)), Again::FewTimes, "{status}");
        }
        for status in [400, 403, 404, 409, 410, 412, 422] {
            assert_eq!(again(&rejected(status, None)), Again::No, "{status}");
        }
        assert_eq!(again(&ClientError::Unauthorized), Again::No);
        assert_eq!(again(&rejected(422, Some(ErrorCode::ConcurrencyError))), Again::UntilFree);
        assert_eq!(again(&ClientError::TimedOut { limit: Duration::ZERO }), Again::FewTimes);
    }

    #[test]
    fn a_refusal_of_us_says_nothing_about_the_instance() {
        for status in [403, 408, 429] {
            assert!(says_nothing(&rejected(status, None)), "{status}");
        }
        for status in [400, 404, 409, 410, 422, 500] {
            assert!(!says_nothing(&rejected(status, None)), "{status}");
        }
        assert!(says_nothing(&ClientError::Unauthorized));
    }
}
