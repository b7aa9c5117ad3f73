//! The broker's record of a service binding.

use serde_json::Value;
use sutler_secrets::Digest;
use sutler_spec::{BindingBody, BindingId, InstanceId, Parameters};

/// Where in its life a binding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindingState {
    /// Being created: it cannot be fetched yet (B-FBN-02).
    Binding,
    /// Its credentials work.
    Ready,
    /// Its creation, or its deletion, failed after something was done: it can be deleted.
    Failed,
    /// Being deleted.
    Unbinding,
}

impl BindingState {
    /// The word for storage.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Binding => "binding",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Unbinding => "unbinding",
        }
    }

    /// Reads what [`as_str`](Self::as_str) wrote.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Binding, Self::Ready, Self::Failed, Self::Unbinding]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// One service binding. `Debug` shows neither parameters nor credentials.
#[derive(Clone, PartialEq)]
pub struct Binding {
    /// Its instance.
    pub instance: InstanceId,
    /// Minted by the platform.
    pub id: BindingId,
    /// Where in its life it is.
    pub state: BindingState,
    /// Of everything that makes two bind requests identical.
    pub digest: Digest,
    /// The application it is for.
    pub application: Option<String>,
    /// The binding it replaces.
    pub predecessor: Option<BindingId>,
    /// What was asked for; sealed at rest.
    pub parameters: Parameters,
    /// The provider's memory of it; sealed at rest.
    pub record: Option<Value>,
    /// What an unfinished creation knew last; sealed at rest.
    pub unfinished: Option<Value>,
    /// What the platform gets; sealed at rest.
    pub body: Option<BindingBody>,
}

impl std::fmt::Debug for Binding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Binding")
            .field("instance", &self.instance)
            .field("id", &self.id)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
