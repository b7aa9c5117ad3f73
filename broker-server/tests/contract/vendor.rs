//! A vendor of boxes and their keys, in memory: names need not be unique, lists have pages, calls can fail.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sutler_broker_server::providers::contract::Fault;

/// How many rows a page has.
pub(crate) const PAGE: usize = 5;

/// A box, or a key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Thing {
    pub(crate) kind: &'static str,
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) size: u64,
    /// Of a key; shown when it is made and never again.
    pub(crate) value: String,
    /// How far it is.
    pub(crate) state: String,
}

/// What a caller gets instead of an answer, or with one.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    /// Nobody answers.
    Silence,
    /// There is no such thing.
    Missing,
    /// Anything else.
    Status { status: u16, retry_after: Option<u32>, body: String },
}

#[derive(Default)]
struct State {
    things: Vec<Thing>,
    made: u64,
    calls: u64,
    changes: u64,
    fault: Option<(u64, Fault)>,
    struck: bool,
    /// What is shown in place of every state.
    word: Option<String>,
}

/// The vendor.
#[derive(Default)]
pub(crate) struct Vendor(Mutex<State>);

impl Vendor {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One page of everything of a kind, from 0.
    pub(crate) fn list(&self, kind: &str, page: usize) -> Result<Vec<Thing>, Trouble> {
        self.call(|state| {
            let all = state.things.iter().filter(|thing| thing.kind == kind);
            Ok(all.skip(page * PAGE).take(PAGE).cloned().collect())
        })
    }

    pub(crate) fn read(&self, id: u64) -> Result<Thing, Trouble> {
        self.call(|state| {
            let thing = state.things.iter().find(|thing| thing.id == id).cloned().ok_or(Trouble::Missing)?;
            Ok(Thing { state: state.word.clone().unwrap_or(thing.state), ..thing })
        })
    }

    pub(crate) fn create(&self, kind: &'static str, name: &str) -> Result<Thing, Trouble> {
        self.call(|state| Ok(state.make(kind, name)))
    }

    pub(crate) fn resize(&self, id: u64, size: u64) -> Result<(), Trouble> {
        self.call(|state| {
            let thing = state.things.iter_mut().find(|thing| thing.id == id).ok_or(Trouble::Missing)?;
            thing.size = size;
            state.changes += 1;
            Ok(())
        })
    }

    pub(crate) fn delete(&self, id: u64) -> Result<(), Trouble> {
        self.call(|state| {
            let at = state.things.iter().position(|thing| thing.id == id).ok_or(Trouble::Missing)?;
            state.things.remove(at);
            state.changes += 1;
            Ok(())
        })
    }

    /// Counts the call, and lets it meet its fault.
    fn call<T>(&self, work: impl FnOnce(&mut State) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let mut state = self.lock();
        state.calls += 1;
        let calls = state.calls;
        let fault = state.fault.take_if(|(at, _)| *at == calls);
        state.struck |= fault.is_some();
        let status = |page: sutler_broker_server::providers::contract::Page| Trouble::Status {
            status: page.status,
            retry_after: page.retry_after,
            body: page.body,
        };
        match fault.map(|(_, fault)| fault) {
            None => work(&mut state),
            Some(Fault::DropRequest) => Err(Trouble::Silence),
            Some(Fault::Answer(page)) => Err(status(page)),
            Some(Fault::DropAnswer) => work(&mut state).and(Err(Trouble::Silence)),
            Some(Fault::AnswerAfterwards(page)) => work(&mut state).and(Err(status(page))),
        }
    }

    // what a test does past the interface

    pub(crate) fn things(&self) -> Vec<Thing> {
        self.lock().things.clone()
    }

    pub(crate) fn changes(&self) -> u64 {
        self.lock().changes
    }

    pub(crate) fn put(&self, kind: &'static str, name: &str) {
        self.lock().make(kind, name);
    }

    pub(crate) fn clear(&self) {
        self.lock().things.clear();
    }

    pub(crate) fn strike(&self, nth: u64, fault: &Fault) {
        let mut state = self.lock();
        state.fault = Some((state.calls + nth, fault.clone()));
        state.struck = false;
    }

    pub(crate) fn puzzle(&self, word: &str) {
        self.lock().word = Some(word.to_owned());
    }

    pub(crate) fn heal(&self) -> bool {
        let mut state = self.lock();
        (state.fault, state.word) = (None, None);
        std::mem::take(&mut state.struck)
    }
}

impl State {
    fn make(&mut self, kind: &'static str, name: &str) -> Thing {
        self.made += 1;
        self.changes += 1;
        let value = format!("value-{}-that-nobody-says", self.made);
        let (name, state) = (name.to_owned(), "ready".to_owned());
        let thing = Thing { kind, id: self.made, name, size: 0, value, state };
        self.things.push(thing.clone());
        thing
    }
}
