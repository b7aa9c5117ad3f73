//! The records of zones at DNSimple, as its interface has them.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sutler_catalog::domain::record::{DnsimpleParameters, RecordType as Word};

use super::super::client::{Api, Call, CallError, Client, Cursor, Endpoint, Table, WHOAMI};
use crate::providers::{
    Sent,
    dns::{Data, DnsName, RecordType, rules},
};

static ZONES: Endpoint = Endpoint { method: Method::GET, template: "/{account}/zones" };
static ZONE: Endpoint = Endpoint { method: Method::GET, template: "/{account}/zones/{zone}" };
static LIST: Endpoint = Endpoint { method: Method::GET, template: "/{account}/zones/{zone}/records" };
static CREATE: Endpoint = Endpoint { method: Method::POST, template: LIST.template };
static READ: Endpoint =
    Endpoint { method: Method::GET, template: "/{account}/zones/{zone}/records/{record}" };
static CHANGE: Endpoint = Endpoint { method: Method::PATCH, template: READ.template };
static DELETE: Endpoint = Endpoint { method: Method::DELETE, template: READ.template };
static DISTRIBUTION: Endpoint =
    Endpoint { method: Method::GET, template: "/{account}/zones/{zone}/records/{record}/distribution" };

/// What it may ask of DNSimple.
pub(in super::super) static TABLE: Table = Table {
    endpoints: &[&WHOAMI, &ZONES, &ZONE, &LIST, &CREATE, &READ, &CHANGE, &DELETE, &DISTRIBUTION],
    exists: &["already been taken", "already exists"],
    in_use: &[],
    advice: &[],
};

/// The records of the account's zones.
#[derive(Debug, Clone)]
pub(super) struct Records {
    api: Api,
}

/// Where the records of one name and type are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) zone: String,
    /// The name within the zone; empty for the zone's own.
    pub(super) name: String,
    pub(super) r#type: Word,
}

/// A record as DNSimple shows it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Row {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) content: String,
    pub(super) ttl: u32,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    priority: Option<u16>,
    /// Made by DNSimple itself; cannot be changed.
    #[serde(default)]
    pub(super) system_record: bool,
}

#[derive(Deserialize)]
struct Distribution {
    distributed: bool,
}

#[derive(Deserialize)]
struct Zone {
    name: String,
}

/// So many zones are looked into for one page of records.
const FEW: u32 = 5;

impl Place {
    pub(super) fn of(wanted: &DnsimpleParameters) -> Self {
        let (zone, name) = (wanted.zone.clone(), wanted.name.as_str());
        let name = name.strip_suffix(&zone).map_or(name, |own| own.trim_end_matches('.')).to_owned();
        Self { zone, name, r#type: wanted.r#type }
    }

    /// Where a proof of ACME stands.
    pub(super) fn of_proof(zone: &DnsName, name: &DnsName) -> Self {
        let (zone, name) = (zone.to_string(), name.to_string());
        let name = name.strip_suffix(&zone).unwrap_or(&name).trim_end_matches('.').to_owned();
        Self { zone, name, r#type: Word::Txt }
    }

    pub(super) fn record_type(&self) -> RecordType {
        rules::record_type(self.r#type)
    }

    /// Whether the record is of this name and type.
    pub(super) fn has(&self, row: &Row) -> bool {
        row.name == self.name && row.kind == self.record_type().to_string()
    }

    /// Whether a record says this, however it is written.
    pub(super) fn says(&self, row: &Row, value: &str) -> bool {
        if row.kind != self.record_type().to_string() {
            return false;
        }
        let Ok(wanted) = Data::parse(self.record_type(), value) else { return false };
        let is = |text: &str| Data::parse(self.record_type(), text).is_ok_and(|found| found == wanted);
        let line = row.line();
        let unquoted = line.strip_prefix('"').and_then(|line| line.strip_suffix('"'));
        is(&line) || (self.r#type == Word::Txt && unquoted.is_some_and(is))
    }

    /// The fields that make a record say this.
    fn fields(&self, value: &str, ttl: u32) -> Value {
        let is_preferred = matches!(self.r#type, Word::Mx | Word::Srv);
        let preferred = if is_preferred { value.trim().split_once(' ') } else { None };
        let preferred = preferred.and_then(|(first, rest)| Some((first.parse::<u16>().ok()?, rest.trim())));
        match preferred {
            Some((priority, content)) => {
                json!({ "name": self.name, "content": content, "ttl": ttl, "priority": priority })
            }
            None => json!({ "name": self.name, "content": value, "ttl": ttl }),
        }
    }
}

impl Row {
    /// What it says, as a user would ask for it.
    pub(super) fn line(&self) -> String {
        match self.priority.filter(|_| matches!(self.kind.as_str(), "MX" | "SRV")) {
            Some(priority) => format!("{priority} {}", self.content),
            None => self.content.clone(),
        }
    }
}

impl Records {
    pub(super) fn new(client: &Client) -> Self {
        Self { api: client.of(&TABLE) }
    }

    pub(super) fn client(&self) -> &Client {
        self.api.client()
    }

    /// Whether the account has a zone of that name.
    pub(super) async fn has_zone(&self, zone: &str) -> Result<bool, CallError> {
        match self.api.typed::<Zone>(&Call::new(&ZONE, &[zone])).await {
            // a number is understood, too
            Ok(found) => Ok(found.name == zone),
            Err(CallError::Missing) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A page of the names of all zones, few enough to look into each.
    pub(super) async fn few_zones(&self, cursor: Cursor) -> Result<(Vec<String>, Option<Cursor>), CallError> {
        let (rows, next) = self.api.page_of(Call::new(&ZONES, &[]), cursor, FEW).await?;
        let name = |row| serde_json::from_value(row).map(|zone: Zone| zone.name);
        let names: Result<Vec<String>, _> = rows.into_iter().map(name).collect();
        Ok((names.map_err(|_| CallError::incomplete(Sent::No))?, next))
    }

    /// All records of a zone, but those that DNSimple keeps itself.
    pub(super) async fn all(&self, zone: &str) -> Result<Vec<Row>, CallError> {
        let segments = [zone];
        let rows = self.api.all(|| Call::new(&LIST, &segments)).await?;
        let rows: Result<Vec<Row>, _> = rows.into_iter().map(serde_json::from_value).collect();
        let rows = rows.map_err(|_| CallError::incomplete(Sent::No))?;
        Ok(rows.into_iter().filter(|row| !row.system_record).collect())
    }

    /// All records of that name; for the zone's own name, those of the type.
    pub(super) async fn at(&self, place: &Place) -> Result<Vec<Row>, CallError> {
        let (segments, of) = ([place.zone.as_str()], place.record_type().to_string());
        let call = || {
            let call = Call::new(&LIST, &segments);
            // an empty name may be taken for none
            if place.name.is_empty() { call.query("type", &of) } else { call.query("name", &place.name) }
        };
        let rows = self.api.all(call).await?;
        let read = |row| serde_json::from_value::<Row>(row).map_err(|_| CallError::incomplete(Sent::No));
        let rows: Result<Vec<Row>, CallError> = rows.into_iter().map(read).collect();
        Ok(rows?.into_iter().filter(|row| row.name == place.name && !row.system_record).collect())
    }

    /// One record, if it is there.
    pub(super) async fn one(&self, zone: &str, id: u64) -> Result<Option<Row>, CallError> {
        match self.api.typed(&Call::new(&READ, &[zone, &id.to_string()])).await {
            Ok(row) => Ok(Some(row)),
            Err(CallError::Missing) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn create(&self, place: &Place, value: &str, ttl: u32) -> Result<Row, CallError> {
        let mut body = place.fields(value, ttl);
        body["type"] = json!(place.r#type);
        self.api.typed(&Call::new(&CREATE, &[&place.zone]).body(body)).await
    }

    pub(super) async fn change(
        &self,
        place: &Place,
        (id, value): (u64, &str),
        ttl: u32,
    ) -> Result<(), CallError> {
        let (id, body) = (id.to_string(), place.fields(value, ttl));
        self.api.send(&Call::new(&CHANGE, &[&place.zone, &id]).body(body)).await.map(drop)
    }

    /// Deletes one record; that it is not there is success.
    pub(super) async fn delete(&self, zone: &str, id: u64) -> Result<(), CallError> {
        match self.api.send(&Call::new(&DELETE, &[zone, &id.to_string()])).await {
            Ok(_) | Err(CallError::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether all name servers have the record as it is. `None`: DNSimple could not find out.
    pub(super) async fn is_everywhere(&self, zone: &str, id: u64) -> Result<Option<bool>, CallError> {
        use super::super::client::Unclear;
        match self.api.typed::<Distribution>(&Call::new(&DISTRIBUTION, &[zone, &id.to_string()])).await {
            Ok(told) => Ok(Some(told.distributed)),
            Err(CallError::Unavailable { unclear: Unclear::Failing(504), .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
