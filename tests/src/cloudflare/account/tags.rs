//! Resource tags: a second call that marks what a first one made.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::snapshot::TagState;
use super::{Account, Worked, identity};
use crate::cloudflare::call::Call;
use crate::cloudflare::envelope::{Answer, Refusal};
use crate::cloudflare::ledger::{Effect, Kind};

/// The tags of each object, by type and id.
#[derive(Debug, Default)]
pub(super) struct Tags(IndexMap<(String, String), BTreeMap<String, String>>);

impl Tags {
    pub(super) fn forget(&mut self, sort: &str, id: &str) {
        self.0.shift_remove(&(sort.to_owned(), id.to_owned()));
    }

    pub(super) fn states(&self) -> Vec<TagState> {
        let state =
            |((resource_type, resource_id), tags): (&(String, String), &BTreeMap<String, String>)| TagState {
                resource_type: resource_type.clone(),
                resource_id: resource_id.clone(),
                tags: tags.clone(),
            };
        self.0.iter().map(state).collect()
    }
}

/// The tags of an object that has none cannot be read: the beta answers with a failure of its own.
pub(super) fn get(account: &mut Account, call: &Call) -> Worked {
    let text = |name| call.query_value(name).unwrap_or_default().to_owned();
    let key = (text("resource_type"), text("resource_id"));
    let tags = account.tags.0.get(&key).ok_or_else(|| Refusal::new(500, 10013, "internal error"))?;
    Ok(Answer::result(shown(account, &key, tags)))
}

/// Replaces the whole set.
pub(super) fn put(account: &mut Account, call: &Call) -> Worked {
    let key = key(account, call)?;
    let asked = call.field("tags").as_object().into_iter().flatten();
    let mut tags = BTreeMap::new();
    for (name, value) in asked {
        let value = value.as_str().filter(|_| is_key(name));
        tags.insert(name.clone(), value.ok_or_else(|| bad("tags"))?.to_owned());
    }
    let answer = Answer::result(shown(account, &key, &tags));
    let effect = Effect::changed(Kind::Tags, &key.1, &key.0);
    account.tags.0.insert(key, tags);
    Ok(answer.with(effect))
}

pub(super) fn delete(account: &mut Account, call: &Call) -> Worked {
    let key = key(account, call)?;
    let effect = Effect::deleted(Kind::Tags, &key.1, &key.0);
    let existed = account.tags.0.shift_remove(&key).is_some();
    Ok(if existed { Answer::nothing().with(effect) } else { Answer::nothing() })
}

/// The object a change is about. It must exist, and be as the caller last saw it.
fn key(account: &Account, call: &Call) -> Result<(String, String), Refusal> {
    let text = |name| call.text(name).map(str::to_owned).ok_or_else(|| bad(name));
    let key = (text("resource_type")?, text("resource_id")?);
    let exists = match key.0.as_str() {
        "d1_database" => account.databases.name(&key.1).is_some(),
        "r2_bucket" => account.buckets.has_name(&key.1),
        "worker" => account.scripts.exists(&key.1),
        _ => true,
    };
    if !exists {
        return Err(Refusal::new(404, 7003, "there is no such resource"));
    }
    let current = account.tags.0.get(&key).map(etag);
    match call.header("if-match") {
        Some(expected) if Some(expected) != current.as_deref() => {
            Err(Refusal::new(412, 10412, "the tags have changed since"))
        }
        _ => Ok(key),
    }
}

fn shown(account: &Account, key: &(String, String), tags: &BTreeMap<String, String>) -> Value {
    let name = account.databases.name(&key.1).unwrap_or(&key.1);
    json!({"etag": etag(tags), "id": key.1, "name": name, "tags": tags, "type": key.0})
}

fn etag(tags: &BTreeMap<String, String>) -> String {
    identity::digest(&format!("{tags:?}"))[..32].to_owned()
}

fn is_key(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=256).contains(&text.len()) && text.bytes().all(known)
}

/// The service's codes for bad requests are not known; these numbers are ours.
fn bad(name: &str) -> Refusal {
    Refusal::new(400, 10400, format!("invalid value for {name}"))
}
