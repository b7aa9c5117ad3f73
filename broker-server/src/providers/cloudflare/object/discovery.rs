//! Objects that nobody tracks: listing them, and taking one over as it is.

#![expect(private_bounds, reason = "which sorts of objects there are is decided in this crate")]

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::{
    super::{
        client::{CallError, Client, Cursor},
        recorded::{self, is_hexadecimal},
    },
    Kind, Known, Next, Object,
};
use crate::providers::{
    Discovery, InstanceFacts, ObjectsPage, Progress, ProviderError, ProvisionedInstance, Refusal, Step,
    VendorThing, mark_of_name,
};

/// A sort of object that can be found without having been made here.
///
/// # Contract
/// Everything here only reads.
#[async_trait]
pub(crate) trait Findable: Kind<Client = Client> {
    /// Where a page begins.
    type Whence: Whence;

    /// A page of all there are, whoever made them, with what a list tells of each.
    async fn page(&self, whence: Self::Whence)
    -> Result<(Vec<VendorThing>, Option<Self::Whence>), CallError>;

    /// Looks at one, by the id that it has on a page.
    async fn look(&self, id: &str) -> Result<Self::Found, CallError>;

    /// All that can be said of it.
    fn thing(id: &str, found: &Self::Found) -> VendorThing;

    /// Whether an id has the form of those on pages.
    fn is_listed_id(id: &str) -> bool {
        Self::is_id(id)
    }

    /// The id that the object of an instance has on a page.
    fn listed_id(known: &Known<Self::Memory>, _wanted: &Self::Wanted) -> Option<String> {
        known.id.clone()
    }

    /// Cloudflare's id of it.
    fn vendor_id(found: &Self::Found) -> &str;

    /// Where what is asked for is not what is there, or nobody can tell, besides what drift tells.
    fn misfits(_found: &Self::Found, _wanted: &Self::Wanted) -> Vec<String> {
        Vec::new()
    }
}

/// Where a page begins, given out as a text with the page before it.
pub(crate) trait Whence: Sized + Send {
    /// Reads what [`written`](Self::written) wrote; none is the beginning.
    fn read(text: Option<&str>) -> Result<Self, ProviderError>;
    /// As text.
    fn written(self) -> String;
}

impl Whence for Cursor {
    fn read(text: Option<&str>) -> Result<Self, ProviderError> {
        Self::read(text)
    }

    fn written(self) -> String {
        self.written()
    }
}

/// An object without a reason why it could not be adopted.
pub(in super::super) fn thing(id: &str, name: &str, parameters: Map<String, Value>) -> VendorThing {
    VendorThing {
        id: id.to_owned(),
        name: name.to_owned(),
        mark: mark_of_name(name).map(str::to_owned),
        parameters,
        not_adoptable: None,
    }
}

/// The zone and the id in it, of an object that lies in a zone.
pub(in super::super) fn in_zone<K: Kind>(id: &str) -> Option<(&str, &str)> {
    id.split_once('/').filter(|(zone, id)| is_hexadecimal(zone, 32) && K::is_id(id))
}

/// What is asked for, and what is there.
pub(in super::super) fn unlike(field: &str, wanted: &Value, found: &Value) -> String {
    let word = |value: &Value| match value {
        Value::Null => "unset".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!(
        "{field}: is {} at Cloudflare, not {}; adopt it as it is, and change it afterwards",
        word(found),
        word(wanted)
    )
}

#[async_trait]
impl<K: Findable> Discovery for Object<K> {
    async fn page(&self, cursor: Option<&str>) -> Result<ObjectsPage, ProviderError> {
        let found = self.kind.page(K::Whence::read(cursor)?).await;
        let (objects, next) = found.map_err(|error| error.while_asking(&format!("list each {}", K::NOUN)))?;
        Ok(ObjectsPage { objects, next: next.map(Whence::written) })
    }

    async fn object(&self, id: &str) -> Result<Option<VendorThing>, ProviderError> {
        Ok(self.look_up(id).await?.map(|found| K::thing(id, &found)))
    }

    /// Asks only. Nothing is put on the object: that it is ours stands in our record.
    async fn adopt(&self, step: Step<'_>, id: &str) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted = Self::wanted(step.instance)?;
        let Some(found) = self.look_up(id).await? else {
            return Err(unsupported(format!("there is no {} with the id {id} in the account", K::NOUN)));
        };
        let seen = K::thing(id, &found);
        if seen.mark.is_some() {
            let description = format!(
                "the {} {} carries the mark of another instance; it is left alone",
                K::NOUN,
                seen.name
            );
            return Err(ProviderError::refused(Refusal::Conflict, description));
        }
        if let Some(why) = seen.not_adoptable {
            return Err(unsupported(format!("the {} {} cannot be adopted: {why}", K::NOUN, seen.name)));
        }
        let name = K::name_of(&found).to_owned();
        let memory = K::memory(&name, &wanted);
        let known = Known { name, id: Some(K::vendor_id(&found).to_owned()), memory, adopted: true };
        if K::listed_id(&known, &wanted).as_deref() != Some(id) {
            return Err(unsupported(format!("what is asked for lies elsewhere, and is not the object {id}")));
        }
        let mut problems = K::misfits(&found, &wanted);
        let drift = K::drift(&known, &found, &wanted);
        problems.extend(drift.iter().map(|drift| unlike(&drift.field, &drift.wanted, &drift.found)));
        if !problems.is_empty() {
            return Err(unsupported(problems.join("; ")));
        }
        match K::next(&known, &found, &wanted) {
            Next::Done => self.done(&known, &found, &wanted, &step),
            Next::Remember(memory) => self.done(&known.with_memory(memory), &found, &wanted, &step),
            Next::Wait(_, why) | Next::Failed(why) => {
                Err(unsupported(format!("it is not as asked for: {why}")))
            }
            Next::Change(change, _) => Err(unsupported(format!(
                "it is not as asked for: adopting would have to {}; adopt it as it is, and change it afterwards",
                K::doing(&change)
            ))),
        }
    }

    fn object_of(&self, instance: &InstanceFacts) -> Option<String> {
        let known: Known<K::Memory> = recorded::remembered(instance.record.as_ref())?;
        K::listed_id(&known, &Self::wanted(instance).ok()?)
    }
}

impl<K: Findable> Object<K> {
    async fn look_up(&self, id: &str) -> Result<Option<K::Found>, ProviderError> {
        if !K::is_listed_id(id) {
            return Ok(None);
        }
        match self.kind.look(id).await {
            Ok(found) => Ok(Some(found)),
            Err(CallError::Missing { .. }) => Ok(None),
            Err(error) => Err(error.while_asking(&format!("read the {}", K::NOUN))),
        }
    }
}

fn unsupported(description: String) -> ProviderError {
    ProviderError::refused(Refusal::Unsupported, description)
}
