//! Objects of one product that are made, looked at, changed and deleted, oldest first.

use std::time::Instant;

use indexmap::IndexMap;
use serde_json::Value;

use super::snapshot::ThingState;
use crate::cloudflare::ledger::{Effect, Kind};

/// One object.
#[derive(Debug, Clone)]
pub(crate) struct Thing {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) born: Instant,
    /// How the vendor shows it.
    pub(crate) shown: Value,
    /// What the vendor knows of it and does not show, or shows elsewhere.
    pub(crate) hidden: Value,
}

/// All objects of a product.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    kind: Kind,
    things: IndexMap<String, Thing>,
}

impl Shelf {
    pub(super) fn of(kind: Kind) -> Self {
        Self { kind, things: IndexMap::new() }
    }

    pub(super) fn get(&self, id: &str) -> Option<&Thing> {
        self.things.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Thing> {
        self.things.get_mut(id)
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Thing> {
        self.things.values()
    }

    pub(super) fn has_name(&self, name: &str) -> bool {
        self.things.values().any(|thing| thing.name == name)
    }

    /// Puts a new object on the shelf.
    pub(super) fn put(&mut self, id: &str, name: &str, shown: Value, hidden: Value) -> Effect {
        let thing = Thing { id: id.to_owned(), name: name.to_owned(), born: Instant::now(), shown, hidden };
        self.things.insert(thing.id.clone(), thing);
        Effect::created(self.kind, id, name)
    }

    pub(super) fn take(&mut self, id: &str) -> Option<(Thing, Effect)> {
        let thing = self.things.shift_remove(id)?;
        let effect = Effect::deleted(self.kind, &thing.id, &thing.name);
        Some((thing, effect))
    }

    /// Everything that lies in a zone goes with it.
    pub(super) fn forget_in(&mut self, zone: &str) {
        self.things.retain(|_, thing| thing.hidden["zone"] != zone);
    }

    /// Everything of this name goes, and the ledger does not hear of it.
    pub(super) fn forget_named(&mut self, name: &str) {
        self.things.retain(|_, thing| thing.name != name);
    }

    /// What the ledger says of a change.
    pub(super) fn changed(&self, thing: &Thing) -> Effect {
        Effect::changed(self.kind, &thing.id, &thing.name)
    }

    pub(super) fn states(&self) -> impl Iterator<Item = ThingState> {
        self.things.values().map(|thing| ThingState {
            kind: self.kind,
            id: thing.id.clone(),
            name: thing.name.clone(),
            shown: thing.shown.clone(),
            hidden: thing.hidden.clone(),
        })
    }
}
