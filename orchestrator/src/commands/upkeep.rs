//! `upgrade` and `rotate` without being told to: what is offered, what could be rotated. Reads; writes nothing and takes no
//! lock.

use jiff::Timestamp;

use super::failure::Failure;
use super::project::Project;
use crate::name::InstanceRef;
use crate::plan::{self, Rotatable, Upgrade};

/// Which bindings can be rotated, and which of them are due.
///
/// # Errors
/// When configuration, state or a broker cannot be used.
pub async fn rotatables(project: &Project) -> Result<Vec<Rotatable>, Failure> {
    let brokers = project.connect_to(|_| true).await?;
    let (state, _) = project.read().await?;
    let known = (&*project.config, state.records.as_slice());
    Ok(plan::rotatables(known, &brokers.catalogs(), Timestamp::now()))
}

/// Which maintenance versions are offered: to these instances, or to all.
///
/// # Errors
/// When configuration, state or a broker cannot be used, or an instance is not declared.
pub async fn upgrades(project: &Project, named: &[String]) -> Result<Vec<Upgrade>, Failure> {
    for name in named {
        let known = project.config.instances.keys().any(|reference| reference.as_str() == name);
        if !known {
            return Err(Failure::usage(format!("there is no instance '{name}' in the configuration")));
        }
    }
    let brokers = project.connect_to(|_| true).await?;
    let (state, _) = project.read().await?;
    let mut offered = plan::upgrades(&project.config, &state.records, &brokers.catalogs());
    let is_named = |reference: &InstanceRef| named.iter().any(|name| name == reference.as_str());
    offered.retain(|upgrade| named.is_empty() || is_named(&upgrade.reference));
    Ok(offered)
}
