//! What the checkers look at: nothing of it can be changed, and nothing has to be running.

use serde::Serialize;
use serde_json::Value;
use sutler_broker_server::providers::Marker;
use sutler_spec::{BindingId, InstanceId};

use super::{
    dump::StoreDump,
    scenario::{host_of, secrets_of},
};
use crate::cloudflare::{DatabaseState, DomainState, Entry, Snapshot, TokenState};

/// What a platform asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Call {
    /// PUT of an instance.
    Provision,
    /// PATCH of an instance.
    Update,
    /// DELETE of an instance.
    Deprovision,
    /// PUT of a binding.
    Bind,
    /// DELETE of a binding.
    Unbind,
    /// GET of a last operation.
    Poll,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Asked {
    /// What for.
    pub call: Call,
    /// The instance.
    pub instance: String,
    /// The binding.
    pub binding: Option<String>,
    /// Everything else that makes two requests identical.
    pub wish: String,
    /// The operation that is polled.
    pub operation: Option<String>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Answer {
    /// Nothing, or nothing whole: whether it was done is not known.
    Lost,
    /// A whole answer.
    Came {
        /// The HTTP status.
        status: u16,
        /// The document; `Null` when it is none.
        body: Value,
    },
}

impl Answer {
    /// The status of a whole answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Lost => None,
            Self::Came { status, .. } => Some(*status),
        }
    }

    /// A text of the document.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self {
            Self::Lost => None,
            Self::Came { body, .. } => body[name].as_str(),
        }
    }
}

/// A request and its answer, as the platform remembers them. Requests of one platform do not overlap.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Exchange {
    /// The request.
    pub asked: Asked,
    /// The answer.
    pub answer: Answer,
    /// How long the vendor's ledger was before the request, and after the answer.
    pub ledger: (u64, u64),
}

/// Everything at one moment.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The vendor's calls since the beginning.
    pub ledger: &'a [Entry],
    /// What exists at the vendor.
    pub vendor: &'a Snapshot,
    /// What existed before the broker did anything: none of its business.
    pub foreign: &'a Snapshot,
    /// The broker's store.
    pub store: &'a StoreDump,
    /// What the platform remembers.
    pub history: &'a [Exchange],
}

/// An invariant that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Its number, such as `I-01`.
    pub invariant: &'static str,
    /// What was found.
    pub what: String,
}

impl Violation {
    /// A violation.
    pub fn new(invariant: &'static str, what: impl Into<String>) -> Self {
        Self { invariant, what: what.into() }
    }
}

/// The marks of one instance, as they are in the names of what was made for it.
#[derive(Debug, Clone)]
pub struct Marks(Marker);

impl Marks {
    /// The marks of an instance of this installation; `None` when the id is none.
    #[must_use]
    pub fn of(installation: &str, instance: &str) -> Option<Self> {
        let id = InstanceId::new(instance).ok()?;
        Some(Self(Marker::for_instance(installation, &id)))
    }

    /// Whether a database was made for the instance.
    #[must_use]
    pub fn on_database(&self, database: &DatabaseState) -> bool {
        database.name.ends_with(&format!("-{}", self.0.hex(24)))
            || database.name == format!("osb-{}", self.0.hex(32))
    }

    /// Whether a token was made for one of the instance's bindings.
    #[must_use]
    pub fn on_token(&self, token: &TokenState) -> bool {
        token.name.contains(&format!("-{}-", self.0.hex(12)))
    }

    /// Whether a token was made for this binding.
    #[must_use]
    pub fn on_token_of(&self, binding: &str, token: &TokenState) -> bool {
        let Ok(id) = BindingId::new(binding) else { return false };
        token.name.ends_with(&format!("-{}", self.0.for_binding(&id).hex(24)))
    }
}

impl<'a> Evidence<'a> {
    /// The databases that were not there from the beginning.
    pub fn databases(&self) -> impl Iterator<Item = &'a DatabaseState> {
        let foreign = self.foreign;
        let is_ours =
            move |one: &&DatabaseState| foreign.databases.iter().all(|other| other.uuid != one.uuid);
        self.vendor.databases.iter().filter(is_ours)
    }

    /// The tokens that were not there from the beginning.
    pub fn tokens(&self) -> impl Iterator<Item = &'a TokenState> {
        let foreign = self.foreign;
        let is_ours = move |one: &&TokenState| foreign.tokens.iter().all(|other| other.id != one.id);
        self.vendor.tokens.iter().filter(is_ours)
    }

    /// The secrets of Workers that were not there from the beginning, by their names.
    pub fn secrets(&self) -> impl Iterator<Item = &'a str> {
        let foreign = self.foreign;
        let is_ours =
            move |name: &&str| foreign.scripts.iter().all(|other| !other.secrets.contains_key(*name));
        let names = self.vendor.scripts.iter().flat_map(|script| script.secrets.keys());
        names.map(String::as_str).filter(is_ours)
    }

    /// The domains that were not there from the beginning.
    pub fn domains(&self) -> impl Iterator<Item = &'a DomainState> {
        let foreign = self.foreign;
        let is_ours = move |one: &&DomainState| {
            foreign.projects.iter().flat_map(|project| &project.domains).all(|other| other.id != one.id)
        };
        self.vendor.projects.iter().flat_map(|project| &project.domains).filter(is_ours)
    }

    /// How much there is at the vendor of an instance, but for tokens.
    #[must_use]
    pub fn things_of(&self, instance: &str) -> usize {
        let marks = self.marks(instance);
        let is_ours =
            |database: &&DatabaseState| marks.as_ref().is_some_and(|marks| marks.on_database(database));
        let (prefix, host) = (secrets_of(instance), host_of(instance));
        self.databases().filter(is_ours).count()
            + self.secrets().filter(|name| name.starts_with(&prefix)).count()
            + self.domains().filter(|domain| domain.name == host).count()
    }

    /// The marks of an instance.
    #[must_use]
    pub fn marks(&self, instance: &str) -> Option<Marks> {
        Marks::of(&self.store.installation, instance)
    }

    /// The requests about one instance, in their order.
    pub fn about(&self, instance: &str) -> impl Iterator<Item = &'a Exchange> {
        let instance = instance.to_owned();
        self.history.iter().filter(move |exchange| exchange.asked.instance == instance)
    }

    /// All instances that were ever asked for.
    #[must_use]
    pub fn instances(&self) -> Vec<&'a str> {
        let mut instances: Vec<&str> =
            self.history.iter().map(|exchange| exchange.asked.instance.as_str()).collect();
        instances.sort_unstable();
        instances.dedup();
        instances
    }
}
