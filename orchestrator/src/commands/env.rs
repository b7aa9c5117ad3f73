//! `env`: the sealed sink, opened.

use std::sync::Arc;

use sutler_secrets::{Created, KeyRing, Recipient, SecretString};

use super::failure::Failure;
use super::project::Project;
use crate::config::{Sealing, SinkConfig};
use crate::name::VariableName;
use crate::sink::SinkSet;
use crate::state::StateError;

/// The variables of one sink, in the order of its file.
#[derive(Debug)]
pub struct Variables {
    /// Where they were read.
    pub location: String,
    /// Each with its value, opened.
    pub variables: Vec<(VariableName, SecretString)>,
}

/// Opens a sink: the named one, or the only one.
///
/// # Errors
/// When there is no such sink, or a value does not open.
pub async fn env(project: &Project, name: Option<&str>) -> Result<Variables, Failure> {
    let ring = match project.config.sinks.iter().find(|sink| name.is_none_or(|name| sink.name == name)) {
        // Whoever holds the private half need not be able to open state.
        Some(SinkConfig { sealing: Sealing::SealedFor(_), .. }) => {
            Arc::new(KeyRing::load(&project.keys).map_err(|error| Failure::State(StateError::Keys(error)))?)
        }
        _ => Arc::clone(project.read().await?.1.ring()),
    };
    let sinks = SinkSet::new(&project.config, &ring);
    let names: Vec<String> = sinks.sinks().map(|sink| sink.name().to_owned()).collect();
    let list = names.join(", ");
    let chosen = match name {
        Some(name) => sinks.sinks().find(|sink| sink.name() == name).ok_or_else(|| {
            Failure::usage(format!("there is no sink '{name}' in the configuration; there is: {list}"))
        })?,
        None => match names.len() {
            0 => return Err(Failure::usage("no sink is configured; add `sinks: { env: { dotenv: .env } }`")),
            1 => sinks.sinks().next().ok_or_else(|| Failure::failed("the sink is gone"))?,
            _ => {
                return Err(Failure::usage(format!(
                    "several sinks are configured ({list}); choose one with --sink"
                )));
            }
        },
    };
    Ok(Variables { location: chosen.location(), variables: chosen.open()? })
}

/// The public key that others can seal for, so that only this key ring opens it. The ring is made if there is none.
///
/// # Errors
/// When the key ring cannot be used.
pub fn recipient(project: &Project) -> Result<(Recipient, Created), Failure> {
    let ring = KeyRing::load_or_create(&project.keys, jiff::Timestamp::now());
    let (ring, created) = ring.map_err(|error| Failure::State(StateError::Keys(error)))?;
    Ok((ring.recipient(), created))
}
