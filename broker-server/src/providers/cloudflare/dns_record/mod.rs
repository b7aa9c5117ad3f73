//! `cloudflare-dns-record`: a set of records of one zone, each with the set's mark in its comment.
//!
//! ```text
//! provision, update: begin ──▶ sync ──▶ sync … ──▶ done     (looks; all that is missing in one call; looks again)
//! deprovision:       begin ──▶ clear ──▶ begin … ──▶ done
//! ```

mod records;
mod set;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    cloudflare::dns_record::{self, Parameters, output},
};
use sutler_spec::PlanId;

use super::{
    client::{CallError, Client, Product},
    recorded::{self, next, unknown_step},
};
use crate::providers::{
    Account, Announced, Attempt, BEGIN, Bearers, Change, FieldDrift, InstanceFacts, Listing, MarkedObject,
    Marker, Need, Observation, Progress, Provider, ProviderError, ProvisionedInstance, RecoveryClass,
    Refusal, Sent, Step, StepName, Work,
};
pub(super) use records::PROBE;
use records::{PREFIX, Records};
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
#[derive(Debug)]
pub struct DnsRecord {
    records: Records,
}

/// The provider's memory of a set.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    zone_id: String,
    /// Stands in the comment of every record of the set.
    comment: String,
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

impl DnsRecord {
    /// Records in the zones of the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self { records: Records::new(client) }
    }

    fn known(step: &Step<'_>, wanted: &Parameters) -> Known {
        Known { zone_id: wanted.zone_id.clone(), comment: format!("{PREFIX}{}", step.marker.hex(32)) }
    }

    async fn of_set(&self, known: &Known) -> Result<Vec<Shown>, ProviderError> {
        let found = self.records.of_set(&known.zone_id, &known.comment).await;
        found.map_err(|error| error.while_trying_to(LOOKING))
    }

    /// Looks whether the zone is there and holds the names. Nothing was made yet, unless earlier work left something:
    /// a record that has the mark is foreign.
    async fn begin(
        &self,
        step: &Step<'_>,
        wanted: &Parameters,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let known = Self::known(step, wanted);
        let zone = self.records.zone(&known.zone_id).await;
        let Some(zone) = zone.map_err(|error| error.while_trying_to("look for the zone"))? else {
            let description = format!("zone_id: the account has no zone {}", known.zone_id);
            return Err(ProviderError::refused(Refusal::Unsupported, description));
        };
        let outside = set::outside(&wanted.records, &zone.name);
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
        wanted: &Parameters,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let syncing: Syncing = recorded::data(step.checkpoint)?;
        let known = &syncing.known;
        let doubt = syncing.doubt || step.attempt == Attempt::Again;
        let found = self.of_set(known).await?;
        let Some(batch) = set::batch(&wanted.records, &found, &known.comment) else {
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
            Err(CallError::Exists { code }) => Err(conflict(code)),
            Err(error) => Err(error.while_trying_to("change the records of the zone")),
        }
    }

    fn done(
        &self,
        known: &Known,
        wanted: &Parameters,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let mut done = ProvisionedInstance::of(known)?;
        done.attributes = attributes(known, wanted);
        Ok(Progress::Done(done))
    }

    /// Whether anything of the set is there. A zone that the account does not have takes its records with it.
    async fn left(&self, known: &Known) -> Result<Vec<Shown>, CallError> {
        match self.records.of_set(&known.zone_id, &known.comment).await {
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

fn attributes(known: &Known, wanted: &Parameters) -> Map<String, Value> {
    let mut names: Vec<&str> = wanted.records.iter().map(|record| record.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    Map::from_iter([
        (output::ZONE_ID.to_owned(), json!(known.zone_id)),
        (output::NAMES.to_owned(), json!(names)),
    ])
}

fn conflict(code: i64) -> ProviderError {
    let description = format!(
        "records: a record that is there already, and is not of this set, is identical or stands in the way (code {code}); \
         it is left alone"
    );
    ProviderError::refused(Refusal::Conflict, description)
}

fn not_created() -> ProviderError {
    ProviderError::unavailable("the creation of the records is not finished", Sent::No)
}

#[async_trait]
impl Provider for DnsRecord {
    fn offering(&self) -> Offering {
        dns_record::offering()
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
        let wanted = step.parameters()?;
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
        let wanted = change.parameters()?;
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
        let wanted: Parameters = instance.parameters()?;
        let found = self.left(&known).await.map_err(|error| error.while_asking(LOOKING))?;
        if found.is_empty() {
            return Ok(Observation::Gone);
        }
        let mut drift = Vec::new();
        if set::batch(&wanted.records, &found, &known.comment).is_some() {
            let lines = |mut plain: Vec<Plain>| {
                plain.sort();
                plain.iter().map(Plain::line).collect::<Vec<_>>()
            };
            drift.push(FieldDrift {
                field: "records".to_owned(),
                wanted: json!(lines(wanted.records.iter().map(Plain::from).collect())),
                found: json!(lines(found.iter().map(Plain::from).collect())),
            });
        }
        Ok(Observation::Found { attributes: attributes(&known, &wanted), drift })
    }

    /// Zone by zone; a set is one object, whatever records it has.
    async fn needs(&self) -> Vec<Need> {
        self.records.client().needs(&[product()]).await
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        let asking = |error: CallError| error.while_asking("list the records of every zone");
        let mut objects: Vec<MarkedObject> = Vec::new();
        for zone in self.records.zones().await.map_err(asking)? {
            for record in self.records.of_sets(&zone.id).await.map_err(asking)? {
                let comment = record.comment.unwrap_or_default();
                let mark = comment.strip_prefix(PREFIX).filter(|mark| recorded::is_hexadecimal(mark, 32));
                let Some(mark) = mark else { continue };
                let id = format!("{}/{mark}", zone.id);
                if objects.iter().all(|object| object.id != id) {
                    objects.push(MarkedObject { id, name: record.name, mark: mark.to_owned() });
                }
            }
        }
        Ok(Listing::Objects { bearers: Bearers::Instances, objects })
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
        let wanted: Parameters = recorded::wanted(wanted).map_err(|error| vec![error.to_string()])?;
        let problems = set::problems(&wanted.records);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}
