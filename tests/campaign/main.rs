//! The share of the crash campaign that every change goes through; `scripts/campaign` runs the rest.

mod mutants;
mod runs;
mod share;
