//! The template keeps its promises: the contract of providers, and the specification.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test, helpers included")]

mod contract;
mod document;
mod fake;
mod http;
mod served;
