//! An Open Service Broker: the framework, and the providers we ship.
//!
//! ```text
//! server ──▶ api ──▶ broker ──▶ providers ──▶ vendor
//!                      └──────▶ store ──▶ SQLite or PostgreSQL
//! ```
//!
//! Declare an offering, implement [`providers::Provider`], give it to [`Server::builder`]: see
//! `docs/adding-a-service.md`. Everything else is here.

mod api;
pub mod binding;
pub mod broker;
pub mod budget;
pub mod circuit;
pub mod config;
pub mod conformance;
pub mod expense;
pub mod faults;
mod hardening;
pub mod instance;
pub mod logging;
pub mod metrics;
pub mod openapi;
pub mod operation;
pub mod providers;
mod server;
pub mod store;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
mod wire;

pub use api::CredentialError;
#[cfg(feature = "testing")]
pub use api::fuzz;
pub use config::Config;
pub use hardening::harden;
pub use server::{Builder, Server, ServerError, ServerHandle, TlsError};

/// Ready when the process is asked to end (SIGTERM or SIGINT).
pub async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    let (term, interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    match (term, interrupt) {
        (Ok(mut term), Ok(mut interrupt)) => {
            tokio::select! {
                _ = term.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        // without signals the process can still be killed: everything accepted is durable
        _ => std::future::pending().await,
    }
}
