//! The vendor account that a provider's calls count against.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::budget::{AccountKey, Budget};

/// A vendor account with its call budget. Clones count together: the provider's client counts every call it makes, the
/// engine's governor sees to it that there are not too many, over all processes that share a store.
#[derive(Debug, Clone)]
pub struct Account {
    key: AccountKey,
    budget: Budget,
    calls: Arc<AtomicU64>,
}

impl Account {
    /// An account that takes so many calls.
    #[must_use]
    pub fn new(key: AccountKey, budget: Budget) -> Self {
        Self { key, budget, calls: Arc::default() }
    }

    /// Its name.
    #[must_use]
    pub fn key(&self) -> &AccountKey {
        &self.key
    }

    /// How many calls it takes.
    #[must_use]
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// Counts a call to the vendor, reads included. A step that makes none is counted as one.
    pub fn count_call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// The calls counted so far, by this process.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}
