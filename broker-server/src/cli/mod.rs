//! The command line: translates arguments, calls, prints. The only place that chooses providers.

mod audit;
mod backup;
mod catalog;
mod check;
mod conformance;
mod key;
mod rights;
mod serve;
mod sweep;

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use sutler_broker_server::{
    Config, Server, ServerError,
    config::ConfigError,
    conformance::ConformanceError,
    providers::{VendorError, built_in},
    store::{AuditBreak, BackupError, StoreError},
    telemetry::TelemetryError,
};
use sutler_secrets::{ForgetError, KeyRingError};

/// An Open Service Broker for the services we ship.
///
/// First steps:
///
///   printf 'a-password-of-20-characters' > platform.password
///
///   sutler-broker key new -c broker.yaml      make the sealing keys
///
///   sutler-broker check   -c broker.yaml      what would fail, without serving
///
///   sutler-broker serve   -c broker.yaml      serve until SIGTERM
///
/// A minimal broker.yaml:
///
///   listen: 127.0.0.1:8080
///
///   store: sqlite:broker.db
///
///   keys: broker.keys
///
///   credentials: [{ id: me, username: platform, password: { file: platform.password } }]
///
///   vendors: { cloudflare: { account_id: ACCOUNT, api_token: { env: CLOUDFLARE_API_TOKEN } } }
///
/// Without any vendor, for trying platforms and tools, a plan for every behaviour (off unless given):
///
///   vendors: { probe: { slow: 2s } }
///
/// Logs are JSON lines on standard error; SUTLER_LOG sets the level (info, debug, sutler_broker_server=trace, …).
/// Exit codes: 0 stopped as asked, 1 failed, 2 configuration.
#[derive(Parser)]
#[command(name = "sutler-broker", version, verbatim_doc_comment)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves until SIGTERM, then drains and exits with 0. Credentials, certificates and keys are read
    /// again on SIGHUP, and when one of their files or the configuration changes.
    Serve(ConfigArgument),
    /// Prints the catalog that would be served, after the same checks.
    Catalog(ConfigArgument),
    /// Prints a page about each offering that would be served, in Markdown: plans, parameters, outputs, limits.
    Docs(ConfigArgument),
    /// Prints the OpenAPI document of what is served. No configuration is needed.
    Openapi,
    /// Checks configuration, keys, store and offerings, and the rights that the vendors give, without serving.
    Check(check::CheckArguments),
    /// Checks any broker against the Open Service Broker API 2.17.
    Conformance(Box<conformance::ConformanceArguments>),
    /// Compares what carries our mark at the vendors with what the store knows; changes nothing.
    Sweep(sweep::SweepArguments),
    /// Copies a store in a file, while it is served, to a file that is not there yet; checks the copy.
    Backup(BackupArgument),
    /// Makes, lists and rotates the keys that everything secret is sealed with.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Checks what was told about changes.
    #[command(subcommand)]
    Audit(AuditCommand),
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Makes the key ring that the configuration names; refuses if it is there.
    New(ConfigArgument),
    /// Lists the keys, oldest first. Never shows one.
    List(ConfigArgument),
    /// Adds a key. From its next start, or SIGHUP, on, the broker seals with it, and seals anew what is there.
    Rotate(ConfigArgument),
    /// Drops a retired key that nothing needs any more.
    Forget(ForgetArgument),
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Follows the hash chain of all events, also while the broker runs. Says how many rows are as they were written,
    /// the last digest, and where the chain breaks, if it does (exit code 3).
    Verify(ConfigArgument),
}

#[derive(Args)]
struct ForgetArgument {
    /// The key, such as k-0a1b2c3d.
    key: sutler_secrets::KeyId,
    #[command(flatten)]
    config: ConfigArgument,
}

#[derive(Args)]
struct BackupArgument {
    /// The copy. It must not be there; nobody but you can read it.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    #[command(flatten)]
    config: ConfigArgument,
}

#[derive(Args)]
struct ConfigArgument {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE", default_value = "broker.yaml")]
    config: PathBuf,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Vendor(#[from] VendorError),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    Keys(#[from] KeyRingError),
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    #[error(transparent)]
    Argument(#[from] conformance::ArgumentError),
    #[error("nothing was checked")]
    Conformance(#[from] ConformanceError),
    #[error("a demand of the specification is not met")]
    DemandFailed,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "{values} sealed values still need {key}; reload or start the broker, and look again when it is done"
    )]
    KeyInUse { key: String, values: u64 },
    #[error(transparent)]
    Forget(#[from] ForgetError),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error("the audit chain is broken: {0}")]
    Audit(AuditBreak),
    #[error("could not start")]
    Runtime(#[source] std::io::Error),
    #[error("{0} of the credentials and rights that are needed were refused by a vendor")]
    Rights(usize),
    #[error("vendor and store do not agree: {0} findings")]
    Found(usize),
    #[error("not everything could be looked at")]
    NotSwept,
    #[error("could not print")]
    Print(#[source] std::io::Error),
}

impl CommandError {
    /// 2 for what the operator wrote, 3 for a broker that does not conform, 1 for everything else.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Vendor(_) | Self::Telemetry(_) | Self::Rights(_) => 2,
            Self::Server(
                ServerError::Registry(_)
                | ServerError::Credentials(_)
                | ServerError::Tls(_)
                | ServerError::Keys(_),
            ) => 2,
            Self::Argument(_) | Self::Backup(BackupError::OwnTools) => 2,
            Self::Conformance(error) => {
                if error.is_usage() {
                    2
                } else {
                    1
                }
            }
            Self::DemandFailed | Self::Audit(_) | Self::Found(_) => 3,
            Self::NotSwept | Self::Store(_) | Self::KeyInUse { .. } | Self::Forget(_) | Self::Backup(_) => 1,
            Self::Server(_) | Self::Keys(_) | Self::Runtime(_) | Self::Print(_) => 1,
        }
    }
}

/// Runs the command of the arguments.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    match execute(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let causes =
                std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
            let mut causes: Vec<String> = causes.map(ToString::to_string).collect();
            causes.dedup();
            // nobody reads standard error any more: the exit code says it all the same
            let _ = writeln!(std::io::stderr(), "error: {}", causes.join(": "));
            ExitCode::from(error.exit_code())
        }
    }
}

fn execute(command: Command) -> Result<(), CommandError> {
    match command {
        Command::Serve(argument) => serve::serve(&argument.config),
        Command::Openapi => print(&format!("{:#}", sutler_broker_server::openapi::document())),
        Command::Catalog(argument) => catalog::print(&argument.config),
        Command::Docs(argument) => catalog::document(&argument.config),
        Command::Check(arguments) => check::check(&arguments),
        Command::Conformance(arguments) => conformance::check(*arguments),
        Command::Sweep(arguments) => sweep::run(&arguments),
        Command::Backup(argument) => backup::backup(&argument.config.config, &argument.to),
        Command::Key(KeyCommand::New(argument)) => key::new(&argument.config),
        Command::Key(KeyCommand::List(argument)) => key::list(&argument.config),
        Command::Key(KeyCommand::Rotate(argument)) => key::rotate(&argument.config),
        Command::Key(KeyCommand::Forget(argument)) => key::forget(&argument.config.config, argument.key),
        Command::Audit(AuditCommand::Verify(argument)) => audit::verify(&argument.config),
    }
}

/// A server for the services we ship.
fn server(config: Config) -> Result<Server, CommandError> {
    // reqwest is built without a choice of its own; a second installation changes nothing
    let _ = rustls::crypto::ring::default_provider().install_default();
    let providers = built_in(&config.vendors, &config.tuning)?;
    let builder = providers
        .into_iter()
        .fold(Server::builder(config), |builder, provider| builder.shared_provider(provider));
    Ok(builder.build()?)
}

fn load(path: &Path) -> Result<Config, CommandError> {
    Ok(Config::load(path)?)
}

fn print(text: &str) -> Result<(), CommandError> {
    writeln!(std::io::stdout(), "{text}").map_err(CommandError::Print)
}
