//! How a fake is set up before it starts.

use std::net::SocketAddr;
use std::time::Duration;

use crate::vendor::faults::Fault;
use crate::vendor::ledger::LedgerFile;
use crate::vendor::rate::RateLimit;
use crate::vendor::table::Table;

/// What happens when a request or an answer breaks the contract. It is written to the ledger either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Enforcement {
    /// The call is answered with HTTP 500 and the violation.
    #[default]
    Strict,
    /// The call is answered as the vendor would answer it.
    Recorded,
}

/// Everything a fake is told at its start. Most of it can be changed later through the control interface.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; must be a loopback address.
    pub listen: SocketAddr,
    /// The account that exists: 32 hexadecimal characters.
    pub account: String,
    /// The token that may do everything.
    pub master_token: String,
    /// The file the ledger is copied to.
    pub ledger_file: Option<LedgerFile>,
    /// Workers that exist at the start.
    pub scripts: Vec<String>,
    /// Pages projects that exist at the start.
    pub projects: Vec<String>,
    /// How long a Pages domain needs, at least, to become active.
    pub pages_delay: Duration,
    /// How many reads a Pages domain needs, at least, for each of its two steps.
    pub pages_reads: u32,
    /// How long a new object stays out of lists.
    pub eventual_listing: Duration,
    /// How often the interface may be called.
    pub rate_limit: Option<RateLimit>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// What a violation of the contract leads to.
    pub enforcement: Enforcement,
    /// What may be called at all; another call is a violation.
    pub table: Table,
}

impl Options {
    /// An account that has nothing yet, on a free port.
    pub fn new(account: impl Into<String>, master_token: impl Into<String>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            account: account.into(),
            master_token: master_token.into(),
            ledger_file: None,
            scripts: Vec::new(),
            projects: Vec::new(),
            pages_delay: Duration::ZERO,
            pages_reads: 1,
            eventual_listing: Duration::ZERO,
            rate_limit: None,
            faults: Vec::new(),
            enforcement: Enforcement::Strict,
            table: Table::Anything,
        }
    }
}
