//! Where a record stands, and the only way it moves.

use serde::{Deserialize, Serialize};
use sutler_spec::Operation;

/// Where an instance stands, as far as we know for sure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Status {
    /// Its id is written down; whether the broker has heard of it is unknown.
    Intended,
    /// The broker accepted it and works on it.
    Provisioning {
        /// To be handed back when polling.
        operation: Option<Operation>,
    },
    /// It exists.
    Ready,
    /// A change is written down (`pending` of the record); whether the broker has heard of it is unknown.
    ChangeIntended,
    /// The broker accepted a change and works on it.
    Updating {
        /// To be handed back when polling.
        operation: Option<Operation>,
    },
    /// Its deletion is written down; whether the broker has heard of it is unknown.
    DeletionIntended,
    /// The broker accepted its deletion and works on it.
    Deprovisioning {
        /// To be handed back when polling.
        operation: Option<Operation>,
    },
    /// It was never ready and may exist: to be deleted before anything else (an orphan, perhaps).
    Doubtful,
}

/// What moved a status.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// 202: the broker goes on by itself.
    Accepted(Option<Operation>),
    /// Done, as asked.
    Succeeded,
    /// The broker refused and did nothing (4xx).
    Refused,
    /// It ended without success, or nobody knows how it ended and it cannot be resumed.
    Failed,
    /// A change is about to be asked for.
    ChangeAsked,
    /// Deletion is about to be asked for.
    DeletionAsked,
    /// It is gone: 200 or 410 to a deletion, or an authentic "does not exist".
    Removed,
}

/// An event that cannot happen in a status: a bug, reported instead of hidden.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("a record that is {status:?} cannot take {event:?}")]
pub struct IllegalEvent {
    /// Where it stood.
    pub status: Status,
    /// What came.
    pub event: Event,
}

/// Where a record goes, if it stays at all.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// It stands there now.
    Stands(Status),
    /// There is nothing to remember any more.
    Absent,
}

impl Status {
    /// The only way a status changes.
    ///
    /// # Errors
    /// When the event cannot happen here.
    pub fn on(self, event: Event) -> Result<Next, IllegalEvent> {
        use Next::{Absent, Stands};
        Ok(match (self, event) {
            (Self::Intended | Self::Provisioning { .. }, Event::Accepted(operation)) => {
                Stands(Self::Provisioning { operation })
            }
            (Self::Intended | Self::Provisioning { .. }, Event::Succeeded) => Stands(Self::Ready),
            (Self::Intended, Event::Refused) => Absent,
            (Self::Intended | Self::Provisioning { .. }, Event::Failed) => Stands(Self::Doubtful),
            (Self::Ready | Self::ChangeIntended | Self::Updating { .. }, Event::ChangeAsked) => {
                Stands(Self::ChangeIntended)
            }
            (Self::ChangeIntended | Self::Updating { .. }, Event::Accepted(operation)) => {
                Stands(Self::Updating { operation })
            }
            // A change that failed leaves the instance; the record keeps the digest of what was applied before.
            (
                Self::ChangeIntended | Self::Updating { .. },
                Event::Succeeded | Event::Refused | Event::Failed,
            ) => Stands(Self::Ready),
            (_, Event::DeletionAsked) => Stands(Self::DeletionIntended),
            (Self::DeletionIntended | Self::Deprovisioning { .. }, Event::Accepted(operation)) => {
                Stands(Self::Deprovisioning { operation })
            }
            (Self::DeletionIntended | Self::Deprovisioning { .. }, Event::Failed | Event::Refused) => {
                Stands(Self::DeletionIntended)
            }
            (Self::DeletionIntended | Self::Deprovisioning { .. }, Event::Succeeded) => Absent,
            (_, Event::Removed) => Absent,
            (status, event) => return Err(IllegalEvent { status, event }),
        })
    }

    /// Whether a call was begun whose end is not known.
    #[must_use]
    pub fn is_unresolved(&self) -> bool {
        !matches!(self, Self::Ready)
    }
}

/// Where a binding stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum BindingStatus {
    /// Its id is written down; whether the broker has heard of it is unknown.
    Intended,
    /// The broker accepted it and works on it.
    Binding {
        /// To be handed back when polling.
        operation: Option<Operation>,
    },
    /// It exists and its credentials are recorded.
    Bound,
    /// Its deletion is written down.
    DeletionIntended,
    /// The broker accepted its deletion and works on it.
    Unbinding {
        /// To be handed back when polling.
        operation: Option<Operation>,
    },
    /// It may exist and is of no use: to be deleted before a new one is made.
    Doubtful,
}

/// What moved a binding's status.
#[derive(Debug, Clone, PartialEq)]
pub enum BindingEvent {
    /// 202: the broker goes on by itself.
    Accepted(Option<Operation>),
    /// Its credentials are recorded.
    Succeeded,
    /// It ended without success, or its credentials cannot be had any more.
    Failed,
    /// Deletion is about to be asked for.
    DeletionAsked,
}

/// A binding's event that cannot happen in a status: a bug, reported instead of hidden.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("a binding that is {status:?} cannot take {event:?}")]
pub struct IllegalBindingEvent {
    /// Where it stood.
    pub status: BindingStatus,
    /// What came.
    pub event: BindingEvent,
}

impl BindingStatus {
    /// The only way a binding's status changes. One that is gone has no status: its record is dropped.
    ///
    /// # Errors
    /// When the event cannot happen here.
    pub fn on(self, event: BindingEvent) -> Result<Self, IllegalBindingEvent> {
        Ok(match (self, event) {
            (Self::Intended | Self::Binding { .. }, BindingEvent::Accepted(operation)) => {
                Self::Binding { operation }
            }
            (Self::Intended | Self::Binding { .. } | Self::Bound, BindingEvent::Succeeded) => Self::Bound,
            (Self::Intended | Self::Binding { .. } | Self::Bound, BindingEvent::Failed) => Self::Doubtful,
            (_, BindingEvent::DeletionAsked) => Self::DeletionIntended,
            (Self::DeletionIntended | Self::Unbinding { .. }, BindingEvent::Accepted(operation)) => {
                Self::Unbinding { operation }
            }
            (Self::DeletionIntended | Self::Unbinding { .. }, BindingEvent::Failed) => Self::DeletionIntended,
            (status, event) => return Err(IllegalBindingEvent { status, event }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statuses() -> [Status; 8] {
        [
            Status::Intended,
            Status::Provisioning { operation: None },
            Status::Ready,
            Status::ChangeIntended,
            Status::Updating { operation: None },
            Status::DeletionIntended,
            Status::Deprovisioning { operation: None },
            Status::Doubtful,
        ]
    }

    #[test]
    fn a_record_disappears_only_after_a_refusal_of_its_creation_or_its_deletion() {
        let events = [
            Event::Accepted(None),
            Event::Succeeded,
            Event::Refused,
            Event::Failed,
            Event::ChangeAsked,
            Event::DeletionAsked,
        ];
        for status in statuses() {
            for event in events.clone() {
                if let Ok(Next::Absent) = status.clone().on(event.clone()) {
                    let creation_refused = (&status, &event) == (&Status::Intended, &Event::Refused);
                    let deleting = matches!(status, Status::DeletionIntended | Status::Deprovisioning { .. });
                    assert!(
                        creation_refused || (deleting && event == Event::Succeeded),
                        "{status:?} {event:?}"
                    );
                }
            }
            assert_eq!(status.on(Event::Removed), Ok(Next::Absent));
        }
    }

    #[test]
    fn what_was_never_ready_is_never_called_ready_after_a_failure() {
        for status in [Status::Intended, Status::Provisioning { operation: None }] {
            assert_eq!(status.on(Event::Failed), Ok(Next::Stands(Status::Doubtful)));
        }
        assert!(Status::Doubtful.on(Event::Succeeded).is_err());
        assert!(Status::Doubtful.on(Event::ChangeAsked).is_err());
    }

    #[test]
    fn everything_can_be_deleted() {
        for status in statuses() {
            assert_eq!(status.on(Event::DeletionAsked), Ok(Next::Stands(Status::DeletionIntended)));
        }
    }

    #[test]
    fn a_doubtful_binding_can_only_be_deleted() {
        let doubtful = || BindingStatus::Doubtful;
        assert!(doubtful().on(BindingEvent::Succeeded).is_err());
        assert!(doubtful().on(BindingEvent::Accepted(None)).is_err());
        assert_eq!(doubtful().on(BindingEvent::DeletionAsked), Ok(BindingStatus::DeletionIntended));
    }
}
