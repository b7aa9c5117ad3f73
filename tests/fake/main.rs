//! The Cloudflare fake keeps the promises that other tests stand on.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test, helpers included")]

mod contract;
mod d1;
mod d1_sql;
mod dnsimple_process;
mod faults;
mod ledger;
mod pages;
mod process;
mod secrets;
mod stripe_process;
mod tags;
mod things;
mod tokens;
mod vendor;
mod zones;
