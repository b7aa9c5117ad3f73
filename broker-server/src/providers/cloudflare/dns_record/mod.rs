//! Sets of records of one zone, each record with its set's mark in its comment: `cloudflare-dns-record`, and the plan
//! `cloudflare` of `domain-record`.
//!
//! ```text
//! provision, update: begin ──▶ sync ──▶ sync … ──▶ done     (looks; all that is missing in one call; looks again)
//! deprovision:       begin ──▶ clear ──▶ begin … ──▶ done
//! ```

mod asked;
mod challenge;
mod discovery;
mod records;
mod set;
#[cfg(test)]
mod tests;

use std::marker::PhantomData;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sutler_catalog::{Offering, cloudflare::dns_record::Parameters, domain::record::CloudflareParameters};
use sutler_spec::PlanId;

use super::{
    client::{CallError, Client, Product},
    recorded::{self, next, unknown_step},
    zones::Zone,
};
use crate::providers::{
    Account, Announced, Attempt, BEGIN, Bearers, Change, Discovery, FieldDrift, InstanceFacts, Listing,
    MarkedObject, Marker, Need, Observation, Progress, Provider, ProviderError, ProvisionedInstance,
    RecoveryClass, Refusal, Sent, Step, StepName, Work,
};
pub use challenge::Proofs;
pub(super) use records::PROBE;

use asked::{Asked, Zoned};
use records::Records;
use set::{Plain, Shown};

/// Makes all changes that are missing.
const SYNC: &str = "sync";
/// Deletes all records of the set.
const CLEAR: &str = "clear";

/// What users are told about looking.
const LOOKING: &str = "look at the records of the zone";
/// How many looks a change that Cloudflare has made is given to be seen.
const MAX_LOOKS: u32 = 30;

/// Provides `cloudflare-dns-record`.
pub type DnsRecord = RecordSet<Parameters>;
/// Provides the plan `cloudflare` of `domain-record`.
pub type DomainRecord = RecordSet<CloudflareParameters>;

/// Provides sets of records that are asked for in this form.
#[derive(Debug)]
pub struct RecordSet<A> {
    records: Records,
    asked: PhantomData<fn() -> A>,
}

/// The provider's memory of a set.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    zone_id: String,
    /// Stands in the comment of every record of the set.
    comment: String,
    /// Cloudflare's id of the record that was there before and was taken over; its comment may be another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    adopted: Option<String>,
}

/// A set on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Syncing {
    #[serde(flatten)]
    known: Known,
    /// An earlier change was not answered: what is in the way may be what it made.
    doubt: bool,
    looks: u32,
}

impl<A: Asked> RecordSet<A> {
    /// Records in the zones of the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self { records: Records::new(client), asked: PhantomData }
    }

    fn known(step: &Step<'_>, zone_id: &str) -> Known {
        let before: Option<Known> = recorded::remembered(step.instance.record.as_ref());
        Known {
            zone_id: zone_id.to_owned(),
            comment: format!("{}{}", A::PREFIX, step.marker.hex(32)),
            adopted: before.and_then(|before| before.adopted),
        }
    }

    /// The zone that is asked for, if the account has it.
    async fn zone(&self, wanted: &A) -> Result<Option<Zone>, CallError> {
        match wanted.zone() {
            Zoned::Id(id) => self.records.zone(id).await,
            Zoned::Name(name) => self.records.zone_named(name).await,
        }
    }

    async fn of_set(&self, known: &Known) -> Result<Vec<Shown>, ProviderError> {
        let found = self.look(known).await;
        found.map_err(|error| error.while_trying_to(LOOKING))
    }

    async fn look(&self, known: &Known) -> Result<Vec<Shown>, CallError> {
        self.records.of_set(&known.zone_id, &known.comment, known.adopted.as_deref()).await
    }

    /// Looks whether the zone is there and holds the names. Nothing was made yet, unless earlier work left something:
    /// a record that has the mark is foreign.
    async fn begin(
        &self,
        step: &Step<'_>,
        wanted: &A,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let zone = self.zone(wanted).await;
        let Some(zone) = zone.map_err(|error| error.while_trying_to("look for the zone"))? else {
            let description = match wanted.zone() {
                Zoned::Id(id) => format!("zone_id: the account has no zone {id}"),
                Zoned::Name(name) => format!("zone: the account has no zone {name}"),
            };
            return Err(ProviderError::refused(Refusal::Unsupported, description));
        };
        let known = Self::known(step, &zone.id);
        let outside = set::outside(&wanted.records(), &zone.name);
        if !outside.is_empty() {
            return Err(ProviderError::refused(Refusal::Unsupported, outside.join("; ")));
        }
        let doubt = recorded::left_over::<Syncing>(step.checkpoint).is_some();
        let is_first = step.instance.record.is_none() && !doubt;
        if is_first && !self.of_set(&known).await?.is_empty() {
            let description = "records with the mark that this set would get exist and were not made by this broker; \
                               they are left alone";
            return Err(ProviderError::refused(Refusal::Conflict, description));
        }
        next(SYNC, &Syncing { known, doubt, looks: 0 })
    }

    /// Makes all changes that are missing, in one call; then looks again.
    async fn sync(
        &self,
        step: &Step<'_>,
        wanted: &A,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let syncing: Syncing = recorded::data(step.checkpoint)?;
        let known = &syncing.known;
        let doubt = syncing.doubt || step.attempt == Attempt::Again;
        let found = self.of_set(known).await?;
        let Some(batch) = set::batch(&wanted.records(), &found, &known.comment) else {
            return self.done(known, wanted);
        };
        if syncing.looks >= MAX_LOOKS {
            return Err(ProviderError::failed(
                "Cloudflare does not show the records as it was told to make them; look at the zone in the dashboard",
            ));
        }
        let again = Syncing { known: known.clone(), doubt, looks: syncing.looks + 1 };
        match self.records.batch(&known.zone_id, batch).await {
            // it may not be listed at once
            Ok(()) => next(SYNC, &Syncing { doubt: true, ..again }),
            // what is in the way may be ours, and not be listed yet
            Err(CallError::Exists { .. }) if doubt && syncing.looks < MAX_LOOKS / 3 => Progress::pending(
                SYNC,
                &again,
                self.records.client().poll_interval(),
                "waiting until Cloudflare lists the records that were made",
            ),
            Err(CallError::Exists { code }) => Err(conflict(A::FIELD, code)),
            Err(error) => Err(error.while_trying_to("change the records of the zone")),
        }
    }

    fn done(&self, known: &Known, wanted: &A) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let mut done = ProvisionedInstance::of(known)?;
        done.attributes = wanted.attributes(&known.zone_id);
        Ok(Progress::Done(done))
    }

    /// Whether anything of the set is there. A zone that the account does not have takes its records with it.
    async fn left(&self, known: &Known) -> Result<Vec<Shown>, CallError> {
        match self.look(known).await {
            Err(
                error @ (CallError::Misrouted { .. }
                | CallError::Refused { .. }
                | CallError::Credentials { .. }),
            ) => match self.records.zone(&known.zone_id).await? {
                None => Ok(Vec::new()),
                Some(_) => Err(error),
            },
            other => other,
        }
    }

    async fn clear(&self, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        let known: Known = recorded::data(step.checkpoint)?;
        let left = self.left(&known).await.map_err(|error| error.while_trying_to(LOOKING))?;
        let Some(batch) = set::batch(&[], &left, &known.comment) else { return Ok(Progress::Done(())) };
        let cleared = self.records.batch(&known.zone_id, batch).await;
        cleared.map_err(|error| error.while_trying_to("delete the records of the set"))?;
        Ok(Progress::Done(()))
    }
}

/// What it may ask of Cloudflare.
pub(super) fn product() -> &'static Product {
    &records::DNS
}

fn conflict(field: &str, code: i64) -> ProviderError {
    let description = format!(
        "{field}: a record that is there already, and is not of this set, is identical or stands in the way (code {code}); \
         it is left alone"
    );
    ProviderError::refused(Refusal::Conflict, description)
}

fn not_created() -> ProviderError {
    ProviderError::unavailable("the creation of the records is not finished", Sent::No)
}

#[async_trait]
impl<A: Asked> Provider for RecordSet<A> {
    fn offering(&self) -> Offering {
        A::offering()
    }

    fn recovery(&self, _work: Work, step: &StepName) -> RecoveryClass {
        match step {
            BEGIN => RecoveryClass::ReadOnly,
            SYNC => RecoveryClass::ListByMarker,
            _ => RecoveryClass::Repeatable,
        }
    }

    fn announced(&self, _instance: &InstanceFacts, marker: &Marker) -> Announced {
        let account = self.records.client().account();
        let page = format!("https://dash.cloudflare.com/{account}/home/domains#{}", marker.hex(24));
        Announced { dashboard_url: Some(page), ..Announced::default() }
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted: A = step.parameters()?;
        match step.name() {
            BEGIN => self.begin(&step, &wanted).await,
            SYNC => self.sync(&step, &wanted).await,
            other => Err(unknown_step(other)),
        }
    }

    async fn update(
        &self,
        step: Step<'_>,
        change: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted: A = change.parameters()?;
        match step.name() {
            BEGIN => self.begin(&step, &wanted).await,
            SYNC => self.sync(&step, &wanted).await,
            other => Err(unknown_step(other)),
        }
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        match step.name() {
            BEGIN => {
                let syncing: Option<Syncing> = recorded::left_over(step.checkpoint);
                let finished: Option<Known> = recorded::remembered(step.instance.record.as_ref());
                match finished.or_else(|| syncing.as_ref().map(|syncing| syncing.known.clone())) {
                    // without memory of them, none were ever made
                    None => Ok(Progress::Done(())),
                    // a change that was never answered may arrive late
                    Some(known) if syncing.is_some() && step.instance.record.is_none() => Progress::pending(
                        CLEAR,
                        &known,
                        self.records.client().call_timeout() * 2,
                        "making sure that no record arrives late",
                    ),
                    Some(known) => next(CLEAR, &known),
                }
            }
            CLEAR => self.clear(&step).await,
            other => Err(unknown_step(other)),
        }
    }

    async fn fetch(&self, instance: &InstanceFacts, _marker: &Marker) -> Result<Observation, ProviderError> {
        let known: Known = recorded::remembered(instance.record.as_ref()).ok_or_else(not_created)?;
        let wanted: A = instance.parameters()?;
        let found = self.left(&known).await.map_err(|error| error.while_asking(LOOKING))?;
        if found.is_empty() {
            return Ok(Observation::Gone);
        }
        let mut drift = Vec::new();
        if set::batch(&wanted.records(), &found, &known.comment).is_some() {
            let lines = |mut plain: Vec<Plain>| {
                plain.sort();
                plain.iter().map(Plain::line).collect::<Vec<_>>()
            };
            drift.push(FieldDrift {
                field: A::FIELD.to_owned(),
                wanted: json!(lines(wanted.records().iter().map(Plain::from).collect())),
                found: json!(lines(found.iter().map(Plain::from).collect())),
            });
        }
        Ok(Observation::Found { attributes: wanted.attributes(&known.zone_id), drift })
    }

    async fn needs(&self) -> Vec<Need> {
        self.records.client().needs(&[product()]).await
    }

    /// Zone by zone; a set is one object, whatever records it has.
    async fn marked(&self) -> Result<Listing, ProviderError> {
        let asking = |error: CallError| error.while_asking("list the records of every zone");
        let mut objects: Vec<MarkedObject> = Vec::new();
        for zone in self.records.zones().await.map_err(asking)? {
            for record in self.records.of_sets(&zone.id, A::PREFIX).await.map_err(asking)? {
                let Some(mark) = record.mark(A::PREFIX).map(str::to_owned) else { continue };
                let id = format!("{}/{mark}", zone.id);
                if objects.iter().all(|object| object.id != id) {
                    objects.push(MarkedObject { id, name: record.name, mark });
                }
            }
        }
        Ok(Listing::Objects { bearers: Bearers::Instances, objects })
    }

    fn discovery(&self) -> Option<&dyn Discovery> {
        Some(self)
    }

    fn account(&self, _plan: &PlanId) -> Option<&Account> {
        Some(self.records.client().budgeted())
    }

    fn check(
        &self,
        _plan: &PlanId,
        wanted: &sutler_spec::Parameters,
        _present: Option<&InstanceFacts>,
    ) -> Result<(), Vec<String>> {
        let wanted: A = recorded::wanted(wanted).map_err(|error| vec![error.to_string()])?;
        let problems = wanted.problems();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}
