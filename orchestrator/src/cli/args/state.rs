//! `state`: looking at what is recorded, and changing it by hand.

use clap::{Args, Subcommand};

use crate::commands::state::Errand;

#[derive(Debug, Args)]
pub(crate) struct State {
    #[command(subcommand)]
    pub(crate) what: StateVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StateVerb {
    /// Make a new key, seal everything anew with it, and forget the old one. Killed anywhere, it is finished by running
    /// it again.
    Rekey {
        /// How long to wait for the lock, such as 10s.
        #[arg(long, default_value = "0s", value_name = "DURATION")]
        lock_timeout: String,
    },
    /// List what is recorded.
    List,
    /// Show one record, field by field; of secrets, keyed digests.
    Show {
        /// Which.
        #[arg(value_name = "REF")]
        reference: String,
    },
    /// List the revisions: what was recorded at the end of each run that changed something.
    Revisions,
    /// Make the records of a revision those of now. Asks no broker; `sutler check` says what is live.
    Restore {
        /// The revision's serial.
        #[arg(value_name = "REV")]
        revision: u64,
        #[command(flatten)]
        writing: Writing,
    },
    /// Check that everything is as it was written: each record, and the journal since the last revision.
    Verify {
        /// The whole journal and every revision, too.
        #[arg(long)]
        full: bool,
    },
    /// Give a record another ref, as the configuration will call it. Asks no broker.
    Mv {
        /// What it is called now.
        #[arg(value_name = "FROM")]
        from: String,
        /// What it is to be called.
        #[arg(value_name = "TO")]
        to: String,
        #[command(flatten)]
        writing: Writing,
    },
    /// Forget a record, and leave at its broker what it stands for.
    Rm {
        /// Which.
        #[arg(value_name = "REF")]
        reference: String,
        /// Although it is protected, or others need it.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        writing: Writing,
    },
    /// Print everything recorded as JSON; what is sealed stays sealed.
    Export {
        /// As of a revision.
        #[arg(long, value_name = "REV")]
        revision: Option<u64>,
    },
    /// Move the state to another place, with all its history. Killed anywhere, it is gone on with by --resume.
    #[command(after_help = MIGRATE_HELP)]
    Migrate(Migrate),
    /// Take the lock away from a run that is dead. A run that is not finds out at its next write, and changes nothing.
    ForceUnlock {
        /// The lock's id, as shown by the run that was refused.
        #[arg(value_name = "ID")]
        id: String,
    },
}

const MIGRATE_HELP: &str = "\
Between a file, a PostgreSQL database and a bucket, in any direction:
  sutler state migrate --to postgres://ada@db.example/states     copy, verify, and switch over
  (write the new address under `state` in the configuration)
  sutler state migrate --verify --from sqlite:.sutler/state.db        compare both places
  sutler state migrate --remove-source --from sqlite:.sutler/state.db   then remove the old one

Until the switch, which is one write, the old place is the state, and nobody may change it; from then on the new place
is, and whoever uses the old one is told where to look (exit 7). Killed or cut off before its end:
  sutler state migrate --resume          go on, with the old or the new address in the configuration
  sutler state migrate --abort           give it up; possible until the switch";

/// Where state is moved, and what is done about a move that was begun.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Where to: an address as under `state` in the configuration; what is relative is relative to that file.
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
    /// Where from, when the configuration names the new place already.
    #[arg(long, value_name = "URL", conflicts_with = "to")]
    pub(crate) from: Option<String>,
    /// Go on with a move that was begun.
    #[arg(long, group = "what")]
    pub(crate) resume: bool,
    /// Give up a move that was begun: the state stays where it is, and the copy is removed.
    #[arg(long, group = "what")]
    pub(crate) abort: bool,
    /// Compare everything that the state left behind with what is at its new place. Changes nothing.
    #[arg(long, group = "what")]
    pub(crate) verify: bool,
    /// The same, then remove what was left behind, but for a note that says where the state is.
    #[arg(long, group = "what")]
    pub(crate) remove_source: bool,
    /// Do not ask before removing.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// How long to wait for the lock, such as 10s.
    #[arg(long, default_value = "0s", value_name = "DURATION")]
    pub(crate) lock_timeout: String,
}

impl Migrate {
    /// What is to be done.
    pub(crate) fn errand(&self) -> Errand {
        match self {
            Self { resume: true, .. } => Errand::Resume,
            Self { abort: true, .. } => Errand::Abort,
            Self { verify: true, .. } => Errand::Verify,
            Self { remove_source: true, .. } => Errand::RemoveSource,
            _ => Errand::Begin,
        }
    }
}

/// How state is changed by hand.
#[derive(Debug, Args)]
pub(crate) struct Writing {
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// How long to wait for the lock, such as 10s.
    #[arg(long, default_value = "0s", value_name = "DURATION")]
    pub(crate) lock_timeout: String,
}
