//! `domain-record` on the operator's own name server.
//!
//! ```text
//! provision, update: begin ──▶ write ──▶ await … ──▶ done     (looks; one message does all; all name servers have it)
//! deprovision:       begin ──▶ clear ──▶ done
//! ```

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    domain::record::{self, Backend, Rfc2136Parameters, output},
};
use sutler_spec::{Parameters, PlanId};

use super::{
    decide::{self, Owner, Seen},
    known::Known,
    server::Server,
};
use crate::providers::{
    Account, Announced, BEGIN, Change, FieldDrift, InstanceFacts, Listing, Marker, Need, Observation,
    Progress, Provider, ProviderError, ProvisionedInstance, RecoveryClass, Repeatability, Sent, Step,
    StepName, Usability, Work,
    dns::{Data, RecordType, Updated, rules},
    typed,
};

/// Makes the change.
const WRITE: &str = "write";
/// Looks whether all name servers have it.
const AWAIT: &str = "await";
/// Deletes the records and the mark.
const CLEAR: &str = "clear";

/// What is told when the server does not find what was seen.
const OTHERS: &str = "records of another type stand there, or somebody is changing them";

/// How long the name servers are given.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// The longest time between two looks.
const LONGEST_GAP: Duration = Duration::from_secs(60);
/// How often a change is tried that others keep getting in the way of.
const MAX_TRIES: u32 = 3;

/// Provides the plan `rfc2136` of `domain-record`.
#[derive(Debug, Clone)]
pub struct Record {
    server: Server,
}

/// A change on its way.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Writing {
    wanted: Known,
    tries: u32,
}

/// A change that is awaited.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Awaiting {
    wanted: Known,
    since: Timestamp,
    looks: u32,
}

/// What unfinished work leaves: in every step, what was wanted.
#[derive(Debug, Clone, Deserialize)]
struct Unfinished {
    wanted: Known,
}

impl Record {
    /// Records in the server's zone.
    #[must_use]
    pub fn new(server: &Server) -> Self {
        Self { server: server.clone() }
    }

    async fn look(&self, known: &Known) -> Result<Seen, ProviderError> {
        let records = self.server.there(&known.name, known.record_type()).await?;
        let mark = self.server.there(&known.mark_name()?, RecordType::TXT).await?;
        Ok(Seen { records, mark })
    }

    /// Looks whether it can be done.
    async fn begin(
        &self,
        step: &Step<'_>,
        wanted: &Rfc2136Parameters,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted = Known::wanted(wanted, step.marker)?;
        let seen = self.look(&wanted).await?;
        if let Some(update) = decide::change(self.server.zone(), &wanted, &seen)? {
            // what a look does not show, such as records of another type, and whether the key may change the zone at all
            if self.server.change(&update.only_asked()).await? != Updated::Done {
                return Err(decide::in_the_way(OTHERS));
            }
        }
        Progress::next(WRITE, &Writing { wanted, tries: 0 })
    }

    /// Makes the change, unless it is there. A repetition finds what an earlier attempt has done, or is refused by the
    /// server since its prerequisites do not hold any more.
    async fn write(&self, step: &Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let Writing { wanted, tries } = step.data()?;
        let seen = self.look(&wanted).await?;
        let awaited = Awaiting { wanted: wanted.clone(), since: Timestamp::now(), looks: 0 };
        let Some(update) = decide::change(self.server.zone(), &wanted, &seen)? else {
            return Progress::next(AWAIT, &awaited);
        };
        match self.server.change(&update).await? {
            Updated::Done => Progress::next(AWAIT, &awaited),
            Updated::Unmet(_) if tries < MAX_TRIES => {
                Progress::next(WRITE, &Writing { wanted, tries: tries + 1 })
            }
            Updated::Unmet(_) => Err(decide::in_the_way(
                "records of another type stand there, or somebody keeps changing them",
            )),
        }
    }

    async fn awaited(&self, step: &Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let awaiting: Awaiting = step.data()?;
        let wanted = &awaiting.wanted;
        let data = wanted.data()?;
        let shows = |found: &[Data]| *found == *data;
        let (lagging, all) = self.server.lagging((&wanted.name, wanted.record_type()), shows).await?;
        if lagging == 0 {
            let mut done = ProvisionedInstance::of(wanted)?;
            done.attributes = self.attributes(wanted);
            return Ok(Progress::Done(done));
        }
        if Timestamp::now().duration_since(awaiting.since).unsigned_abs() >= LIMIT {
            return Err(ProviderError::Failed {
                description: format!(
                    "the record is written, but {lagging} of {all} name servers of the zone do not show it after 30 minutes; \
                     the operator has to look after them"
                ),
                usable: Usability::Usable,
                repeat: Repeatability::Repeatable,
            });
        }
        let after = self.server.poll_interval().saturating_mul(1 << awaiting.looks.min(6)).min(LONGEST_GAP);
        let next = Awaiting { looks: awaiting.looks + 1, ..awaiting };
        let description =
            format!("waiting until all name servers of the zone show it; {lagging} of {all} do not yet");
        Progress::pending(AWAIT, &next, after, description)
    }

    fn attributes(&self, known: &Known) -> Map<String, Value> {
        Map::from_iter([
            (output::NAME.to_owned(), json!(known.name)),
            (output::TYPE.to_owned(), json!(known.r#type)),
            (output::ZONE.to_owned(), json!(self.server.zone())),
        ])
    }

    /// Removes what is the instance's. That others have changed the records meanwhile makes it look again.
    async fn clear(&self, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        let known: Known = step.data()?;
        let seen = self.look(&known).await?;
        let Some(update) = decide::removal(self.server.zone(), &known, &seen)? else {
            return Ok(Progress::Done(()));
        };
        self.server.change(&update).await?;
        Progress::next(CLEAR, &known)
    }

    /// What differs from what was asked for.
    fn drift(wanted: &Known, seen: &Seen) -> Result<Vec<FieldDrift>, ProviderError> {
        let mut drift = Vec::new();
        let mut differs = |field: &str, wanted: Value, found: Value| {
            if wanted != found {
                drift.push(FieldDrift { field: field.to_owned(), wanted, found });
            }
        };
        let found = seen.found().unwrap_or_default();
        let lines = |data: Vec<String>| json!(data);
        let there: Vec<String> = found.iter().map(|found| found.data.to_string()).collect();
        differs("values", lines(wanted.data()?.iter().map(ToString::to_string).collect()), lines(there));
        if let Some(first) = found.first() {
            differs("ttl", json!(wanted.ttl), json!(first.ttl));
        }
        differs("mark", json!(true), json!(seen.owner(wanted) == Owner::Us));
        Ok(drift)
    }
}

#[async_trait]
impl Provider for Record {
    fn offering(&self) -> Offering {
        record::offering(&[Backend::Rfc2136])
    }

    fn recovery(&self, _work: Work, step: &StepName) -> RecoveryClass {
        match step {
            BEGIN | AWAIT => RecoveryClass::ReadOnly,
            WRITE => RecoveryClass::UniqueName,
            _ => RecoveryClass::Repeatable,
        }
    }

    fn announced(&self, instance: &InstanceFacts, marker: &Marker) -> Announced {
        let wanted = instance.parameters().and_then(|wanted| Known::wanted(&wanted, marker));
        let attributes = wanted.map(|wanted| self.attributes(&wanted)).unwrap_or_default();
        Announced { attributes, ..Announced::default() }
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        match step.name() {
            BEGIN => self.begin(&step, &step.parameters()?).await,
            WRITE => self.write(&step).await,
            AWAIT => self.awaited(&step).await,
            _ => Err(step.unknown()),
        }
    }

    async fn update(
        &self,
        step: Step<'_>,
        change: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        match step.name() {
            BEGIN => self.begin(&step, &change.parameters()?).await,
            WRITE => self.write(&step).await,
            AWAIT => self.awaited(&step).await,
            _ => Err(step.unknown()),
        }
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        match step.name() {
            BEGIN => {
                let finished: Option<Known> = step.instance.record();
                let unfinished: Option<Unfinished> = step.left_over();
                match (finished, unfinished) {
                    (Some(known), _) => Progress::next(CLEAR, &known),
                    // without memory of them, none were ever made
                    (None, None) => Ok(Progress::Done(())),
                    // a change that was never answered may arrive late
                    (None, Some(Unfinished { wanted })) => Progress::pending(
                        CLEAR,
                        &wanted,
                        self.server.call_timeout() * 2,
                        "making sure that no record arrives late",
                    ),
                }
            }
            CLEAR => self.clear(&step).await,
            _ => Err(step.unknown()),
        }
    }

    async fn fetch(&self, instance: &InstanceFacts, _marker: &Marker) -> Result<Observation, ProviderError> {
        let Some(known) = instance.record::<Known>() else {
            let what = "the creation of the record is not finished";
            return Err(ProviderError::unavailable(what, Sent::No));
        };
        let seen = self.look(&known).await?;
        let is_bare = seen.found().is_some_and(<[_]>::is_empty);
        if is_bare && seen.owner(&known) == Owner::Nobody {
            return Ok(Observation::Gone);
        }
        Ok(Observation::Found { attributes: self.attributes(&known), drift: Self::drift(&known, &seen)? })
    }

    async fn needs(&self) -> Vec<Need> {
        self.server.needs().await
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        Ok(Listing::NotPossible("a name server does not list a zone to those who may change it".to_owned()))
    }

    fn account(&self, _plan: &PlanId) -> Option<&Account> {
        Some(self.server.account())
    }

    fn check(
        &self,
        _plan: &PlanId,
        wanted: &Parameters,
        _present: Option<&InstanceFacts>,
    ) -> Result<(), Vec<String>> {
        let wanted: Rfc2136Parameters = typed::parameters(wanted).map_err(|error| vec![error.to_string()])?;
        let asked = rules::Asked {
            name: &wanted.name,
            of: rules::record_type(wanted.r#type),
            values: &wanted.values,
        };
        let problems = asked.problems(self.server.zone());
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}
