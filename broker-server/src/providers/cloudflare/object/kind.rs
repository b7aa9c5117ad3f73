//! What one sort of object has of its own: its calls, and what they mean. Everything that takes steps is done for it.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use sutler_catalog::Offering;
use sutler_spec::PlanId;

use super::super::{
    client::{CallError, Client, Product},
    recorded::unknown_step,
};
use crate::providers::{
    Bearers, BindingFacts, CreatedBinding, FieldDrift, InstanceFacts, Listing, MarkedObject, Marker,
    Progress, ProviderError, RecoveryClass, Step, StepName, mark_of_name,
};

/// A sort of object.
///
/// # Contract
/// - `create`, `change` and `delete` make one changing call each; all others only read.
/// - `next` decides from what is there, not from what was done before: after a lost answer it is asked again, and says
///   what is still to be done.
#[async_trait]
pub(in super::super) trait Kind: Debug + Send + Sync + Sized + 'static {
    /// The parameters.
    type Wanted: DeserializeOwned + Send + Sync;
    /// The object as Cloudflare shows it.
    type Found: Send + Sync;
    /// One change of it.
    type Change: Send + Sync;
    /// What has to be remembered besides name and id, since Cloudflare does not show it.
    type Memory: Serialize + DeserializeOwned + Clone + Default + Send + Sync;

    /// What users are told that it is, such as `database`.
    const NOUN: &'static str;
    /// Whether Cloudflare keeps names apart.
    const NAMES: Names = Names::Unique;
    /// What it may ask of Cloudflare.
    const PRODUCT: &'static Product;
    /// What it may ask besides, by other tables.
    const ALSO: &'static [&'static Product] = &[];

    /// The offering.
    fn offering() -> Offering;
    /// The way to Cloudflare.
    fn client(&self) -> &Client;

    /// The name it gets: derived from the marker, unless the object has a natural one.
    fn name(instance: &InstanceFacts, marker: &Marker, _wanted: &Self::Wanted) -> String {
        marker.name(instance.name.as_deref(), 63)
    }

    /// The parameters, with what the plan decides.
    fn of_plan(wanted: Self::Wanted, _plan: &PlanId) -> Self::Wanted {
        wanted
    }

    /// Whether an id has the form that Cloudflare gives it (S-26).
    fn is_id(id: &str) -> bool;

    /// Whether an object is ours, whatever its instance is called by now.
    fn is_ours(found: &Self::Found, _known: &Known<Self::Memory>, marker: &Marker) -> bool {
        has_mark(Self::name_of(found), marker)
    }

    /// The name of an object.
    fn name_of(found: &Self::Found) -> &str;

    /// What is remembered from the start.
    fn memory(_name: &str, _wanted: &Self::Wanted) -> Self::Memory {
        Self::Memory::default()
    }

    /// The ids of all objects with exactly this name, oldest first.
    async fn find(&self, name: &str, wanted: &Self::Wanted) -> Result<Vec<String>, CallError>;
    /// Makes it; gives its id.
    async fn create(&self, name: &str, wanted: &Self::Wanted) -> Result<String, CallError>;
    /// Looks at it.
    async fn read(&self, id: &str, wanted: &Self::Wanted) -> Result<Self::Found, CallError>;
    /// Changes it.
    async fn change(&self, id: &str, change: &Self::Change, wanted: &Self::Wanted) -> Result<(), CallError>;
    /// Deletes it.
    async fn delete(&self, id: &str, wanted: &Self::Wanted) -> Result<(), CallError>;

    /// What is still to be done so that it is as wanted.
    fn next(
        known: &Known<Self::Memory>,
        found: &Self::Found,
        wanted: &Self::Wanted,
    ) -> Next<Self::Change, Self::Memory>;

    /// How many of the usual intervals [`Next::Wait`] waits.
    fn patience(_memory: &Self::Memory) -> u32 {
        1
    }

    /// What users are told that a change does, such as `set the delays of the queue`.
    fn doing(change: &Self::Change) -> String;

    /// Why it must not be deleted, if there is a reason.
    async fn hindrance(
        &self,
        _found: &Self::Found,
        _wanted: &Self::Wanted,
    ) -> Result<Option<String>, CallError> {
        Ok(None)
    }

    /// Whether something may have to be taken away before it can be deleted: then [`clear`](Self::clear) is asked.
    const CLEARED: bool = false;

    /// Takes one thing away that keeps it from being deleted, if there is one; `present` is what the look before found
    /// besides, and `removed` how much is gone already. Only ours is cleared, and only what may be deleted.
    async fn clear(
        &self,
        _id: &str,
        _wanted: &Self::Wanted,
        (_present, _removed): (Vec<String>, u32),
    ) -> Result<Clearing, CallError> {
        Ok(Clearing::Nothing)
    }

    /// Facts for the platform.
    fn attributes(
        &self,
        known: &Known<Self::Memory>,
        found: &Self::Found,
        wanted: &Self::Wanted,
    ) -> Map<String, Value>;

    /// What is there and differs from what was asked for.
    fn drift(known: &Known<Self::Memory>, found: &Self::Found, wanted: &Self::Wanted) -> Vec<FieldDrift>;

    /// What a binding gives, where every binding gives the same. The object has just been looked at.
    fn credentials(&self, _known: &Known<Self::Memory>, _found: &Self::Found) -> Map<String, Value> {
        Map::new()
    }

    /// Where a person manages it: its own page, once Cloudflare has given it an id.
    fn dashboard(&self, id: Option<&str>, marker: &Marker) -> String;

    /// Everything that carries a mark.
    async fn marked(&self) -> Result<Listing, CallError>;

    /// What no schema can say about the parameters.
    fn problems(_wanted: &Self::Wanted) -> Vec<String> {
        Vec::new()
    }

    /// How a step of a binding is resolved, where bindings have objects of their own.
    fn binding_recovery(_step: &StepName) -> RecoveryClass {
        RecoveryClass::ReadOnly
    }

    /// A step of a binding behind the first look, where bindings have objects of their own.
    async fn bind(
        &self,
        _step: &Step<'_>,
        _binding: &BindingFacts,
        (known, wanted): (&Known<Self::Memory>, &Self::Wanted),
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        let found = self.read(known.id::<Self>()?, wanted).await;
        let found = found.map_err(|error| error.while_trying_to(&format!("look at the {}", Self::NOUN)))?;
        CreatedBinding::of(&(), &self.credentials(known, &found)).map(Progress::Done)
    }

    /// A step of the end of a binding, where bindings have objects of their own.
    async fn unbind(&self, _step: &Step<'_>, _binding: &BindingFacts) -> Result<Progress<()>, ProviderError> {
        Ok(Progress::Done(()))
    }
}

/// Whether two objects can have the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Names {
    /// Cloudflare refuses a second object of the same name.
    Unique,
    /// It does not: twins are looked for, and deleted.
    Shared,
}

/// What came of clearing an object once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Clearing {
    /// There is nothing in the way any more.
    Nothing,
    /// One thing was taken away; these are known to be still there.
    Removed(Vec<String>),
    /// There is more than one deletion takes away; what users are told.
    TooMuch(String),
}

/// What follows from a look at an object.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) enum Next<C, M> {
    /// It is as wanted.
    Done,
    /// This is to be remembered before anything is done.
    Remember(M),
    /// One change, and what is to be remembered after it.
    Change(C, M),
    /// Cloudflare is busy; what users are told meanwhile.
    Wait(M, String),
    /// It will not become as wanted.
    Failed(String),
}

/// The memory of an object: the data of every checkpoint, and the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in super::super) struct Known<M> {
    /// Decided before the first call.
    pub(in super::super) name: String,
    /// Known once Cloudflare has said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) id: Option<String>,
    /// What this sort of object remembers.
    #[serde(default)]
    pub(in super::super) memory: M,
}

impl<M: Clone> Known<M> {
    /// The id, in Cloudflare's form.
    pub(in super::super) fn id<K: Kind<Memory = M>>(&self) -> Result<&str, ProviderError> {
        self.id.as_deref().filter(|id| K::is_id(id)).ok_or_else(|| unknown_step("without an id"))
    }

    /// The same with an id.
    pub(super) fn with_id(&self, id: String) -> Self {
        Self { id: Some(id), ..self.clone() }
    }

    /// The same with another memory.
    pub(super) fn with_memory(&self, memory: M) -> Self {
        Self { memory, ..self.clone() }
    }
}

/// Whether a name ends with the mark, as [`Marker::name`] makes it.
pub(in super::super) fn has_mark(name: &str, marker: &Marker) -> bool {
    name.ends_with(&format!("-{}", marker.hex(24))) || name.ends_with(&format!("osb-{}", marker.hex(32)))
}

/// Those of the objects, given by id and name, whose name carries a mark.
pub(in super::super) fn marked(all: impl Iterator<Item = (String, String)>) -> Listing {
    let objects = all.filter_map(|(id, name)| {
        let mark = mark_of_name(&name)?.to_owned();
        Some(MarkedObject { id, name, mark })
    });
    Listing::Objects { bearers: Bearers::Instances, objects: objects.collect() }
}

/// One field compared; nothing if it is as wanted.
pub(in super::super) fn differs(field: &str, wanted: Value, found: Value) -> Option<FieldDrift> {
    (wanted != found).then(|| FieldDrift { field: field.to_owned(), wanted, found })
}
