//! The steps, each with one change at most.

use std::time::Duration;

use jiff::Timestamp;
use sutler_catalog::domain::record::DnsimpleParameters;

use super::{
    DomainRecord, LOOKING,
    refusal::{in_the_way, taken},
    state::{self, Action, Known, Syncing},
    zone::{Place, Row},
};
use crate::providers::{
    Attempt, Progress, ProviderError, ProvisionedInstance, Refusal, Repeatability, Step, Usability,
    dnsimple::client::CallError,
};

/// Looks what is to be done next.
pub(super) const CHOOSE: &str = "choose";
/// Lets a record of ours say something else.
pub(super) const CHANGE: &str = "change";
/// Deletes a record of ours.
pub(super) const DROP: &str = "drop";
/// Makes a record.
pub(super) const MAKE: &str = "make";
/// Looks for a record whose making was not answered.
pub(super) const SETTLE: &str = "settle";
/// Looks whether all name servers have the records.
pub(super) const AWAIT: &str = "await";
/// Deletes what this work has made.
pub(super) const UNDO: &str = "undo";
/// Deletes the records of the instance, one after the other.
pub(super) const CLEAR: &str = "clear";

/// How long the name servers are given.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// The longest time between two looks.
const LONGEST_GAP: Duration = Duration::from_secs(60);
/// How often a record is looked for that DNSimple says is there.
const MAX_DOUBT: u32 = 5;

type Went = Result<Progress<ProvisionedInstance>, ProviderError>;

/// What is asked for, and by what.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) asked: DnsimpleParameters,
    pub(super) is_update: bool,
}

impl Wanted {
    fn values(&self) -> (&[String], u32) {
        (&self.asked.values, self.asked.ttl)
    }
}

impl DomainRecord {
    /// Looks whether the zone is there, and whether others' records stand in the way. Nothing was made yet, unless
    /// unfinished work left something.
    pub(super) async fn begin(&self, step: &Step<'_>, wanted: &Wanted) -> Went {
        let zone = &wanted.asked.zone;
        let is_there = self.records.has_zone(zone).await;
        if !is_there.map_err(|error| error.while_trying_to("look for the zone"))? {
            let description = format!("zone: the account at DNSimple has no zone {zone}");
            return Err(ProviderError::refused(Refusal::Unsupported, description));
        }
        let left = Syncing::taken_up(step.instance.record(), step.left_over());
        let is_first = left.is_none();
        let nothing = || Syncing::of(Known { place: Place::of(&wanted.asked), ids: Vec::new() });
        let mut syncing = left.unwrap_or_else(nothing);
        let rows = self.look(&syncing.known).await.map_err(|error| error.while_trying_to(LOOKING))?;
        let values = wanted.asked.values.iter();
        let fresh: Vec<&String> = values.filter(|value| syncing.making.as_ref() != Some(*value)).collect();
        in_the_way(&syncing.known, &rows, (is_first, &fresh))?;
        if syncing.making.is_none() {
            return Progress::next(CHOOSE, &syncing);
        }
        syncing.doubt = 1;
        self.wait_for_it(&syncing)
    }

    /// Finds the next difference.
    pub(super) async fn choose(&self, mut syncing: Syncing, wanted: &Wanted) -> Went {
        let rows = match self.look(&syncing.known).await {
            Ok(rows) => rows,
            Err(error) => return given_up(syncing, wanted, error.while_trying_to(LOOKING)),
        };
        syncing.known.ids.retain(|id| rows.iter().any(|row| row.id == *id));
        match state::next(&syncing.known, &rows, wanted.values()) {
            Action::Change(id, value) => {
                Progress::next(CHANGE, &Syncing { changing: Some((id, value)), ..syncing })
            }
            Action::Drop(id) => Progress::next(DROP, &Syncing { dropping: Some(id), ..syncing }),
            Action::Make(value) => Progress::next(MAKE, &Syncing { making: Some(value), ..syncing }),
            Action::Taken(value) => {
                let error = taken(&value, &syncing.known.place);
                given_up(syncing, wanted, error)
            }
            Action::Nothing => {
                let since = syncing.since.or_else(|| Some(Timestamp::now()));
                Progress::next(AWAIT, &Syncing { since, shown: 0, looks: 0, ..syncing })
            }
        }
    }

    pub(super) async fn change(&self, mut syncing: Syncing, wanted: &Wanted) -> Went {
        let Some((id, value)) = syncing.changing.take() else { return Progress::next(CHOOSE, &syncing) };
        let place = &syncing.known.place;
        match self.records.change(place, (id, &value), wanted.asked.ttl).await {
            // gone meanwhile: it is made again
            Ok(()) | Err(CallError::Missing) => Progress::next(CHOOSE, &syncing),
            Err(CallError::Exists) => {
                let error = taken(&value, place);
                given_up(syncing, wanted, error)
            }
            Err(error) => given_up(syncing, wanted, error.while_trying_to("change the record")),
        }
    }

    pub(super) async fn drop_one(&self, mut syncing: Syncing, wanted: &Wanted) -> Went {
        let Some(id) = syncing.dropping else { return Progress::next(CHOOSE, &syncing) };
        if let Err(error) = self.records.delete(&syncing.known.place.zone, id).await {
            return given_up(syncing, wanted, error.while_trying_to("delete the record"));
        }
        syncing.forget(id);
        Progress::next(CHOOSE, &syncing)
    }

    /// Makes a record. After a lost answer it is looked for first: one that says the same and was not there when the work
    /// began is ours.
    pub(super) async fn make(&self, step: &Step<'_>, wanted: &Wanted) -> Went {
        let mut syncing: Syncing = step.data()?;
        let Some(value) = syncing.making.clone() else { return Progress::next(CHOOSE, &syncing) };
        let place = &syncing.known.place;
        if step.attempt == Attempt::Again {
            if let Some(id) = self.doubted(&syncing, &value).await? {
                syncing.found(id);
                return Progress::next(CHOOSE, &syncing);
            }
            // it may arrive late
            syncing.doubt += 1;
            return self.wait_for_it(&syncing);
        }
        match self.records.create(place, &value, wanted.asked.ttl).await {
            Ok(row) => {
                syncing.found(row.id);
                Progress::next(CHOOSE, &syncing)
            }
            // what is there may be ours, and not be listed yet
            Err(CallError::Exists) if (1..MAX_DOUBT).contains(&syncing.doubt) => {
                syncing.doubt += 1;
                self.wait_for_it(&syncing)
            }
            Err(CallError::Exists) => {
                let error = taken(&value, place);
                given_up(syncing, wanted, error)
            }
            Err(error) => given_up(syncing, wanted, error.while_trying_to("make the record")),
        }
    }

    /// The record that was being made, if it is there.
    async fn doubted(&self, syncing: &Syncing, value: &str) -> Result<Option<u64>, ProviderError> {
        // while it is not known, nothing is an answer but a clear one
        let rows = self.look(&syncing.known).await.map_err(|error| error.while_asking(LOOKING))?;
        let known = &syncing.known;
        let is_it =
            |row: &&Row| !known.ids.contains(&row.id) && known.place.has(row) && known.place.says(row, value);
        Ok(rows.iter().find(is_it).map(|row| row.id))
    }

    fn wait_for_it(&self, syncing: &Syncing) -> Went {
        let after = self.records.client().call_timeout() * 2;
        Progress::pending(SETTLE, syncing, after, "making sure that the record is made once")
    }

    /// By now no call of ours can arrive any more.
    pub(super) async fn settle(&self, mut syncing: Syncing, wanted: &Wanted) -> Went {
        let Some(value) = syncing.making.clone() else { return Progress::next(CHOOSE, &syncing) };
        if let Some(id) = self.doubted(&syncing, &value).await? {
            syncing.found(id);
            return Progress::next(CHOOSE, &syncing);
        }
        if wanted.asked.values.contains(&value) {
            return Progress::next(MAKE, &syncing);
        }
        // an earlier request wanted it, and this one does not
        (syncing.making, syncing.doubt) = (None, 0);
        Progress::next(CHOOSE, &syncing)
    }

    /// Looks whether all name servers have the records, one record after the other.
    pub(super) async fn awaited(&self, step: &Step<'_>, wanted: &Wanted) -> Went {
        let mut syncing: Syncing = step.data()?;
        while let Some(id) = syncing.known.ids.get(syncing.shown) {
            match self.records.is_everywhere(&syncing.known.place.zone, *id).await {
                Ok(Some(true)) => (syncing.shown, syncing.looks) = (syncing.shown + 1, 0),
                Ok(told) => return self.not_yet(syncing, told.is_some()),
                // gone meanwhile: it is made again
                Err(CallError::Missing) => return Progress::next(CHOOSE, &syncing),
                Err(error) => {
                    let doing = "look whether all name servers have the records";
                    return given_up(syncing, wanted, error.while_completing(doing));
                }
            }
        }
        self.done(step, syncing, wanted)
    }

    fn not_yet(&self, syncing: Syncing, is_known: bool) -> Went {
        let since = syncing.since.unwrap_or_else(Timestamp::now);
        if Timestamp::now().duration_since(since).unsigned_abs() >= LIMIT {
            return Err(ProviderError::Failed {
                description:
                    "the records are written, but DNSimple does not say after 30 minutes that all its name \
                              servers have them; look at the zone in the dashboard"
                        .to_owned(),
                usable: Usability::Usable,
                repeat: Repeatability::Repeatable,
            });
        }
        let interval = self.records.client().poll_interval();
        let after = interval.saturating_mul(1 << syncing.looks.min(6)).min(LONGEST_GAP.max(interval));
        let description = if is_known {
            "waiting until all name servers of DNSimple have the records"
        } else {
            "waiting: DNSimple could not find out whether all its name servers have the records"
        };
        let next = Syncing { looks: syncing.looks + 1, since: Some(since), ..syncing };
        Progress::pending(AWAIT, &next, after, description)
    }

    fn done(&self, step: &Step<'_>, syncing: Syncing, wanted: &Wanted) -> Went {
        let mut done = ProvisionedInstance::of(&syncing.known)?
            .dashboard_url(self.dashboard(&wanted.asked.zone, step.marker));
        done.attributes = Self::attributes(&wanted.asked);
        Ok(Progress::Done(done))
    }

    /// Deletes one of the records that this work has made; without any left, it has failed.
    pub(super) async fn undo(&self, mut syncing: Syncing) -> Went {
        if let Some(id) = syncing.made.last().copied() {
            let deleted = self.records.delete(&syncing.known.place.zone, id).await;
            deleted.map_err(|error| error.while_completing("delete the records that were made"))?;
            syncing.forget(id);
            return Progress::next(UNDO, &syncing);
        }
        let description = syncing.why.unwrap_or_else(|| "DNSimple refused a record".to_owned());
        Err(ProviderError::Failed {
            description,
            usable: Usability::Usable,
            repeat: Repeatability::Repeatable,
        })
    }

    /// Deletes one record of the instance, until there is none.
    pub(super) async fn clear(&self, mut syncing: Syncing) -> Result<Progress<()>, ProviderError> {
        let rows = match self.look(&syncing.known).await {
            Ok(rows) => rows,
            // the zone is not there any more, and with it all that was in it
            Err(CallError::Missing) => return Ok(Progress::Done(())),
            Err(error) => return Err(error.while_trying_to(LOOKING)),
        };
        if let Some(value) = syncing.making.take() {
            let Known { place, ids } = &mut syncing.known;
            let made = rows.iter().find(|row| place.has(row) && place.says(row, &value));
            ids.extend(made.map(|row| row.id));
        }
        let Some(row) = rows.iter().find(|row| syncing.known.ids.contains(&row.id)) else {
            return Ok(Progress::Done(()));
        };
        let deleted = self.records.delete(&syncing.known.place.zone, row.id).await;
        deleted.map_err(|error| error.while_trying_to("delete the records of the instance"))?;
        syncing.forget(row.id);
        Progress::next(CLEAR, &syncing)
    }
}

/// A clear refusal ends the work. What an update has made is deleted first, so that it has changed as little as it can. Its
/// last checkpoint is remembered, which must not take another's record for one that is in doubt; only that of a creation
/// that has made nothing is forgotten.
fn given_up(syncing: Syncing, wanted: &Wanted, error: ProviderError) -> Went {
    if matches!(error, ProviderError::Unavailable { .. }) {
        return Err(error);
    }
    let made = if wanted.is_update { syncing.made.clone() } else { Vec::new() };
    let is_unclear = syncing.making.is_some() && (wanted.is_update || !syncing.known.ids.is_empty());
    if !made.is_empty() || is_unclear {
        let why = Some(error.to_string());
        return Progress::next(UNDO, &Syncing { made, making: None, doubt: 0, why, ..syncing });
    }
    Err(error)
}
