//! The plan `dnsimple` of `domain-record`: records without a mark, each known by DNSimple's number of it.
//!
//! ```text
//! provision, update: begin ──▶ choose ──▶ change | drop | make ──▶ choose … ──▶ await … ──▶ done
//!                      a lost answer: make ──▶ settle ──▶ make | choose
//!                      refused:       … ──▶ undo … ──▶ failed     (what the work has made is deleted again)
//! deprovision:       begin ──▶ clear ──▶ clear … ──▶ done
//! ```

mod challenge;
mod discovery;
mod refusal;
mod state;
mod steps;
mod zone;

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    domain::record::{self, Backend, DnsimpleParameters, output},
};
use sutler_spec::{Parameters, PlanId};

use super::client::{CallError, Client};
use crate::providers::{
    Account, Announced, BEGIN, Change, Discovery, InstanceFacts, Listing, Marker, Need, Observation,
    Progress, Provider, ProviderError, ProvisionedInstance, RecoveryClass, Sent, Step, StepName, Work,
    dns::{DnsName, rules},
    typed,
};
pub use challenge::Proofs;
use state::{Known, Syncing};
use steps::{AWAIT, CHANGE, CHOOSE, CLEAR, DROP, MAKE, SETTLE, UNDO, Wanted};
use zone::Records;
pub(super) use zone::TABLE;

/// What users are told about looking.
const LOOKING: &str = "look at the records of the zone";

/// Provides the plan `dnsimple` of `domain-record`.
#[derive(Debug, Clone)]
pub struct DomainRecord {
    records: Records,
}

impl DomainRecord {
    /// Records in the zones of the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self { records: Records::new(client) }
    }

    fn attributes(wanted: &DnsimpleParameters) -> Map<String, Value> {
        Map::from_iter([
            (output::NAME.to_owned(), json!(wanted.name)),
            (output::TYPE.to_owned(), json!(wanted.r#type)),
            (output::ZONE.to_owned(), json!(wanted.zone)),
        ])
    }

    fn dashboard(&self, zone: &str, marker: &Marker) -> String {
        let account = self.records.client().account();
        format!("https://dnsimple.com/a/{account}/domains/{zone}/records#{}", marker.hex(24))
    }

    /// What is at the place, and what is ours wherever it is by now. A record that was just made may not be listed yet.
    async fn look(&self, known: &Known) -> Result<Vec<zone::Row>, CallError> {
        let mut rows = self.records.at(&known.place).await?;
        for id in &known.ids {
            if rows.iter().all(|row| row.id != *id) {
                rows.extend(self.records.one(&known.place.zone, *id).await?);
            }
        }
        Ok(rows)
    }

    async fn go_on(
        &self,
        step: &Step<'_>,
        wanted: &Wanted,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        match step.name() {
            BEGIN => self.begin(step, wanted).await,
            CHOOSE => self.choose(step.data()?, wanted).await,
            CHANGE => self.change(step.data()?, wanted).await,
            DROP => self.drop_one(step.data()?, wanted).await,
            MAKE => self.make(step, wanted).await,
            SETTLE => self.settle(step.data()?, wanted).await,
            AWAIT => self.awaited(step, wanted).await,
            UNDO => self.undo(step.data()?).await,
            _ => Err(step.unknown()),
        }
    }
}

#[async_trait]
impl Provider for DomainRecord {
    fn offering(&self) -> Offering {
        record::offering(&[Backend::Dnsimple])
    }

    fn recovery(&self, _work: Work, step: &StepName) -> RecoveryClass {
        match step {
            BEGIN | CHOOSE | SETTLE | AWAIT => RecoveryClass::ReadOnly,
            // a name has a record that says something once
            MAKE => RecoveryClass::UniqueName,
            _ => RecoveryClass::Repeatable,
        }
    }

    fn announced(&self, instance: &InstanceFacts, marker: &Marker) -> Announced {
        let Ok(wanted) = instance.parameters::<DnsimpleParameters>() else { return Announced::default() };
        Announced {
            dashboard_url: Some(self.dashboard(&wanted.zone, marker)),
            attributes: Self::attributes(&wanted),
            ..Announced::default()
        }
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted = Wanted { asked: step.parameters()?, is_update: false };
        self.go_on(&step, &wanted).await
    }

    async fn update(
        &self,
        step: Step<'_>,
        change: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted = Wanted { asked: change.parameters()?, is_update: true };
        self.go_on(&step, &wanted).await
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        match step.name() {
            BEGIN => {
                match Syncing::taken_up(step.instance.record(), step.left_over()) {
                    // without memory of them, none were ever made
                    None => Ok(Progress::Done(())),
                    // one whose making was never answered may arrive late
                    Some(left) if left.making.is_some() => Progress::pending(
                        CLEAR,
                        &left,
                        self.records.client().call_timeout() * 2,
                        "making sure that no record arrives late",
                    ),
                    Some(left) => Progress::next(CLEAR, &left),
                }
            }
            CLEAR => self.clear(step.data()?).await,
            _ => Err(step.unknown()),
        }
    }

    async fn fetch(&self, instance: &InstanceFacts, _marker: &Marker) -> Result<Observation, ProviderError> {
        let Some(known) = instance.record::<Known>() else {
            let what = "the creation of the records is not finished";
            return Err(ProviderError::unavailable(what, Sent::No));
        };
        let wanted: DnsimpleParameters = instance.parameters()?;
        let rows = match self.look(&known).await {
            Ok(rows) => rows,
            // the zone is not there any more, and with it all that was in it
            Err(CallError::Missing) => return Ok(Observation::Gone),
            Err(error) => return Err(error.while_asking(LOOKING)),
        };
        if rows.iter().all(|row| !known.ids.contains(&row.id)) {
            return Ok(Observation::Gone);
        }
        let drift = state::drift(&known, &rows, (&wanted.values, wanted.ttl));
        Ok(Observation::Found { attributes: Self::attributes(&wanted), drift })
    }

    async fn needs(&self) -> Vec<Need> {
        self.records.client().needs()
    }

    fn discovery(&self) -> Option<&dyn Discovery> {
        Some(self)
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        Ok(Listing::NotPossible("a record has no place for a mark; it is known by its number".to_owned()))
    }

    fn account(&self, _plan: &PlanId) -> Option<&Account> {
        Some(self.records.client().budgeted())
    }

    fn check(
        &self,
        _plan: &PlanId,
        wanted: &Parameters,
        _present: Option<&InstanceFacts>,
    ) -> Result<(), Vec<String>> {
        let wanted: DnsimpleParameters =
            typed::parameters(wanted).map_err(|error| vec![error.to_string()])?;
        let Ok(zone) = wanted.zone.parse::<DnsName>() else {
            return Err(vec!["zone: is no name of DNS".to_owned()]);
        };
        let of = rules::record_type(wanted.r#type);
        let problems = rules::Asked { name: &wanted.name, of, values: &wanted.values }.problems(&zone);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}
