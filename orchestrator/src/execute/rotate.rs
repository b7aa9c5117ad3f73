//! Rotating a binding: another one is made, and the one before it stays in force until that one is. Then it is kept as long
//! as was asked for, and deleted by whichever run comes afterwards, once nobody uses it any more.
//!
//! ```text
//! Bound(old) ──▶ Intended(new; before it: old) ──▶ Bound(new), old retired until TIME ──▶ Bound(new)
//!      ▲                       │ refused, failed
//!      └───────────────────────┘
//! ```

use jiff::{SignedDuration, Timestamp};
use sutler_spec::BindingId;

use super::bind::{Renewal, intended};
use super::call::Doubt;
use super::error::StepError;
use super::outputs::drop_credentials;
use super::step::Step;
use crate::faults;
use crate::plan::{Expiry, expiry};
use crate::state::record::{BindingRecord, InstanceRecord, Manner, Retired, Rotation};

impl Step {
    /// Makes another binding and writes its variables. A rotation that was begun is finished, and is the one.
    pub(super) async fn rotate(&self) -> Result<(), StepError> {
        let Some(record) = self.record() else { return Ok(()) };
        let record = Box::pin(self.resume(record)).await?;
        // What it uses may have been rotated just before: it follows, before anybody takes that away.
        let record = Box::pin(self.reshape(record)).await?;
        let before = in_force(&record);
        let mut record = Box::pin(self.bind_as_wanted(record, false)).await?;
        if in_force(&record) == before {
            record = Box::pin(self.begin_rotation(record)).await?;
        }
        self.land(record).await
    }

    async fn begin_rotation(&self, mut record: InstanceRecord) -> Result<InstanceRecord, StepError> {
        let Some(previous) = record.binding.take() else { return Ok(record) };
        let grace = self.shared.context.options.grace.as_secs();
        record.binding = Some(self.successor(&record, previous, grace)?);
        self.intend(&record).await?;
        self.bind(record, (Doubt::None, Renewal::Possible)).await
    }

    /// A binding in the place of another one, which nobody has heard of yet. What the other one yielded stays until this
    /// one yields something.
    pub(super) fn successor(
        &self,
        record: &InstanceRecord,
        previous: BindingRecord,
        grace: u64,
    ) -> Result<BindingRecord, StepError> {
        let rotatable = self.offered(record)?.is_some_and(|(_, plan)| plan.binding_rotatable);
        let ended = matches!(expiry(&previous, Timestamp::now()), Expiry::Expired(_));
        let manner = if rotatable && !ended { Manner::Successor } else { Manner::Beside };
        let credentials = previous.credentials.clone();
        let rotation = Some(Box::new(Rotation { previous, manner, grace }));
        Ok(BindingRecord { credentials, rotation, ..intended(self.mint()) })
    }
}

fn in_force(record: &InstanceRecord) -> Option<BindingId> {
    record.binding.as_ref().map(|binding| binding.in_force().binding_id.clone())
}

/// The binding that a request for the record's binding names as its predecessor.
pub(super) fn predecessor(record: &InstanceRecord) -> Option<BindingId> {
    let rotation = record.binding.as_ref()?.rotation.as_ref()?;
    (rotation.manner == Manner::Successor).then(|| rotation.previous.binding_id.clone())
}

/// The record's binding is in force: the one before it goes to the list of what is deleted once nobody uses it. Not yet
/// durable.
pub(super) fn retire_previous(record: &mut InstanceRecord) {
    let Some(rotation) = record.binding.as_mut().and_then(|binding| binding.rotation.take()) else { return };
    let now = Timestamp::now();
    let grace = SignedDuration::from_secs(i64::try_from(rotation.grace).unwrap_or(i64::MAX));
    let not_before = (!grace.is_zero()).then(|| now.checked_add(grace).unwrap_or(Timestamp::MAX));
    let what = record.as_orphan(Some(rotation.previous.binding_id), now.to_string());
    if !faults::mutant("old_binding_forgotten") {
        record.retired.push(Retired { what, not_before });
    }
}

/// The record's binding is gone, or was never made: what it yielded goes with it, or the one before it is in force again.
/// Not yet durable.
pub(super) fn fall_back(record: &mut InstanceRecord) {
    match record.binding.as_mut().and_then(|binding| binding.rotation.take()) {
        Some(rotation) => record.binding = Some(rotation.previous),
        None => {
            drop_credentials(record);
            record.binding = None;
        }
    }
}
