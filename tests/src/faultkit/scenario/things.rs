//! The things of the sweep: their offerings, what is asked of them, and what the vendor has to have then.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sutler_catalog::{
    cloudflare::{d1, pages_domain, secrets, token},
    probe::Behaviour,
};

use super::Thing;

/// The Worker whose secrets are set.
pub(crate) const SCRIPT: &str = "shop";
/// The project whose domains are made.
pub(crate) const PROJECT: &str = "shop";

/// What the names of an instance's secrets begin with.
pub(crate) fn secrets_of(instance: &str) -> String {
    format!("{}_", instance.replace('-', "_").to_uppercase())
}

/// The host name of an instance.
pub(crate) fn host_of(instance: &str) -> String {
    format!("{instance}.shop.example")
}

/// How far something was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As it was made.
    First,
    /// After its update.
    Second,
    /// As nobody made it.
    Other,
}

impl Thing {
    /// Its offering and plan.
    pub(super) fn offering(self) -> (&'static str, &'static str) {
        match self {
            Self::Database => (d1::ID.as_str(), d1::STANDARD.as_str()),
            Self::Token => (token::ID.as_str(), token::STANDARD.as_str()),
            Self::Secrets => (secrets::ID.as_str(), secrets::STANDARD.as_str()),
            Self::Domain => (pages_domain::ID.as_str(), pages_domain::STANDARD.as_str()),
            Self::Probe => {
                let plan = Behaviour::Rotatable;
                (plan.home().id().as_str(), plan.id().as_str())
            }
        }
    }

    /// Whether it can be bound.
    pub(super) fn is_bindable(self) -> bool {
        matches!(self, Self::Database | Self::Token | Self::Probe)
    }

    /// What is asked for to make it.
    pub(super) fn parameters(self, instance: &str, form: Form) -> Value {
        match (self, form) {
            (Self::Database, Form::Other) => json!({ "primary_location_hint": "apac" }),
            (Self::Database, _) => json!({ "migrations": migrations(2) }),
            (Self::Token, Form::Other) => {
                json!({ "resources": { "account": true }, "permissions": ["D1 Read"], "ttl_hours": 7 })
            }
            (Self::Token, _) => json!({ "resources": { "account": true }, "permissions": ["D1 Read"] }),
            (Self::Secrets, form) => {
                json!({ "script": SCRIPT, "secrets": values(instance, form) })
            }
            (Self::Domain, Form::Other) => json!({ "project": PROJECT, "hostname": "other.shop.example" }),
            (Self::Domain, _) => json!({ "project": PROJECT, "hostname": host_of(instance) }),
            (Self::Probe, form) => json!({ "note": format!("{form:?}") }),
        }
    }

    /// What is asked for to change it.
    pub(super) fn change(self, instance: &str) -> Value {
        match self {
            Self::Database => json!({ "migrations": migrations(3), "read_replication": "auto" }),
            Self::Token => json!({ "permissions": ["D1 Write"] }),
            Self::Secrets => json!({ "secrets": values(instance, Form::Second) }),
            Self::Domain => json!({}),
            Self::Probe => json!({ "note": "changed" }),
        }
    }
}

/// The values of an instance's secrets: of two, one is changed, one goes, and another one comes.
pub(super) fn values(instance: &str, form: Form) -> BTreeMap<String, String> {
    let name = |letter| format!("{}{letter}", secrets_of(instance));
    let value = |word: &str| format!("canary-{word}-of-{instance}-5f2a9c1d");
    match form {
        Form::First => [(name('A'), value("alpha")), (name('B'), value("beta"))].into(),
        Form::Second => [(name('A'), value("gamma")), (name('C'), value("delta"))].into(),
        Form::Other => [(name('A'), value("other"))].into(),
    }
}

/// The tables of a database.
pub(super) fn tables(form: Form) -> Vec<String> {
    let count = if form == Form::Second { 3 } else { 2 };
    (1..=count).map(|number| format!("t{number}")).collect()
}

fn migrations(count: usize) -> Value {
    let one = |number| json!({ "name": format!("{number:04}.sql"), "sql": format!("CREATE TABLE t{number} (id INTEGER)") });
    Value::Array((1..=count).map(one).collect())
}
