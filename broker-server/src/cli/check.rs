//! `check`: everything `serve` would stumble over, without serving.

use std::path::PathBuf;

use clap::Args;
use sutler_broker_server::broker::{longest_operation, longest_silence};

use super::{CommandError, load, print, rights, server};

/// Checks configuration, keys, store and offerings, and the rights that the vendors give, without serving.
///
/// Vendors are asked by reading only, once for each credential and each table of calls; a name server also by a change
/// that changes nothing. What a vendor does not tell is said to be not known, and is no failure.
///
/// Exit codes: 0 it can be served, 1 something else failed, 2 configuration: a vendor refuses a credential or a right.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct CheckArguments {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE", default_value = "broker.yaml")]
    config: PathBuf,
    /// Ask no vendor.
    #[arg(long)]
    offline: bool,
}

/// Checks configuration, keys, store, certificates and offerings. The store is opened, so it must not be in use.
pub(super) fn check(arguments: &CheckArguments) -> Result<(), CommandError> {
    let config = load(&arguments.config)?;
    let tuning = config.tuning;
    // a missing key ring is an operator's mistake here, not something to make
    sutler_secrets::KeyRing::load(&config.keys)?;
    for warning in &config.warnings {
        print(&format!("warning: {warning}"))?;
    }
    let server = server(config)?;
    for service in &server.catalog().services {
        let plans: Vec<&str> = service.plans.iter().map(|plan| plan.name.as_str()).collect();
        print(&format!("{}: {}", service.name, plans.join(", ")))?;
    }
    print(&format!(
        "Every operation ends within {}; one whose vendor is silent after {} a step.",
        shown(longest_operation(&tuning)),
        shown(longest_silence(&tuning)),
    ))?;
    if !arguments.offline {
        rights::check(load(&arguments.config)?)?;
    }
    print("The configuration can be served.")
}

/// Whole seconds in words, such as 24h 6m 5s.
fn shown(duration: std::time::Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    let parts = [(seconds / 3_600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let told: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    if told.is_empty() { "0s".to_owned() } else { told.join(" ") }
}
