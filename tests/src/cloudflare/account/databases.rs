//! D1 databases. Each is a real SQLite database in memory.

use std::time::Instant;

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::snapshot::DatabaseState;
use super::{Account, Worked, identity, sql};
use crate::cloudflare::call::Call;
use crate::cloudflare::envelope::{Answer, PageRule, Refusal};
use crate::cloudflare::ledger::{Effect, Kind};

const PAGES: PageRule =
    PageRule { default: 1000, least: 10, most: 10_000, counts_pages: false, bad_request: 7400 };
const HINTS: [&str; 6] = ["wnam", "enam", "weur", "eeur", "apac", "oc"];
const JURISDICTIONS: [&str; 3] = ["eu", "fedramp", "us"];
const MODES: [&str; 2] = ["auto", "disabled"];

/// All databases, oldest first.
#[derive(Debug, Default)]
pub(super) struct Databases(IndexMap<String, Database>);

#[derive(Debug)]
struct Database {
    uuid: String,
    name: String,
    created_at: String,
    born: Instant,
    jurisdiction: Option<String>,
    location_hint: Option<String>,
    replication: String,
    engine: sql::Engine,
}

impl Databases {
    fn get(&mut self, call: &Call) -> Result<&mut Database, Refusal> {
        self.0.get_mut(call.parameter("database_id")).ok_or_else(missing)
    }

    pub(super) fn name(&self, uuid: &str) -> Option<&str> {
        self.0.get(uuid).map(|database| database.name.as_str())
    }

    pub(super) fn states(&self) -> Vec<DatabaseState> {
        self.0.values().map(Database::state).collect()
    }
}

impl Database {
    fn listed(&self) -> Value {
        json!({
            "uuid": self.uuid,
            "name": self.name,
            "version": "production",
            "created_at": self.created_at,
            "jurisdiction": self.jurisdiction,
        })
    }

    fn shown(&self) -> Result<Value, Refusal> {
        let size = self.engine.size()?;
        let mut shown = self.listed();
        shown["file_size"] = json!(size.bytes);
        shown["num_tables"] = json!(size.tables);
        shown["read_replication"] = json!({"mode": self.replication});
        Ok(shown)
    }

    fn state(&self) -> DatabaseState {
        DatabaseState {
            uuid: self.uuid.clone(),
            name: self.name.clone(),
            created_at: self.created_at.clone(),
            jurisdiction: self.jurisdiction.clone(),
            primary_location_hint: self.location_hint.clone(),
            read_replication: self.replication.clone(),
            tables: self.engine.tables().unwrap_or_default(),
        }
    }

    fn changed(&self) -> Effect {
        Effect::changed(Kind::Database, &self.uuid, &self.name)
    }
}

pub(super) fn list(account: &mut Account, call: &Call) -> Worked {
    let wanted = call.query_value("name").unwrap_or_default();
    let databases = account.databases.0.values();
    let found = databases.filter(|one| one.name.contains(wanted) && account.lists(one.born));
    let found = found.map(Database::listed).collect();
    PAGES.cut(call, found)
}

pub(super) fn create(account: &mut Account, call: &Call) -> Worked {
    let name = call.text("name").filter(|name| !name.is_empty()).ok_or_else(|| bad_property("name"))?;
    let location_hint = choice(call.field("primary_location_hint"), &HINTS, "primary_location_hint")?;
    let jurisdiction = choice(call.field("jurisdiction"), &JURISDICTIONS, "jurisdiction")?;
    let replication = mode(call)?.unwrap_or_else(|| "disabled".to_owned());
    if account.databases.0.values().any(|database| database.name == name) {
        return Err(Refusal::new(400, 7502, "a database of this name exists in the account"));
    }
    let database = Database {
        uuid: identity::uuid(),
        name: name.to_owned(),
        created_at: identity::now(),
        born: Instant::now(),
        jurisdiction,
        location_hint,
        replication,
        engine: sql::Engine::open()?,
    };
    let answer = Answer::result(database.shown()?);
    let effect = Effect::created(Kind::Database, &database.uuid, &database.name);
    account.databases.0.insert(database.uuid.clone(), database);
    Ok(answer.with(effect))
}

pub(super) fn get(account: &mut Account, call: &Call) -> Worked {
    Ok(Answer::result(account.databases.get(call)?.shown()?))
}

pub(super) fn patch(account: &mut Account, call: &Call) -> Worked {
    let database = account.databases.get(call)?;
    let Some(mode) = mode(call)? else { return Ok(Answer::result(database.shown()?)) };
    database.replication = mode;
    Ok(Answer::result(database.shown()?).with(database.changed()))
}

pub(super) fn put(account: &mut Account, call: &Call) -> Worked {
    account.databases.get(call)?;
    mode(call)?.ok_or_else(|| bad_property("read_replication"))?;
    patch(account, call)
}

pub(super) fn delete(account: &mut Account, call: &Call) -> Worked {
    let database = account.databases.0.shift_remove(call.parameter("database_id")).ok_or_else(missing)?;
    account.tags.forget("d1_database", &database.uuid);
    let effect = Effect::deleted(Kind::Database, &database.uuid, &database.name);
    Ok(Answer::result(Value::Null).with(effect))
}

pub(super) fn query(account: &mut Account, call: &Call) -> Worked {
    let database = account.databases.get(call)?;
    let requests = match (call.text("sql"), call.field("batch").as_array()) {
        (Some(sql), None) => vec![(sql, bound(call.field("params"))?)],
        (None, Some(batch)) => batch.iter().map(batched).collect::<Result<_, _>>()?,
        _ => return Err(bad_property("sql")),
    };
    let mut results = Vec::new();
    for (text, values) in requests {
        results.extend(database.engine.run(text, &values)?);
    }
    let wrote = results.iter().any(|result| result["meta"]["changed_db"] == true);
    let answer = Answer::result(Value::Array(results));
    Ok(if wrote { answer.with(database.changed()) } else { answer })
}

fn batched(item: &Value) -> Result<(&str, Vec<String>), Refusal> {
    let text = item["sql"].as_str().ok_or_else(|| bad_property("batch"))?;
    Ok((text, bound(&item["params"])?))
}

fn bound(values: &Value) -> Result<Vec<String>, Refusal> {
    let texts = match values {
        Value::Null => Some(Vec::new()),
        Value::Array(values) => values.iter().map(|value| value.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    texts.ok_or_else(|| bad_property("params"))
}

fn mode(call: &Call) -> Result<Option<String>, Refusal> {
    match call.field("read_replication") {
        Value::Null => Ok(None),
        wanted => choice(&wanted["mode"], &MODES, "read_replication")?
            .map(Some)
            .ok_or_else(|| bad_property("read_replication")),
    }
}

fn choice(value: &Value, allowed: &[&str], name: &str) -> Result<Option<String>, Refusal> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if allowed.contains(&text.as_str()) => Ok(Some(text.clone())),
        _ => Err(bad_property(name)),
    }
}

fn missing() -> Refusal {
    Refusal::new(404, 7404, "there is no such database")
}

fn bad_property(name: &str) -> Refusal {
    Refusal::new(400, 7400, format!("invalid property: {name}"))
}
