//! The stateful Stripe as a process of its own.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use jiff::SignedDuration;
use serde_json::json;
use sutler_tests::cloudflare::RateLimit;
use sutler_tests::ending::{Ending, Parent};
use sutler_tests::stripe::{LedgerFile, Options, StripeFake, Table};

/// A stateful Stripe on a loopback port. Prints one line of JSON with its addresses when it is ready.
#[derive(Debug, Parser)]
#[command(name = "stripe-fake", version)]
struct Arguments {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The account that exists
    #[arg(long, default_value = "acct_1Sutler")]
    account: String,
    /// The file that holds the key of test mode
    #[arg(long)]
    test_key_file: PathBuf,
    /// The file that holds the key of live mode; without it, nobody gets into live mode
    #[arg(long)]
    live_key_file: Option<PathBuf>,
    /// Append every call to this file, one line of JSON each
    #[arg(long)]
    ledger: Option<PathBuf>,
    /// How long a new object stays out of lists
    #[arg(long, default_value = "0ms", value_parser = duration)]
    eventual_listing: Duration,
    /// Refuse calls for a while after so many
    #[arg(long, value_name = "CALLS/PAUSE", value_parser = rate_limit)]
    rate_limit: Option<RateLimit>,
    /// Take calls that are in no provider's table for violations of the contract
    #[arg(long)]
    only_calls_of_providers: bool,
    /// Exit when standard input ends
    #[arg(long)]
    exit_with_parent: bool,
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

fn key(path: &Path) -> std::io::Result<String> {
    Ok(std::fs::read_to_string(path)?.trim().to_owned())
}

impl Arguments {
    fn options(self) -> std::io::Result<Options> {
        let mut options = Options::new(&self.account, &key(&self.test_key_file)?);
        options.live_key = self.live_key_file.as_deref().map(key).transpose()?;
        options.listen = self.listen;
        // what is sent may hold secrets
        options.ledger_file = self.ledger.map(|path| LedgerFile { path, bodies: false });
        options.eventual_listing = self.eventual_listing;
        options.rate_limit = self.rate_limit;
        if self.only_calls_of_providers {
            options.table = Table::of_stripe();
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
    let fake = StripeFake::start(arguments.options()?).await?;
    let ready = json!({"listening": fake.base_url(), "base_url": fake.base_url()});
    let mut output = std::io::stdout();
    writeln!(output, "{ready}")?;
    output.flush()?;
    ending.wait().await;
    drop(fake);
    Ok(())
}
