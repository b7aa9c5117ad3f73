//! A checkpoint: one migration that makes everything there is, for environments where nothing was done yet.

use super::chain::{Chain, NewEntry};
use super::id::MigrationId;
use super::snapshot::configuration;
use super::step::{MigrationStep, StandsFor, StepAction};
use crate::config::{Config, Problems};

/// The checkpoint that stands for a whole chain.
///
/// # Errors
/// When what is declared at its end does not hold together with this configuration.
pub fn squashed(chain: &Chain, config: &Config, id: MigrationId) -> Result<NewEntry, Problems> {
    let instances = chain.head().map(|head| head.instances.clone()).unwrap_or_default();
    let all = configuration(config, &instances)?;
    let create = |position: &u32| {
        let (reference, _) = all.instances.get_index(*position as usize)?;
        let declared = instances.get(reference)?;
        Some(MigrationStep::new(StepAction::Create, (reference, declared), Vec::new()))
    };
    let steps = all.order().iter().filter_map(create).collect();
    let mut stands_for: Vec<StandsFor> = Vec::new();
    for entry in &chain.entries {
        let itself = StandsFor { migration: entry.id.clone(), digest: entry.digest };
        for covered in entry.stands_for.iter().cloned().chain([itself]) {
            if !stands_for.contains(&covered) {
                stands_for.push(covered);
            }
        }
    }
    let parent = chain.head().map(|head| head.id.clone());
    Ok(NewEntry { id, parent, steps, stands_for, instances })
}
