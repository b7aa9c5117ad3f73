//! The stateful DNSimple as a process of its own.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use sutler_tests::dnsimple::{DnsimpleFake, Fault, Options, Pace, Table};
use sutler_tests::program::{Bodies, Common, credential, fault, serve};

/// A stateful DNSimple on a loopback port. Prints one line of JSON with its addresses when it is ready.
#[derive(Debug, Parser)]
#[command(name = "dnsimple-fake", version)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    /// The number of the account that exists
    #[arg(long, default_value_t = 1010)]
    account: u64,
    /// The file that holds the token of the account
    #[arg(long)]
    token_file: PathBuf,
    /// How often a record's distribution is asked for, at least, until it is said to be everywhere
    #[arg(long, default_value_t = 0)]
    distribution_reads: u32,
    /// How often a registration is read, at least, for each of its steps
    #[arg(long, default_value_t = 0)]
    registration_reads: u32,
    /// A fault, as the control interface takes it; may be repeated
    #[arg(long = "fault", value_name = "JSON", value_parser = fault)]
    faults: Vec<Fault>,
}

impl Arguments {
    fn options(&self) -> std::io::Result<Options> {
        let mut options = Options::new(self.account, credential(&self.token_file)?);
        options.listen = self.common.listen;
        // what is sent is about people who register domains
        options.ledger_file = self.common.ledger_file(Bodies::LeftOut);
        options.pace = Pace {
            eventual_listing: self.common.eventual_listing,
            distribution_reads: self.distribution_reads,
            registration_reads: self.registration_reads,
        };
        options.rate_limit = self.common.rate_limit;
        options.faults.clone_from(&self.faults);
        if self.common.only_calls_of_providers {
            options.table = Table::of_dnsimple();
        }
        Ok(options)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let start = async {
        let options = arguments.options()?;
        Ok::<_, Box<dyn std::error::Error>>(DnsimpleFake::start(options).await?)
    };
    serve(arguments.common.parent(), start, |fake| (fake.origin(), fake.base_url())).await
}
