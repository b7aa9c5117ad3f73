//! Waits until accepted work has ended: polls the last operation until it ends or the maximum duration passes.
//!
//! What an answer means is decided by [`next_poll`], how long to wait by [`Pacing`]; both are pure.

mod pacing;

use std::{future::Future, time::Duration};

use sutler_spec::{BindingId, InstanceId, LastOperation, LastOperationQuery, OperationState};
use tokio::time::{Instant, sleep, timeout_at};

pub use self::pacing::Pacing;
use crate::{Call, Client, ClientError, Ended, Polled, Untrusted};

/// The work that a broker has accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work<'a> {
    /// Creating an instance.
    Provision(&'a InstanceId),
    /// Changing an instance.
    Update(&'a InstanceId),
    /// Deleting an instance.
    Deprovision(&'a InstanceId),
    /// Creating a binding of an instance.
    Bind(&'a InstanceId, &'a BindingId),
    /// Deleting a binding of an instance.
    Unbind(&'a InstanceId, &'a BindingId),
}

impl Work<'_> {
    /// The call that started it.
    #[must_use]
    pub fn call(&self) -> Call {
        match self {
            Self::Provision(_) => Call::Provision,
            Self::Update(_) => Call::Update,
            Self::Deprovision(_) => Call::Deprovision,
            Self::Bind(..) => Call::Bind,
            Self::Unbind(..) => Call::Unbind,
        }
    }
}

/// What to wait for.
#[derive(Debug, Clone, Copy)]
pub struct Pending<'a> {
    /// The work.
    pub work: Work<'a>,
    /// Offering, plan (during a plan change the *previous* one, P-POL-04) and the operation of the 202.
    pub query: &'a LastOperationQuery,
    /// How long to wait from now on; afterwards the work counts as failed (P-POL-13).
    pub maximum_duration: Duration,
}

/// Work that ended without success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the broker says about it.
    pub description: Option<Untrusted>,
    /// After an update or deprovision: whether the instance still works. Usable unless the broker denies it (P-POL-15).
    pub instance_usable: bool,
    /// After an update: whether the same update can ever succeed.
    pub update_repeatable: bool,
}

/// What to do after one poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Poll {
    /// Poll again, after what the broker asks for if it asks.
    Wait(Option<Duration>),
    /// The work is done. After a bind, fetch the binding (P-POL-14).
    Succeeded,
    /// The work has failed.
    Failed(Failure),
    /// What was to be deleted is not there any more: success (P-POL-07).
    Gone,
}

/// How waiting ended.
#[derive(Debug)]
pub enum Settled {
    /// The work is done. After a bind, fetch the binding (P-POL-14).
    Succeeded,
    /// The work has failed.
    Failed(Failure),
    /// What was to be deleted is not there any more: success.
    Gone,
    /// The maximum duration has passed; counts as failed (P-POL-13), though the work may still go on.
    Expired {
        /// Why the last poll said nothing, if it did not.
        last_error: Option<ClientError>,
    },
}

impl Settled {
    /// The row for [`leaves_orphan`](crate::leaves_orphan).
    #[must_use]
    pub fn ended(&self) -> Ended {
        match self {
            Self::Succeeded | Self::Gone => Ended::Answered { status: 200 },
            Self::Failed(_) => Ended::PollingFailed,
            Self::Expired { .. } => Ended::PollingExpired,
        }
    }
}

/// What one poll of work that `call` started means (P-POL-05 to P-POL-09).
///
/// Only a state or, while deleting, 410 ends the work. Whatever else comes, also 401, 404, garbage or nothing, says
/// nothing about the work and is asked again.
#[must_use]
pub fn next_poll(call: Call, answer: &Result<Polled, ClientError>) -> Poll {
    let polled = match answer {
        Ok(polled) => polled,
        Err(error) => {
            return match (call, error.status()) {
                (Call::Deprovision | Call::Unbind, Some(410)) => Poll::Gone,
                _ => Poll::Wait(error.retry_after()),
            };
        }
    };
    let operation = &polled.operation;
    match operation.state {
        OperationState::InProgress => Poll::Wait(polled.retry_after),
        OperationState::Succeeded => Poll::Succeeded,
        OperationState::Failed => Poll::Failed(Failure {
            description: operation.description.as_deref().map(Untrusted::new),
            instance_usable: operation.instance_usable.unwrap_or(true),
            update_repeatable: operation.update_repeatable.unwrap_or(true),
        }),
    }
}

/// Polls until the work has ended or the maximum duration has passed, whichever is first. `on_progress` sees every
/// state that comes; its description is cleaned. Dropping the future stops polling, not the work.
pub async fn settle(
    client: &Client,
    pending: &Pending<'_>,
    pacing: &Pacing,
    on_progress: impl FnMut(&LastOperation),
) -> Settled {
    let poll = || async {
        match pending.work {
            Work::Provision(instance) | Work::Update(instance) | Work::Deprovision(instance) => {
                client.last_operation_of_instance(instance, pending.query).await
            }
            Work::Bind(instance, binding) | Work::Unbind(instance, binding) => {
                client.last_operation_of_binding(instance, binding, pending.query).await
            }
        }
    };
    poll_until_end(poll, pending, pacing, on_progress).await
}

/// The loop, over any way to poll.
async fn poll_until_end<Answer: Future<Output = Result<Polled, ClientError>>>(
    mut poll: impl FnMut() -> Answer,
    pending: &Pending<'_>,
    pacing: &Pacing,
    mut on_progress: impl FnMut(&LastOperation),
) -> Settled {
    let deadline = Instant::now() + pending.maximum_duration;
    let mut last_error = None;
    let mut pause = pacing.first;
    for polls in 0_u32.. {
        let remaining = deadline.saturating_duration_since(Instant::now());
        let Some(pause_now) = shortened(pause, remaining, pacing.minimum) else { break };
        sleep(pause_now).await;
        let Ok(answer) = timeout_at(deadline, poll()).await else { break };
        if let Ok(polled) = &answer {
            on_progress(&polled.operation);
        }
        match next_poll(pending.work.call(), &answer) {
            Poll::Wait(asked) => pause = pacing.pause(polls, asked),
            Poll::Succeeded => return Settled::Succeeded,
            Poll::Failed(failure) => return Settled::Failed(failure),
            Poll::Gone => return Settled::Gone,
        }
        last_error = answer.err();
    }
    Settled::Expired { last_error }
}

/// A pause that would outlast the deadline ends one interval before it, for one last look; `None` if there is no time
/// for that either.
fn shortened(pause: Duration, remaining: Duration, interval: Duration) -> Option<Duration> {
    if pause < remaining {
        return Some(pause);
    }
    remaining.checked_sub(interval).filter(|pause| *pause >= interval)
}

#[cfg(test)]
mod tests;
