//! The seam between the operation engine and a vendor: what a provider is asked, and what it may answer.
//!
//! ```text
//! engine ── intent (step, class, attempt) durable ──▶ provider ── one mutating call ──▶ vendor
//!   ▲                                                     │
//!   └──── result (checkpoint or outcome) durable ◀────────┘
//! ```

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sutler_catalog::Offering;
use sutler_spec::{BindingBody, BindingId, InstanceId, Parameters, PlanId, ServiceId};

use super::{Account, Discovery, Listing, Marker, Need};
pub use crate::operation::Work;
use crate::{expense::Expense, operation::OperationId};

/// A vendor behind one offering, as a set of resumable steps.
///
/// # Contract
/// - A call of a step method makes **at most one mutating vendor call** and then returns; reads are free. The engine
///   records an intent before the call and the result after it, so a crash leaves at most one step in doubt.
/// - [`Attempt::Again`] says that an earlier attempt of this very step may have reached the vendor. The step then
///   finds out, in the way its [`RecoveryClass`] promises, before it acts; it never acts blindly twice.
/// - Every object made at the vendor carries the [`Marker`]. What does not carry it is not adopted, changed or
///   deleted; "a thing with that name exists" is [`Refusal::Conflict`].
/// - Deleting what is not there is success. Deletion works for whatever an unfinished provision left behind.
/// - The provider keeps nothing between calls and never sees the store.
/// - An error never carries a secret or a vendor's raw body: its description is shown to end users.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// What is offered. Called once, when the server is built.
    fn offering(&self) -> Offering;

    /// How a step whose outcome is unknown is resolved. There is no default on purpose: it must be thought about.
    fn recovery(&self, work: Work, step: &StepName) -> RecoveryClass;

    /// Goes on creating the instance.
    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError>;

    /// Goes on changing the instance to `change`.
    async fn update(
        &self,
        step: Step<'_>,
        change: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError>;

    /// Goes on deleting the instance, whatever state it is in.
    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError>;

    /// Goes on creating a binding. Offerings that are not bindable keep the default.
    async fn bind(
        &self,
        _step: Step<'_>,
        _binding: &BindingFacts,
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        Err(ProviderError::refused(Refusal::Unsupported, "this service is not bindable"))
    }

    /// Goes on deleting a binding, whatever state it is in. Offerings that are not bindable keep the default.
    async fn unbind(&self, _step: Step<'_>, _binding: &BindingFacts) -> Result<Progress<()>, ProviderError> {
        Ok(Progress::Done(()))
    }

    /// Asks the vendor what is there. `Err(Unavailable)` means unknown, never gone (I-08).
    async fn fetch(&self, instance: &InstanceFacts, marker: &Marker) -> Result<Observation, ProviderError>;

    /// What is known of an instance before the work on it is done, from its parameters alone: the first answer to the
    /// platform already has it (B-PROV-16, B-UPD-17). For an update, the instance is told as it is to be. No vendor call.
    fn announced(&self, _instance: &InstanceFacts, _marker: &Marker) -> Announced {
        Announced::default()
    }

    /// Lists everything at the vendor that carries a mark of our form, all pages, to be compared with the store. Changes
    /// nothing. There is no default on purpose: where it cannot be done, say so with [`Listing::NotPossible`].
    async fn marked(&self) -> Result<Listing, ProviderError>;

    /// Tries the rights that it needs at the vendor, by reading only: one answer for each of them. Nothing where a vendor
    /// has no rights, or does not tell.
    async fn needs(&self) -> Vec<Need> {
        Vec::new()
    }

    /// Lists what the vendor has and takes it over. The default is for offerings that cannot.
    fn discovery(&self) -> Option<&dyn Discovery> {
        None
    }

    /// The vendor account that the calls count against. The engine then waits for a call of its budget before each
    /// step, and stops calling for a while when the vendor says so or does not answer. `None` for a vendor that has no
    /// limit. The same account gives the same [`Account`] each time; the plans of an offering may have different ones.
    fn account(&self, _plan: &PlanId) -> Option<&Account> {
        None
    }

    /// What the step of a piece of work may cost that its vendor takes money for. The engine has it counted as spent in the
    /// transaction that makes the step's intent durable, by the plan's account, or by the offering where there is none, and
    /// does not ask for the step where a limit would be broken. An
    /// expense is given back only when the work ends before anything was done. Nothing, where nothing is bought. No vendor
    /// call.
    fn expense(&self, _work: Work, _plan: &PlanId, _checkpoint: &Checkpoint) -> Option<Expense> {
        None
    }

    /// Checks a request for an instance of that plan beyond its JSON Schema, before anything is written (I-13). No vendor
    /// call.
    ///
    /// # Errors
    /// One message per problem, each naming the parameter.
    fn check(
        &self,
        _plan: &PlanId,
        _wanted: &Parameters,
        _present: Option<&InstanceFacts>,
    ) -> Result<(), Vec<String>> {
        Ok(())
    }
}

/// How a step with an intent and no result is resolved (reliability §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryClass {
    /// K: the same idempotency key makes a repeat harmless, for as long as the vendor keeps it: see
    /// [`IdempotencyKey`].
    IdempotencyKey,
    /// N: the object's name is unique and derived from the marker; look it up, then decide.
    UniqueName,
    /// L: find by listing the marker.
    ListByMarker,
    /// X: the vendor shows a value once; delete what carries our marker, then create again.
    ShownOnce,
    /// The call may be repeated as it is (PUT of a whole object, DELETE).
    Repeatable,
    /// The step makes no mutating call: nothing can be in doubt, and a refusal after it still means that nothing was
    /// done.
    ReadOnly,
}

impl RecoveryClass {
    /// The word for storage.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IdempotencyKey => "idempotency_key",
            Self::UniqueName => "unique_name",
            Self::ListByMarker => "list_by_marker",
            Self::ShownOnce => "shown_once",
            Self::Repeatable => "repeatable",
            Self::ReadOnly => "read_only",
        }
    }
}

/// Names one step of a provider's work, such as `create` or `migrate`. Lower case, stable across versions.
pub type StepName = str;

/// The first step of every piece of work. Its data is null, or what unfinished work on the same instance knew last
/// (the data of its last checkpoint): when a creation is taken up again, and in an update or a deletion that follows an
/// update, or another deletion, that was given up. It is handed over until work on the instance ends well.
pub const BEGIN: &str = "begin";

/// Where a piece of work goes on: recorded by the engine, sealed, handed back unchanged.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The step to do next.
    pub step: String,
    /// Whatever the provider needs for it; may hold secrets.
    #[serde(default)]
    pub data: Value,
}

impl Checkpoint {
    /// Where all work begins.
    #[must_use]
    pub fn begin() -> Self {
        Self { step: BEGIN.to_owned(), data: Value::Null }
    }

    /// A checkpoint with data for the step.
    #[must_use]
    pub fn at(step: &str, data: Value) -> Self {
        Self { step: step.to_owned(), data }
    }
}

impl std::fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checkpoint").field("step", &self.step).finish_non_exhaustive()
    }
}

/// Whether an earlier attempt of the same step may have reached the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// It has not been tried.
    First,
    /// It has been tried and its outcome is unknown.
    Again,
}

/// The key of one step of one operation. It is the same in every attempt of the step while its outcome is in doubt, and
/// another one in every other step, also when the step's name comes again: a step that wants a new key after a doubt
/// finds out what happened and returns [`Progress::Next`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    text: String,
    age: Duration,
}

impl IdempotencyKey {
    /// How long a key may be sent again. Vendors keep keys for a day; an hour is for the call and for clocks.
    pub const KEPT_FOR: Duration = Duration::from_secs(23 * 60 * 60);

    /// The key of the step that is the `turn`-th of an operation; `age` is how long ago it may first have been sent.
    #[must_use]
    pub fn new(operation: &OperationId, step: &StepName, (turn, age): (u32, Duration)) -> Self {
        Self { text: format!("{operation}/{step}/{turn}"), age }
    }

    /// The key as text, of unreserved characters and slashes if the step's name is.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How long ago the first attempt in doubt may have been sent, by the store's clock; zero in a first attempt.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.age
    }

    /// Whether the vendor still knows the key, so that sending it again is harmless. Afterwards only reading back helps.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.age < Self::KEPT_FOR
    }
}

/// What a step method is told.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// The instance the work is about.
    pub instance: &'a InstanceFacts,
    /// Where to go on.
    pub checkpoint: &'a Checkpoint,
    /// Whether this step may have been done already.
    pub attempt: Attempt,
    /// What every vendor object made by this work must carry; in bind and unbind it is that of the binding.
    pub marker: &'a Marker,
    /// For vendors that take idempotency keys.
    pub key: &'a IdempotencyKey,
}

/// What the broker knows of an instance.
#[derive(Debug, Clone)]
pub struct InstanceFacts {
    /// Its id.
    pub id: InstanceId,
    /// Its offering.
    pub service_id: ServiceId,
    /// Its plan.
    pub plan_id: PlanId,
    /// What people call it, if the platform told (`context.instance_name`).
    pub name: Option<String>,
    /// The parameters in force: defaults not filled in.
    pub parameters: Parameters,
    /// What the last finished provision or update left with [`ProvisionedInstance::record`].
    pub record: Option<Record>,
}

/// What an update asks for.
#[derive(Debug, Clone)]
pub struct Change {
    /// The plan afterwards; equals the present one when the plan does not change.
    pub plan_id: PlanId,
    /// All parameters afterwards: the present ones with the request's keys put over them, `null` removing a key.
    pub parameters: Parameters,
    /// The keys the request named.
    pub named: Vec<String>,
}

/// What the broker knows of a binding.
#[derive(Debug, Clone)]
pub struct BindingFacts {
    /// Its id.
    pub id: BindingId,
    /// What the bind request asked for.
    pub parameters: Parameters,
    /// The application it is for, if any.
    pub application: Option<String>,
    /// What a finished bind left with [`CreatedBinding::record`].
    pub record: Option<Record>,
}

/// A provider's private memory of one instance or binding; sealed at rest, never sent to a platform.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Record(pub Value);

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Record(…)")
    }
}

/// How far a step came.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress<T> {
    /// The call was answered; record this and go on at once.
    Next(Checkpoint),
    /// The vendor is busy: record this and ask again after a while. No call is in doubt.
    Pending {
        /// Where to go on.
        checkpoint: Checkpoint,
        /// How long to wait; the engine clamps and jitters it.
        after: Duration,
        /// For the end user, shown by the last operation.
        description: String,
    },
    /// All is done.
    Done(T),
}

/// A finished provision or update.
#[derive(Debug, Clone, PartialEq)]
pub struct ProvisionedInstance {
    /// The provider's memory of it.
    pub record: Record,
    /// Where a person manages it.
    pub dashboard_url: Option<String>,
    /// For people to find it by, not secret (`metadata.labels`).
    pub labels: Map<String, Value>,
    /// Facts for the platform, not secret (`metadata.attributes`).
    pub attributes: Map<String, Value>,
}

/// What is known of an instance before the work on it is done. What is left out stays as it was.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Announced {
    /// Where a person manages it; says enough to tell it from others.
    pub dashboard_url: Option<String>,
    /// As in [`ProvisionedInstance::labels`].
    pub labels: Map<String, Value>,
    /// As in [`ProvisionedInstance::attributes`].
    pub attributes: Map<String, Value>,
}

/// A finished bind.
#[derive(Debug, Clone, PartialEq)]
pub struct CreatedBinding {
    /// The provider's memory of it.
    pub record: Record,
    /// What the platform gets.
    pub body: BindingBody,
}

/// What the vendor says about an instance.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// It is there.
    Found {
        /// Fresh attributes, in the form of [`ProvisionedInstance::attributes`].
        attributes: Map<String, Value>,
        /// Fields that differ from what was asked for: name, wanted, found. Values are not secret.
        drift: Vec<FieldDrift>,
    },
    /// The vendor says, authentically, that it does not exist.
    Gone,
}

/// One field that differs from what was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldDrift {
    /// The parameter or attribute.
    pub field: String,
    /// What was asked for.
    pub wanted: Value,
    /// What is there.
    pub found: Value,
}

/// Why a vendor or a provider will not do what was asked, ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A foreign object stands in the way.
    Conflict,
    /// The request asks for what cannot be.
    Unsupported,
    /// A limit of the vendor's account is reached.
    Quota,
    /// The broker's own credentials are not accepted by the vendor, or lack a right.
    Credentials,
    /// Protection, or something still in use, forbids it.
    Protected,
}

/// Why a step did not succeed. Descriptions are written for end users and never hold a secret.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ProviderError {
    /// The step was refused and **nothing was done by it**.
    #[error("{description}")]
    Refused {
        /// The kind of refusal.
        refusal: Refusal,
        /// What, and what to do about it.
        description: String,
    },
    /// The work failed for good after something was done; it can be deleted.
    #[error("{description}")]
    Failed {
        /// What, and what to do about it.
        description: String,
        /// Whether the instance can be used as it is (B-UPD-16).
        usable: Usability,
        /// Whether the same update may succeed later.
        repeat: Repeatability,
    },
    /// The vendor could not be asked, or gave no clear answer; the engine tries again.
    #[error("{description}")]
    Unavailable {
        /// What happened.
        description: String,
        /// How long the vendor asked to wait.
        retry_after: Option<Duration>,
        /// Whether the mutating call may have reached the vendor.
        sent: Sent,
    },
}

/// Whether an instance can be used after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Usability {
    /// It works.
    Usable,
    /// It is broken until repaired or deleted.
    Unusable,
}

/// Whether a failed update may succeed when it is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Repeatability {
    /// It may.
    Repeatable,
    /// It never will.
    Pointless,
}

/// Whether a call may have reached the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It certainly did not, or was certainly refused.
    No,
    /// Nobody knows.
    Perhaps,
}

impl ProviderError {
    /// A refusal.
    #[must_use]
    pub fn refused(refusal: Refusal, description: impl Into<String>) -> Self {
        Self::Refused { refusal, description: description.into() }
    }
}
