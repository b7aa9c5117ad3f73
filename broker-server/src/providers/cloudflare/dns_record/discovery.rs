//! Records that nobody tracks: listing them, and taking one over as a set of its own. Its comment stays as it is until the
//! record is changed: that it is ours stands in our record.

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use sutler_catalog::cloudflare::dns_record::Parameters;

use super::{
    super::{
        client::{CallError, Cursor},
        recorded::{self, is_hexadecimal},
    },
    DnsRecord, Known, LOOKING,
    set::{self, Plain, Shown},
};
use crate::providers::{
    Discovery, InstanceFacts, ObjectsPage, Progress, ProviderError, ProvisionedInstance, Refusal, Step,
    VendorThing,
};

#[async_trait]
impl Discovery for DnsRecord {
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
            objects.extend(records.iter().map(|record| thing(&zone.id, record)));
        }
        Ok(ObjectsPage { objects, next: next.map(Cursor::written) })
    }

    async fn object(&self, id: &str) -> Result<Option<VendorThing>, ProviderError> {
        let Some((zone, record)) = parts(id) else { return Ok(None) };
        Ok(self.look_up(zone, record).await?.map(|record| thing(zone, &record)))
    }

    async fn adopt(&self, step: Step<'_>, id: &str) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted: Parameters = step.parameters()?;
        let found = match parts(id) {
            Some((zone, record)) if zone == wanted.zone_id => self.look_up(zone, record).await?,
            Some(_) => {
                return Err(unsupported(format!("zone_id: the record {id} lies in another zone")));
            }
            None => None,
        };
        let Some(found) = found else {
            return Err(unsupported(format!("there is no record with the id {id} in the account")));
        };
        let seen = thing(&wanted.zone_id, &found);
        if seen.mark.is_some() {
            let description =
                format!("the record {} carries the mark of another set; it is left alone", seen.name);
            return Err(ProviderError::refused(Refusal::Conflict, description));
        }
        if let Some(why) = seen.not_adoptable {
            return Err(unsupported(format!("the record {} cannot be adopted: {why}", seen.name)));
        }
        let known = Known { adopted: Some(found.id.clone()), ..Self::known(&step, &wanted.zone_id) };
        if set::batch(&wanted.records, std::slice::from_ref(&found), &known.comment).is_some() {
            return Err(unsupported(format!(
                "records: is {} at Cloudflare, and nothing else; adopt it as it is, and change it afterwards",
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

impl DnsRecord {
    /// A zone that the account does not have holds no record.
    async fn look_up(&self, zone: &str, record: &str) -> Result<Option<Shown>, ProviderError> {
        let asking = |error: CallError| error.while_asking(LOOKING);
        match self.records.read(zone, record).await {
            Ok(found) => Ok(Some(found)),
            Err(CallError::Missing { .. }) => Ok(None),
            Err(error) => match self.records.zone(zone).await.map_err(asking)? {
                None => Ok(None),
                Some(_) => Err(asking(error)),
            },
        }
    }
}

fn unsupported(description: String) -> ProviderError {
    ProviderError::refused(Refusal::Unsupported, description)
}

/// A record as the only one of a set.
fn thing(zone: &str, found: &Shown) -> VendorThing {
    let Plain { name, of, content, ttl, proxied, priority } = Plain::from(found);
    let mut record = json!({ "name": name, "type": of, "content": content });
    if ttl != 1 {
        record["ttl"] = json!(ttl);
    }
    if proxied {
        record["proxied"] = json!(true);
    }
    if let Some(priority) = priority {
        record["priority"] = json!(priority);
    }
    let parameters = json!({ "zone_id": zone, "records": [record] });
    let is_offered = serde_json::from_value::<Parameters>(parameters.clone()).is_ok();
    let why = "records of its type are not a part of this service";
    VendorThing {
        id: format!("{zone}/{}", found.id),
        name: format!("{name} {of}"),
        mark: found.any_mark().map(str::to_owned),
        parameters: match parameters {
            Value::Object(parameters) if is_offered => parameters,
            _ => Map::new(),
        },
        not_adoptable: (!is_offered).then(|| why.to_owned()),
    }
}

/// Zone and record, where both have the form of one.
fn parts(id: &str) -> Option<(&str, &str)> {
    id.split_once('/').filter(|(zone, record)| is_hexadecimal(zone, 32) && is_hexadecimal(record, 32))
}
