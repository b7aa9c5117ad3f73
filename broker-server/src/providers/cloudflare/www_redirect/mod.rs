//! `cloudflare-www-redirect`: one rule among others in a zone's ruleset. Its `ref` is the mark; the rules of others are
//! never sent back.

mod discovery;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    cloudflare::www_redirect::{self, Parameters, output},
};

use super::{
    client::{Api, Call, CallError, Client, Endpoint, Place, Probe, Product},
    object::{Kind, Known, Next, Object, differs},
    recorded::is_hexadecimal,
    zones::{self, ZONES},
};
use crate::providers::{
    Bearers, Discovery, FieldDrift, InstanceFacts, Listing, MarkedObject, Marker, Sent, mark_of_name,
};

static RULESET: Endpoint = Endpoint {
    method: Method::GET,
    template: "/zones/{zone}/rulesets/phases/http_request_dynamic_redirect/entrypoint",
};
static BEGIN: Endpoint = Endpoint { method: Method::POST, template: "/zones/{zone}/rulesets" };
static ADD: Endpoint = Endpoint { method: Method::POST, template: "/zones/{zone}/rulesets/{ruleset}/rules" };
static CHANGE: Endpoint =
    Endpoint { method: Method::PATCH, template: "/zones/{zone}/rulesets/{ruleset}/rules/{rule}" };
static REMOVE: Endpoint = Endpoint { method: Method::DELETE, template: CHANGE.template };

/// Rulesets: 10001 and 10003 nothing there.
static RULES: Product = Product {
    endpoints: &[&ZONES, &RULESET, &BEGIN, &ADD, &CHANGE, &REMOVE],
    missing: &[10001, 10003],
    exists: &[],
    transient: &[],
    advice: &[
        (50002, "the zone may not have redirect rules"),
        (20018, "the zone has as many rules as it may have"),
    ],
};

/// Shows whether the token may see them.
pub(super) static PROBE: Probe = Probe {
    product: &RULES,
    endpoint: &RULESET,
    place: Place::Zone(&ZONES),
    query: &[],
    headers: &[],
    permissions: "Dynamic URL Redirects Write, Zone Read",
};

/// There is a ruleset, and our rule is not in it: an authentic no.
const NOT_LISTED: CallError = CallError::Missing { code: 10003 };
const PHASE: &str = "http_request_dynamic_redirect";

/// Provides `cloudflare-www-redirect`.
pub type WwwRedirect = Object<Redirects>;

impl WwwRedirect {
    /// Rules in the zones of the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self::of(Redirects { api: client.of(&RULES) })
    }
}

/// All redirect rules of all zones.
#[derive(Debug)]
pub struct Redirects {
    api: Api,
}

#[derive(Debug, Deserialize)]
struct Ruleset {
    id: String,
    #[serde(default)]
    rules: Vec<Rule>,
}

/// A rule as Cloudflare shows it.
#[derive(Debug, Deserialize)]
pub(crate) struct Rule {
    id: String,
    #[serde(default, rename = "ref")]
    reference: String,
    #[serde(default)]
    expression: String,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    action_parameters: Value,
}

fn yes() -> bool {
    true
}

/// What decides whom the rule meets. The schema lets only host names through, and a host name needs no quoting.
fn expression(wanted: &Parameters) -> String {
    format!("(http.host eq \"{}\")", wanted.from_host)
}

/// Where the rule leads.
fn target(wanted: &Parameters) -> Value {
    let to = &wanted.to_host;
    let target = if wanted.preserve_path {
        json!({ "expression": format!("concat(\"https://{to}\", http.request.uri.path)") })
    } else {
        json!({ "value": format!("https://{to}/") })
    };
    json!({ "status_code": wanted.status, "target_url": target, "preserve_query_string": wanted.preserve_query })
}

/// The whole rule: a change has to be complete.
fn rule(reference: &str, wanted: &Parameters) -> Value {
    json!({
        "ref": reference,
        "description": format!("{} to {}", wanted.from_host, wanted.to_host),
        "expression": expression(wanted),
        "action": "redirect",
        "enabled": true,
        "action_parameters": { "from_value": target(wanted) },
    })
}

impl Rule {
    fn differences(&self, wanted: &Parameters) -> Vec<FieldDrift> {
        let found = &self.action_parameters["from_value"];
        let asked = target(wanted);
        let compared = [
            differs("from_host", json!(expression(wanted)), json!(self.expression)),
            differs("to_host", asked["target_url"].clone(), found["target_url"].clone()),
            differs("status", asked["status_code"].clone(), found["status_code"].clone()),
            differs(
                "preserve_query",
                asked["preserve_query_string"].clone(),
                json!(found["preserve_query_string"].as_bool().unwrap_or(false)),
            ),
            differs("enabled", json!(true), json!(self.enabled)),
        ];
        compared.into_iter().flatten().collect()
    }
}

impl Redirects {
    /// The zone's ruleset, which may not have been begun yet.
    async fn ruleset(&self, zone: &str) -> Result<Option<Ruleset>, CallError> {
        match self.api.send(&Call::new(&RULESET, &[zone])).await {
            Ok(answer) => answer.into().map(Some),
            Err(CallError::Missing { .. }) => Ok(None),
            Err(error @ CallError::Misrouted { .. }) => match zones::zone_of(&self.api, zone).await? {
                None => Err(zones::NO_ZONE),
                Some(_) => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// The ids of the ruleset and the rule, as they are now.
    async fn place(&self, zone: &str, id: &str) -> Result<(String, Rule), CallError> {
        let ruleset = match self.ruleset(zone).await {
            Ok(ruleset) => ruleset.ok_or(NOT_LISTED)?,
            // the zone has taken its rules along
            Err(error) if error.is_gone() => return Err(NOT_LISTED),
            Err(error) => return Err(error),
        };
        let rule = ruleset.rules.into_iter().find(|rule| rule.id == id).ok_or(NOT_LISTED)?;
        Ok((ruleset.id, rule))
    }
}

#[async_trait]
impl Kind for Redirects {
    type Client = Client;
    type Wanted = Parameters;
    type Found = Rule;
    type Change = Value;
    type Memory = ();

    const NOUN: &'static str = "redirect rule";
    const PRODUCT: &'static Product = &RULES;

    fn offering() -> Offering {
        www_redirect::offering()
    }

    fn client(&self) -> &Client {
        self.api.client()
    }

    /// The rule's `ref`: nobody reads it, so it holds nothing but the mark.
    fn name(_instance: &InstanceFacts, marker: &Marker, _wanted: &Parameters) -> String {
        marker.name(None, 36)
    }

    fn is_id(id: &str) -> bool {
        is_hexadecimal(id, 32)
    }

    fn name_of(found: &Rule) -> &str {
        &found.reference
    }

    async fn find(&self, name: &str, wanted: &Parameters) -> Result<Vec<String>, CallError> {
        let rules = match self.ruleset(&wanted.zone_id).await {
            Ok(ruleset) => ruleset.map(|ruleset| ruleset.rules).unwrap_or_default(),
            Err(error) if error.is_gone() => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(rules.into_iter().filter(|rule| rule.reference == name).map(|rule| rule.id).collect())
    }

    async fn create(&self, name: &str, wanted: &Parameters) -> Result<String, CallError> {
        let (zone, rule) = (wanted.zone_id.as_str(), rule(name, wanted));
        let answer = match self.ruleset(zone).await? {
            Some(ruleset) => self.api.send(&Call::new(&ADD, &[zone, &ruleset.id]).body(rule)).await?,
            None => {
                let body = json!({ "name": "default", "kind": "zone", "phase": PHASE, "rules": [rule] });
                self.api.send(&Call::new(&BEGIN, &[zone]).body(body)).await?
            }
        };
        let Ruleset { rules, .. } = answer.into()?;
        let made = rules.into_iter().find(|rule| rule.reference == name);
        made.map(|rule| rule.id).ok_or(CallError::incomplete(Sent::Perhaps))
    }

    async fn read(&self, id: &str, wanted: &Parameters) -> Result<Rule, CallError> {
        self.place(&wanted.zone_id, id).await.map(|(_, rule)| rule)
    }

    async fn change(&self, id: &str, rule: &Value, wanted: &Parameters) -> Result<(), CallError> {
        let (ruleset, _) = self.place(&wanted.zone_id, id).await?;
        let segments = [wanted.zone_id.as_str(), &ruleset, id];
        self.api.send(&Call::new(&CHANGE, &segments).body(rule.clone())).await.map(drop)
    }

    async fn delete(&self, id: &str, wanted: &Parameters) -> Result<(), CallError> {
        let (ruleset, _) = self.place(&wanted.zone_id, id).await?;
        self.api.send(&Call::new(&REMOVE, &[&wanted.zone_id, &ruleset, id])).await.map(drop)
    }

    fn next(known: &Known<()>, found: &Rule, wanted: &Parameters) -> Next<Value, ()> {
        if found.differences(wanted).is_empty() {
            return Next::Done;
        }
        Next::Change(rule(&known.name, wanted), ())
    }

    fn doing(_rule: &Value) -> String {
        "change the redirect rule".to_owned()
    }

    fn attributes(&self, known: &Known<()>, _found: &Rule, wanted: &Parameters) -> Map<String, Value> {
        Map::from_iter([
            (output::RULE_ID.to_owned(), json!(known.id)),
            (output::FROM_HOST.to_owned(), json!(wanted.from_host)),
            (output::TO_HOST.to_owned(), json!(wanted.to_host)),
        ])
    }

    fn drift(_known: &Known<()>, found: &Rule, wanted: &Parameters) -> Vec<FieldDrift> {
        found.differences(wanted)
    }

    fn dashboard(&self, _id: Option<&str>, marker: &Marker) -> String {
        format!("https://dash.cloudflare.com/{}/home/domains#{}", self.client().account(), marker.hex(24))
    }

    fn discovery(object: &Object<Self>) -> Option<&dyn Discovery> {
        Some(object)
    }

    /// Zone by zone.
    async fn marked(&self) -> Result<Listing, CallError> {
        let mut objects = Vec::new();
        for zone in zones::zones(&self.api, None).await? {
            let rules = self.ruleset(&zone.id).await?.map(|ruleset| ruleset.rules).unwrap_or_default();
            objects.extend(rules.into_iter().filter_map(|rule| {
                let mark = mark_of_name(&rule.reference)?.to_owned();
                Some(MarkedObject { id: rule.id, name: rule.reference, mark })
            }));
        }
        Ok(Listing::Objects { bearers: Bearers::Instances, objects })
    }

    fn problems(wanted: &Parameters) -> Vec<String> {
        let is_loop = wanted.from_host == wanted.to_host;
        is_loop.then(|| "to_host: leads back to from_host".to_owned()).into_iter().collect()
    }
}
