//! `cloudflare-queue`: queues. Cloudflare takes their settings only once they exist.

mod discovery;

use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    cloudflare::queue::{self, Parameters, output},
};

use super::{
    client::{Api, Call, CallError, Client, Endpoint, Place, Probe, Product},
    object::{Kind, Known, Next, Object, differs, marked},
    recorded::is_hexadecimal,
};
use crate::providers::{Discovery, FieldDrift, Listing, Marker, Sent};

static LIST: Endpoint = Endpoint { method: Method::GET, template: "/accounts/{account}/queues" };
static CREATE: Endpoint = Endpoint { method: Method::POST, template: LIST.template };
static READ: Endpoint = Endpoint { method: Method::GET, template: "/accounts/{account}/queues/{queue}" };
static CHANGE: Endpoint = Endpoint { method: Method::PATCH, template: READ.template };
static DELETE: Endpoint = Endpoint { method: Method::DELETE, template: READ.template };
static METRICS: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/queues/{queue}/metrics" };

/// Queues: 11000 no such queue, 11009 a queue of that name exists.
static QUEUES: Product = Product {
    endpoints: &[&LIST, &CREATE, &READ, &CHANGE, &DELETE, &METRICS],
    missing: &[11000],
    exists: &[11009],
    transient: &[],
    advice: &[
        (11003, "it does not accept the name; give the instance another one"),
        (11017, "event notifications of an R2 bucket use the queue; remove them first"),
        (
            100_127,
            "it does not accept the settings; how long messages are kept cannot be chosen on a free account",
        ),
        (
            100_128,
            "it does not accept the settings; how long messages are kept cannot be chosen on a free account",
        ),
    ],
};

/// Shows whether the token may see them.
pub(super) static PROBE: Probe = Probe {
    product: &QUEUES,
    endpoint: &LIST,
    place: Place::Account(&[]),
    query: &[("per_page", "10")],
    headers: &[],
    permissions: "Queues Write",
};

/// The most rows of a list in one answer.
const PER_PAGE: u32 = 100;

/// Provides `cloudflare-queue`.
pub type Queue = Object<Queues>;

impl Queue {
    /// Queues in the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self::of(Queues { api: client.of(&QUEUES) })
    }
}

/// All queues of the account.
#[derive(Debug)]
pub struct Queues {
    api: Api,
}

/// A queue as Cloudflare shows it.
#[derive(Debug, Deserialize)]
pub(crate) struct Shown {
    queue_id: String,
    queue_name: String,
    #[serde(default)]
    settings: Settings,
    #[serde(default)]
    producers_total_count: u64,
    #[serde(default)]
    consumers_total_count: u64,
}

/// How a queue delivers. What Cloudflare does not show is as it is by default.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
struct Settings {
    #[serde(default)]
    delivery_delay: u32,
    #[serde(default)]
    delivery_paused: bool,
    #[serde(default)]
    message_retention_period: Option<u32>,
}

impl Settings {
    /// What is wanted and differs, as fields of Cloudflare's: the name, what is wanted, what is found.
    fn differences(&self, wanted: &Parameters) -> Vec<FieldDrift> {
        let retention = wanted.message_retention_period;
        let mut found = vec![
            differs("delivery_delay", json!(wanted.delivery_delay), json!(self.delivery_delay)),
            differs("delivery_paused", json!(wanted.delivery_paused), json!(self.delivery_paused)),
        ];
        // what is not asked for is left as it is
        if retention.is_some() {
            let shown = json!(self.message_retention_period);
            found.push(differs("message_retention_period", json!(retention), shown));
        }
        found.into_iter().flatten().collect()
    }
}

impl Queues {
    async fn list(&self, name: Option<&str>) -> Result<Vec<Shown>, CallError> {
        let call = || match name {
            Some(name) => Call::new(&LIST, &[]).query("name", name),
            None => Call::new(&LIST, &[]),
        };
        let rows = self.api.all(call, PER_PAGE).await?;
        let queues: Result<Vec<Shown>, _> = rows.into_iter().map(serde_json::from_value).collect();
        queues.map_err(|_| CallError::incomplete(Sent::No))
    }

    async fn backlog(&self, id: &str) -> Result<u64, CallError> {
        let answer = self.api.send(&Call::new(&METRICS, &[id])).await?;
        answer.result["backlog_count"]
            .as_f64()
            .map_or_else(|| Err(CallError::incomplete(Sent::No)), |count| Ok(u64::from(count > 0.0)))
    }
}

#[async_trait]
impl Kind for Queues {
    type Client = Client;
    type Wanted = Parameters;
    type Found = Shown;
    type Change = Map<String, Value>;
    type Memory = ();

    const NOUN: &'static str = "queue";
    const PRODUCT: &'static Product = &QUEUES;

    fn offering() -> Offering {
        queue::offering()
    }

    fn client(&self) -> &Client {
        self.api.client()
    }

    fn is_id(id: &str) -> bool {
        is_hexadecimal(id, 32)
    }

    fn name_of(found: &Shown) -> &str {
        &found.queue_name
    }

    /// The vendor's filter is only a search.
    async fn find(&self, name: &str, _wanted: &Parameters) -> Result<Vec<String>, CallError> {
        let named = self.list(Some(name)).await?.into_iter().filter(|queue| queue.queue_name == name);
        Ok(named.map(|queue| queue.queue_id).collect())
    }

    async fn create(&self, name: &str, wanted: &Parameters) -> Result<String, CallError> {
        let mut body = json!({ "queue_name": name });
        if let Some(jurisdiction) = wanted.jurisdiction {
            body["jurisdiction"] = json!(jurisdiction);
        }
        let made: Shown = self.api.send(&Call::new(&CREATE, &[]).body(body)).await?.into()?;
        Ok(made.queue_id)
    }

    async fn read(&self, id: &str, _wanted: &Parameters) -> Result<Shown, CallError> {
        self.api.send(&Call::new(&READ, &[id])).await?.into()
    }

    async fn change(&self, id: &str, settings: &Self::Change, _wanted: &Parameters) -> Result<(), CallError> {
        let body = json!({ "settings": settings });
        self.api.send(&Call::new(&CHANGE, &[id]).body(body)).await.map(drop)
    }

    async fn delete(&self, id: &str, _wanted: &Parameters) -> Result<(), CallError> {
        self.api.send(&Call::new(&DELETE, &[id])).await.map(drop)
    }

    fn next(_known: &Known<()>, found: &Shown, wanted: &Parameters) -> Next<Self::Change, ()> {
        let differences = found.settings.differences(wanted);
        if differences.is_empty() {
            return Next::Done;
        }
        let settings = differences.into_iter().map(|field| (field.field, field.wanted));
        Next::Change(settings.collect(), ())
    }

    fn doing(settings: &Self::Change) -> String {
        let names: Vec<&str> = settings.keys().map(String::as_str).collect();
        format!("set {} of the queue", names.join(", "))
    }

    async fn hindrance(
        &self,
        _known: &Known<()>,
        found: &Shown,
        wanted: &Parameters,
    ) -> Result<Option<String>, CallError> {
        if !wanted.protect {
            return Ok(None);
        }
        let reason = if found.producers_total_count + found.consumers_total_count > 0 {
            "a Worker sends to the queue or takes from it"
        } else if self.backlog(&found.queue_id).await? > 0 {
            "there are messages in the queue"
        } else {
            return Ok(None);
        };
        Ok(Some(format!(
            "protect: {reason}; update the instance with protect set to false to delete it nevertheless"
        )))
    }

    fn attributes(&self, known: &Known<()>, _found: &Shown, wanted: &Parameters) -> Map<String, Value> {
        let mut attributes = Map::new();
        attributes.insert(output::QUEUE_ID.to_owned(), json!(known.id));
        attributes.insert(output::QUEUE_NAME.to_owned(), json!(known.name));
        if let Some(jurisdiction) = wanted.jurisdiction {
            attributes.insert(output::JURISDICTION.to_owned(), json!(jurisdiction));
        }
        attributes
    }

    fn drift(known: &Known<()>, found: &Shown, wanted: &Parameters) -> Vec<FieldDrift> {
        let name = differs(output::QUEUE_NAME, json!(known.name), json!(found.queue_name));
        name.into_iter().chain(found.settings.differences(wanted)).collect()
    }

    fn credentials(&self, known: &Known<()>, found: &Shown) -> Map<String, Value> {
        Map::from_iter([
            (output::ACCOUNT_ID.to_owned(), json!(self.client().account())),
            (output::QUEUE_ID.to_owned(), json!(found.queue_id)),
            (output::QUEUE_NAME.to_owned(), json!(known.name)),
        ])
    }

    fn dashboard(&self, id: Option<&str>, marker: &Marker) -> String {
        let list = format!("https://dash.cloudflare.com/{}/workers/queues", self.client().account());
        id.map_or_else(|| format!("{list}#{}", marker.hex(24)), |id| format!("{list}/view/{id}"))
    }

    fn discovery(object: &Object<Self>) -> Option<&dyn Discovery> {
        Some(object)
    }

    async fn marked(&self) -> Result<Listing, CallError> {
        Ok(marked(self.list(None).await?.into_iter().map(|queue| (queue.queue_id, queue.queue_name))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(settings: Value) -> Shown {
        serde_json::from_value(json!({ "queue_id": "q", "queue_name": "n", "settings": settings })).unwrap()
    }

    fn next(settings: Value, wanted: Value) -> Next<Map<String, Value>, ()> {
        let known = Known { name: "n".to_owned(), id: Some("q".to_owned()), memory: (), adopted: false };
        Queues::next(&known, &queue(settings), &serde_json::from_value(wanted).unwrap())
    }

    #[test]
    fn only_settings_that_differ_are_sent_and_only_those_asked_for() {
        let present =
            json!({ "delivery_delay": 0, "delivery_paused": false, "message_retention_period": 345_600 });
        for (wanted, sent) in [
            (json!({}), json!({})),
            (json!({ "message_retention_period": 345_600 }), json!({})),
            (json!({ "delivery_delay": 5 }), json!({ "delivery_delay": 5 })),
            (
                json!({ "message_retention_period": 60, "delivery_paused": true }),
                json!({ "message_retention_period": 60, "delivery_paused": true }),
            ),
        ] {
            let expected = match sent.as_object() {
                Some(sent) if !sent.is_empty() => Next::Change(sent.clone(), ()),
                _ => Next::Done,
            };
            assert_eq!(next(present.clone(), wanted.clone()), expected, "{wanted}");
        }
        // what Cloudflare leaves out is as it is by default
        assert_eq!(next(json!({}), json!({})), Next::Done);
    }
}
