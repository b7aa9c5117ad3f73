//! Why a step failed, and what to do next.

use sutler_broker_client::{Call, ClientError, Untrusted};
use sutler_catalog::Problem;

use crate::name::{BrokerName, VariableName};
use crate::reference::Unresolved;
use crate::sink::SinkError;
use crate::state::StateError;
use crate::state::status::{IllegalBindingEvent, IllegalEvent};

/// Why a step failed. No text holds a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// State could not be read or written; nothing can go on.
    #[error(transparent)]
    State(#[from] StateError),
    /// Credentials could not be written where they belong.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// A broker did not do what was asked.
    #[error("could not {} at broker '{broker}'", verb(*.call))]
    Call {
        /// What was asked.
        call: Call,
        /// Of whom.
        broker: BrokerName,
        /// What came.
        #[source]
        source: Box<ClientError>,
    },
    /// A broker accepted the work, and it failed.
    #[error("broker '{broker}' accepted to {}, but it failed: {}", verb(*.call), said(.description.as_ref()))]
    Operation {
        /// What was asked.
        call: Call,
        /// Of whom.
        broker: BrokerName,
        /// What the broker says.
        description: Option<Untrusted>,
        /// What it means for the instance.
        remains: Remains,
    },
    /// A broker accepted the work, and did not end it in time.
    #[error("broker '{broker}' accepted to {}, but did not end it within {} s", verb(*.call), limit.as_secs())]
    Expired {
        /// What was asked.
        call: Call,
        /// Of whom.
        broker: BrokerName,
        /// How long we waited.
        limit: std::time::Duration,
    },
    /// A broker accepted the work, and does not know it any more.
    #[error("broker '{broker}' accepted to {}, and does not know it any more", verb(*.call))]
    Forgotten {
        /// What was asked.
        call: Call,
        /// Of whom.
        broker: BrokerName,
    },
    /// Answers with credentials were lost, twice, and the broker does not repeat them.
    #[error(
        "broker '{broker}' made its binding, but the answers with the credentials were lost, and it does not repeat them"
    )]
    CredentialsLost {
        /// Whose answers.
        broker: BrokerName,
    },
    /// The record names a broker that is not configured.
    #[error("broker '{0}' is not in the configuration")]
    UnknownBroker(BrokerName),
    /// The broker's catalog has no such plan any more.
    #[error("broker '{broker}' does not offer plan '{plan}' of '{service}' any more")]
    NotOffered {
        /// The broker.
        broker: BrokerName,
        /// The offering.
        service: String,
        /// The plan.
        plan: String,
    },
    /// A reference cannot be resolved.
    #[error("params{}: {}", .0.pointer, .0.why)]
    Unresolved(Unresolved),
    /// The resolved parameters do not fit the plan's schema.
    #[error("the parameters do not fit: {}", joined(.0))]
    Parameters(Vec<Problem>),
    /// What is to be bound is not there.
    #[error("it has no output '{key}' for {variable}; it has: {}", listed(.has))]
    MissingOutput {
        /// The output.
        key: String,
        /// The variable.
        variable: VariableName,
        /// The outputs there are.
        has: Vec<String>,
    },
    /// What a broker yields is too large to keep (S-57).
    #[error("its broker yields {bytes} bytes of credentials; {limit} are allowed")]
    TooLarge {
        /// How many.
        bytes: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// The step is for something that is not declared.
    #[error("it is not declared, so there is nothing to make of it")]
    Undeclared,
    /// A bug of ours.
    #[error(transparent)]
    Illegal(#[from] IllegalEvent),
    /// A bug of ours.
    #[error(transparent)]
    IllegalBinding(#[from] IllegalBindingEvent),
    /// Nobody knows what became of an earlier request, and the configuration says to leave it so.
    #[error(
        "nobody knows what became of {what} ({instance}) at broker '{broker}', and it is left as it is (on-ambiguous: pause)"
    )]
    Paused {
        /// What was asked for.
        what: &'static str,
        /// Of whom.
        broker: BrokerName,
        /// The id it was asked under.
        instance: sutler_spec::InstanceId,
    },
    /// Nobody knows whether a broker has taken over an object that was there before, so nothing is deleted.
    #[error("nobody knows whether broker '{broker}' has adopted the object {object}, so it is not deleted")]
    Adopting {
        /// The vendor's id of the object.
        object: String,
        /// Of whom it was asked.
        broker: BrokerName,
    },
    /// The broker works on it, and this run does not wait for it.
    #[error("the broker works on it")]
    Running,
    /// The run was told to stop.
    #[error("stopped")]
    Abandoned,
    /// The step's task ended without saying how.
    #[error("the step ended unexpectedly; this is a defect of sutler")]
    Lost,
}

/// What a failed operation left of the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remains {
    /// It works as before, or was never there.
    Usable,
    /// The broker says it does not work any more.
    Unusable,
    /// The broker says the same change can never succeed.
    NeverRepeat,
}

impl StepError {
    /// Whether it says nothing about the thing, but that this step cannot go on now.
    pub(super) fn ends_the_step(&self) -> bool {
        matches!(
            self,
            Self::State(_) | Self::Abandoned | Self::Running | Self::Paused { .. } | Self::Adopting { .. }
        )
    }

    /// What to do next.
    #[must_use]
    pub fn next(&self) -> String {
        let text = match self {
            Self::Operation { remains: Remains::Unusable, .. } => {
                "the instance does not work as it is; look at it at its vendor, then run `sutler apply` again"
            }
            Self::Operation { remains: Remains::NeverRepeat, .. } => {
                "the same change cannot succeed; declare another one"
            }
            Self::Call { source, .. } => match source.as_ref() {
                ClientError::NotSent { .. } => "see that the broker runs, then run `sutler apply` again",
                conflict if conflict.is_maintenance_info_conflict() => {
                    "what the broker offers changed meanwhile; run the command again: it fetches the catalog first"
                }
                ClientError::Unauthorized => "check `auth` of the broker, then run `sutler apply` again",
                ClientError::Rejected { status: 400..500, .. } => {
                    "correct what the broker names, then run `sutler apply` again"
                }
                _ => "see the broker's log, then run `sutler apply` again; it goes on from here",
            },
            Self::Expired { .. }
            | Self::Forgotten { .. }
            | Self::CredentialsLost { .. }
            | Self::Abandoned => "run `sutler apply` again; it goes on from here",
            Self::Paused { .. } => {
                "look for that id at the broker, then run `sutler apply --on-ambiguous resume` (asks for the same \
                 again) or `sutler apply --on-ambiguous mitigate` (deletes it and makes another)"
            }
            Self::Adopting { .. } => {
                "run the same `sutler adopt` again, which finds out; or forget the attempt: `sutler state rm`"
            }
            Self::Running => "`sutler status --wait` waits for it; so does the next `sutler apply`",
            Self::UnknownBroker(_) => "configure that broker again",
            Self::NotOffered { .. } => "see `sutler catalog`, and declare a plan that is offered",
            Self::Unresolved(_) | Self::Parameters(_) | Self::MissingOutput { .. } => {
                "correct the declaration, then run `sutler apply` again"
            }
            Self::Operation { .. } | Self::TooLarge { .. } => {
                "see the broker's log, then run `sutler apply` again"
            }
            Self::Sink(_) => "then run `sutler apply` again; the instance itself is recorded",
            Self::State(_) => "then run `sutler apply` again",
            Self::Undeclared | Self::Illegal(_) | Self::IllegalBinding(_) | Self::Lost => {
                "run `sutler apply` again, and report this if it happens again"
            }
        };
        text.to_owned()
    }

    /// The error with all its causes, on one line, safe to print.
    #[must_use]
    pub fn line(&self) -> String {
        crate::brokers::chain(self)
    }
}

fn verb(call: Call) -> &'static str {
    match call {
        Call::Catalog => "fetch the catalog",
        Call::Provision => "create it",
        Call::FetchInstance => "read it",
        Call::Update => "change it",
        Call::Deprovision => "delete it",
        Call::Bind => "make its binding",
        Call::FetchBinding => "read its binding",
        Call::Unbind => "remove its binding",
        Call::LastOperation => "ask how far the work is",
    }
}

fn said(description: Option<&Untrusted>) -> &str {
    description.map_or("it does not say why", Untrusted::as_str)
}

fn joined(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn listed(keys: &[String]) -> String {
    if keys.is_empty() { "none".to_owned() } else { keys.join(", ") }
}
