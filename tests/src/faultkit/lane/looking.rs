//! What is looked at in a lane: everything the checkers want, and everything that explains what they found.

use std::{collections::BTreeSet, path::Path};

use serde_json::json;

use super::{
    super::{
        checks::{self, Captured, Moment},
        dump::StoreDump,
        evidence::{Evidence, Exchange, Violation},
    },
    Lane,
};
use crate::{cloudflare::Snapshot, world::WorldError};

impl Lane {
    /// Lets all checkers look.
    pub async fn check(&mut self, moment: Moment) {
        self.counts.checks += 1;
        let store = match self.dump().await {
            Ok(store) => store,
            // a store that was never made holds nothing
            Err(_) if self.platform.history.is_empty() => return,
            Err(error) => return self.found.push(Violation::new("I-26", error.to_string())),
        };
        let (ledger, vendor) = (self.vendor.ledger_after(self.ledger_from), self.vendor.state());
        let evidence = Evidence {
            ledger: &ledger,
            vendor: &vendor,
            foreign: &self.foreign,
            store: &store,
            history: &self.platform.history,
        };
        self.found.extend(checks::violations(&evidence, moment));
        for (name, value) in secrets_at(&vendor) {
            if self.secrets.iter().all(|(_, known)| *known != value) {
                self.secrets.push((name, value));
            }
        }
    }

    /// Lets the checkers look at a copy of the store that was made a moment ago.
    pub(in super::super) async fn check_copy(&mut self, copy: &Path, moment: Moment) {
        self.counts.checks += 1;
        let store = match StoreDump::of_sqlite(copy, &instances(&self.platform.history)) {
            Ok(store) => store,
            Err(error) => return self.found.push(Violation::new("B25", error.to_string())),
        };
        let (ledger, vendor) = (self.vendor.ledger_after(self.ledger_from), self.vendor.state());
        let evidence = Evidence {
            ledger: &ledger,
            vendor: &vendor,
            foreign: &self.foreign,
            store: &store,
            history: &self.platform.history,
        };
        self.found.extend(checks::violations(&evidence, moment));
    }

    /// The store, of which what belongs to earlier cases is left out.
    pub(super) async fn dump(&self) -> Result<StoreDump, WorldError> {
        self.memory.dump(&instances(&self.platform.history)).await
    }

    /// Ends a case: nothing of it may be left at the vendor. The next one begins with a clean slate.
    pub fn finish_case(&mut self) -> Vec<Violation> {
        let (ledger, vendor) = (self.vendor.ledger_after(self.ledger_from), self.vendor.state());
        self.counts.cases += 1;
        self.counts.vendor_calls += ledger.len() as u64;
        if lasting(&vendor) != lasting(&self.foreign) {
            self.found.push(Violation::new(
                "I-01",
                "after everything was deleted, something is left at the vendor",
            ));
        }
        let broken = ledger.iter().flat_map(|entry| &entry.contract_violations);
        self.found.extend(broken.map(|violation| Violation::new("S-62", violation)));
        self.last = (std::mem::take(&mut self.platform.history), self.ledger_from);
        self.ledger_from = self.vendor.ledger_length();
        self.phases.clear();
        std::mem::take(&mut self.found)
    }

    /// Looks for every secret in everything the broker wrote (I-28).
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn leaks(&self) -> Result<Vec<Violation>, WorldError> {
        let mut captured = self.memory.written().await?;
        let place = self.broker.log();
        let bytes =
            std::fs::read(&place).map_err(|error| WorldError::new("reading a broker's log", error))?;
        captured.push(Captured { place, bytes });
        Ok(checks::leaks(&captured, &self.secrets))
    }

    /// Keeps everything that explains a failure in a folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn keep(&self, folder: &Path, found: &[Violation]) -> std::io::Result<()> {
        let (history, ledger_from) = &self.last;
        let store = self.memory.dump(&instances(history)).await;
        std::fs::create_dir_all(folder)?;
        let write =
            |name: &str, value: &serde_json::Value| std::fs::write(folder.join(name), format!("{value:#}\n"));
        write("violations.json", &json!(found))?;
        write("history.json", &json!(history))?;
        write("ledger.json", &json!(self.vendor.ledger_after(*ledger_from)))?;
        write("vendor.json", &json!(self.vendor.state()))?;
        if let Ok(store) = store {
            write("store.json", &json!(store))?;
        }
        for file in ["broker.log", "broker.db", "broker.db-wal", "faults.plan", "broker.yaml"] {
            // what was never made cannot be kept
            let _ = std::fs::copy(self.broker.folder().join(file), folder.join(file));
        }
        Ok(())
    }
}

/// The instances that a platform asked for.
fn instances(history: &[Exchange]) -> Vec<String> {
    let instances: BTreeSet<&String> = history.iter().map(|exchange| &exchange.asked.instance).collect();
    instances.into_iter().cloned().collect()
}

/// Everything at the vendor that nobody may see.
fn secrets_at(vendor: &Snapshot) -> impl Iterator<Item = (String, String)> {
    let tokens = vendor.tokens.iter().map(|token| (&token.name, &token.value));
    let of_workers = vendor.scripts.iter().flat_map(|script| &script.secrets);
    tokens.chain(of_workers).map(|(name, value)| (name.clone(), value.clone()))
}

/// What is at the vendor, without how often it was changed or read.
fn lasting(vendor: &Snapshot) -> Snapshot {
    let mut lasting = vendor.clone();
    lasting.scripts.iter_mut().for_each(|script| script.versions = 0);
    for domain in lasting.projects.iter_mut().flat_map(|project| &mut project.domains) {
        domain.reads = 0;
        // it becomes active by being looked at
        domain.status.clear();
    }
    lasting
}
