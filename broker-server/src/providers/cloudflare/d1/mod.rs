//! `cloudflare-d1`: databases, and their migrations applied at most once.
//!
//! ```text
//! begin ──▶ create ──▶ replicate ──▶ ledger ──▶ migrate ──▶ migrate … ──▶ done
//!                 └────────┴───────────┴── what is not asked for is left out
//! ```

mod converge;
mod create;
mod database;
mod discovery;
mod known;
mod remove;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    cloudflare::d1::{self, Parameters, output},
};
use sutler_spec::{BindingBody, PlanId};

use super::{
    client::{CallError, Client},
    recorded::{self, unknown_step},
};
use crate::providers::{
    Account, Announced, BEGIN, Bearers, BindingFacts, Change, CreatedBinding, Discovery, FieldDrift,
    InstanceFacts, Listing, Marker, Need, Observation, Progress, Provider, ProviderError,
    ProvisionedInstance, Record, RecoveryClass, Refusal, Sent, Step, StepName, Work,
};
use converge::Goal;
pub(super) use database::PROBE;
use database::{Database, Databases};
use known::Known;

/// Creates the database.
const CREATE: &str = "create";
/// Waits for a database that exists to be listed.
const ADOPT: &str = "adopt";
/// Sets the read replication.
const REPLICATE: &str = "replicate";
/// Makes the table of applied migrations.
const LEDGER: &str = "ledger";
/// Applies one migration.
const MIGRATE: &str = "migrate";
/// Deletes the database.
const DELETE: &str = "delete";
/// Looks for a database that may have arrived late.
const LOOK_AGAIN: &str = "look_again";

/// The longest name we give.
const NAME_LENGTH: usize = 63;

/// Provides `cloudflare-d1`.
#[derive(Debug)]
pub struct D1 {
    databases: Databases,
}

impl D1 {
    /// Databases in the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self { databases: Databases::new(client) }
    }

    fn name(instance: &InstanceFacts, marker: &Marker) -> String {
        marker.name(instance.name.as_deref(), NAME_LENGTH)
    }

    /// Whether a database of this name is ours. People may have renamed the instance since.
    fn is_ours(name: &str, marker: &Marker) -> bool {
        name.ends_with(&format!("-{}", marker.hex(24))) || name == marker.name(None, NAME_LENGTH)
    }

    /// The list of databases, with the digits that the name of this one ends with: its own page has an address only
    /// once Cloudflare has given it an id (B-PROV-16).
    fn overview(&self, marker: &Marker) -> String {
        let account = self.databases.client().account();
        format!("https://dash.cloudflare.com/{account}/workers/d1#{}", marker.hex(24))
    }

    /// Facts for the platform.
    fn attributes(known: &Known, wanted: &Parameters) -> Map<String, Value> {
        let mut attributes = Map::new();
        let mut add = |name: &str, value: Value| attributes.insert(name.to_owned(), value);
        add(output::DATABASE_ID, json!(known.database_id));
        add(output::DATABASE_NAME, json!(known.database_name));
        if let Some(jurisdiction) = wanted.jurisdiction {
            add(output::JURISDICTION, json!(jurisdiction));
        }
        if let Some(hint) = wanted.primary_location_hint {
            add(output::PRIMARY_LOCATION_HINT, json!(hint));
        }
        attributes
    }

    /// What is there and differs from what was asked for.
    fn drift(known: &Known, wanted: &Parameters, found: &Database) -> Vec<FieldDrift> {
        let mut drift = Vec::new();
        let mut compare = |field: &str, wanted: Value, found: Value| {
            if wanted != found {
                drift.push(FieldDrift { field: field.to_owned(), wanted, found });
            }
        };
        compare(output::DATABASE_NAME, json!(known.database_name), json!(found.name));
        let mode = json!(wanted.read_replication.unwrap_or_default());
        let found_mode = found.read_replication.as_ref().map_or(mode.clone(), |found| json!(found.mode));
        compare("read_replication", mode, found_mode);
        drift
    }
}

/// What it may ask of Cloudflare.
pub(super) fn product() -> &'static super::client::Product {
    &database::D1
}

#[async_trait]
impl Provider for D1 {
    fn offering(&self) -> Offering {
        d1::offering()
    }

    fn recovery(&self, _work: Work, step: &StepName) -> RecoveryClass {
        match step {
            BEGIN | ADOPT | LOOK_AGAIN => RecoveryClass::ReadOnly,
            CREATE | MIGRATE => RecoveryClass::UniqueName,
            _ => RecoveryClass::Repeatable,
        }
    }

    fn announced(&self, _instance: &InstanceFacts, marker: &Marker) -> Announced {
        Announced { dashboard_url: Some(self.overview(marker)), ..Announced::default() }
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted = recorded::wanted(&step.instance.parameters)?;
        let goal = Goal { wanted, present: None, names_replication: false };
        match step.checkpoint.step.as_str() {
            BEGIN => self.begin_creation(&step, &goal).await,
            CREATE => self.create(&step, &goal).await,
            ADOPT => self.adopt(&step, &goal).await,
            _ => self.complete(&step, &goal).await,
        }
    }

    async fn update(
        &self,
        step: Step<'_>,
        change: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let goal = Goal {
            wanted: recorded::wanted(&change.parameters)?,
            present: Some(recorded::wanted(&step.instance.parameters)?),
            names_replication: change.named.iter().any(|name| name == "read_replication"),
        };
        match step.checkpoint.step.as_str() {
            BEGIN => self.begin_change(&step, &goal),
            _ => self.complete(&step, &goal).await,
        }
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        match step.checkpoint.step.as_str() {
            BEGIN => self.begin_deletion(&step).await,
            DELETE => self.delete(&step).await,
            LOOK_AGAIN => self.look_again(&step).await,
            other => Err(unknown_step(other)),
        }
    }

    async fn bind(
        &self,
        step: Step<'_>,
        _binding: &BindingFacts,
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        let known: Known = recorded::remembered(step.instance.record.as_ref()).ok_or_else(not_created)?;
        let credentials = [
            (output::ACCOUNT_ID.to_owned(), json!(self.databases.client().account())),
            (output::DATABASE_ID.to_owned(), json!(known.id()?)),
            (output::DATABASE_NAME.to_owned(), json!(known.database_name)),
        ];
        let body =
            BindingBody { credentials: Some(credentials.into_iter().collect()), ..BindingBody::default() };
        Ok(Progress::Done(CreatedBinding { record: Record(Value::Null), body }))
    }

    async fn fetch(&self, instance: &InstanceFacts, _marker: &Marker) -> Result<Observation, ProviderError> {
        let known: Known = recorded::remembered(instance.record.as_ref()).ok_or_else(not_created)?;
        let wanted: Parameters = recorded::wanted(&instance.parameters)?;
        match self.databases.read(known.id()?).await {
            Ok(found) => {
                let drift = Self::drift(&known, &wanted, &found);
                Ok(Observation::Found { attributes: Self::attributes(&known, &wanted), drift })
            }
            Err(CallError::Missing { .. }) => Ok(Observation::Gone),
            Err(error) => Err(error.while_asking("read the database")),
        }
    }

    async fn needs(&self) -> Vec<Need> {
        self.databases.client().needs(&[product()]).await
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        let found = self.databases.marked().await;
        let objects = found.map_err(|error| error.while_asking("list the databases"))?;
        Ok(Listing::Objects { bearers: Bearers::Instances, objects })
    }

    fn discovery(&self) -> Option<&dyn Discovery> {
        Some(self)
    }

    fn account(&self, _plan: &PlanId) -> Option<&Account> {
        Some(self.databases.client().budgeted())
    }

    fn check(
        &self,
        _plan: &PlanId,
        wanted: &sutler_spec::Parameters,
        _present: Option<&InstanceFacts>,
    ) -> Result<(), Vec<String>> {
        let wanted: Parameters = recorded::wanted(wanted).map_err(|error| vec![error.to_string()])?;
        let problems = known::problems(&wanted);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

/// Nothing can be said of a database that was never finished.
fn not_created() -> ProviderError {
    ProviderError::Unavailable {
        description: "the creation of the database is not finished".to_owned(),
        retry_after: None,
        sent: Sent::No,
    }
}

/// A database that is not ours is in the way.
fn conflict(name: &str) -> ProviderError {
    ProviderError::refused(
        Refusal::Conflict,
        format!(
            "a database named {name} exists in the account and was not made by this broker; it is left alone"
        ),
    )
}
