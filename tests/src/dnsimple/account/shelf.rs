//! Objects of one sort, oldest first.

use std::time::{Duration, Instant};

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;

use crate::dnsimple::ledger::{Effect, Kind};

/// One object.
#[derive(Debug, Clone, Serialize)]
pub struct Thing {
    /// Its sort.
    pub kind: Kind,
    /// Its number.
    pub id: u64,
    /// The name of a domain, or of the domain that it belongs to; empty for a contact.
    pub name: String,
    /// How DNSimple shows it.
    pub shown: Value,
    #[serde(skip)]
    born: Instant,
    /// How often it was looked at since it changed.
    #[serde(skip)]
    pub(super) looks: u32,
}

/// All objects of a sort.
#[derive(Debug)]
pub(crate) struct Shelf {
    kind: Kind,
    things: IndexMap<u64, Thing>,
}

impl Shelf {
    pub(super) fn of(kind: Kind) -> Self {
        Self { kind, things: IndexMap::new() }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Thing> {
        self.things.values()
    }

    /// Those that lists show by now.
    pub(super) fn listed(&self, delay: Duration) -> impl Iterator<Item = &Thing> {
        self.things.values().filter(move |thing| thing.born.elapsed() >= delay)
    }

    /// By number.
    pub(super) fn get(&self, id: &str) -> Option<&Thing> {
        self.things.get(&id.parse::<u64>().ok()?)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Thing> {
        self.things.get_mut(&id.parse::<u64>().ok()?)
    }

    /// By name or number.
    pub(super) fn named(&self, text: &str) -> Option<&Thing> {
        self.get(text).or_else(|| self.things.values().find(|thing| thing.name == text))
    }

    pub(super) fn named_mut(&mut self, text: &str) -> Option<&mut Thing> {
        let id = self.named(text)?.id;
        self.things.get_mut(&id)
    }

    /// Puts a new object on the shelf.
    pub(super) fn put(&mut self, id: u64, name: &str, shown: Value) -> Effect {
        let born = Instant::now();
        let thing = Thing { kind: self.kind, id, name: name.to_owned(), shown, born, looks: 0 };
        self.things.insert(id, thing);
        Effect::created(self.kind, &id.to_string(), name)
    }

    pub(super) fn take(&mut self, id: u64) -> Option<Effect> {
        let thing = self.things.shift_remove(&id)?;
        Some(Effect::deleted(self.kind, &thing.id.to_string(), &thing.name))
    }

    /// Everything that belongs to a domain goes with it.
    pub(super) fn forget_of(&mut self, name: &str) {
        self.things.retain(|_, thing| thing.name != name);
    }
}

impl Thing {
    /// What the ledger says of a change.
    pub(super) fn changed(&self) -> Effect {
        Effect::changed(self.kind, &self.id.to_string(), &self.name)
    }
}
