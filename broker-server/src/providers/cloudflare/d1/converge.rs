//! From a database that exists to one as it is wanted: replication, then each migration once.

use sutler_catalog::cloudflare::d1::{Migration, Parameters};

use super::{
    super::{
        client::CallError,
        recorded::{self, next, unknown_step},
    },
    D1, Known, LEDGER, MIGRATE, REPLICATE, known,
    known::Applied,
    not_created,
};
use crate::providers::{
    Attempt, Progress, ProviderError, ProvisionedInstance, Refusal, Repeatability, Step, Usability,
};

/// The table of applied migrations, as wrangler makes it.
const LEDGER_TABLE: &str = "CREATE TABLE IF NOT EXISTS d1_migrations(\
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, \
    applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL);";

/// What the database is to become.
pub(super) struct Goal {
    pub(super) wanted: Parameters,
    /// What it is now, when it is changed rather than created.
    pub(super) present: Option<Parameters>,
    /// Whether a change names the replication: it is told to Cloudflare even if it is what was asked for before, since
    /// somebody else may have changed it there.
    pub(super) names_replication: bool,
}

impl Goal {
    /// Whether Cloudflare has to be told about replication.
    fn replicates(&self) -> bool {
        match &self.present {
            None => self.wanted.read_replication.is_some(),
            Some(_) if self.names_replication => true,
            Some(present) => {
                present.read_replication.unwrap_or_default()
                    != self.wanted.read_replication.unwrap_or_default()
            }
        }
    }
}

impl D1 {
    /// What follows when the database is there.
    pub(super) fn after_creation(
        &self,
        known: Known,
        goal: &Goal,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        known.id()?;
        if goal.replicates() { next(REPLICATE, &known) } else { self.after_replication(known, goal) }
    }

    fn after_replication(
        &self,
        known: Known,
        goal: &Goal,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        match known.next_migration(&goal.wanted) {
            Some(_) => next(LEDGER, &known),
            None => self.done(&known, goal),
        }
    }

    fn after_migration(
        &self,
        known: Known,
        goal: &Goal,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        match known.next_migration(&goal.wanted) {
            Some(_) => next(MIGRATE, &known),
            None => self.done(&known, goal),
        }
    }

    pub(super) fn done(
        &self,
        known: &Known,
        goal: &Goal,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let account = self.databases.client().account();
        let id = known.id()?;
        Ok(Progress::Done(ProvisionedInstance {
            record: recorded::record(known)?,
            dashboard_url: Some(format!("https://dash.cloudflare.com/{account}/workers/d1/databases/{id}")),
            labels: serde_json::Map::new(),
            attributes: Self::attributes(known, &goal.wanted),
        }))
    }

    /// Refuses what cannot change, then goes on like a creation whose database is there.
    pub(super) fn begin_change(
        &self,
        step: &Step<'_>,
        goal: &Goal,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let known: Known = recorded::remembered(step.instance.record.as_ref()).ok_or_else(not_created)?;
        let problems =
            goal.present.as_ref().map(|present| known::refused_changes(&known, present, &goal.wanted));
        match problems {
            Some(problems) if !problems.is_empty() => {
                Err(ProviderError::refused(Refusal::Unsupported, problems.join("; ")))
            }
            _ => self.after_creation(known, goal),
        }
    }

    /// One of the steps after the creation.
    pub(super) async fn complete(
        &self,
        step: &Step<'_>,
        goal: &Goal,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let known: Known = recorded::data(step.checkpoint)?;
        let id = known.id()?;
        match step.checkpoint.step.as_str() {
            REPLICATE => {
                let mode = goal.wanted.read_replication.unwrap_or_default();
                let outcome = self.databases.replicate(id, mode).await;
                outcome.map_err(|error| failed(error, "set the read replication of the database"))?;
                self.after_replication(known, goal)
            }
            LEDGER => {
                let outcome = self.databases.execute(id, LEDGER_TABLE).await;
                outcome.map_err(|error| failed(error, "make the table of applied migrations"))?;
                self.after_migration(known, goal)
            }
            MIGRATE => match known.next_migration(&goal.wanted) {
                None => self.done(&known, goal),
                Some(migration) => {
                    self.migrate(step.attempt, id, migration).await.map_err(|error| {
                        stopped(error, migration, known.migrations.len(), goal.wanted.migrations.len())
                    })?;
                    let mut known = known.clone();
                    known.migrations.push(Applied::of(migration));
                    self.after_migration(known, goal)
                }
            },
            other => Err(unknown_step(other)),
        }
    }

    /// Applies a migration unless the ledger has it. Entry and text are one string, so both are there or neither; when
    /// the entry is there already, its uniqueness stops the text before it runs. The statement at the end does nothing: D1
    /// refuses a text that ends with a comment or one semicolon too many, as files do.
    async fn migrate(&self, attempt: Attempt, id: &str, migration: &Migration) -> Result<(), CallError> {
        if attempt == Attempt::Again && self.is_applied(id, migration).await? {
            return Ok(());
        }
        let sql = format!(
            "INSERT INTO d1_migrations(name) VALUES('{}');\n{}\n;SELECT 1;",
            quoted(&migration.name),
            migration.sql
        );
        match self.databases.execute(id, &sql).await {
            Err(refused @ CallError::Refused { .. }) => match self.is_applied(id, migration).await {
                Ok(true) => Ok(()),
                Ok(false) => Err(refused),
                Err(error) => Err(error),
            },
            other => other,
        }
    }

    async fn is_applied(&self, id: &str, migration: &Migration) -> Result<bool, CallError> {
        self.databases.has_row(id, "SELECT name FROM d1_migrations WHERE name = ?1", &migration.name).await
    }
}

/// Only what needs no quoting, whatever the schema let through.
fn quoted(name: &str) -> String {
    name.replace('\'', "''")
}

/// A step behind the creation did not succeed.
fn failed(error: CallError, doing: &str) -> ProviderError {
    match error {
        CallError::Missing { .. } => ProviderError::Failed {
            description: format!("could not {doing}: the database is gone"),
            usable: Usability::Unusable,
            repeat: Repeatability::Pointless,
        },
        error => error.while_completing(doing),
    }
}

/// A migration did not succeed.
fn stopped(error: CallError, migration: &Migration, applied: usize, all: usize) -> ProviderError {
    let doing = format!("apply the migration {} (number {} of {all})", migration.name, applied + 1);
    match failed(error, &doing) {
        ProviderError::Failed { description, usable: Usability::Usable, repeat } => ProviderError::Failed {
            description: format!(
                "{description}. Nothing of it was applied; {applied} before it were. Correct it and update the instance"
            ),
            usable: Usability::Usable,
            repeat,
        },
        other => other,
    }
}
