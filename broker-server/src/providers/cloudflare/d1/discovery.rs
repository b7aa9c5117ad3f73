//! Databases that nobody tracks: listing them, and taking one over as it is.

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use sutler_catalog::cloudflare::d1::Parameters;

use super::{
    super::{client::CallError, client::Cursor, recorded},
    D1, Goal, Known,
    database::{Database, Replication},
};
use crate::providers::{
    Discovery, InstanceFacts, ObjectsPage, Progress, ProviderError, ProvisionedInstance, Refusal, Step,
    VendorThing, mark_of_name,
};

#[async_trait]
impl Discovery for D1 {
    async fn page(&self, cursor: Option<&str>) -> Result<ObjectsPage, ProviderError> {
        let cursor = Cursor::read(cursor)?;
        let found = self.databases.page(cursor).await;
        let (databases, next) = found.map_err(|error| error.while_asking("list the databases"))?;
        let objects = databases.into_iter().map(|database| thing(&database)).collect();
        Ok(ObjectsPage { objects, next: next.map(Cursor::written) })
    }

    async fn object(&self, id: &str) -> Result<Option<VendorThing>, ProviderError> {
        Ok(self.look_up(id).await?.map(|database| thing(&database)))
    }

    /// Asks only. Cloudflare gives no other name to a database, so nothing can be put on it: that it is ours stands in our
    /// record.
    async fn adopt(&self, step: Step<'_>, id: &str) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted: Parameters = recorded::wanted(&step.instance.parameters)?;
        let Some(found) = self.look_up(id).await? else {
            let description = format!("there is no database with the id {id} in the account");
            return Err(ProviderError::refused(Refusal::Unsupported, description));
        };
        if mark_of_name(&found.name).is_some() {
            let description =
                format!("the database {} carries the mark of another instance; it is left alone", found.name);
            return Err(ProviderError::refused(Refusal::Conflict, description));
        }
        let problems = problems(&wanted, &found);
        if !problems.is_empty() {
            return Err(ProviderError::refused(Refusal::Unsupported, problems.join("; ")));
        }
        let known = Known {
            database_name: found.name,
            database_id: Some(found.uuid),
            migrations: Vec::new(),
            adopted: true,
        };
        self.done(&known, &Goal { wanted, present: None, names_replication: false })
    }

    fn object_of(&self, instance: &InstanceFacts) -> Option<String> {
        let known: Known = recorded::remembered(instance.record.as_ref())?;
        known.database_id
    }
}

impl D1 {
    async fn look_up(&self, id: &str) -> Result<Option<Database>, ProviderError> {
        if uuid::Uuid::try_parse(id).is_err() {
            return Ok(None);
        }
        match self.databases.read(id).await {
            Ok(found) if found.uuid == id => Ok(Some(found)),
            Ok(_) | Err(CallError::Missing { .. }) => Ok(None),
            Err(error) => Err(error.while_asking("read the database")),
        }
    }
}

/// What can be said of a database. Without a word about replication there is nothing to ask for.
fn thing(database: &Database) -> VendorThing {
    let mut parameters = Map::new();
    if let Some(jurisdiction) = &database.jurisdiction {
        parameters.insert("jurisdiction".to_owned(), json!(jurisdiction));
    }
    if let Some(mode) = mode(database).filter(|mode| *mode != "disabled") {
        parameters.insert("read_replication".to_owned(), json!(mode));
    }
    VendorThing {
        id: database.uuid.clone(),
        name: database.name.clone(),
        mark: mark_of_name(&database.name).map(str::to_owned),
        parameters,
        not_adoptable: None,
    }
}

fn mode(database: &Database) -> Option<&str> {
    database.read_replication.as_ref().map(|Replication { mode }| mode.as_str())
}

/// Where what is asked for is not what is there, or nobody can tell whether it is.
fn problems(wanted: &Parameters, found: &Database) -> Vec<String> {
    let mut problems = Vec::new();
    if wanted.primary_location_hint.is_some() {
        problems
            .push("primary_location_hint: cannot be told of a database that exists; leave it out".to_owned());
    }
    if !wanted.migrations.is_empty() {
        problems.push(
            "migrations: leave them out; what was applied before is not compared, and new ones can be added afterwards"
                .to_owned(),
        );
    }
    let word = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned));
    let jurisdiction = word(wanted.jurisdiction.map(|jurisdiction| json!(jurisdiction)));
    if jurisdiction != found.jurisdiction {
        problems.push(differs("jurisdiction", jurisdiction.as_deref(), found.jurisdiction.as_deref()));
    }
    let replication = word(Some(json!(wanted.read_replication.unwrap_or_default())));
    if mode(found).is_some_and(|mode| Some(mode) != replication.as_deref()) {
        problems.push(differs("read_replication", replication.as_deref(), mode(found)));
    }
    problems
}

fn differs(name: &str, wanted: Option<&str>, found: Option<&str>) -> String {
    let (wanted, found) = (wanted.unwrap_or("unset"), found.unwrap_or("unset"));
    format!("{name}: is {found} at Cloudflare, not {wanted}; adopt it as it is, and change it afterwards")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_adopted_as_it_is_or_not_at_all() {
        let found = |jurisdiction: Option<&str>, mode: &str| Database {
            uuid: "u".to_owned(),
            name: "n".to_owned(),
            jurisdiction: jurisdiction.map(str::to_owned),
            read_replication: Some(Replication { mode: mode.to_owned() }),
        };
        let wanted = |value: Value| serde_json::from_value::<Parameters>(value).unwrap();
        for (parameters, database, told) in [
            (json!({}), found(None, "disabled"), None),
            (json!({ "read_replication": "auto" }), found(None, "auto"), None),
            (json!({ "jurisdiction": "eu" }), found(Some("eu"), "disabled"), None),
            (json!({}), found(None, "auto"), Some("read_replication: is auto at Cloudflare, not disabled")),
            (json!({}), found(Some("eu"), "disabled"), Some("jurisdiction: is eu at Cloudflare, not unset")),
            (json!({ "jurisdiction": "us" }), found(None, "disabled"), Some("jurisdiction: is unset")),
            (
                json!({ "primary_location_hint": "weur" }),
                found(None, "disabled"),
                Some("primary_location_hint: "),
            ),
            (
                json!({ "migrations": [{ "name": "a", "sql": "b" }] }),
                found(None, "disabled"),
                Some("migrations: "),
            ),
        ] {
            let problems = problems(&wanted(parameters.clone()), &database);
            match told {
                None => assert!(problems.is_empty(), "{parameters}: {problems:?}"),
                Some(told) => assert!(problems.len() == 1 && problems[0].starts_with(told), "{problems:?}"),
            }
        }
    }

    #[test]
    fn what_describes_a_database_is_what_adopting_takes() {
        let database = Database {
            uuid: "u".to_owned(),
            name: "n".to_owned(),
            jurisdiction: Some("eu".to_owned()),
            read_replication: Some(Replication { mode: "auto".to_owned() }),
        };
        let described = Value::Object(thing(&database).parameters);
        assert!(problems(&serde_json::from_value(described).unwrap(), &database).is_empty());
    }
}
