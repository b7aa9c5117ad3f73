//! `env`: the sealed sink, opened.

use sutler_secrets::SecretString;

use super::failure::Failure;
use super::project::Project;
use crate::name::VariableName;
use crate::sink::SinkSet;

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
    let (_, vault) = project.read().await?;
    let sinks = SinkSet::new(&project.config, vault.ring());
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
