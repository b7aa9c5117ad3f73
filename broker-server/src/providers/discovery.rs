//! What a vendor has that no instance stands for yet: listing it, and taking it over.

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::{InstanceFacts, Progress, ProviderError, ProvisionedInstance, Step};

/// A provider that can list a vendor's objects and take them over.
///
/// # Contract
/// - Nothing here changes anything at the vendor. An adoption that did not end has left no trace there, so the engine
///   deletes its instance without asking the provider.
/// - An object that carries a mark is somebody's: it is refused as [`Refusal::Conflict`](super::Refusal::Conflict).
/// - What is adopted is as it was asked for: where parameters and object differ, adopting is refused, and says in what.
#[async_trait]
pub trait Discovery: Send + Sync {
    /// One page of everything that an instance of this offering could be, whoever made it. The cursor is one that an earlier
    /// page gave, or none for the first page; one of another form is refused as unsupported.
    async fn page(&self, cursor: Option<&str>) -> Result<ObjectsPage, ProviderError>;

    /// One object by its vendor's id, with all parameters that describe it; nothing when there is none. An id of a form that
    /// the vendor never gives is none.
    async fn object(&self, id: &str) -> Result<Option<VendorThing>, ProviderError>;

    /// Goes on taking over the object, which the request named by its vendor's id.
    async fn adopt(&self, step: Step<'_>, id: &str) -> Result<Progress<ProvisionedInstance>, ProviderError>;

    /// The vendor's id of the object that a finished instance stands for, from its record. No vendor call.
    fn object_of(&self, instance: &InstanceFacts) -> Option<String>;
}

/// A page of a vendor's objects.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ObjectsPage {
    /// The objects.
    pub objects: Vec<VendorThing>,
    /// Where the next page begins; none after the last one.
    pub next: Option<String>,
}

/// An object at the vendor, whoever made it.
#[derive(Debug, Clone, PartialEq)]
pub struct VendorThing {
    /// The vendor's id of it.
    pub id: String,
    /// The vendor's name for it, or whatever a person finds it by. Not secret.
    pub name: String,
    /// The digits of the mark it carries, if it carries one, as in [`MarkedObject`](super::MarkedObject).
    pub mark: Option<String>,
    /// Parameters that describe it as it is, as far as they are known. Not secret.
    pub parameters: Map<String, Value>,
    /// Why it can never be adopted, if so.
    pub not_adoptable: Option<String>,
}
