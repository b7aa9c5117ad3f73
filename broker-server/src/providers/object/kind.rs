//! What one sort of object has of its own: its calls, and what they mean. Everything that takes steps is done for it.

use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use sutler_catalog::Offering;
use sutler_spec::PlanId;

use super::Object;
use crate::providers::{
    Account, Bearers, BindingFacts, CreatedBinding, Discovery, FieldDrift, InstanceFacts, Listing,
    MarkedObject, Marker, Need, Progress, ProviderError, RecoveryClass, Step, StepName, mark_of_name,
    recorded,
};

/// The way to a vendor, as far as objects need it.
#[async_trait]
pub(crate) trait Way: Debug + Send + Sync + 'static {
    /// Why a call gave no result.
    type Error: Failure;
    /// The calls of one sort of object.
    type Table: Sync + 'static;

    /// What users know the vendor as.
    const VENDOR: &'static str;

    /// What all calls count against.
    fn budgeted(&self) -> &Account;
    /// How often the vendor is asked how far it is, at most.
    fn poll_interval(&self) -> Duration;
    /// How long a call may be under way; after twice as long none of ours arrives any more.
    fn call_timeout(&self) -> Duration;

    /// Tries the rights that the calls of these tables need, by reading only. Nothing where the vendor has no rights, or
    /// does not tell.
    async fn needs(&self, _tables: &[&'static Self::Table]) -> Vec<Need> {
        Vec::new()
    }
}

/// Why a call gave no result, as far as objects need it.
pub(crate) trait Failure: Send {
    /// The vendor says authentically that the object is not there.
    fn is_missing(&self) -> bool;
    /// The vendor says that an object of that name is there already.
    fn is_taken(&self) -> bool;
    /// Whether a deletion may be taken for done.
    fn is_gone(&self) -> bool;
    /// What the engine is told; `doing` is what was tried.
    fn while_trying_to(self, doing: &str) -> ProviderError;
    /// What the engine is told when only a clear answer counts.
    fn while_asking(self, doing: &str) -> ProviderError;
    /// What the engine is told when something was made already and this was to complete it.
    fn while_completing(self, doing: &str) -> ProviderError;
}

/// Why a call for a sort of object gave no result.
pub(crate) type Failed<K> = <<K as Kind>::Client as Way>::Error;

/// A sort of object.
///
/// # Contract
/// - `create`, `change` and `delete` make one changing call each; all others only read.
/// - `next` decides from what is there, not from what was done before: after a lost answer it is asked again, and says
///   what is still to be done.
#[async_trait]
pub(crate) trait Kind: Debug + Send + Sync + Sized + 'static {
    /// The way to the vendor.
    type Client: Way;
    /// The parameters.
    type Wanted: DeserializeOwned + Send + Sync;
    /// The object as the vendor shows it.
    type Found: Send + Sync;
    /// One change of it.
    type Change: Send + Sync;
    /// What has to be remembered besides name and id, since the vendor does not show it.
    type Memory: Serialize + DeserializeOwned + Clone + Default + Send + Sync;

    /// What users are told that it is, such as `database`.
    const NOUN: &'static str;
    /// Whether the vendor keeps names apart.
    const NAMES: Names = Names::Unique;
    /// What it may ask of the vendor.
    const PRODUCT: &'static <Self::Client as Way>::Table;
    /// What it may ask besides, by other tables.
    const ALSO: &'static [&'static <Self::Client as Way>::Table] = &[];

    /// The offering.
    fn offering() -> Offering;
    /// The way to the vendor.
    fn client(&self) -> &Self::Client;

    /// The name it gets: derived from the marker, unless the object has a natural one.
    fn name(instance: &InstanceFacts, marker: &Marker, _wanted: &Self::Wanted) -> String {
        marker.name(instance.name.as_deref(), 63)
    }

    /// The parameters, with what the plan decides.
    fn of_plan(wanted: Self::Wanted, _plan: &PlanId) -> Self::Wanted {
        wanted
    }

    /// Whether an id has the form that the vendor gives it (S-26).
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
    async fn find(&self, name: &str, wanted: &Self::Wanted) -> Result<Vec<String>, Failed<Self>>;
    /// Makes it; gives its id.
    async fn create(&self, name: &str, wanted: &Self::Wanted) -> Result<String, Failed<Self>>;
    /// Looks at it, and at everything that belongs to it.
    async fn read(&self, id: &str, wanted: &Self::Wanted) -> Result<Self::Found, Failed<Self>>;

    /// Looks at as much as [`next`](Self::next) needs now, and at what [`attributes`](Self::attributes) tell once nothing
    /// is missing any more: everything, unless each part is a call of its own.
    async fn read_for_next(
        &self,
        id: &str,
        _memory: &Self::Memory,
        wanted: &Self::Wanted,
    ) -> Result<Self::Found, Failed<Self>> {
        self.read(id, wanted).await
    }

    /// Looks at it alone: whether it is there, and whose it is. As much as [`hindrance`](Self::hindrance) is told.
    async fn read_itself(&self, id: &str, wanted: &Self::Wanted) -> Result<Self::Found, Failed<Self>> {
        self.read(id, wanted).await
    }

    /// Changes it.
    async fn change(
        &self,
        id: &str,
        change: &Self::Change,
        wanted: &Self::Wanted,
    ) -> Result<(), Failed<Self>>;
    /// Deletes it.
    async fn delete(&self, id: &str, wanted: &Self::Wanted) -> Result<(), Failed<Self>>;

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

    /// What of the memory counts when this piece of work is done and another begins; all of it, unless it counts looks.
    fn afresh(memory: &Self::Memory) -> Self::Memory {
        memory.clone()
    }

    /// What users are told that a change does, such as `set the delays of the queue`.
    fn doing(change: &Self::Change) -> String;

    /// Why it must not be deleted, if there is a reason.
    async fn hindrance(
        &self,
        _known: &Known<Self::Memory>,
        _found: &Self::Found,
        _wanted: &Self::Wanted,
    ) -> Result<Option<String>, Failed<Self>> {
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
    ) -> Result<Clearing, Failed<Self>> {
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

    /// Where a person manages it: its own page, once the vendor has given it an id.
    fn dashboard(&self, id: Option<&str>, marker: &Marker) -> String;

    /// Everything that carries a mark.
    async fn marked(&self) -> Result<Listing, Failed<Self>>;

    /// Lists what nobody tracks and takes it over, where that is possible.
    fn discovery(_object: &Object<Self>) -> Option<&dyn Discovery> {
        None
    }

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
pub(crate) enum Names {
    /// The vendor refuses a second object of the same name.
    Unique,
    /// It does not: twins are looked for, and deleted.
    Shared,
}

/// What came of clearing an object once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Clearing {
    /// There is nothing in the way any more.
    Nothing,
    /// One thing was taken away; these are known to be still there.
    Removed(Vec<String>),
    /// There is more than one deletion takes away; what users are told.
    TooMuch(String),
}

/// What follows from a look at an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Next<C, M> {
    /// It is as wanted.
    Done,
    /// This is to be remembered before anything is done.
    Remember(M),
    /// One change, and what is to be remembered after it.
    Change(C, M),
    /// The vendor is busy; what users are told meanwhile.
    Wait(M, String),
    /// It will not become as wanted.
    Failed(String),
}

/// The memory of an object: the data of every checkpoint, and the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known<M> {
    /// Decided before the first call.
    pub(crate) name: String,
    /// Known once the vendor has said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// What this sort of object remembers.
    #[serde(default)]
    pub(crate) memory: M,
    /// It was there before, and was taken over: its name carries no mark, and its id alone says that it is ours.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) adopted: bool,
}

impl<M: Clone> Known<M> {
    /// The id, in the vendor's form.
    pub(crate) fn id<K: Kind<Memory = M>>(&self) -> Result<&str, ProviderError> {
        self.id.as_deref().filter(|id| K::is_id(id)).ok_or_else(|| recorded::unknown_step("without an id"))
    }

    /// The same with an id.
    pub(super) fn with_id(&self, id: String) -> Self {
        Self { id: Some(id), ..self.clone() }
    }

    /// The same with another memory.
    pub(crate) fn with_memory(&self, memory: M) -> Self {
        Self { memory, ..self.clone() }
    }
}

/// Whether a name ends with the mark, as [`Marker::name`] makes it.
pub(crate) fn has_mark(name: &str, marker: &Marker) -> bool {
    name.ends_with(&format!("-{}", marker.hex(24))) || name.ends_with(&format!("osb-{}", marker.hex(32)))
}

/// Those of the objects, given by id and name, whose name carries a mark.
pub(crate) fn marked(all: impl Iterator<Item = (String, String)>) -> Listing {
    let objects = all.filter_map(|(id, name)| {
        let mark = mark_of_name(&name)?.to_owned();
        Some(MarkedObject { id, name, mark })
    });
    Listing::Objects { bearers: Bearers::Instances, objects: objects.collect() }
}

/// One field compared; nothing if it is as wanted.
pub(crate) fn differs(field: &str, wanted: Value, found: Value) -> Option<FieldDrift> {
    (wanted != found).then(|| FieldDrift { field: field.to_owned(), wanted, found })
}
