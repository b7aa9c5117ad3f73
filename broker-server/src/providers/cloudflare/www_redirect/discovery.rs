//! Redirects of zones that nobody tracks. Rules of other forms are told, and cannot be adopted.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::{
    super::{
        client::{CallError, Cursor},
        object::{Findable, Known, in_zone, thing},
        zones,
    },
    NOT_LISTED, Parameters, Redirects, Rule,
};
use crate::providers::VendorThing;

#[async_trait]
impl Findable for Redirects {
    type Whence = Cursor;

    /// A page of zones, with the rules of each.
    async fn page(&self, cursor: Cursor) -> Result<(Vec<VendorThing>, Option<Cursor>), CallError> {
        let (zones, next) = zones::page(&self.api, cursor, zones::FEW).await?;
        let mut things = Vec::new();
        for zone in zones {
            let rules = match self.ruleset(&zone.id).await {
                Ok(ruleset) => ruleset.map(|ruleset| ruleset.rules).unwrap_or_default(),
                // it went while we looked
                Err(error) if error.is_gone() => Vec::new(),
                Err(error) => return Err(error),
            };
            things.extend(rules.iter().map(|rule| Self::thing(&format!("{}/{}", zone.id, rule.id), rule)));
        }
        Ok((things, next))
    }

    async fn look(&self, id: &str) -> Result<Rule, CallError> {
        let (zone, rule) = in_zone::<Self>(id).ok_or(NOT_LISTED)?;
        self.place(zone, rule).await.map(|(_, rule)| rule)
    }

    fn thing(id: &str, found: &Rule) -> VendorThing {
        let name = if found.expression.is_empty() { &found.reference } else { &found.expression };
        let described = in_zone::<Self>(id).and_then(|(zone, _)| described(zone, found));
        let why = "it is not a redirect from one host name to another";
        let mark = crate::providers::mark_of_name(&found.reference).map(str::to_owned);
        match described {
            Some(parameters) => VendorThing { mark, ..thing(id, name, parameters) },
            None => VendorThing { mark, not_adoptable: Some(why.to_owned()), ..thing(id, name, Map::new()) },
        }
    }

    fn is_listed_id(id: &str) -> bool {
        in_zone::<Self>(id).is_some()
    }

    fn listed_id(known: &Known<()>, wanted: &Parameters) -> Option<String> {
        known.id.as_ref().map(|id| format!("{}/{id}", wanted.zone_id))
    }

    fn vendor_id(found: &Rule) -> &str {
        &found.id
    }
}

/// The parameters that make such a rule, if there are any.
fn described(zone: &str, found: &Rule) -> Option<Map<String, Value>> {
    let from = found.expression.strip_prefix("(http.host eq \"")?.strip_suffix("\")")?;
    let value = &found.action_parameters["from_value"];
    let target = &value["target_url"];
    let (to, preserve_path) = match (target["value"].as_str(), target["expression"].as_str()) {
        (Some(url), None) => (url.strip_prefix("https://")?.strip_suffix('/')?, false),
        (None, Some(expression)) => {
            let to = expression.strip_prefix("concat(\"https://")?;
            (to.strip_suffix("\", http.request.uri.path)")?, true)
        }
        _ => return None,
    };
    let parameters = json!({
        "zone_id": zone, "from_host": from, "to_host": to, "status": value["status_code"],
        "preserve_path": preserve_path,
        "preserve_query": value["preserve_query_string"].as_bool().unwrap_or(false),
    });
    // what is described is exactly what is there, or else it is of another form
    let wanted: Parameters = serde_json::from_value(parameters.clone()).ok()?;
    found.differences(&wanted).is_empty().then(|| parameters.as_object().cloned()).flatten()
}
