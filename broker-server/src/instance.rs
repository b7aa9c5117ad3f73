//! The broker's record of a service instance.

use serde_json::{Map, Value};
use sutler_secrets::Digest;
use sutler_spec::{Context, InstanceId, Parameters, PlanId, ServiceId};

/// Where in its life an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstanceState {
    /// Being created: for everyone but its creator it does not exist yet (B-FIN-04).
    Provisioning,
    /// It works. An update may be running.
    Ready,
    /// It was there, but an update or deletion that failed left it unusable; an update may repair it.
    Unusable,
    /// Its creation failed after something was done: it can be deleted, or created again with the same request.
    Failed,
    /// Being deleted.
    Deprovisioning,
}

impl InstanceState {
    const ALL: [Self; 5] =
        [Self::Provisioning, Self::Ready, Self::Unusable, Self::Failed, Self::Deprovisioning];

    /// The word for storage.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Ready => "ready",
            Self::Unusable => "unusable",
            Self::Failed => "failed",
            Self::Deprovisioning => "deprovisioning",
        }
    }

    /// Reads what [`as_str`](Self::as_str) wrote.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// One service instance. `Debug` shows no parameter and no record.
#[derive(Clone, PartialEq)]
pub struct Instance {
    /// Minted by the platform.
    pub id: InstanceId,
    /// Its offering.
    pub service: ServiceId,
    /// Its plan.
    pub plan: PlanId,
    /// As in the provision request.
    pub organization: String,
    /// As in the provision request.
    pub space: String,
    /// What the platform said last about itself; sealed at rest.
    pub context: Option<Context>,
    /// The parameters in force; sealed at rest.
    pub parameters: Parameters,
    /// Of everything that makes two provision requests identical.
    pub digest: Digest,
    /// The version of what it is made of.
    pub maintenance_version: Option<String>,
    /// Where in its life it is.
    pub state: InstanceState,
    /// The state before the deletion that is running, to go back to when the deletion is refused.
    pub state_before: Option<InstanceState>,
    /// The provider's memory of it; sealed at rest.
    pub record: Option<Value>,
    /// What unfinished work on it knew last, until work on it ends well; sealed at rest.
    pub unfinished: Option<Value>,
    /// Where a person manages it.
    pub dashboard_url: Option<String>,
    /// For people to find it by.
    pub labels: Map<String, Value>,
    /// Facts for the platform.
    pub attributes: Map<String, Value>,
    /// Counts the writes; a request decided on an older one is decided again.
    pub revision: u64,
}

impl Instance {
    /// What people call it, if the platform told.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.context.as_ref().and_then(Context::instance_name)
    }
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance")
            .field("id", &self.id)
            .field("plan", &self.plan)
            .field("state", &self.state)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}
