//! What the probe would find at a vendor, if it had one: three objects on two pages, always the same.

use async_trait::async_trait;
use serde_json::{Map, json};
use sutler_catalog::probe::{Behaviour, Home};

use super::{Probe, attributes, behaviour, dashboard, labels};
use crate::providers::{
    Discovery, InstanceFacts, ObjectsPage, Progress, ProviderError, ProvisionedInstance, Record, Refusal,
    Step, VendorThing,
};

/// The objects that can be adopted, and one that carries the mark of somebody else.
const STRAYS: [(&str, Option<&str>); 3] =
    [("stray-1", None), ("stray-2", Some("0123456789abcdef01234567")), ("stray-3", None)];
/// So many are on a page.
const PER_PAGE: usize = 2;
/// The cursor of the second page.
const SECOND: &str = "second";

#[async_trait]
impl Discovery for Probe {
    async fn page(&self, cursor: Option<&str>) -> Result<ObjectsPage, ProviderError> {
        let all: &[_] = if self.home == Home::Main { &STRAYS } else { &[] };
        let (page, next) = match cursor {
            None => (all.iter().take(PER_PAGE), (all.len() > PER_PAGE).then(|| SECOND.to_owned())),
            Some(SECOND) => (all.get(PER_PAGE..).unwrap_or_default().iter().take(PER_PAGE), None),
            Some(_) => {
                let description = "the cursor is none that was given";
                return Err(ProviderError::refused(Refusal::Unsupported, description));
            }
        };
        Ok(ObjectsPage { objects: page.map(|(id, mark)| thing(id, *mark)).collect(), next })
    }

    async fn object(&self, id: &str) -> Result<Option<VendorThing>, ProviderError> {
        let found = STRAYS.iter().find(|(stray, _)| *stray == id && self.home == Home::Main);
        Ok(found.map(|(id, mark)| thing(id, *mark)))
    }

    async fn adopt(&self, step: Step<'_>, id: &str) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        match self.object(id).await? {
            None => {
                let description = format!("the probe has no object {id}");
                Err(ProviderError::refused(Refusal::Unsupported, description))
            }
            Some(VendorThing { mark: Some(_), .. }) => {
                let description = format!("{id} carries the mark of another instance; it is left alone");
                Err(ProviderError::refused(Refusal::Conflict, description))
            }
            Some(_) if behaviour(&step.instance.plan_id)? != Behaviour::Instant => {
                let description = "only the plan instant adopts anything";
                Err(ProviderError::refused(Refusal::Unsupported, description))
            }
            Some(_) => {
                let plan = &step.instance.plan_id;
                Ok(Progress::Done(ProvisionedInstance {
                    record: Record(json!({ "updates": 0, "object": id })),
                    dashboard_url: Some(dashboard(&step.instance.id)),
                    labels: labels(plan),
                    attributes: attributes(plan, 0),
                }))
            }
        }
    }

    fn object_of(&self, instance: &InstanceFacts) -> Option<String> {
        let Record(record) = instance.record.as_ref()?;
        record["object"].as_str().map(str::to_owned)
    }
}

fn thing(id: &str, mark: Option<&str>) -> VendorThing {
    VendorThing {
        id: id.to_owned(),
        name: id.to_owned(),
        mark: mark.map(str::to_owned),
        parameters: Map::new(),
        not_adoptable: None,
    }
}
