//! What has to be done so that the zone has what is wanted. Pure.

use super::{known::Known, server::There};
use crate::providers::{
    ProviderError, Refusal,
    dns::{Change, Data, DnsName, Found, Prerequisite, RecordType, Update},
};

/// What is in the zone where an instance's records and its mark stand.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) records: There,
    pub(super) mark: There,
}

/// Who the records belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// The instance: its mark is there.
    Us,
    /// Nobody: there is no mark.
    Nobody,
    /// Somebody else's text stands where the mark would.
    Others,
}

impl Seen {
    pub(super) fn owner(&self, known: &Known) -> Owner {
        match &self.mark {
            There::Records(found) if found.is_empty() => Owner::Nobody,
            There::Records(_) if self.our_mark(known).is_some() => Owner::Us,
            There::Records(_) | There::Alias | There::Elsewhere => Owner::Others,
        }
    }

    fn our_mark(&self, known: &Known) -> Option<&Data> {
        let There::Records(found) = &self.mark else { return None };
        found.iter().map(|found| &found.data).find(|data| known.is_mark(data))
    }

    /// The records of the type, with their data sorted; `None` when something else stands in their place.
    pub(super) fn found(&self) -> Option<&[Found]> {
        match &self.records {
            There::Records(found) => Some(found),
            There::Alias | There::Elsewhere => None,
        }
    }
}

fn data(found: &[Found]) -> Vec<Data> {
    found.iter().map(|found| found.data.clone()).collect()
}

/// The change that leads to what is wanted; `None` if it is there.
pub(super) fn change(zone: &DnsName, wanted: &Known, seen: &Seen) -> Result<Option<Update>, ProviderError> {
    let Some(found) = seen.found() else {
        return Err(in_the_way("the name is an alias (CNAME), or lies in a zone of others"));
    };
    let (there, target) = (data(found), wanted.data()?);
    let Some(mark) = seen.our_mark(wanted) else {
        return match seen.owner(wanted) {
            Owner::Nobody if there.is_empty() => created(zone, wanted, &target).map(Some),
            Owner::Nobody => {
                Err(in_the_way("the name has records of that type, which are not of this instance"))
            }
            Owner::Us | Owner::Others => {
                Err(in_the_way("a text that is not the broker's stands where its mark would"))
            }
        };
    };
    let has_ttl = found.iter().all(|found| found.ttl == wanted.ttl);
    if there == target && has_ttl && *mark == wanted.mark_data(&target)? {
        return Ok(None);
    }
    let is_as_we_left_it = there.is_empty() || *mark == wanted.mark_data(&there)?;
    if there != target && !is_as_we_left_it {
        return Err(in_the_way(
            "somebody else has changed the records; put them back as they were, or delete the instance and create it again",
        ));
    }
    replaced(zone, (wanted, mark), (&there, &target)).map(Some)
}

/// Adds records and mark, if nothing is there.
fn created(zone: &DnsName, wanted: &Known, target: &[Data]) -> Result<Update, ProviderError> {
    let (name, of) = (&wanted.name, wanted.record_type());
    let mark = wanted.mark_name()?;
    let update = Update::of(zone).if_holds(Prerequisite::Absent(mark.clone(), RecordType::TXT));
    let update = if of == RecordType::CNAME {
        update.if_holds(Prerequisite::Unused(name.clone()))
    } else {
        // a server takes no record beside an alias, and says nothing
        update
            .if_holds(Prerequisite::Absent(name.clone(), of))
            .if_holds(Prerequisite::Absent(name.clone(), RecordType::CNAME))
    };
    let update = update.then(Change::Add(mark, wanted.ttl, wanted.mark_data(target)?));
    Ok(added(update, wanted, target))
}

fn added(update: Update, wanted: &Known, target: &[Data]) -> Update {
    target
        .iter()
        .fold(update, |update, data| update.then(Change::Add(wanted.name.clone(), wanted.ttl, data.clone())))
}

/// Puts other records, and their mark, in the place of exactly these.
fn replaced(
    zone: &DnsName,
    (wanted, mark): (&Known, &Data),
    (there, target): (&[Data], &[Data]),
) -> Result<Update, ProviderError> {
    let mark_name = wanted.mark_name()?;
    let update = Update::of(zone)
        .if_holds(Prerequisite::Exactly(mark_name.clone(), vec![mark.clone()]))
        .if_holds(exactly(wanted, there))
        .then(Change::RemoveAll(wanted.name.clone(), wanted.record_type()))
        .then(Change::Remove(mark_name.clone(), mark.clone()))
        .then(Change::Add(mark_name, wanted.ttl, wanted.mark_data(target)?));
    Ok(added(update, wanted, target))
}

fn exactly(known: &Known, there: &[Data]) -> Prerequisite {
    let (name, of) = (known.name.clone(), known.record_type());
    if there.is_empty() {
        Prerequisite::Absent(name, of)
    } else {
        Prerequisite::Exactly(name, there.to_vec())
    }
}

/// Removes the mark and what the instance has put there: all of it if it is as the mark says, else what is known of it, and
/// what others have put beside it stays. `None` if there is no mark: then nothing is the instance's.
pub(super) fn removal(zone: &DnsName, known: &Known, seen: &Seen) -> Result<Option<Update>, ProviderError> {
    let (Some(mark), name) = (seen.our_mark(known), known.mark_name()?) else { return Ok(None) };
    let update = Update::of(zone).if_holds(Prerequisite::Present(name.clone(), RecordType::TXT));
    let there = data(seen.found().unwrap_or_default());
    let is_as_we_left_it = *mark == known.mark_data(&there)?;
    let update = if is_as_we_left_it && !there.is_empty() {
        let all = Change::RemoveAll(known.name.clone(), known.record_type());
        update.if_holds(exactly(known, &there)).then(all)
    } else {
        let remove = |update: Update, data| update.then(Change::Remove(known.name.clone(), data));
        known.data()?.into_iter().fold(update, remove)
    };
    Ok(Some(update.then(Change::Remove(name, mark.clone()))))
}

pub(super) fn in_the_way(what: &str) -> ProviderError {
    ProviderError::refused(Refusal::Conflict, format!("name: {what}; nothing was changed"))
}

#[cfg(test)]
mod tests {
    use sutler_catalog::domain::record::RecordType as Word;

    use super::*;

    fn known(values: &[&str]) -> Known {
        Known {
            name: "www.example.com".parse().unwrap(),
            r#type: Word::A,
            ttl: 300,
            values: values.iter().map(ToString::to_string).collect(),
            mark: "0123456789abcdef0123456789abcdef".to_owned(),
        }
    }

    fn found(known: &Known) -> There {
        There::Records(known.data().unwrap().into_iter().map(|data| Found { ttl: known.ttl, data }).collect())
    }

    fn text(text: Data) -> There {
        There::Records(vec![Found { ttl: 300, data: text }])
    }

    fn decided(wanted: &Known, seen: &Seen) -> Result<Option<Update>, ProviderError> {
        change(&"example.com".parse().unwrap(), wanted, seen)
    }

    /// The mark beside records of these values.
    fn mark(known: &Known) -> There {
        text(known.mark_data(&known.data().unwrap()).unwrap())
    }

    #[test]
    fn nothing_there_is_made_and_what_is_there_is_left() {
        let wanted = known(&["192.0.2.2", "192.0.2.1"]);
        let nothing = There::Records(Vec::new());
        let bare = Seen { records: nothing.clone(), mark: nothing.clone() };
        assert!(decided(&wanted, &bare).unwrap().is_some());
        let whole = Seen { records: found(&wanted), mark: mark(&wanted) };
        assert_eq!(decided(&wanted, &whole).unwrap(), None);
        let lost = Seen { records: nothing, mark: mark(&wanted) };
        assert!(decided(&wanted, &lost).unwrap().is_some(), "records that were lost come back");
    }

    #[test]
    fn what_is_not_ours_or_was_changed_by_others_is_a_conflict() {
        let wanted = known(&["192.0.2.1"]);
        let nothing = There::Records(Vec::new());
        let (ours, other) = (known(&["192.0.2.5"]), known(&["192.0.2.9"]));
        for seen in [
            Seen { records: found(&wanted), mark: nothing.clone() },
            Seen { records: nothing.clone(), mark: text(Data::text("theirs").unwrap()) },
            Seen { records: There::Alias, mark: nothing.clone() },
            Seen { records: There::Elsewhere, mark: nothing.clone() },
            Seen { records: found(&other), mark: mark(&ours) },
        ] {
            let error = decided(&wanted, &seen).unwrap_err();
            let is_conflict = matches!(error, ProviderError::Refused { refusal: Refusal::Conflict, .. });
            assert!(is_conflict, "{seen:?}: {error:?}");
        }
        let seen = Seen { records: found(&ours), mark: mark(&ours) };
        assert!(decided(&wanted, &seen).unwrap().is_some(), "what we made may be changed");
    }

    #[test]
    fn another_time_to_live_alone_is_a_change() {
        let wanted = known(&["192.0.2.1"]);
        let old = Known { ttl: 60, ..wanted.clone() };
        let seen = Seen { records: found(&old), mark: mark(&wanted) };
        assert!(decided(&wanted, &seen).unwrap().is_some());
    }

    #[test]
    fn without_the_mark_nothing_is_removed_and_with_it_nothing_of_others() {
        let (known, zone) = (known(&["192.0.2.1"]), "example.com".parse().unwrap());
        let records = found(&known);
        let seen = Seen { records: records.clone(), mark: There::Records(Vec::new()) };
        assert_eq!(removal(&zone, &known, &seen).unwrap(), None);
        let all = Change::RemoveAll(known.name.clone(), RecordType::A);
        let seen = Seen { records, mark: mark(&known) };
        let update = removal(&zone, &known, &seen).unwrap().unwrap();
        assert!(update.changes().contains(&all));
        let more = Known { values: vec!["192.0.2.1".into(), "192.0.2.9".into()], ..known.clone() };
        let seen = Seen { records: found(&more), mark: mark(&known) };
        let update = removal(&zone, &known, &seen).unwrap().unwrap();
        assert!(!update.changes().contains(&all), "what others added stays");
        assert_eq!(update.changes().len(), 2, "our value and our mark go");
    }
}
