//! Domains of the account that nobody tracks: listing them, and taking one over as it is.

use async_trait::async_trait;
use serde_json::{Map, json};

use super::{
    super::client::{Call, CallError, Cursor},
    DOMAINS, Domain, DomainZone, Domains, Shown,
};
use crate::providers::{
    Discovery, InstanceFacts, ObjectsPage, Progress, ProviderError, ProvisionedInstance, Refusal, Sent, Step,
    VendorThing,
    object::{Kind, Known},
    recorded,
};

#[async_trait]
impl Discovery for DomainZone {
    async fn page(&self, cursor: Option<&str>) -> Result<ObjectsPage, ProviderError> {
        let asking = |error: CallError| error.while_asking("list the domains");
        let page = self.kind.api.page(Call::new(&DOMAINS, &[]), Cursor::read(cursor)?).await;
        let (rows, next) = page.map_err(asking)?;
        let read = |row| serde_json::from_value(row).map_err(|_| asking(CallError::incomplete(Sent::No)));
        let shown: Result<Vec<Shown>, ProviderError> = rows.into_iter().map(read).collect();
        let objects = shown?.iter().map(thing).collect();
        Ok(ObjectsPage { objects, next: next.map(Cursor::written) })
    }

    async fn object(&self, id: &str) -> Result<Option<VendorThing>, ProviderError> {
        if !Domains::is_id(id) {
            return Ok(None);
        }
        match self.kind.shown(id).await {
            // a domain can be asked for by name, too
            Ok(shown) => Ok((shown.id.to_string() == id).then(|| thing(&shown))),
            Err(CallError::Missing) => Ok(None),
            Err(error) => Err(error.while_asking("look at the domain")),
        }
    }

    /// Asks only. A domain has no place for a mark: that it is ours stands in our record.
    async fn adopt(&self, step: Step<'_>, id: &str) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted = Self::wanted(step.instance)?;
        let refused = |what: String| Err(ProviderError::refused(Refusal::Unsupported, what));
        let Some(seen) = self.object(id).await? else {
            return refused(format!("there is no zone with the id {id} in the account"));
        };
        if seen.name != wanted.name {
            return refused(format!(
                "name: is {} at DNSimple, not {}; adopt it as it is",
                seen.name, wanted.name
            ));
        }
        let found: Result<Domain, CallError> = self.kind.read(id, &wanted).await;
        let found = found.map_err(|error| error.while_asking("look at the zone"))?;
        let known = Known { name: seen.name, id: Some(id.to_owned()), memory: (), adopted: true };
        self.done(&known, &found, &wanted, &step)
    }

    fn object_of(&self, instance: &InstanceFacts) -> Option<String> {
        recorded::remembered::<Known<()>>(instance.record.as_ref())?.id
    }
}

fn thing(shown: &Shown) -> VendorThing {
    VendorThing {
        id: shown.id.to_string(),
        name: shown.name.clone(),
        mark: None,
        parameters: Map::from_iter([("name".to_owned(), json!(shown.name))]),
        not_adoptable: None,
    }
}
