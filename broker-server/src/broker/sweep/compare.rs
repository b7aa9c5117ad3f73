//! Comparing what the vendor has with what the store expects. Pure.

use std::collections::BTreeMap;

use crate::{
    providers::{MarkedObject, Marker},
    store::Subject,
};

/// A subject of the store whose object at the vendor would carry this mark.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    pub(super) subject: Subject,
    pub(super) marker: Marker,
    pub(super) presence: Presence,
}

/// Whether its object has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// It has: the subject is ready.
    Required,
    /// It may be there or not: the subject is being made, changed or deleted, or that failed.
    Possible,
}

/// What does not fit together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Misfits {
    /// Objects that carry a mark which is that of no subject.
    pub(super) unknown: Vec<MarkedObject>,
    /// Subjects with more than one object.
    pub(super) twins: Vec<(Subject, Vec<MarkedObject>)>,
    /// Subjects that are ready and have no object.
    pub(super) missing: Vec<Subject>,
}

impl Misfits {
    pub(super) fn is_empty(&self) -> bool {
        self.unknown.is_empty() && self.twins.is_empty() && self.missing.is_empty()
    }

    /// What was found both times: what came or went in between is no misfit.
    pub(super) fn confirmed_by(self, again: &Self) -> Self {
        let same = |object: &MarkedObject| again.unknown.iter().any(|other| other.id == object.id);
        let is_twin = |subject: &Subject| again.twins.iter().any(|(other, _)| other == subject);
        Self {
            unknown: self.unknown.into_iter().filter(same).collect(),
            twins: self.twins.into_iter().filter(|(subject, _)| is_twin(subject)).collect(),
            missing: self.missing.into_iter().filter(|subject| again.missing.contains(subject)).collect(),
        }
    }
}

/// Compares. The order of the objects is kept; subjects come in the order of their marks.
pub(super) fn compare(objects: &[MarkedObject], expected: &[Expected]) -> Misfits {
    let mut found: BTreeMap<String, (&Expected, Vec<MarkedObject>)> =
        expected.iter().map(|expected| (expected.marker.hex(64), (expected, Vec::new()))).collect();
    let mut misfits = Misfits::default();
    for object in objects {
        // a mark is a beginning of the whole one
        let whole = found.range_mut(object.mark.clone()..).next();
        match whole.filter(|(whole, _)| whole.starts_with(&object.mark)) {
            Some((_, (_, theirs))) => theirs.push(object.clone()),
            None => misfits.unknown.push(object.clone()),
        }
    }
    for (expected, theirs) in found.into_values() {
        match theirs.len() {
            0 if expected.presence == Presence::Required => misfits.missing.push(expected.subject.clone()),
            0 | 1 => {}
            _ => misfits.twins.push((expected.subject.clone(), theirs)),
        }
    }
    misfits
}

#[cfg(test)]
mod tests {
    use sutler_spec::InstanceId;

    use super::*;

    fn expected(name: &str, presence: Presence) -> Expected {
        let id = InstanceId::new(name).unwrap();
        let marker = Marker::for_instance("installation", &id);
        Expected { subject: Subject::Instance(id), marker, presence }
    }

    fn object(id: &str, of: &Expected, digits: usize) -> MarkedObject {
        MarkedObject { id: id.to_owned(), name: format!("n-{id}"), mark: of.marker.hex(digits) }
    }

    #[test]
    fn orphans_twins_and_missing_objects_are_told_apart() {
        use Presence::{Possible, Required};
        let [fine, lost, double, being_made, gone] = [
            ("fine", Required),
            ("lost", Required),
            ("double", Possible),
            ("made", Possible),
            ("gone", Required),
        ]
        .map(|(name, presence)| expected(name, presence));
        let objects = [
            object("1", &fine, 24),
            object("2", &double, 24),
            object("3", &double, 32),
            object("4", &gone, 24),
        ];
        let stored = [fine, lost.clone(), double.clone(), being_made];
        let misfits = compare(&objects, &stored);
        assert_eq!(misfits.unknown, [objects[3].clone()], "the store does not know 'gone'");
        assert_eq!(misfits.missing, [lost.subject]);
        assert_eq!(misfits.twins, [(double.subject, vec![objects[1].clone(), objects[2].clone()])]);
    }

    #[test]
    fn what_came_or_went_between_two_looks_is_no_misfit() {
        let [one, two] = ["one", "two"].map(|name| expected(name, Presence::Required));
        let objects = [object("1", &one, 24), object("2", &two, 24)];
        let before = compare(&objects, &[]);
        assert_eq!(before.unknown.len(), 2);
        let after = compare(&objects[1..], &[]);
        assert_eq!(before.confirmed_by(&after).unknown, [objects[1].clone()]);
        let both = [one, two];
        let before = compare(&[], &both);
        assert_eq!(before.missing.len(), 2);
        assert!(before.confirmed_by(&compare(&objects, &both)).is_empty());
    }
}
