//! Records that nobody tracks: listing them, and taking one over as a set of its own. Its comment stays as it is until the
//! record is changed: that it is ours stands in our record.

use async_trait::async_trait;
use serde_json::Map;

use super::{
    super::{
        client::{CallError, Cursor},
        recorded::{self, is_hexadecimal},
        zones::Zone,
    },
    Known, LOOKING, RecordSet,
    asked::{Asked, Zoned},
    set::{self, Plain, Shown},
};
use crate::providers::{
    Discovery, InstanceFacts, ObjectsPage, Progress, ProviderError, ProvisionedInstance, Refusal, Step,
    VendorThing,
};

#[async_trait]
impl<A: Asked> Discovery for RecordSet<A> {
    /// A page of zones, with all records of each.
    async fn page(&self, cursor: Option<&str>) -> Result<ObjectsPage, ProviderError> {
        let asking = |error: CallError| error.while_asking("list the records of the zones");
        let (zones, next) = self.records.few_zones(Cursor::read(cursor)?).await.map_err(asking)?;
        let mut objects = Vec::new();
        for zone in zones {
            let records = match self.records.all(&zone.id).await {
                Ok(records) => records,
                Err(error) => match self.records.zone(&zone.id).await.map_err(asking)? {
                    // it went while we looked
                    None => Vec::new(),
                    Some(_) => return Err(asking(error)),
                },
            };
            objects.extend(records.iter().map(|record| thing::<A>(&zone, record)));
        }
        Ok(ObjectsPage { objects, next: next.map(Cursor::written) })
    }

    async fn object(&self, id: &str) -> Result<Option<VendorThing>, ProviderError> {
        let Some((zone, record)) = parts(id) else { return Ok(None) };
        Ok(self.look_up(zone, record).await?.map(|(zone, record)| thing::<A>(&zone, &record)))
    }

    async fn adopt(&self, step: Step<'_>, id: &str) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted: A = step.parameters()?;
        let found = match parts(id) {
            Some((zone, record)) => self.look_up(zone, record).await?,
            None => None,
        };
        let Some((zone, found)) = found else {
            return Err(unsupported(format!("there is no record with the id {id} in the account")));
        };
        let (field, is_there) = match wanted.zone() {
            Zoned::Id(id) => ("zone_id", id == zone.id),
            Zoned::Name(name) => ("zone", name == zone.name),
        };
        if !is_there {
            return Err(unsupported(format!("{field}: the record {id} lies in another zone")));
        }
        let seen = thing::<A>(&zone, &found);
        if seen.mark.is_some() {
            let description =
                format!("the record {} carries the mark of another set; it is left alone", seen.name);
            return Err(ProviderError::refused(Refusal::Conflict, description));
        }
        if let Some(why) = seen.not_adoptable {
            return Err(unsupported(format!("the record {} cannot be adopted: {why}", seen.name)));
        }
        let known = Known { adopted: Some(found.id.clone()), ..Self::known(&step, &zone.id) };
        if set::batch(&wanted.records(), std::slice::from_ref(&found), &known.comment).is_some() {
            return Err(unsupported(format!(
                "{}: is {} at Cloudflare, and nothing else; adopt it as it is, and change it afterwards",
                A::FIELD,
                Plain::from(&found).line()
            )));
        }
        self.done(&known, &wanted)
    }

    fn object_of(&self, instance: &InstanceFacts) -> Option<String> {
        let known: Known = recorded::remembered(instance.record.as_ref())?;
        known.adopted.map(|record| format!("{}/{record}", known.zone_id))
    }
}

impl<A: Asked> RecordSet<A> {
    /// A zone that the account does not have holds no record.
    async fn look_up(&self, zone: &str, record: &str) -> Result<Option<(Zone, Shown)>, ProviderError> {
        let asking = |error: CallError| error.while_asking(LOOKING);
        let Some(zone) = self.records.zone(zone).await.map_err(asking)? else { return Ok(None) };
        match self.records.read(&zone.id, record).await {
            Ok(found) => Ok(Some((zone, found))),
            Err(CallError::Missing { .. }) => Ok(None),
            Err(error) => Err(asking(error)),
        }
    }
}

fn unsupported(description: String) -> ProviderError {
    ProviderError::refused(Refusal::Unsupported, description)
}

/// A record as the only one of a set.
fn thing<A: Asked>(zone: &Zone, found: &Shown) -> VendorThing {
    let plain = Plain::from(found);
    let parameters = A::describing((&zone.id, &zone.name), &plain);
    let why = "records of its type, or at its place, are not a part of this service";
    VendorThing {
        id: format!("{}/{}", zone.id, found.id),
        name: format!("{} {}", plain.name, plain.of),
        mark: found.any_mark().map(str::to_owned),
        not_adoptable: parameters.is_none().then(|| why.to_owned()),
        parameters: parameters.unwrap_or_else(Map::new),
    }
}

/// Zone and record, where both have the form of one.
fn parts(id: &str) -> Option<(&str, &str)> {
    id.split_once('/').filter(|(zone, record)| is_hexadecimal(zone, 32) && is_hexadecimal(record, 32))
}
