//! What brokers offer: how an offering is declared, how anyone's catalog is checked, how parameters are validated.
//!
//! ```text
//! cloudflare, stripe, domain, probe ──▶ offering ── plan ── output ── guid      declare; schemas are derived
//!                                          │
//!                                        index ──▶ check ──▶ parameters         look up, check, validate
//! ```
//!
//! No IO: schemas are compiled without any resolver, and nothing here opens a file or a connection.

mod catalog_problem;
mod check;
pub mod cloudflare;
mod complexity;
pub mod domain;
mod draft_four;
mod extension;
mod guid;
mod index;
mod limits;
mod maintenance;
mod markdown;
mod metadata;
mod offering;
mod output;
mod parameters;
mod plan;
pub mod probe;
mod problem;
mod properties;
mod schema;
pub mod stripe;

pub use catalog_problem::{CatalogProblem, Severity};
pub use extension::{Extension, declared_extensions};
pub use guid::Guid;
pub use index::{Index, Input};
pub use limits::Limits;
pub use maintenance::Maintenance;
pub use offering::Offering;
pub use output::{Output, Sensitivity, declared_outputs, is_exclusive};
pub use parameters::{SCHEMA_BYTES, SchemaError, Validator};
pub use plan::{Application, Asynchronous, Plan};
pub use problem::Problem;
pub use schema::NoParameters;

/// The crate that derives schemas; a type's `#[derive(JsonSchema)]` must come from this version of it.
pub use schemars;
