//! What exists at the vendor at one moment, in the words of the tests.

use std::collections::BTreeMap;

use crate::cloudflare::{DomainState, Kind, Snapshot, ThingState};

/// What exists at the vendor at one moment, as the fake tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Live(Snapshot);

impl Live {
    /// From the fake's own account of itself.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self(snapshot)
    }

    /// Everything as the fake tells it.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.0
    }

    /// Databases: name and id.
    #[must_use]
    pub fn databases(&self) -> Vec<(String, String)> {
        self.0.databases.iter().map(|database| (database.name.clone(), database.uuid.clone())).collect()
    }

    /// Token values.
    #[must_use]
    pub fn tokens(&self) -> Vec<String> {
        self.0.tokens.iter().map(|token| token.value.clone()).collect()
    }

    /// The secrets of a Worker: name and value.
    #[must_use]
    pub fn worker_secrets(&self, script: &str) -> BTreeMap<String, String> {
        self.0
            .scripts
            .iter()
            .find(|state| state.name == script)
            .map(|state| state.secrets.clone())
            .unwrap_or_default()
    }

    /// The names of the migrations that a database's own ledger holds, in order.
    #[must_use]
    pub fn migrations_of(&self, database: &str) -> Vec<String> {
        let state = self.0.databases.iter().find(|state| state.uuid == database);
        let rows = state.and_then(|state| state.tables.get("d1_migrations")).cloned().unwrap_or_default();
        rows.iter().filter_map(|row| row["name"].as_str().map(str::to_owned)).collect()
    }

    /// Host names of all custom domains.
    #[must_use]
    pub fn pages_domains(&self) -> Vec<String> {
        self.domains().map(|domain| domain.name.clone()).collect()
    }

    /// Host names of the custom domains that are active.
    #[must_use]
    pub fn active_pages_domains(&self) -> Vec<String> {
        self.domains().filter(|domain| domain.status == "active").map(|domain| domain.name.clone()).collect()
    }

    /// Everything that could have been made through a broker, in words; scripts and projects themselves are not.
    #[must_use]
    pub fn managed_objects(&self) -> Vec<String> {
        let databases = self.0.databases.iter().map(|database| format!("database {}", database.name));
        let tokens = self.0.tokens.iter().map(|token| format!("token {}", token.name));
        let secrets = self.0.scripts.iter().flat_map(|script| {
            script.secrets.keys().map(move |name| format!("secret {}/{name}", script.name))
        });
        let domains = self.domains().map(|domain| format!("domain {}", domain.name));
        let things = self.0.things.iter().map(|thing| format!("{:?} {}", thing.kind, thing.name));
        databases.chain(tokens).chain(secrets).chain(domains).chain(things).collect()
    }

    /// The objects of one of the simpler products, oldest first.
    pub fn things(&self, kind: Kind) -> impl Iterator<Item = &ThingState> {
        self.0.things.iter().filter(move |thing| thing.kind == kind)
    }

    fn domains(&self) -> impl Iterator<Item = &DomainState> {
        self.0.projects.iter().flat_map(|project| &project.domains)
    }
}
