//! `cloudflare-custom-hostname`: customers' host names that a zone serves. They have no place for a mark: what was there
//! before is refused, and what is ours is known by its id.

mod discovery;
mod hostnames;
mod states;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    cloudflare::custom_hostname::{self, Method, Parameters, output},
};

use super::{
    client::{CallError, Client, Product},
    object::{Kind, Known, Next, Object, differs},
};
use crate::providers::{Discovery, FieldDrift, InstanceFacts, Listing, Marker};
use hostnames::{HOSTNAMES, Publication, Shown, order};
pub(super) use hostnames::{Hostnames, PROBE};
use states::Standing;

/// The zone is there, and the host name is not in it: an authentic no.
const NOT_LISTED: CallError = CallError::Missing { code: 1436 };
/// About seven days: after the first ten hours, a look every five minutes.
const MAX_LOOKS: u32 = 2_100;
/// How often in a row a state may be one we do not know.
const MAX_UNKNOWN: u32 = 20;
/// How often a check that has timed out is begun again.
const MAX_RESTARTS: u32 = 8;

/// Provides `cloudflare-custom-hostname`.
pub type CustomHostname = Object<Hostnames>;

impl CustomHostname {
    /// Custom hostnames in the zones of the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self::of(Hostnames { api: client.of(&HOSTNAMES) })
    }
}

/// How long the customer has been waited for, and how often a check was begun again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    #[serde(default)]
    looks: u32,
    #[serde(default)]
    unknown: u32,
    #[serde(default)]
    restarts: u32,
    /// How many looks are left until a check may be begun again.
    #[serde(default)]
    rest: u32,
}

impl Memory {
    fn looked(&self, unknown: u32) -> Self {
        Self { looks: self.looks + 1, unknown, rest: self.rest.saturating_sub(1), ..self.clone() }
    }

    /// Each time twice as long until the next.
    fn restarted(&self) -> Self {
        Self { restarts: self.restarts + 1, rest: 1 << self.restarts.min(MAX_RESTARTS), ..self.clone() }
    }
}

/// One change of a custom hostname.
#[derive(Debug, PartialEq)]
pub(crate) enum Change {
    /// What differs, in Cloudflare's form.
    Settings(Value),
    /// The same order once more: Cloudflare begins the check again.
    Restart,
}

/// The change that brings it to what is wanted.
fn settings(differences: &[FieldDrift], wanted: &Parameters) -> Value {
    let mut body = json!({});
    for FieldDrift { field, wanted: value, .. } in differences {
        if field == "min_tls_version" {
            body["ssl"] = order(wanted);
        } else {
            body[field] = value.clone();
        }
    }
    body
}

/// What people are told while they are waited for.
fn waiting(found: &Shown, standing: (Standing, Standing)) -> String {
    let name = &found.hostname;
    let lines: Vec<String> = found.publications().iter().map(Publication::line).collect();
    let lines = lines.join("; ");
    match standing {
        (Standing::Unknown, _) | (_, Standing::Unknown) => {
            format!("Cloudflare shows a state of {name} that this broker does not know")
        }
        (_, Standing::TimedOut) => {
            format!(
                "the certificate of {name} was not issued in time; it is tried again. To be published: {lines}"
            )
        }
        _ if lines.is_empty() => format!("Cloudflare prepares {name}"),
        _ => {
            format!("waiting until the customer of {name} has pointed it to the zone and published: {lines}")
        }
    }
}

#[async_trait]
impl Kind for Hostnames {
    type Client = Client;
    type Wanted = Parameters;
    type Found = Shown;
    type Change = Change;
    type Memory = Memory;

    const NOUN: &'static str = "custom hostname";
    const PRODUCT: &'static Product = &HOSTNAMES;

    fn offering() -> Offering {
        custom_hostname::offering()
    }

    fn client(&self) -> &Client {
        self.api.client()
    }

    fn name(_instance: &InstanceFacts, _marker: &Marker, wanted: &Parameters) -> String {
        wanted.hostname.clone()
    }

    /// An id has no documented form; it is a part of a path, and no more.
    fn is_id(id: &str) -> bool {
        (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    }

    fn is_ours(found: &Shown, known: &Known<Memory>, _marker: &Marker) -> bool {
        known.id.as_ref() == Some(&found.id)
    }

    fn name_of(found: &Shown) -> &str {
        &found.hostname
    }

    async fn find(&self, name: &str, wanted: &Parameters) -> Result<Vec<String>, CallError> {
        let found = match self.list(&wanted.zone_id, Some(name)).await {
            Ok(found) => found,
            // the zone has taken its host names along
            Err(error) if error.is_gone() => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(found.into_iter().filter(|found| found.hostname == name).map(|found| found.id).collect())
    }

    async fn create(&self, name: &str, wanted: &Parameters) -> Result<String, CallError> {
        let mut body = json!({ "hostname": name, "ssl": order(wanted) });
        if let Some(origin) = &wanted.custom_origin_server {
            body["custom_origin_server"] = json!(origin);
        }
        if let Some(metadata) = &wanted.custom_metadata {
            body["custom_metadata"] = json!(metadata);
        }
        Ok(self.make(&wanted.zone_id, body).await?.id)
    }

    async fn read(&self, id: &str, wanted: &Parameters) -> Result<Shown, CallError> {
        match self.look_in(&wanted.zone_id, id).await {
            Err(error) if error.is_gone() => Err(NOT_LISTED),
            other => other,
        }
    }

    async fn change(&self, id: &str, change: &Change, wanted: &Parameters) -> Result<(), CallError> {
        let body = match change {
            Change::Settings(body) => body.clone(),
            Change::Restart => json!({ "ssl": order(wanted) }),
        };
        self.patch(&wanted.zone_id, id, body).await
    }

    async fn delete(&self, id: &str, wanted: &Parameters) -> Result<(), CallError> {
        self.remove(&wanted.zone_id, id).await
    }

    fn next(known: &Known<Memory>, found: &Shown, wanted: &Parameters) -> Next<Change, Memory> {
        let memory = &known.memory;
        let differences = found.changeable(wanted);
        if !differences.is_empty() {
            return Next::Change(Change::Settings(settings(&differences, wanted)), memory.clone());
        }
        let certificate = found.ssl.as_ref().and_then(|ssl| ssl.status.as_deref());
        let standing = (states::of_hostname(found.status.as_deref()), states::of_certificate(certificate));
        let name = &found.hostname;
        let is_unknown = matches!(standing, (Standing::Unknown, _) | (_, Standing::Unknown));
        match standing {
            (Standing::Active, Standing::Active) => Next::Done,
            (Standing::Ended(why), _) | (_, Standing::Ended(why)) => {
                Next::Failed(format!("hostname: {name}: {why}"))
            }
            (_, Standing::TimedOut) if memory.rest == 0 && memory.restarts < MAX_RESTARTS => {
                Next::Change(Change::Restart, memory.restarted())
            }
            _ if !wanted.wait_for_activation && found.is_explained() => Next::Done,
            (_, Standing::TimedOut) if memory.rest == 0 => Next::Failed(format!(
                "hostname: the certificate of {name} was not issued in time, {MAX_RESTARTS} times over; have the customer \
                 publish what the attribute records says, then delete the instance and create it again"
            )),
            _ if is_unknown && memory.unknown >= MAX_UNKNOWN => Next::Failed(format!(
                "the state of {name} at Cloudflare is not known to this broker; look at it in the dashboard"
            )),
            _ if memory.looks >= MAX_LOOKS => Next::Failed(format!(
                "hostname: {name} did not become active within seven days; have the customer point it to your zone and \
                 publish what is asked for, then delete the instance and create it again"
            )),
            _ => {
                let unknown = if is_unknown { memory.unknown + 1 } else { 0 };
                Next::Wait(memory.looked(unknown), waiting(found, standing))
            }
        }
    }

    /// Longer and longer, up to five minutes at the usual pace: people have to do something.
    fn patience(memory: &Memory) -> u32 {
        (1 + memory.looks / 4).min(60)
    }

    /// Another piece of work waits for itself.
    fn afresh(_memory: &Memory) -> Memory {
        Memory::default()
    }

    fn doing(change: &Change) -> String {
        match change {
            Change::Settings(_) => "change the custom hostname".to_owned(),
            Change::Restart => "have the check of the custom hostname begun again".to_owned(),
        }
    }

    fn attributes(&self, known: &Known<Memory>, found: &Shown, _wanted: &Parameters) -> Map<String, Value> {
        let records: Vec<Value> = found.publications().iter().map(Publication::as_json).collect();
        Map::from_iter([
            (output::CUSTOM_HOSTNAME_ID.to_owned(), json!(known.id)),
            (output::HOSTNAME.to_owned(), json!(known.name)),
            (output::STATUS.to_owned(), json!(found.status)),
            (output::SSL_STATUS.to_owned(), json!(found.ssl.as_ref().and_then(|ssl| ssl.status.as_ref()))),
            (output::RECORDS.to_owned(), json!(records)),
        ])
    }

    /// A host name that is still being waited for has not drifted, unless it was to be active.
    fn drift(_known: &Known<Memory>, found: &Shown, wanted: &Parameters) -> Vec<FieldDrift> {
        let certificate = found.ssl.as_ref().and_then(|ssl| ssl.status.as_deref());
        let is_as_left = |standing| match standing {
            Standing::Active => true,
            Standing::Underway => !wanted.wait_for_activation,
            _ => false,
        };
        let mut drift = found.changeable(wanted);
        drift.extend(found.fixed(wanted));
        if !is_as_left(states::of_hostname(found.status.as_deref())) {
            drift.extend(differs(output::STATUS, json!("active"), json!(found.status)));
        }
        if !is_as_left(states::of_certificate(certificate)) {
            drift.extend(differs(output::SSL_STATUS, json!("active"), json!(certificate)));
        }
        drift
    }

    fn dashboard(&self, _id: Option<&str>, marker: &Marker) -> String {
        format!("https://dash.cloudflare.com/{}/home/domains#{}", self.client().account(), marker.hex(24))
    }

    fn discovery(object: &Object<Self>) -> Option<&dyn Discovery> {
        Some(object)
    }

    async fn marked(&self) -> Result<Listing, CallError> {
        let why = "a custom hostname has no place for a mark; it is known by its id";
        Ok(Listing::NotPossible(why.to_owned()))
    }

    fn problems(wanted: &Parameters) -> Vec<String> {
        let is_odd = wanted.wildcard && wanted.method != Method::Txt;
        is_odd.then(|| "wildcard: needs the method txt".to_owned()).into_iter().collect()
    }
}
