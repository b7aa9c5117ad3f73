//! How an unresolved record is gone on with: a table over where it stands, what is wanted, and who decides. Pure.

use crate::config::OnAmbiguous;
use crate::state::record::InstanceRecord;
use crate::state::status::{BindingStatus, Status};

/// What is done first about an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resolution {
    /// It is ready: nothing.
    Nothing,
    /// Ask how far the broker is, then send the same request under the same id.
    AskAndRepeat,
    /// Wait for what the broker has accepted.
    Await,
    /// Delete what may be there, until it is gone; then make another under a new id.
    Replace,
    /// Send the recorded change again.
    RepeatChange,
    /// Wait for the change that the broker has accepted.
    AwaitChange,
    /// Finish its deletion; then make another.
    FinishDeletion,
}

/// Whether an unfinished creation is what the declaration asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// It is.
    Alike,
    /// It asks for something else by now.
    Otherwise,
}

/// Decides. An update is never mitigated (P-UPD-10): it is repeated, which is harmless.
pub(super) fn resolution(status: &Status, asked: Asked, policy: OnAmbiguous) -> Resolution {
    match (status, asked) {
        (Status::Ready, _) => Resolution::Nothing,
        (Status::Intended, Asked::Alike) if policy != OnAmbiguous::Mitigate => Resolution::AskAndRepeat,
        (Status::Provisioning { .. }, Asked::Alike) => Resolution::Await,
        // What it was to be is not wanted any more, and it was never ready: away with it.
        (Status::Intended | Status::Provisioning { .. } | Status::Doubtful, _) => Resolution::Replace,
        (Status::ChangeIntended, _) => Resolution::RepeatChange,
        (Status::Updating { .. }, _) => Resolution::AwaitChange,
        (Status::DeletionIntended | Status::Deprovisioning { .. }, _) => Resolution::FinishDeletion,
    }
}

/// What a request was for of which nobody knows what became, if there is one in a record: its answer was never written
/// down. Accepted work is not in doubt: its broker says how far it is.
pub(super) fn in_doubt(record: &InstanceRecord) -> Option<&'static str> {
    let binding = record.binding.as_ref().map(|binding| &binding.status);
    Some(match (&record.status, binding) {
        (Status::Intended | Status::Doubtful, _) => "creating it",
        (Status::ChangeIntended, _) => "changing it",
        (Status::DeletionIntended, _) => "deleting it",
        (_, Some(BindingStatus::Intended | BindingStatus::Doubtful)) => "making its binding",
        (_, Some(BindingStatus::DeletionIntended)) => "removing its binding",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::samples;

    #[test]
    fn every_standing_has_one_way_to_go_on() {
        use Asked::{Alike, Otherwise};
        use OnAmbiguous::{Mitigate, Resume};
        let token = || None;
        for (status, asked, policy, expected) in [
            (Status::Ready, Alike, Resume, Resolution::Nothing),
            (Status::Intended, Alike, Resume, Resolution::AskAndRepeat),
            (Status::Intended, Alike, Mitigate, Resolution::Replace),
            (Status::Intended, Otherwise, Resume, Resolution::Replace),
            (Status::Provisioning { operation: token() }, Alike, Resume, Resolution::Await),
            (Status::Provisioning { operation: token() }, Alike, Mitigate, Resolution::Await),
            (Status::Provisioning { operation: token() }, Otherwise, Resume, Resolution::Replace),
            (Status::Doubtful, Alike, Resume, Resolution::Replace),
            (Status::ChangeIntended, Alike, Mitigate, Resolution::RepeatChange),
            (Status::Updating { operation: token() }, Otherwise, Mitigate, Resolution::AwaitChange),
            (Status::DeletionIntended, Alike, Resume, Resolution::FinishDeletion),
            (Status::Deprovisioning { operation: token() }, Alike, Resume, Resolution::FinishDeletion),
        ] {
            assert_eq!(resolution(&status, asked, policy), expected, "{status:?} {asked:?} {policy:?}");
        }
    }

    #[test]
    fn accepted_work_is_not_in_doubt_and_everything_else_unfinished_is() {
        let mut record = samples::record("db");
        record.binding = None;
        for (status, doubted) in [
            (Status::Intended, true),
            (Status::Provisioning { operation: None }, false),
            (Status::Ready, false),
            (Status::ChangeIntended, true),
            (Status::Updating { operation: None }, false),
            (Status::DeletionIntended, true),
            (Status::Deprovisioning { operation: None }, false),
            (Status::Doubtful, true),
        ] {
            record.status = status.clone();
            assert_eq!(in_doubt(&record).is_some(), doubted, "{status:?}");
        }
        record.status = Status::Ready;
        for (status, doubted) in [
            (BindingStatus::Intended, true),
            (BindingStatus::Binding { operation: None }, false),
            (BindingStatus::Bound, false),
            (BindingStatus::DeletionIntended, true),
            (BindingStatus::Unbinding { operation: None }, false),
            (BindingStatus::Doubtful, true),
        ] {
            record.binding = Some(super::super::bind::intended(uuid::Uuid::new_v4().to_string()));
            record.binding.as_mut().unwrap().status = status.clone();
            assert_eq!(in_doubt(&record).is_some(), doubted, "{status:?}");
        }
    }
}
