//! `state …`: looking at what is recorded, changing it by hand, and moving it elsewhere: always under the lock, journaled
//! where something changes, and without asking a broker.

mod change;
mod look;
mod migrate;

pub use change::{Removal, Rename, Restoration, Written, force_unlock};
pub use look::{Revisions, Shown, Verified, export, revisions, show, verify};
pub use migrate::{Errand, Migrated, Migration, migrate};

use super::failure::Failure;
use crate::nearest::nearest;
use crate::state::record::InstanceRecord;

/// The record of this ref, or what may have been meant.
fn find<'r>(records: &'r [InstanceRecord], reference: &str) -> Result<&'r InstanceRecord, Failure> {
    records.iter().find(|record| record.reference.as_str() == reference).ok_or_else(|| {
        let hint = nearest(reference, records.iter().map(|record| record.reference.as_str()))
            .map(|near| format!(", did you mean '{near}'?"))
            .unwrap_or_default();
        Failure::usage(format!(
            "there is no instance '{reference}' in state{hint}; `sutler state list` lists them"
        ))
    })
}
