//! What every vendor that is not the real one needs, whoever it stands in for.
//!
//! ```text
//! server ──▶ exchange ──▶ faults      what goes wrong on cue
//!               ├───────▶ rate        how often one may ask
//!               ├───────▶ ledger      what was asked and what became of it
//!               ▼
//!            a vendor ──▶ contract    what may be asked and answered, by schemas
//!               └───────▶ table       what our providers say that they ask
//! ```

pub(crate) mod answer;
pub(crate) mod call;
pub(crate) mod contract;
pub(crate) mod exchange;
pub(crate) mod faults;
pub(crate) mod ledger;
pub(crate) mod rate;
pub(crate) mod schemas;
pub(crate) mod server;
pub(crate) mod table;
