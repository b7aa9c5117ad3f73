//! When a migration is done: its entry in the ledger is committed with its last change, not after it (A46).

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use sutler_secrets::KeyRing;

use super::chain::Entry;
use super::simulate::Catalogs;
use super::standing::{Environment, is_unsettled};
use super::step::MigrationStep;
use crate::config::Config;
use crate::execute::Closing;
use crate::plan::Protection;
use crate::state::record::InstanceRecord;
use crate::state::{Change, LedgerEntry, LedgerOutcome};

/// What is watched for.
#[derive(Debug)]
pub struct Completion {
    steps: Vec<MigrationStep>,
    config: Arc<Config>,
    catalogs: Catalogs,
    ring: Arc<KeyRing>,
    entry: LedgerEntry,
    since: Instant,
}

impl Completion {
    /// Of a migration that is being carried out with this configuration; the entry says that it was begun.
    #[must_use]
    pub fn new(
        migration: &Entry,
        (config, catalogs, ring): (Arc<Config>, Catalogs, Arc<KeyRing>),
        entry: LedgerEntry,
    ) -> Self {
        Self { steps: migration.steps.clone(), config, catalogs, ring, entry, since: Instant::now() }
    }

    fn is_settled(&self, step: &MigrationStep, records: &[InstanceRecord]) -> bool {
        let record = records.binary_search_by(|record| record.reference.cmp(&step.reference));
        match record {
            found if step.action.takes_out() => found.is_err(),
            Ok(at) => !is_unsettled(&records[at]),
            Err(_) => false,
        }
    }

    fn is_done(&self, records: &[InstanceRecord]) -> bool {
        if !self.steps.iter().all(|step| self.is_settled(step, records)) {
            return false;
        }
        let environment = Environment {
            config: &self.config,
            records,
            serial: 0,
            catalogs: &self.catalogs,
            now: Timestamp::now(),
            ring: &self.ring,
            protection: Protection::Overridden,
        };
        match environment.plan(&self.config, self.steps.iter().map(|step| &step.reference)) {
            Ok(Some(plan)) => !plan.changes_anything(),
            Ok(None) => true,
            Err(_) => false,
        }
    }
}

impl Closing for Completion {
    fn entry(&self, records: &[InstanceRecord]) -> Option<Change> {
        self.is_done(records).then(|| Change::enter(done(self.entry.clone(), self.since), "applied"))
    }
}

/// The entry of what was begun, now that it is done.
pub(super) fn done(entry: LedgerEntry, since: Instant) -> LedgerEntry {
    LedgerEntry {
        outcome: LedgerOutcome::Applied,
        finished: Some(jiff::Timestamp::now().to_string()),
        duration_ms: u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
        ..entry
    }
}

impl Completion {
    /// The entry of a migration that had nothing to do.
    #[must_use]
    pub fn of_nothing(entry: LedgerEntry) -> LedgerEntry {
        done(entry, Instant::now())
    }
}
