//! The command line, as clap reads it. Translates words into options; does nothing.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::derive::Derive;
use super::rotate::RotateArguments;
use super::upgrade::UpgradeArguments;
use crate::commands::state::Errand;
use crate::config::OnAmbiguous;

const AFTER_HELP: &str = "\
First time:
  sutler init                 write a sutler.yaml to start from
  sutler catalog              what the configured brokers offer
  sutler plan                 what apply would do, and why; changes nothing
  sutler apply                do it (asks first; --yes does not)
  sutler env -- COMMAND       run a command with the credentials in its environment

Exit codes:
  0 done, or nothing to do      4 partial success: some branches failed
  1 failed                      5 the lock is held by someone else
  2 usage or configuration      6 the lock was lost
  3 drift or pending changes    7 state damaged, foreign, or sealed with a key we lack
    (check; plan --detailed-exitcode)  8 the saved plan is stale";

/// Provision what an application needs (databases, tokens, secrets, domains) from one declared file,
/// across Open Service Brokers.
#[derive(Debug, Parser)]
#[command(name = "sutler", version, propagate_version = true, after_help = AFTER_HELP, max_term_width = 110)]
pub(crate) struct Arguments {
    /// The configuration; without it the nearest sutler.yaml, sutler.toml or sutler.json, upwards from here.
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print versioned JSON on standard output instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to colour.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
    /// Say less: no progress, no hints.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more: -v shows what is asked of brokers, -vv everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// The stage: stages/NAME.yaml beside the configuration is laid over it.
    #[arg(long, global = true, env = "SUTLER_STAGE", value_name = "NAME")]
    pub(crate) stage: Option<String>,
    /// What a variable of the configuration is; may be repeated. Never for secrets.
    #[arg(long = "var", global = true, value_name = "NAME=VALUE")]
    pub(crate) variables: Vec<String>,
    /// A file that says what variables are; may be repeated, the last one goes first, --var before all.
    #[arg(long = "var-file", global = true, value_name = "FILE")]
    pub(crate) variable_files: Vec<PathBuf>,
    /// Go on although state is older than the one that this machine saw.
    #[arg(long, global = true)]
    pub(crate) accept_rollback: bool,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Write a sutler.yaml to start from.
    Init(Init),
    /// Show what apply would do, and why. Changes nothing and takes no lock.
    Plan(PlanArguments),
    /// Show a plan that was saved with plan --out.
    Show {
        /// The file.
        #[arg(value_name = "FILE")]
        plan: PathBuf,
    },
    /// Make what is declared exist. Killed anywhere, it is finished by running it again.
    #[command(visible_alias = "push")]
    Apply(Apply),
    /// Compare configuration, state and the brokers' answers; exit 3 when they differ. For CI.
    Check(super::check::Check),
    /// Ask all brokers about everything in state: live, missing, drifted field by field, not observable, unknown.
    Pull(super::pull::Pull),
    /// List what the vendors have that nobody tracks, and what of it can be adopted.
    Discover(super::discover::Discover),
    /// Bring an object that exists at a vendor under management. Killed anywhere, it is finished by the same command.
    Adopt(super::adopt::Adopt),
    /// Show what state knows: each instance, where it stands, what runs, what is still to be deleted, who holds the lock.
    Status(StatusArguments),
    /// Look at what is recorded, and change it by hand.
    State(State),
    /// Write what differs from the last migration down as the next one. Changes nothing anywhere.
    Generate(super::generate::Generate),
    /// Run every migration that was not run here yet, in order. Killed anywhere, it is finished by running it again.
    Migrate(super::migrating::Migrate),
    /// Look at migrations and at this environment's ledger of them.
    Migrations(super::migrations::Migrations),
    /// Delete everything in state, consumers first: without --yes it only says what would be deleted and kept, and why.
    Teardown(Teardown),
    /// Make new bindings while the old ones work, and move everyone to them; without a REF, list what could be rotated.
    Rotate(RotateArguments),
    /// List the newer maintenance versions that brokers offer; with --apply or --yes, go to them, a few first.
    Upgrade(UpgradeArguments),
    /// Show what instances yield; secrets are masked unless asked for.
    Outputs(Outputs),
    /// Open the sealed dotenv sink: print it, or run a command with it.
    Env(Env),
    /// Show what happened to an instance, field by field; of secrets, that they changed.
    History {
        /// The instance; one that is gone has a history too.
        #[arg(value_name = "REF")]
        reference: String,
    },
    /// Show every change in order; deliver and count them.
    Events(Events),
    /// Draw who needs whom.
    Graph(Graph),
    /// List what the configured brokers offer.
    Catalog(Catalog),
    /// Print the instances that an OpenAPI document asks for, to paste or to include.
    Derive(Derive),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Events {
    /// Only what came after this sequence number.
    #[arg(long, default_value_t = 0, value_name = "SEQUENCE")]
    pub(crate) after: u64,
    /// Go on telling what happens until interrupted.
    #[arg(long)]
    pub(crate) follow: bool,
    /// Count how often instances went from one status to another, instead of listing.
    #[arg(long, conflicts_with_all = ["follow", "after"])]
    pub(crate) count: bool,
    /// With --count: only within this time before now, such as 24h.
    #[arg(long, requires = "count", value_name = "DURATION")]
    pub(crate) window: Option<String>,
    /// Deliver what was not delivered yet to the file and the webhooks of the configuration, instead of listing.
    #[arg(long, conflicts_with_all = ["follow", "after", "count"])]
    pub(crate) deliver: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Where to write; the ending chooses YAML.
    #[arg(default_value = "sutler.yaml")]
    pub(crate) path: PathBuf,
    /// The stack's name; the folder's name when left out.
    #[arg(long)]
    pub(crate) stack: Option<String>,
}

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
pub(crate) struct StatusArguments {
    /// Wait until brokers have ended what they accepted, and record how it ended. Begins nothing.
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long to wait at most, such as 5m; then exit 4.
    #[arg(long, requires = "wait", value_name = "DURATION")]
    pub(crate) timeout: Option<String>,
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

#[derive(Debug, Args)]
pub(crate) struct Teardown {
    #[command(flatten)]
    pub(crate) execution: Execution,
    /// Delete protected instances too.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Outputs {
    /// Only this instance.
    #[arg(value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// Show secrets in clear.
    #[arg(long)]
    pub(crate) reveal: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Env {
    /// The sink, when several are configured.
    #[arg(long, value_name = "NAME")]
    pub(crate) sink: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = EnvFormat::Dotenv)]
    pub(crate) format: EnvFormat,
    /// Print the public key that others can seal for, instead of the variables: the `recipient` of a sink.
    #[arg(long, conflicts_with_all = ["sink", "format", "command"])]
    pub(crate) recipient: bool,
    /// A command to run with the variables set, instead of printing them.
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

/// How variables are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EnvFormat {
    /// `KEY="value"` lines.
    Dotenv,
    /// One JSON object.
    Json,
    /// `export KEY='value'` lines for a POSIX shell.
    Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Graph {
    /// How to draw.
    #[arg(long, value_enum, default_value_t = GraphFormat::Text)]
    pub(crate) format: GraphFormat,
    /// Where to write; standard output when left out.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// How a graph is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// A tree in the terminal.
    Text,
    /// Graphviz.
    Dot,
    /// Mermaid, for Markdown.
    Mermaid,
    /// A picture.
    Svg,
}

#[derive(Debug, Args)]
pub(crate) struct Catalog {
    /// Only this broker.
    #[arg(value_name = "BROKER")]
    pub(crate) broker: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a54_no_word_is_lost_wherever_the_flags_stand() {
        for line in [
            "sutler apply --prune --yes",
            "sutler --json apply --prune --yes",
            "sutler apply --prune --yes --json",
            "sutler -c sutler.yaml apply --prune --yes",
            "sutler apply -c sutler.yaml --yes --prune",
            "sutler --stage prod apply --yes --prune --var a=b",
        ] {
            let arguments = Arguments::try_parse_from(line.split(' ')).expect(line);
            let Verb::Apply(apply) = arguments.verb else { panic!("{line}") };
            assert!(apply.selection.prune && apply.execution.yes, "{line}");
        }
        let arguments = Arguments::try_parse_from(["sutler", "teardown"]).expect("parses");
        assert!(matches!(arguments.verb, Verb::Teardown(teardown) if !teardown.execution.yes));
    }

    #[test]
    fn a55_what_is_not_known_is_an_error_and_does_nothing() {
        for line in [
            "sutler",
            "sutler aply",
            "sutler apply --prunne",
            "sutler teardown everything",
            "sutler teardown --prune",
            "sutler plan --yes",
            "sutler --config",
            "sutler -c apply --prune",
            "sutler destroy --yes",
        ] {
            assert!(Arguments::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }

    #[test]
    fn push_is_another_word_for_apply() {
        let arguments = Arguments::try_parse_from(["sutler", "push", "--yes"]).expect("parses");
        assert!(matches!(arguments.verb, Verb::Apply(_)));
    }
}
