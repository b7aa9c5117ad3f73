//! `sweep`: what carries our mark at the vendors, against what the store knows.

use std::path::PathBuf;

use clap::Args;
use sutler_broker_server::{
    ServerError,
    broker::sweep,
    providers::{Registry, built_in},
    store,
};

use super::{CommandError, load, print};

/// Compares what carries our mark at the vendors with what the store knows. Changes nothing; may run beside the broker.
///
/// It finds orphans (at the vendor with our mark, unknown to the store), twins (several objects of one instance or
/// binding), and what is missing (ready in the store, gone at the vendor). Objects without our mark are nobody's
/// business. Where the vendor has no place for a mark, each instance is asked for by what is recorded of it.
///
/// Exit codes: 0 vendor and store agree, 1 not everything could be looked at, 2 configuration, 3 something was found.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct SweepArguments {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE", default_value = "broker.yaml")]
    config: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &SweepArguments) -> Result<(), CommandError> {
    let config = load(&arguments.config)?;
    // a second installation changes nothing
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ring = sutler_secrets::KeyRing::load(&config.keys)?;
    let providers = built_in(&config.vendors, &config.tuning)?;
    let registry = Registry::new(providers, config.offerings.as_deref()).map_err(ServerError::Registry)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(CommandError::Runtime)?;
    let store = store::open_beside(&config.store, ring.into()).map_err(ServerError::Store)?;
    let report = runtime.block_on(sweep(&registry, store.as_ref())).map_err(ServerError::Store)?;
    if arguments.json {
        let text = serde_json::to_string_pretty(&report)
            .map_err(|error| CommandError::Print(std::io::Error::other(error)))?;
        print(&text)?;
    } else {
        print(&report.to_string())?;
    }
    match (report.findings(), report.is_complete()) {
        (0, true) => Ok(()),
        (0, false) => Err(CommandError::NotSwept),
        (count, _) => Err(CommandError::Found(count)),
    }
}
