//! The example keeps its promises at a real PostgreSQL: the contract of providers, and the specification.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test, helpers included")]

mod answers;
mod catalog;
mod contract;
mod served;
