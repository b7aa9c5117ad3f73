//! The stateful Cloudflare as a process of its own.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use sutler_tests::cloudflare::{CloudflareFake, Enforcement, Fault, Options, Table};
use sutler_tests::program::{Bodies, Common, credential, duration, fault, serve};

/// A stateful Cloudflare on a loopback port. Prints one line of JSON with its addresses when it is ready.
#[derive(Debug, Parser)]
#[command(name = "cloudflare-fake", version)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    /// The account that exists: 32 hexadecimal characters
    #[arg(long)]
    account: String,
    /// The file that holds the token which may do everything
    #[arg(long)]
    token_file: PathBuf,
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
    /// A fault, as the control interface takes it; may be repeated
    #[arg(long = "fault", value_name = "JSON", value_parser = fault)]
    faults: Vec<Fault>,
    /// What a violation of the contract leads to
    #[arg(long, value_enum, default_value = "strict")]
    contract: Contract,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Contract {
    /// HTTP 500 with the violation
    Strict,
    /// A line in the ledger only
    Recorded,
}

impl Arguments {
    fn options(&self) -> std::io::Result<Options> {
        let bodies = if self.ledger_without_bodies { Bodies::LeftOut } else { Bodies::Kept };
        let mut options = Options::new(&self.account, &credential(&self.token_file)?);
        options.listen = self.common.listen;
        options.ledger_file = self.common.ledger_file(bodies);
        options.scripts.clone_from(&self.scripts);
        options.projects.clone_from(&self.projects);
        options.pages_delay = self.pages_delay;
        options.pages_reads = self.pages_reads;
        options.eventual_listing = self.common.eventual_listing;
        options.rate_limit = self.common.rate_limit;
        options.faults.clone_from(&self.faults);
        options.enforcement = match self.contract {
            Contract::Strict => Enforcement::Strict,
            Contract::Recorded => Enforcement::Recorded,
        };
        if self.common.only_calls_of_providers {
            options.table = Table::of_cloudflare();
        }
        Ok(options)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let start = async {
        let options = arguments.options()?;
        Ok::<_, Box<dyn std::error::Error>>(CloudflareFake::start(options).await?)
    };
    serve(arguments.common.parent(), start, |fake| (fake.origin(), fake.base_url())).await
}
