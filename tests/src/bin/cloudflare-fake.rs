//! The stateful Cloudflare as a process of its own.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use jiff::SignedDuration;
use serde_json::json;
use sutler_tests::cloudflare::{CloudflareFake, Enforcement, Fault, LedgerFile, Options, RateLimit, Table};
use sutler_tests::ending::{Ending, Parent};

/// A stateful Cloudflare on a loopback port. Prints one line of JSON with its addresses when it is ready.
#[derive(Debug, Parser)]
#[command(name = "cloudflare-fake", version)]
struct Arguments {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The account that exists: 32 hexadecimal characters
    #[arg(long)]
    account: String,
    /// The file that holds the token which may do everything
    #[arg(long)]
    token_file: PathBuf,
    /// Append every call to this file, one line of JSON each
    #[arg(long)]
    ledger: Option<PathBuf>,
    /// Leave request bodies, and the secrets in them, out of that file
    #[arg(long, requires = "ledger")]
    ledger_without_bodies: bool,
    /// A Worker that exists; may be repeated
    #[arg(long = "script", value_name = "NAME")]
    scripts: Vec<String>,
    /// A Pages project that exists; may be repeated
    #[arg(long = "project", value_name = "NAME")]
    projects: Vec<String>,
    /// How long a Pages domain needs, at least, to become active
    #[arg(long, default_value = "0ms", value_parser = duration)]
    pages_delay: Duration,
    /// How many reads a Pages domain needs, at least, for each of its two steps
    #[arg(long, default_value_t = 1)]
    pages_reads: u32,
    /// How long a new object stays out of lists
    #[arg(long, default_value = "0ms", value_parser = duration)]
    eventual_listing: Duration,
    /// Refuse calls for a while after so many
    #[arg(long, value_name = "CALLS/PAUSE", value_parser = rate_limit)]
    rate_limit: Option<RateLimit>,
    /// A fault, as the control interface takes it; may be repeated
    #[arg(long = "fault", value_name = "JSON", value_parser = fault)]
    faults: Vec<Fault>,
    /// What a violation of the contract leads to
    #[arg(long, value_enum, default_value = "strict")]
    contract: Contract,
    /// Take calls that are in no provider's table for violations of the contract
    #[arg(long)]
    only_calls_of_providers: bool,
    /// Exit when standard input ends
    #[arg(long)]
    exit_with_parent: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Contract {
    /// HTTP 500 with the violation
    Strict,
    /// A line in the ledger only
    Recorded,
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed: SignedDuration = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    Duration::try_from(parsed).map_err(|error| error.to_string())
}

fn rate_limit(text: &str) -> Result<RateLimit, String> {
    let (requests, pause) = text.split_once('/').ok_or("write it as 100/2s")?;
    let requests = requests.parse().map_err(|_| "the number of calls is not a number")?;
    let pause_milliseconds =
        u64::try_from(duration(pause)?.as_millis()).map_err(|error| error.to_string())?;
    Ok(RateLimit { requests, pause_milliseconds })
}

fn fault(text: &str) -> Result<Fault, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

impl Arguments {
    fn options(self) -> std::io::Result<Options> {
        let token = std::fs::read_to_string(&self.token_file)?;
        let bodies = !self.ledger_without_bodies;
        let mut options = Options::new(self.account, token.trim());
        options.listen = self.listen;
        options.ledger_file = self.ledger.map(|path| LedgerFile { path, bodies });
        options.scripts = self.scripts;
        options.projects = self.projects;
        options.pages_delay = self.pages_delay;
        options.pages_reads = self.pages_reads;
        options.eventual_listing = self.eventual_listing;
        options.rate_limit = self.rate_limit;
        options.faults = self.faults;
        options.enforcement = match self.contract {
            Contract::Strict => Enforcement::Strict,
            Contract::Recorded => Enforcement::Recorded,
        };
        if self.only_calls_of_providers {
            options.table = Table::of_cloudflare();
        }
        Ok(options)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_max_level(tracing::Level::WARN)
        .init();
    match serve(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = &*error, "the fake did not start");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let parent = if arguments.exit_with_parent { Parent::Matters } else { Parent::DoesNotMatter };
    let ending = Ending::expect(parent)?;
    let fake = CloudflareFake::start(arguments.options()?).await?;
    let addresses = [fake.origin(), fake.base_url(), fake.s3_base_url()];
    let [origin, base_url, s3_base_url] = addresses;
    let ready = json!({"listening": origin, "base_url": base_url, "s3_base_url": s3_base_url});
    let mut output = std::io::stdout();
    writeln!(output, "{ready}")?;
    output.flush()?;
    ending.wait().await;
    fake.stop().await;
    Ok(())
}
