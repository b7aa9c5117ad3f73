//! A migration of a branch, put after what others added meanwhile.

use std::collections::BTreeMap;

use super::chain::Entry;
use super::id::MigrationId;
use super::snapshot::{Declared, after};
use crate::name::InstanceRef;

/// Both change the same instance: which is meant, only people know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{moved} and {other} both change '{reference}': take one of them out (remove its folder and its line in migrations.sum), \
     bring the configuration in order, and run `sutler generate`"
)]
pub struct Conflict {
    /// The one that was to be moved.
    pub moved: MigrationId,
    /// One that it would come after.
    pub other: MigrationId,
    /// The instance.
    pub reference: InstanceRef,
}

/// What is declared after a migration when it is done after these, which it does not know.
///
/// # Errors
/// When one of them names an instance that it names too.
pub fn rebased(
    before: &BTreeMap<InstanceRef, Declared>,
    others: &[&Entry],
    moved: &Entry,
) -> Result<BTreeMap<InstanceRef, Declared>, Conflict> {
    for other in others {
        let names = |reference: &InstanceRef| {
            other.steps.iter().any(|step| step.reference == *reference || step.old() == reference)
        };
        if let Some(step) = moved.steps.iter().find(|step| names(&step.reference) || names(step.old())) {
            let (moved, other, reference) = (moved.id.clone(), other.id.clone(), step.reference.clone());
            return Err(Conflict { moved, other, reference });
        }
    }
    Ok(after(before, &moved.steps))
}
