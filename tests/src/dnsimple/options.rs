//! How a fake is set up before it starts.

use std::net::SocketAddr;
use std::time::Duration;

use crate::vendor::faults::Fault;
use crate::vendor::ledger::LedgerFile;
use crate::vendor::rate::RateLimit;
use crate::vendor::table::Table;

/// Everything a fake is told at its start. Most of it can be changed later through its control.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; must be a loopback address.
    pub listen: SocketAddr,
    /// The number of the account that exists.
    pub account: u64,
    /// The token of the account.
    pub token: String,
    /// The file that every call is appended to, one line of JSON each.
    pub ledger_file: Option<LedgerFile>,
    /// How fast the account shows what was done to it.
    pub pace: Pace,
    /// How often the interface may be called.
    pub rate_limit: Option<RateLimit>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// What may be called at all; another call is a violation.
    pub table: Table,
}

/// How fast an account shows what was done to it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    /// How long a new object stays out of lists.
    pub eventual_listing: Duration,
    /// How often a record's distribution is asked for, at least, until it is said to be everywhere.
    pub distribution_reads: u32,
    /// How often a registration is read, at least, for each of its steps.
    pub registration_reads: u32,
}

impl Options {
    /// An account that has nothing yet, on a free port.
    pub fn new(account: u64, token: impl Into<String>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            account,
            token: token.into(),
            ledger_file: None,
            pace: Pace::default(),
            rate_limit: None,
            faults: Vec::new(),
            table: Table::Anything,
        }
    }
}
