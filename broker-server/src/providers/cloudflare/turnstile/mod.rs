//! `cloudflare-turnstile`: widgets. Their names are not unique, and their secret can be read again.

mod discovery;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use sutler_catalog::{
    Offering,
    cloudflare::turnstile::{self, Parameters, output},
};
use sutler_secrets::SecretString;

use super::{
    client::{Api, Call, CallError, Client, Endpoint, Place, Probe, Product},
    object::{Kind, Known, Names, Next, Object, differs, marked},
};
use crate::providers::{Discovery, FieldDrift, Listing, Marker, Sent};

static LIST: Endpoint = Endpoint { method: Method::GET, template: "/accounts/{account}/challenges/widgets" };
static CREATE: Endpoint = Endpoint { method: Method::POST, template: LIST.template };
static READ: Endpoint =
    Endpoint { method: Method::GET, template: "/accounts/{account}/challenges/widgets/{sitekey}" };
static REPLACE: Endpoint = Endpoint { method: Method::PUT, template: READ.template };
static DELETE: Endpoint = Endpoint { method: Method::DELETE, template: READ.template };
static ROTATE: Endpoint = Endpoint {
    method: Method::POST,
    template: "/accounts/{account}/challenges/widgets/{sitekey}/rotate_secret",
};

/// Turnstile: 10404 no such widget.
static WIDGETS: Product = Product {
    endpoints: &[&LIST, &CREATE, &READ, &REPLACE, &DELETE, &ROTATE],
    missing: &[10404],
    exists: &[],
    transient: &[],
    advice: &[(10407, "it does not accept a property; look at domains and at what the account may use")],
};

/// Shows whether the token may see them.
pub(super) static PROBE: Probe = Probe {
    product: &WIDGETS,
    endpoint: &LIST,
    place: Place::Account(&[]),
    query: &[("per_page", "10")],
    headers: &[],
    permissions: "Turnstile Sites Write",
};

/// The most rows of a list in one answer.
const PER_PAGE: u32 = 1_000;

/// Provides `cloudflare-turnstile`.
pub type Turnstile = Object<Widgets>;

impl Turnstile {
    /// Widgets in the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self::of(Widgets { api: client.of(&WIDGETS) })
    }
}

/// All widgets of the account.
#[derive(Debug)]
pub struct Widgets {
    api: Api,
}

/// A widget as it is listed.
#[derive(Debug, Deserialize)]
struct Listed {
    sitekey: String,
    name: String,
}

/// A widget as Cloudflare shows it.
#[derive(Debug, Deserialize)]
pub(crate) struct Widget {
    sitekey: String,
    name: String,
    domains: Vec<String>,
    mode: String,
    clearance_level: String,
    secret: SecretString,
    #[serde(default)]
    bot_fight_mode: bool,
    #[serde(default)]
    ephemeral_id: bool,
    #[serde(default)]
    offlabel: bool,
}

/// Which secret the widget has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    version: u32,
    /// The digest of the secret that is to be replaced: written down before, it tells afterwards whether it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
}

/// One change of a widget.
#[derive(Debug, PartialEq)]
pub(crate) enum Change {
    /// All settings at once, in Cloudflare's form.
    Settings(Value),
    /// A new secret.
    Secret,
}

impl Widget {
    /// What is there and differs from what was asked for. The order of host names means nothing.
    fn differences(&self, wanted: &Parameters) -> Vec<FieldDrift> {
        let sorted = |domains: &[String]| {
            let mut domains = domains.to_vec();
            domains.sort();
            json!(domains)
        };
        let compared = [
            differs("domains", sorted(&wanted.domains), sorted(&self.domains)),
            differs("mode", json!(wanted.mode), json!(self.mode)),
            differs("clearance_level", json!(wanted.clearance_level), json!(self.clearance_level)),
        ];
        compared.into_iter().flatten().collect()
    }

    /// All of it as it is to be. What Cloudflare sells to large customers, and nobody asked us for, stays as it is.
    fn settings(&self, name: &str, wanted: &Parameters) -> Value {
        let mut settings = settings(name, wanted);
        let extras = [
            ("bot_fight_mode", self.bot_fight_mode),
            ("ephemeral_id", self.ephemeral_id),
            ("offlabel", self.offlabel),
        ];
        for (extra, _) in extras.into_iter().filter(|(_, is_on)| *is_on) {
            settings[extra] = json!(true);
        }
        settings
    }
}

fn settings(name: &str, wanted: &Parameters) -> Value {
    json!({
        "name": name,
        "domains": wanted.domains,
        "mode": wanted.mode,
        "clearance_level": wanted.clearance_level,
    })
}

/// Tells whether a secret is the same as before; the record it stands in is sealed.
fn digest(secret: &SecretString) -> String {
    Sha256::digest(secret.expose().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Widgets {
    async fn list(&self, name: Option<&str>) -> Result<Vec<Listed>, CallError> {
        let call = || {
            let call = Call::new(&LIST, &[]).query("order", "created_on").query("direction", "asc");
            match name {
                Some(name) => call.query("filter", format!("name:{name}")),
                None => call,
            }
        };
        let rows = self.api.all(call, PER_PAGE).await?;
        let widgets: Result<Vec<Listed>, _> = rows.into_iter().map(serde_json::from_value).collect();
        widgets.map_err(|_| CallError::incomplete(Sent::No))
    }
}

#[async_trait]
impl Kind for Widgets {
    type Client = Client;
    type Wanted = Parameters;
    type Found = Widget;
    type Change = Change;
    type Memory = Memory;

    const NOUN: &'static str = "widget";
    const NAMES: Names = Names::Shared;
    const PRODUCT: &'static Product = &WIDGETS;

    fn offering() -> Offering {
        turnstile::offering()
    }

    fn client(&self) -> &Client {
        self.api.client()
    }

    /// A site key has no documented form; it is a part of a path, and no more.
    fn is_id(id: &str) -> bool {
        (1..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    }

    fn name_of(found: &Widget) -> &str {
        &found.name
    }

    fn memory(_name: &str, wanted: &Parameters) -> Memory {
        Memory { version: wanted.secret_version, replaces: None }
    }

    /// The vendor's filter is only a search.
    async fn find(&self, name: &str, _wanted: &Parameters) -> Result<Vec<String>, CallError> {
        let named = self.list(Some(name)).await?.into_iter().filter(|widget| widget.name == name);
        Ok(named.map(|widget| widget.sitekey).collect())
    }

    async fn create(&self, name: &str, wanted: &Parameters) -> Result<String, CallError> {
        let mut body = settings(name, wanted);
        if let Some(region) = wanted.region {
            body["region"] = json!(region);
        }
        let made: Listed = self.api.send(&Call::new(&CREATE, &[]).body(body)).await?.into()?;
        Ok(made.sitekey)
    }

    async fn read(&self, id: &str, _wanted: &Parameters) -> Result<Widget, CallError> {
        self.api.send(&Call::new(&READ, &[id])).await?.into()
    }

    async fn change(&self, id: &str, change: &Change, wanted: &Parameters) -> Result<(), CallError> {
        let segments = [id];
        let call = match change {
            Change::Settings(settings) => Call::new(&REPLACE, &segments).body(settings.clone()),
            Change::Secret => {
                let at_once = json!({ "invalidate_immediately": !wanted.keep_old_secret });
                Call::new(&ROTATE, &segments).body(at_once)
            }
        };
        self.api.send(&call).await.map(drop)
    }

    async fn delete(&self, id: &str, _wanted: &Parameters) -> Result<(), CallError> {
        self.api.send(&Call::new(&DELETE, &[id])).await.map(drop)
    }

    /// A new secret is asked for only while the widget still has the one that was written down before.
    fn next(known: &Known<Memory>, found: &Widget, wanted: &Parameters) -> Next<Change, Memory> {
        let memory = &known.memory;
        if wanted.secret_version != memory.version {
            let present = digest(&found.secret);
            return match &memory.replaces {
                None => Next::Remember(Memory { replaces: Some(present), ..memory.clone() }),
                Some(before) if *before == present => Next::Change(Change::Secret, memory.clone()),
                Some(_) => Next::Remember(Memory { version: wanted.secret_version, replaces: None }),
            };
        }
        if memory.replaces.is_some() {
            return Next::Remember(Memory { replaces: None, ..memory.clone() });
        }
        if found.differences(wanted).is_empty() && found.name == known.name {
            return Next::Done;
        }
        Next::Change(Change::Settings(found.settings(&known.name, wanted)), memory.clone())
    }

    fn doing(change: &Change) -> String {
        match change {
            Change::Settings(_) => "change the settings of the widget".to_owned(),
            Change::Secret => "have a new secret made for the widget".to_owned(),
        }
    }

    fn attributes(&self, known: &Known<Memory>, _found: &Widget, _wanted: &Parameters) -> Map<String, Value> {
        Map::from_iter([
            (output::SITEKEY.to_owned(), json!(known.id)),
            (output::WIDGET_NAME.to_owned(), json!(known.name)),
            (output::SECRET_VERSION.to_owned(), json!(known.memory.version)),
        ])
    }

    fn drift(known: &Known<Memory>, found: &Widget, wanted: &Parameters) -> Vec<FieldDrift> {
        let name = differs(output::WIDGET_NAME, json!(known.name), json!(found.name));
        name.into_iter().chain(found.differences(wanted)).collect()
    }

    fn credentials(&self, _known: &Known<Memory>, found: &Widget) -> Map<String, Value> {
        Map::from_iter([
            (output::SITEKEY.to_owned(), json!(found.sitekey)),
            (output::SECRET.to_owned(), json!(found.secret.expose())),
        ])
    }

    fn dashboard(&self, id: Option<&str>, marker: &Marker) -> String {
        let list = format!("https://dash.cloudflare.com/{}/turnstile", self.client().account());
        id.map_or_else(|| format!("{list}#{}", marker.hex(24)), |id| format!("{list}/widget/{id}"))
    }

    fn discovery(object: &Object<Self>) -> Option<&dyn Discovery> {
        Some(object)
    }

    async fn marked(&self) -> Result<Listing, CallError> {
        Ok(marked(self.list(None).await?.into_iter().map(|widget| (widget.sitekey, widget.name))))
    }
}
