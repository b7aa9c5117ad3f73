//! How a fake is set up before it starts.

use std::net::SocketAddr;
use std::time::Duration;

use crate::vendor::ledger::LedgerFile;
use crate::vendor::rate::RateLimit;
use crate::vendor::table::Table;

/// Everything a fake is told at its start.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; must be a loopback address.
    pub listen: SocketAddr,
    /// The account that exists, such as `acct_1`.
    pub account: String,
    /// The key of test mode.
    pub test_key: String,
    /// The key of live mode, if anybody is let in there.
    pub live_key: Option<String>,
    /// The file that every call is appended to, one line of JSON each.
    pub ledger_file: Option<LedgerFile>,
    /// How long a new object stays out of lists.
    pub eventual_listing: Duration,
    /// How often the interface may be called.
    pub rate_limit: Option<RateLimit>,
    /// What may be called at all; another call is a violation.
    pub table: Table,
}

impl Options {
    /// An account that has nothing yet, on a free port.
    pub fn new(account: &str, test_key: &str) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            account: account.to_owned(),
            test_key: test_key.to_owned(),
            live_key: None,
            ledger_file: None,
            eventual_listing: Duration::ZERO,
            rate_limit: None,
            table: Table::Anything,
        }
    }
}
