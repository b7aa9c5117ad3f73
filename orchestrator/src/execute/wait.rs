//! Waiting for work that a broker has accepted, within its limit of requests and until we are told to stop.

use std::time::Duration;

use jiff::Timestamp;
use sutler_broker_client::{Call, ClientError, Failure, Poll, Polled, Work, next_poll};
use sutler_spec::{LastOperationQuery, Operation, PlanId};
use tokio::time::Instant;

use super::Until;
use super::error::{Remains, StepError};
use super::step::Step;
use crate::brokers::ConnectedBroker;
use crate::faults;
use crate::state::Entry;
use crate::state::record::InstanceRecord;

/// Nobody waits longer, whatever a catalog says (S-54).
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// So many entries of the journal are read at once.
const PAGE: usize = 200;

/// How accepted work ended.
#[derive(Debug)]
pub(super) enum Settled {
    /// It is done; or what was to be deleted is gone.
    Done,
    /// It has failed.
    Failed(Failure),
    /// The broker has never heard of it. Only when it was asked for by an earlier run.
    Unknown,
    /// It has not ended in time.
    Expired(Duration),
}

/// When the work was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepted {
    /// Just now.
    Now,
    /// By an earlier run, which was killed; the first question is asked at once.
    Earlier,
}

impl Step {
    /// Polls until the work has ended.
    pub(super) async fn settle(
        &self,
        record: &InstanceRecord,
        work: Work<'_>,
        (operation, plan): (Option<Operation>, &PlanId),
        accepted: Accepted,
    ) -> Result<Settled, StepError> {
        let broker = self.broker(record)?;
        let pacing = self.shared.context.options.pacing;
        let query = LastOperationQuery {
            service_id: Some(record.service.id.clone()),
            plan_id: Some(plan.clone()),
            operation,
        };
        let detached = self.shared.context.options.until == Until::Accepted;
        if detached && accepted == Accepted::Now {
            return Err(StepError::Running);
        }
        let limit = self.limit(record)?;
        // a run that was killed took nothing off the clock: the broker has had the work since it accepted it
        let before = match accepted {
            Accepted::Now => Duration::ZERO,
            Accepted::Earlier => self.since_acceptance(record, work).await?,
        };
        let begun = Instant::now();
        let waited = || before + begun.elapsed();
        let mut pause = if accepted == Accepted::Earlier { Duration::ZERO } else { pacing.first };
        for polls in 0_u32.. {
            let remaining = limit.saturating_sub(waited());
            // what is overdue when a run comes by may have ended long ago: it is asked for once
            if remaining.is_zero() && (polls > 0 || accepted == Accepted::Now) {
                break;
            }
            self.shared.sleep(pause.min(remaining)).await?;
            let answer = self.poll(broker, work, &query).await?;
            match &answer {
                Ok(polled) => {
                    let said = polled.operation.description.clone().unwrap_or_default();
                    self.tell_waiting(said, waited());
                }
                Err(error) => self.tell_waiting(format!("asking again: {error}"), waited()),
            }
            let unknown = matches!(&answer, Err(error) if error.is_authentic_absence());
            match next_poll(work.call(), &answer) {
                Poll::Wait(_) if unknown && accepted == Accepted::Earlier && polls == 0 => {
                    return Ok(Settled::Unknown);
                }
                Poll::Wait(_) if detached => return Err(StepError::Running),
                Poll::Wait(asked) => pause = pacing.pause(polls, asked),
                Poll::Succeeded | Poll::Gone => {
                    faults::pass("O06-after").await;
                    return Ok(Settled::Done);
                }
                Poll::Failed(failure) => return Ok(Settled::Failed(failure)),
            }
        }
        Ok(Settled::Expired(limit))
    }

    /// Asks once how far work is.
    pub(super) async fn poll(
        &self,
        broker: &ConnectedBroker,
        work: Work<'_>,
        query: &LastOperationQuery,
    ) -> Result<Result<Polled, ClientError>, StepError> {
        faults::pass("O06-before").await;
        let asked = self.ask(broker, async {
            match work {
                Work::Bind(instance, binding) | Work::Unbind(instance, binding) => {
                    broker.client.last_operation_of_binding(instance, binding, query).await
                }
                Work::Provision(instance) | Work::Update(instance) | Work::Deprovision(instance) => {
                    broker.client.last_operation_of_instance(instance, query).await
                }
            }
        });
        faults::race("O06-sent", asked).await
    }

    /// How long ago work was accepted, as the journal tells. Clocks of two machines may differ: never less than nothing.
    async fn since_acceptance(&self, record: &InstanceRecord, work: Work<'_>) -> Result<Duration, StepError> {
        let status = match work {
            Work::Provision(_) | Work::Update(_) | Work::Deprovision(_) => "status",
            Work::Bind(..) | Work::Unbind(..) => "binding.status",
        };
        let (mut at, mut after) = (None, 0);
        loop {
            let page = self.shared.context.backend.history(&record.reference, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.sequence;
            let moved = |entry: &&Entry| {
                entry.transitions.iter().any(|transition| {
                    transition
                        .field
                        .strip_prefix(status)
                        .is_some_and(|rest| rest.is_empty() || rest == ".operation")
                })
            };
            at = page.iter().rev().find(moved).map(|entry| entry.at.clone()).or(at);
        }
        let at = at.and_then(|at| at.parse::<Timestamp>().ok());
        let since = at.map(|at| Timestamp::now().duration_since(at));
        Ok(since.and_then(|since| Duration::try_from(since).ok()).unwrap_or_default())
    }

    /// How long work on an instance may take.
    fn limit(&self, record: &InstanceRecord) -> Result<Duration, StepError> {
        let said = self.offered(record)?.and_then(|(_, plan)| plan.maximum_polling_duration);
        let limit = said.map_or(self.shared.context.options.maximum_wait, Duration::from_secs);
        Ok(limit.min(LONGEST))
    }

    /// The error of work that a broker accepted from an earlier run, and does not know any more.
    pub(super) fn forgotten(&self, record: &InstanceRecord, call: Call) -> StepError {
        StepError::Forgotten { call, broker: record.broker.clone() }
    }

    /// The error that work which did not end well is.
    pub(super) fn unsettled(&self, record: &InstanceRecord, call: Call, settled: Settled) -> StepError {
        let broker = record.broker.clone();
        match settled {
            Settled::Failed(failure) => {
                let remains = match failure {
                    Failure { instance_usable: false, .. } => Remains::Unusable,
                    Failure { update_repeatable: false, .. } => Remains::NeverRepeat,
                    _ => Remains::Usable,
                };
                StepError::Operation { call, broker, description: failure.description, remains }
            }
            Settled::Expired(limit) => StepError::Expired { call, broker, limit },
            Settled::Done | Settled::Unknown => StepError::Lost,
        }
    }
}
