//! What plans and carries out: `plan`, `apply`, `teardown`, and `status`, which waits for it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::config::OnAmbiguous;

/// What narrows or widens a plan.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// Only this instance and what it needs; may be repeated.
    #[arg(long = "target", value_name = "REF")]
    pub(crate) targets: Vec<String>,
    /// Also delete what is in state and no longer declared.
    #[arg(long)]
    pub(crate) prune: bool,
    /// The only way past `protected`.
    #[arg(long)]
    pub(crate) force: bool,
    /// Refuse to have more than this cost in a month, by what catalogs say: such as 50 (dollars) or 49.90eur.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) budget: Option<String>,
}

/// How steps are carried out.
#[derive(Debug, Args)]
pub(crate) struct Execution {
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// At most so many instances at once.
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) parallelism: u16,
    /// How long to wait for the lock, such as 10s.
    #[arg(long, default_value = "0s", value_name = "DURATION")]
    pub(crate) lock_timeout: String,
    /// What to do about a request of an earlier run of which nobody knows what became; each broker's `on_ambiguous`,
    /// or resume, when left out.
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) on_ambiguous: Option<Ambiguous>,
    /// Do not wait for what brokers work on once they have accepted it; `status --wait` or the next run picks it up.
    #[arg(long)]
    pub(crate) detach: bool,
}

/// What to do about a request of which nobody knows what became.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ambiguous {
    /// Ask how far it is, and send the same request again, under the same id.
    Resume,
    /// Delete what may be there, and make another under a new id.
    Mitigate,
    /// Leave it as it is, and exit 4.
    Pause,
}

impl From<Ambiguous> for OnAmbiguous {
    fn from(word: Ambiguous) -> Self {
        match word {
            Ambiguous::Resume => Self::Resume,
            Ambiguous::Mitigate => Self::Mitigate,
            Ambiguous::Pause => Self::Pause,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Exit 3 when something would change.
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
    /// Save the plan, sealed, for `sutler apply FILE`.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// A plan that was saved: it is carried out exactly, without asking, or not at all (exit 8).
    #[arg(value_name = "FILE", conflicts_with_all = ["targets", "prune", "force", "budget"])]
    pub(crate) plan: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) selection: Selection,
    #[command(flatten)]
    pub(crate) execution: Execution,
}

#[derive(Debug, Args)]
pub(crate) struct Teardown {
    #[command(flatten)]
    pub(crate) execution: Execution,
    /// Delete protected instances too.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    /// Wait until brokers have ended what they accepted, and record how it ended. Begins nothing.
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long to wait at most, such as 5m; then exit 4.
    #[arg(long, requires = "wait", value_name = "DURATION")]
    pub(crate) timeout: Option<String>,
}
