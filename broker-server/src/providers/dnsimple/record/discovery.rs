//! Records that nobody tracks: listing them, and taking over all of one name and type.

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use sutler_catalog::domain::record::DnsimpleParameters;

use super::{
    super::client::{CallError, Cursor},
    DomainRecord, LOOKING,
    state::{self, Known},
    zone::{Place, Row},
};
use crate::providers::{
    Discovery, InstanceFacts, ObjectsPage, Progress, ProviderError, ProvisionedInstance, Refusal, Step,
    VendorThing,
    dns::{DnsName, rules},
};

#[async_trait]
impl Discovery for DomainRecord {
    /// A page of zones, with all names and types of each.
    async fn page(&self, cursor: Option<&str>) -> Result<ObjectsPage, ProviderError> {
        let asking = |error: CallError| error.while_asking("list the records of the zones");
        let (zones, next) = self.records.few_zones(Cursor::read(cursor)?).await.map_err(asking)?;
        let mut objects = Vec::new();
        for zone in zones {
            match self.records.all(&zone).await {
                Ok(rows) => objects.extend(things(&zone, &rows)),
                // it went while we looked
                Err(CallError::Missing) => {}
                Err(error) => return Err(asking(error)),
            }
        }
        Ok(ObjectsPage { objects, next: next.map(Cursor::written) })
    }

    async fn object(&self, id: &str) -> Result<Option<VendorThing>, ProviderError> {
        let Some((zone, _)) = id.split_once('/').filter(|(zone, _)| zone.parse::<DnsName>().is_ok()) else {
            return Ok(None);
        };
        match self.records.all(zone).await {
            Ok(rows) => Ok(things(zone, &rows).into_iter().find(|thing| thing.id == id)),
            Err(CallError::Missing) => Ok(None),
            Err(error) => Err(error.while_asking(LOOKING)),
        }
    }

    /// Asks only. A record has no place for a mark: which are ours stands in our record.
    async fn adopt(&self, step: Step<'_>, id: &str) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted: DnsimpleParameters = step.parameters()?;
        let refused = |what: String| Err(ProviderError::refused(Refusal::Unsupported, what));
        let Some(seen) = self.object(id).await? else {
            return refused(format!("there is no record with the id {id} in the account"));
        };
        if let Some(why) = seen.not_adoptable {
            return refused(format!("the records {} cannot be adopted: {why}", seen.name));
        }
        let place = Place::of(&wanted);
        if object_id(&place) != id {
            return refused(format!("name: what is asked for lies elsewhere, and is not the object {id}"));
        }
        let rows = self.records.at(&place).await.map_err(|error| error.while_asking(LOOKING))?;
        let ids = rows.iter().filter(|row| place.has(row)).map(|row| row.id).collect();
        let known = Known { place, ids };
        let drift = state::drift(&known, &rows, (&wanted.values, wanted.ttl));
        if let Some(first) = drift.first() {
            return refused(format!(
                "{}: is {} at DNSimple, not {}; adopt it as it is, and change it afterwards",
                first.field, first.found, first.wanted
            ));
        }
        let mut done =
            ProvisionedInstance::of(&known)?.dashboard_url(self.dashboard(&wanted.zone, step.marker));
        done.attributes = Self::attributes(&wanted);
        Ok(Progress::Done(done))
    }

    fn object_of(&self, instance: &InstanceFacts) -> Option<String> {
        instance.record::<Known>().map(|known| object_id(&known.place))
    }
}

/// A name has the records of a type once, whoever's they are.
fn object_id(place: &Place) -> String {
    format!("{}/{}/{}", place.zone, place.name, place.record_type())
}

/// The records of each name and type, as one object.
fn things(zone: &str, rows: &[Row]) -> Vec<VendorThing> {
    let mut places: Vec<(&str, &str)> = Vec::new();
    for row in rows {
        let place = (row.name.as_str(), row.kind.as_str());
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let of = |(name, kind): (&str, &str)| {
        let rows = rows.iter().filter(|row| row.name == name && row.kind == kind).collect::<Vec<_>>();
        thing(zone, (name, kind), &rows)
    };
    places.into_iter().map(of).collect()
}

fn thing(zone: &str, (name, kind): (&str, &str), rows: &[&Row]) -> VendorThing {
    let full = if name.is_empty() { zone.to_owned() } else { format!("{name}.{zone}") };
    let ttl = rows.first().map(|row| row.ttl);
    let values: Vec<String> = rows.iter().map(|row| value(row)).collect();
    let parameters = json!({ "zone": zone, "name": full, "type": kind, "ttl": ttl, "values": values });
    let not_adoptable = hindrance(&parameters, rows.iter().any(|row| Some(row.ttl) != ttl));
    VendorThing {
        id: format!("{zone}/{name}/{kind}"),
        name: format!("{full} {kind}"),
        mark: None,
        parameters: match parameters {
            Value::Object(parameters) if not_adoptable.is_none() => parameters,
            _ => Map::new(),
        },
        not_adoptable,
    }
}

/// What a record says, as a user would ask for it: a text without the quotes that may be around it.
fn value(row: &Row) -> String {
    let line = row.line();
    let unquoted = line.strip_prefix('"').and_then(|line| line.strip_suffix('"'));
    match unquoted {
        Some(text) if row.kind == "TXT" => text.to_owned(),
        _ => line,
    }
}

/// Why it can be no instance, if so.
fn hindrance(parameters: &Value, ttls_differ: bool) -> Option<String> {
    let asked: Option<DnsimpleParameters> = serde_json::from_value(parameters.clone()).ok();
    let Some(asked) = asked else {
        return Some("records of its type are not a part of this service".to_owned());
    };
    if ttls_differ {
        return Some("its records may be remembered for different times".to_owned());
    }
    let zone: DnsName = asked.zone.parse().ok()?;
    let of = rules::record_type(asked.r#type);
    let problems = rules::Asked { name: &asked.name, of, values: &asked.values }.problems(&zone);
    (!problems.is_empty()).then(|| problems.join("; "))
}
