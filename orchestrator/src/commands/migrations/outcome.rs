//! What becomes of migrations, and what is told meanwhile.

use crate::execute::{Ended, Progress, Report};
use crate::exit::Exit;
use crate::migrations::MigrationId;
use crate::plan::Plan;
use crate::state::StateError;

/// What became of one migration.
#[derive(Debug)]
pub struct Ran {
    /// Which.
    pub migration: MigrationId,
    /// What became of it.
    pub outcome: MigrationOutcome,
}

/// What can become of a migration (B01).
#[derive(Debug)]
pub enum MigrationOutcome {
    /// It was done here.
    Applied(Report),
    /// Everything was as it is to be; that was entered in the ledger.
    WasThere,
    /// Somebody else did it while we waited for the lock.
    AppliedByAnother {
        /// Who.
        actor: String,
    },
    /// Not all of it was done. The next run goes on.
    Unfinished(Report),
    /// The run was told to stop before it.
    NotBegun,
}

impl MigrationOutcome {
    /// The word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Applied(_) => "applied",
            Self::WasThere => "was_there",
            Self::AppliedByAnother { .. } => "applied_by_another",
            Self::Unfinished(_) => "unfinished",
            Self::NotBegun => "not_begun",
        }
    }
}

impl Ran {
    /// The exit code of a run that ends with it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match &self.outcome {
            MigrationOutcome::Unfinished(report) => match &report.ended {
                Ended::State(StateError::LockLost { .. }) => Exit::LockLost,
                Ended::State(_) => Exit::Failed,
                _ if report.done.is_empty() && report.paused.is_empty() => Exit::Failed,
                _ => Exit::Partial,
            },
            MigrationOutcome::NotBegun => Exit::Partial,
            _ => Exit::Done,
        }
    }
}

/// What happens while migrations run.
#[derive(Debug)]
pub enum MigrationEvent {
    /// One begins, with this plan.
    Begun {
        /// Which.
        migration: MigrationId,
        /// What is to be done.
        plan: Box<Plan>,
    },
    /// Something of it happens.
    Step(Progress),
}
