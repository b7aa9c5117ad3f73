//! `conformance`: checks any broker against the specification.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use serde_json::Value;
use sutler_broker_server::conformance::{Authentication, Extent, Options, Report, run};
use sutler_secrets::SecretString;
use zeroize::Zeroize as _;

use super::{CommandError, print};

/// Checks any broker against the Open Service Broker API 2.17, over HTTP alone.
///
/// Instances and bindings are made, and deleted again; what could not be deleted is listed at the end. With
/// --read-only nothing is made. Plans are chosen from the catalog, and parameters made from their schemas: give
/// --service, --plan and --parameters where that is not what you want, above all where instances cost money.
///
/// Examples:
///
///   sutler-broker conformance http://127.0.0.1:8080 --username platform --password-file platform.password
///
///   sutler-broker conformance URL --bearer-file token --ca ca.pem --read-only
///
///   sutler-broker conformance URL … --only B-PROV --only Q-08          a chapter and a check
///
///   sutler-broker conformance URL … --chaos --restart-command 'systemctl restart broker'
///
/// The parameters file names what each plan needs: { "PLAN": { "provision": {…}, "update": {…}, "bind": {…} } }
///
/// Some behaviours can only be seen with a plan made for them. Our own broker has such plans: vendors: { probe: {} }
///
/// Exit codes: 0 no demand (MUST) failed, 1 the broker cannot be reached, 2 usage, 3 a demand failed.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct ConformanceArguments {
    /// Where the broker is: everything in front of /v2.
    url: String,
    /// The username for HTTP Basic.
    #[arg(long, value_name = "NAME", requires = "password_file")]
    username: Option<String>,
    /// The file that holds the password.
    #[arg(long, value_name = "FILE", requires = "username")]
    password_file: Option<PathBuf>,
    /// The file that holds a bearer token; beside a username it is tried as well.
    #[arg(long, value_name = "FILE")]
    bearer_file: Option<PathBuf>,
    /// The authorities to trust, as PEM; those of the system if left out.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Make nothing: reads, and requests that have to be refused.
    #[arg(long, conflicts_with_all = ["chaos", "restart_command"])]
    read_only: bool,
    /// Repeats, races and lost answers too.
    #[arg(long)]
    chaos: bool,
    /// Run by `sh -c` in the middle of an operation; ends when the broker was told to start again.
    #[arg(long, value_name = "COMMAND")]
    restart_command: Option<String>,
    /// Print {"checks": [{"id", "level", "title", "result", "detail"}]}.
    #[arg(long, conflicts_with = "junit")]
    json: bool,
    /// Print JUnit XML.
    #[arg(long)]
    junit: bool,
    /// Only these checks: an id, a row, or the beginning of one such as B-PROV. May be repeated.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    only: Vec<String>,
    /// The only offering to make instances of, by name.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// The only plan to make instances of, by name.
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,
    /// What each plan is to be provisioned, updated and bound with, as JSON.
    #[arg(long, value_name = "FILE")]
    parameters: Option<PathBuf>,
    /// How many seconds an asynchronous operation may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
    /// How many seconds a single answer may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    request_timeout: u64,
    /// How many milliseconds to wait between two polls.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 1000)]
    poll_interval: u64,
    /// How many checks run at once.
    #[arg(long, value_name = "NUMBER", default_value_t = 4)]
    parallel: usize,
}

/// What the arguments name and cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ArgumentError {
    #[error("could not read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is empty", .0.display())]
    Empty(PathBuf),
    #[error("{} is not {{ \"PLAN\": {{ \"provision\": {{…}} }} }}", path.display())]
    Parameters {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
}

/// Runs the checks and prints what was found.
pub(super) fn check(arguments: ConformanceArguments) -> Result<(), CommandError> {
    let format = if arguments.junit {
        Report::junit
    } else if arguments.json {
        Report::json_text
    } else {
        Report::text
    };
    let options = options(arguments)?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CommandError::Runtime)?;
    let report = runtime.block_on(run(options))?;
    print(format(&report).trim_end())?;
    if report.demands_failed() { Err(CommandError::DemandFailed) } else { Ok(()) }
}

fn options(arguments: ConformanceArguments) -> Result<Options, ArgumentError> {
    let mut authentication = Vec::new();
    if let (Some(username), Some(file)) = (arguments.username, &arguments.password_file) {
        authentication.push(Authentication::Basic { username, password: secret(file)? });
    }
    if let Some(file) = &arguments.bearer_file {
        authentication.push(Authentication::Bearer(secret(file)?));
    }
    let extent = match (arguments.read_only, arguments.chaos) {
        (true, _) => Extent::ReadOnly,
        (false, true) => Extent::Chaos,
        (false, false) => Extent::Lifecycle,
    };
    Ok(Options {
        authentication,
        authorities_pem: arguments.ca.as_deref().map(read).transpose()?,
        extent,
        restart_command: arguments.restart_command,
        timeout: Duration::from_secs(arguments.timeout),
        request_timeout: Duration::from_secs(arguments.request_timeout),
        poll_interval: Duration::from_millis(arguments.poll_interval),
        parallel: arguments.parallel,
        only: arguments.only,
        service: arguments.service,
        plan: arguments.plan,
        parameters: arguments.parameters.as_deref().map(parameters).transpose()?.unwrap_or_default(),
        ..Options::new(arguments.url)
    })
}

fn read(path: &Path) -> Result<Vec<u8>, ArgumentError> {
    std::fs::read(path).map_err(|source| ArgumentError::Read { path: path.to_owned(), source })
}

/// White space at the end, such as an editor leaves, does not belong to a secret.
fn secret(path: &Path) -> Result<SecretString, ArgumentError> {
    let mut text = std::fs::read_to_string(path)
        .map_err(|source| ArgumentError::Read { path: path.to_owned(), source })?;
    let secret = SecretString::from(text.trim_end());
    text.zeroize();
    if secret.expose().is_empty() { Err(ArgumentError::Empty(path.to_owned())) } else { Ok(secret) }
}

fn parameters(path: &Path) -> Result<BTreeMap<String, Value>, ArgumentError> {
    let text = read(path)?;
    serde_json::from_slice(&text)
        .map_err(|source| ArgumentError::Parameters { path: path.to_owned(), source })
}
