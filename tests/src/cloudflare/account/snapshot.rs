//! Everything that exists at one moment, secrets included. For tests only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Account;
use super::shelf::Shelf;
use crate::cloudflare::ledger::Kind;

/// All live objects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// D1 databases, oldest first.
    pub databases: Vec<DatabaseState>,
    /// Account tokens, oldest first.
    pub tokens: Vec<TokenState>,
    /// Workers with their secrets.
    pub scripts: Vec<ScriptState>,
    /// Pages projects with their domains.
    pub projects: Vec<ProjectState>,
    /// Tags.
    pub tags: Vec<TagState>,
    /// Everything else, product by product, oldest first.
    pub things: Vec<ThingState>,
}

/// An object of one of the simpler products.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThingState {
    /// What sort of object.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How the vendor shows it.
    pub shown: Value,
    /// What the vendor does not show, or shows elsewhere.
    pub hidden: Value,
}

/// A D1 database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatabaseState {
    /// Its id.
    pub uuid: String,
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at: String,
    /// Where its data must stay.
    pub jurisdiction: Option<String>,
    /// Where it was wished to be; the vendor's interface does not show it.
    pub primary_location_hint: Option<String>,
    /// `auto` or `disabled`.
    pub read_replication: String,
    /// Each table with its rows.
    pub tables: BTreeMap<String, Vec<Value>>,
}

/// An account token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenState {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The value that is accepted now.
    pub value: String,
    /// `active`, `disabled` or `expired`.
    pub status: String,
    /// Its policies, as the vendor shows them.
    pub policies: Value,
    /// Its condition.
    pub condition: Option<Value>,
    /// When it ends.
    pub expires_on: Option<String>,
    /// When it begins.
    pub not_before: Option<String>,
    /// When it was created.
    pub issued_on: String,
}

/// A Worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScriptState {
    /// Its name.
    pub name: String,
    /// Each secret with its value.
    pub secrets: BTreeMap<String, String>,
    /// How many versions the changes of its secrets have made.
    pub versions: u64,
    /// Whether its newest version is not the deployed one.
    pub undeployed_version: bool,
}

/// A Pages project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProjectState {
    /// Its name.
    pub name: String,
    /// Its own host name.
    pub subdomain: String,
    /// Its custom domains.
    pub domains: Vec<DomainState>,
}

/// A custom domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainState {
    /// Its id.
    pub id: String,
    /// The host name.
    pub name: String,
    /// Where its validation stands.
    pub status: String,
    /// How often it was read since the validation began.
    pub reads: u32,
}

/// The tags of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagState {
    /// What sort of object.
    pub resource_type: String,
    /// Its id.
    pub resource_id: String,
    /// The tags.
    pub tags: BTreeMap<String, String>,
}

impl Account {
    /// Everything that exists now. Taking it changes nothing.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            databases: self.databases.states(),
            tokens: self.tokens.states(),
            scripts: self.scripts.states(),
            projects: self.pages.states(self.pace),
            tags: self.tags.states(),
            things: self
                .shelves()
                .into_iter()
                .chain(self.registrar.shelves())
                .chain(self.registrar_sandbox.shelves())
                .flat_map(Shelf::states)
                .collect(),
        }
    }
}
