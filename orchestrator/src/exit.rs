//! Exit codes that scripts may rely on (interface.md).

use std::process::ExitCode;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// Failed.
    Failed,
    /// Usage or configuration.
    Usage,
    /// Drift or pending changes.
    Pending,
    /// Some branches failed, others succeeded.
    Partial,
    /// The lock is held by someone else.
    Locked,
    /// The lock was lost.
    LockLost,
    /// State is damaged, foreign, rolled back, or sealed with a key we lack.
    State,
    /// The saved plan is stale.
    Stale,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Pending => 3,
            Self::Partial => 4,
            Self::Locked => 5,
            Self::LockLost => 6,
            Self::State => 7,
            Self::Stale => 8,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
