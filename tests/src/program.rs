//! What the fakes have in common that run as programs: how they are told things, how they say that they are ready, how
//! they end.

use std::fmt::Display;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;
use serde_json::json;

use crate::ending::{Ending, Parent};
use crate::vendor::faults::Fault;
use crate::vendor::ledger::LedgerFile;
use crate::vendor::rate::RateLimit;

/// What every fake can be told.
#[derive(Debug, Args)]
pub struct Common {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Append every call to this file, one line of JSON each
    #[arg(long)]
    ledger: Option<PathBuf>,
    /// How long a new object stays out of lists
    #[arg(long, default_value = "0ms", value_parser = duration)]
    pub eventual_listing: Duration,
    /// Refuse calls for a while after so many
    #[arg(long, value_name = "CALLS/PAUSE", value_parser = rate_limit)]
    pub rate_limit: Option<RateLimit>,
    /// Take calls that are in no provider's table for violations of the contract
    #[arg(long)]
    pub only_calls_of_providers: bool,
    /// Exit when standard input ends
    #[arg(long)]
    exit_with_parent: bool,
}

/// Whether what was sent is written into the ledger's file; it may hold secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bodies {
    /// It is.
    Kept,
    /// It is not.
    LeftOut,
}

impl Common {
    /// The file of the ledger, if there is to be one.
    #[must_use]
    pub fn ledger_file(&self, bodies: Bodies) -> Option<LedgerFile> {
        let bodies = bodies == Bodies::Kept;
        self.ledger.clone().map(|path| LedgerFile { path, bodies })
    }

    /// What ends the program.
    #[must_use]
    pub fn parent(&self) -> Parent {
        if self.exit_with_parent { Parent::Matters } else { Parent::DoesNotMatter }
    }
}

/// A span of time as people write it, such as `250ms`.
///
/// # Errors
/// When it is none.
pub fn duration(text: &str) -> Result<Duration, String> {
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

/// A fault as the control interface takes it.
///
/// # Errors
/// When it is none.
pub fn fault(text: &str) -> Result<Fault, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// What a file says that holds one credential.
///
/// # Errors
/// When it cannot be read.
pub fn credential(path: &Path) -> std::io::Result<String> {
    Ok(std::fs::read_to_string(path)?.trim().to_owned())
}

/// Starts a fake, prints one line of JSON with its addresses, and serves until it is time to end. `addresses` are those
/// where it listens, and that brokers are given.
pub async fn serve<Fake, Failure: Display>(
    parent: Parent,
    start: impl Future<Output = Result<Fake, Failure>>,
    addresses: impl Fn(&Fake) -> (String, String),
) -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_max_level(tracing::Level::WARN)
        .init();
    let served = async {
        let ending = Ending::expect(parent).map_err(|error| error.to_string())?;
        let fake = start.await.map_err(|error| error.to_string())?;
        let (listening, base_url) = addresses(&fake);
        let ready = json!({ "listening": listening, "base_url": base_url });
        let mut output = std::io::stdout();
        writeln!(output, "{ready}").and_then(|()| output.flush()).map_err(|error| error.to_string())?;
        ending.wait().await;
        Ok::<_, String>(())
    };
    match served.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "the fake did not start");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_so_many_calls_and_a_pause() {
        let limit = rate_limit("100/2s").unwrap();
        assert_eq!((limit.requests, limit.pause_milliseconds), (100, 2_000));
        for bad in ["100", "many/2s", "100/soon", "100/-2s"] {
            assert!(rate_limit(bad).is_err(), "{bad}");
        }
    }
}
