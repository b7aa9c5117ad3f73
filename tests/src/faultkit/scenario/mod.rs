//! The operations of the sweep: what is there before, what is asked for, what has to be true, what is cleaned up.

mod story;
mod things;

use std::{fmt, str::FromStr};

pub use self::story::Story;
pub(super) use self::things::{PROJECT, SCRIPT, host_of, secrets_of};
use super::platform::Mode;

/// What an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// A database: unique names (class N).
    Database,
    /// A policy, of which each binding is a token: shown once (class X).
    Token,
    /// A set of secrets of a Worker: may be written again (class R).
    Secrets,
    /// A domain of a project: unique, and awaited.
    Domain,
    /// An instance of the probe whose bindings can be rotated: no vendor.
    Probe,
}

/// What is done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// It is made.
    Provision,
    /// It is changed.
    Update,
    /// It is deleted, with a binding that nobody unbound where it can be bound.
    Deprovision,
    /// Credentials of it are made.
    Bind,
    /// They are revoked.
    Unbind,
    /// Others take the place of credentials that are there.
    Rotate,
}

/// An operation on something of a certain kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scenario {
    /// What is done.
    pub verb: Verb,
    /// To what.
    pub thing: Thing,
}

impl Scenario {
    /// Every operation of every offering. A domain has nothing that can be changed: its update asks for nothing.
    pub const ALL: [Self; 17] = [
        Self::new(Verb::Provision, Thing::Database),
        Self::new(Verb::Bind, Thing::Token),
        Self::new(Verb::Provision, Thing::Secrets),
        Self::new(Verb::Provision, Thing::Domain),
        Self::new(Verb::Unbind, Thing::Token),
        Self::new(Verb::Update, Thing::Database),
        Self::new(Verb::Deprovision, Thing::Database),
        Self::new(Verb::Update, Thing::Token),
        Self::new(Verb::Deprovision, Thing::Token),
        Self::new(Verb::Update, Thing::Secrets),
        Self::new(Verb::Deprovision, Thing::Secrets),
        Self::new(Verb::Deprovision, Thing::Domain),
        Self::new(Verb::Rotate, Thing::Probe),
        Self::new(Verb::Provision, Thing::Token),
        Self::new(Verb::Bind, Thing::Database),
        Self::new(Verb::Unbind, Thing::Database),
        Self::new(Verb::Update, Thing::Domain),
    ];

    const fn new(verb: Verb, thing: Thing) -> Self {
        Self { verb, thing }
    }

    /// A plan that kills the broker in the middle: of the first call that changes something, where there is one.
    #[must_use]
    pub fn interrupted(self) -> &'static str {
        if self.calls_nobody() { "B16=kill@1" } else { "B10=kill@2" }
    }

    /// Whether it changes nothing at the vendor.
    fn calls_nobody(self) -> bool {
        match self.thing {
            Thing::Probe => true,
            Thing::Token => self.verb == Verb::Provision,
            Thing::Database => matches!(self.verb, Verb::Bind | Verb::Unbind),
            Thing::Domain => self.verb == Verb::Update,
            Thing::Secrets => false,
        }
    }

    /// How it can be asked for. What takes a vendor minutes is never waited for.
    #[must_use]
    pub fn modes(self) -> &'static [Mode] {
        if self.thing == Thing::Domain { &[Mode::Async] } else { &[Mode::Async, Mode::Sync] }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = format!("{:?}", self.verb).to_lowercase();
        let thing = format!("{:?}", self.thing).to_lowercase();
        write!(f, "{verb}-{thing}")
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|one| one.to_string() == text);
        found.ok_or_else(|| format!("there is no operation '{text}'"))
    }
}
