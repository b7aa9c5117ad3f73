//! The command line, as clap reads it. Translates words into options; does nothing.
//!
//! ```text
//! args ──▶ run      what plans and carries out: selection, execution
//!     ├──▶ state    what is recorded, and changing it by hand
//!     └──▶ show     what only looks
//! ```

mod run;
mod show;
mod state;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use self::run::{Apply, Execution, PlanArguments, Selection, StatusArguments, Teardown};
pub(crate) use self::show::{Catalog, Env, EnvFormat, Events, Graph, GraphFormat, Outputs};
pub(crate) use self::state::{Migrate, State, StateVerb, Writing};
use super::derive::Derive;
use super::rotate::RotateArguments;
use super::upgrade::UpgradeArguments;

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
pub(crate) struct Init {
    /// Where to write; the ending chooses YAML.
    #[arg(default_value = "sutler.yaml")]
    pub(crate) path: PathBuf,
    /// The stack's name; the folder's name when left out.
    #[arg(long)]
    pub(crate) stack: Option<String>,
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
