//! The command line: arguments become options, reports become text. No work is done here.

mod adopt;
mod apply;
mod args;
mod ask;
mod asking;
mod check;
mod derive;
mod diagnose;
mod discover;
mod generate;
mod journal;
mod logging;
mod migrate;
mod migrating;
mod migrations;
mod output;
mod progress;
mod pull;
mod rekey;
mod rotate;
mod show;
mod state;
mod status;
mod text;
mod upgrade;
mod verbs;

use std::error::Error;
use std::fmt::Write as _;

use clap::Parser;

use crate::commands::{Failure, Rollback, Settings};
use crate::config::Choices;
use crate::exit::Exit;
use crate::state::Notice;
use args::{Arguments, Verb};
use output::Output;

/// Runs `sutler` with this process's arguments.
#[must_use]
pub fn main() -> Exit {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // `--help` and `--version` are errors to clap; a closed stream leaves nobody to tell.
            let _closed = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    hide_panic_payloads();
    logging::start(arguments.verbose, variable("SUTLER_LOG").as_deref());
    let output = Output::new(arguments.color, arguments.quiet, arguments.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output.complain(&format!("error: no runtime: {error}"));
            return Exit::Failed;
        }
    };
    match runtime.block_on(run(arguments, output)) {
        Ok(exit) => exit,
        Err(failure) => {
            complain(output, &failure);
            failure.exit()
        }
    }
}

async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let mut settings = Settings::from_environment(variable)?;
    if arguments.accept_rollback {
        settings.rollback = Rollback::Accepted;
    }
    settings.choices = Choices {
        stage: arguments.stage.clone().filter(|stage| !stage.is_empty()),
        variables: arguments.variables.clone(),
        variable_files: arguments.variable_files.clone(),
    };
    settings.notice = Notice::new(move |holder| {
        output.say(&text::one_line(&format!("waiting for the lock of {holder}")));
    });
    let open = || crate::commands::Project::open(arguments.config.as_deref(), settings.clone());
    match arguments.verb {
        Verb::Init(init) => verbs::init(&init, output),
        Verb::Derive(derive) => derive::derive(&derive, output),
        Verb::Completions { shell } => verbs::completions(shell),
        Verb::Plan(plan) => verbs::plan(&open()?, &plan, output).await,
        Verb::Show { plan } => verbs::show(&open()?, &plan, output),
        Verb::History { reference } => journal::history(&open()?, &reference, output).await,
        Verb::Events(events) => journal::events(&open()?, &events, output).await,
        Verb::Apply(apply) => apply::apply(&open()?, &apply, output).await,
        Verb::State(state) => state::state(&open()?, &state.what, output).await,
        Verb::Teardown(teardown) => apply::teardown(&open()?, &teardown, output).await,
        Verb::Generate(generate) => generate::run(&open()?, &generate, output).await,
        Verb::Migrate(migrate) => migrating::run(&open()?, &migrate, output).await,
        Verb::Migrations(migrations) => migrations::run(&open()?, &migrations, output).await,
        Verb::Check(check) => check::check(&open()?, (&check, variable("GITHUB_WORKSPACE")), output).await,
        Verb::Discover(discover) => discover::discover(&open()?, &discover, output).await,
        Verb::Adopt(adopt) => adopt::adopt(open()?, &adopt, output).await,
        Verb::Pull(pull) => pull::pull(&open()?, &pull, output).await,
        Verb::Rotate(arguments) => rotate::rotate(&open()?, &arguments, output).await,
        Verb::Upgrade(arguments) => upgrade::upgrade(&open()?, &arguments, output).await,
        Verb::Status(status) => status::status(&open()?, &status, output).await,
        Verb::Outputs(outputs) => verbs::outputs(&open()?, &outputs, output).await,
        Verb::Env(env) => verbs::env(&open()?, &env, output).await,
        Verb::Graph(graph) => verbs::graph(&open()?, &graph, output).await,
        Verb::Catalog(catalog) => verbs::catalog(&open()?, &catalog, output).await,
    }
}

/// One of the variables that are ours to read.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// A panic may carry anything in its payload: say where it was, never what (S-45).
fn hide_panic_payloads() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        Output::new(args::Color::Never, false, false).complain(&format!(
            "error: a bug in sutler at {place}; what was done is recorded, run the command again"
        ));
    }));
}

/// Says why a command failed: every cause, each on one line.
fn complain(output: Output, failure: &Failure) {
    let paint = output.paint();
    if let Failure::Configuration(problems) = failure {
        output.complain(diagnose::problems(problems, paint).trim_end());
        return;
    }
    let mut message = failure.to_string().lines().map(text::one_line).collect::<Vec<_>>().join("\n");
    let mut cause = failure.source();
    while let Some(error) = cause {
        let _ = write!(message, "\n  caused by: {}", text::one_line(&error.to_string()));
        cause = error.source();
    }
    output.complain(&format!("{} {message}", paint.bad("error:")));
}
