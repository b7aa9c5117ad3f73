//! The stateful Stripe as a process of its own.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use sutler_tests::program::{Bodies, Common, credential, serve};
use sutler_tests::stripe::{Options, StripeFake, Table};

/// A stateful Stripe on a loopback port. Prints one line of JSON with its addresses when it is ready.
#[derive(Debug, Parser)]
#[command(name = "stripe-fake", version)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    /// The account that exists
    #[arg(long, default_value = "acct_1Sutler")]
    account: String,
    /// The file that holds the key of test mode
    #[arg(long)]
    test_key_file: PathBuf,
    /// The file that holds the key of live mode; without it, nobody gets into live mode
    #[arg(long)]
    live_key_file: Option<PathBuf>,
}

impl Arguments {
    fn options(&self) -> std::io::Result<Options> {
        let mut options = Options::new(&self.account, &credential(&self.test_key_file)?);
        options.live_key = self.live_key_file.as_deref().map(credential).transpose()?;
        options.listen = self.common.listen;
        // what is sent may hold secrets
        options.ledger_file = self.common.ledger_file(Bodies::LeftOut);
        options.eventual_listing = self.common.eventual_listing;
        options.rate_limit = self.common.rate_limit;
        if self.common.only_calls_of_providers {
            options.table = Table::of_stripe();
        }
        Ok(options)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let start = async {
        let options = arguments.options()?;
        Ok::<_, Box<dyn std::error::Error>>(StripeFake::start(options).await?)
    };
    serve(arguments.common.parent(), start, |fake| (fake.base_url(), fake.base_url())).await
}
