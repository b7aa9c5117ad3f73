//! Waiting for what brokers have accepted, and nothing more: how it ended is recorded, nothing is begun.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;

use super::error::StepError;
use super::keep_lock;
use super::report::{Done, Ended, Failed, Report, Running};
use super::shared::Shared;
use super::step::Step;
use super::wait::Accepted;
use super::{Context, Stop};
use crate::plan::{Action, Plan};
use crate::state::record::InstanceRecord;
use crate::state::status::{BindingStatus, Status};

/// What a broker is at for a record, by its own word.
#[must_use]
pub fn running(record: &InstanceRecord) -> Option<Action> {
    let binding = record.binding.as_ref().map(|binding| &binding.status);
    match (&record.status, binding) {
        (Status::Provisioning { .. }, _) => Some(Action::Create),
        (Status::Updating { .. }, _) => Some(Action::Update),
        (Status::Deprovisioning { .. }, _) => Some(Action::Delete),
        (_, Some(BindingStatus::Binding { .. } | BindingStatus::Unbinding { .. })) => Some(Action::Rebind),
        _ => None,
    }
}

/// Waits for everything that is running.
pub(super) async fn wait(records: Vec<InstanceRecord>, context: Context) -> Report {
    let begun = Instant::now();
    let stack = context.config.stack.to_string();
    // What is being deleted has no claim to its variables any more.
    let leaving = records.iter().filter(|record| matches!(record.status, Status::Deprovisioning { .. }));
    let steps = leaving.map(Step::deletion_of).collect();
    let plan = Plan { stack, steps, ..Plan::default() };
    let shared = Arc::new(Shared::new(&plan, (context, records), unbounded_channel().0));
    let keeper = tokio::spawn(keep_lock::keep(Arc::clone(&shared)));
    let mut tasks = JoinSet::new();
    for record in shared.all(|record| running(record).is_some()) {
        let Some(action) = running(&record) else { continue };
        let step = Step::about(Arc::clone(&shared), &record);
        tasks.spawn(async move {
            let begun = Instant::now();
            let ended = step.conclude().await;
            (record, action, ended, begun.elapsed())
        });
    }
    let mut report = Report::default();
    while let Some(joined) = tasks.join_next().await {
        let Ok((record, action, ended, took)) = joined else { continue };
        let (reference, broker) = (record.reference, record.broker);
        match ended {
            Ok(()) => report.done.push(Done { reference, action, took }),
            Err(StepError::State(error)) => {
                shared.halt();
                report.left.push(reference);
                report.ended = Ended::State(error);
            }
            Err(StepError::Abandoned | StepError::Running) => {
                report.running.push(Running { reference, action, broker });
            }
            Err(error) => {
                let (next, error) = (error.next(), error.line());
                report.failed.push(Failed { reference, action, broker, error, next });
            }
        }
    }
    keeper.abort();
    if matches!(report.ended, Ended::Completed) && shared.stop() != Stop::Never {
        report.ended = Ended::Stopped;
    }
    report.took = begun.elapsed();
    report
}

impl Step {
    /// Waits for what the broker is at for its record, and records how it ended.
    async fn conclude(&self) -> Result<(), StepError> {
        let Some(mut record) = self.record() else { return Ok(()) };
        match &record.status {
            Status::Provisioning { .. } => self.await_creation(record, Accepted::Earlier).await.map(drop),
            Status::Updating { .. } => self.await_change(record, Accepted::Earlier).await.map(drop),
            Status::Deprovisioning { .. } => {
                self.deprovision(&mut record, super::call::Persistence::Usual).await?;
                self.remove_variables(&record).await?;
                record.variables.clear();
                self.drop_record(record, "deleted").await
            }
            _ => match record.binding.as_ref().map(|binding| binding.status.clone()) {
                Some(BindingStatus::Binding { .. }) => {
                    self.await_binding(record, Accepted::Earlier).await.map(drop)
                }
                Some(BindingStatus::Unbinding { .. }) => {
                    self.unbind(&mut record, super::call::Persistence::Usual).await
                }
                _ => Ok(()),
            },
        }
    }
}
