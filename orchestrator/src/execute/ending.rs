//! The last change of a run and the entry of the ledger that says so are one commit (A46).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::name::InstanceRef;
use crate::state::record::InstanceRecord;
use crate::state::{Change, Effect};

/// Knows when everything has been done.
pub trait Closing: fmt::Debug + Send + Sync {
    /// What is committed together with the change after which the records, in the order of their refs, are these.
    /// Nothing as long as something is left to do. Asked after every change, so it should be quick to say no.
    fn entry(&self, records: &[InstanceRecord]) -> Option<Change>;
}

/// Follows the records in the order in which their changes will be durable.
#[derive(Debug)]
pub(super) struct Ending {
    closing: Arc<dyn Closing>,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    /// By ref.
    records: Vec<InstanceRecord>,
    is_closed: bool,
}

impl Ending {
    pub(super) fn new(closing: Arc<dyn Closing>, mut records: Vec<InstanceRecord>) -> Self {
        records.sort_by(|one, other| one.reference.cmp(&other.reference));
        Self { closing, now: Mutex::new(Now { records, is_closed: false }) }
    }

    /// Gives a change its place. While it does, no other one gets one: what is asked about is what will be durable.
    pub(super) fn with<T>(&self, change: Change, place: impl FnOnce(Vec<Change>) -> T) -> T {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.follow(&change);
        let entry = if now.is_closed { None } else { self.closing.entry(&now.records) };
        now.is_closed |= entry.is_some();
        place(std::iter::once(change).chain(entry).collect())
    }
}

impl Now {
    fn follow(&mut self, change: &Change) {
        match &change.effect {
            Effect::Put(record) => match self.find(&record.reference) {
                Ok(at) => self.records[at].clone_from(record),
                Err(at) => self.records.insert(at, (**record).clone()),
            },
            Effect::Remove(reference) => {
                if let Ok(at) = self.find(reference) {
                    self.records.remove(at);
                }
            }
            Effect::Enter(_) | Effect::Strike(_) => {}
        }
    }

    fn find(&self, reference: &InstanceRef) -> Result<usize, usize> {
        self.records.binary_search_by(|record| record.reference.cmp(reference))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::LedgerKind;
    use crate::state::samples::{entry, record, reference};
    use crate::state::status::Status;

    /// Closes once these are all there are and ready.
    #[derive(Debug)]
    struct Once(&'static [&'static str]);

    impl Closing for Once {
        fn entry(&self, records: &[InstanceRecord]) -> Option<Change> {
            let ready = records.iter().filter(|record| record.status == Status::Ready);
            let is_done = ready.map(|record| record.reference.as_str()).eq(self.0.iter().copied());
            is_done.then(|| Change::enter(entry(LedgerKind::Migration, "0001_init"), "applied"))
        }
    }

    #[test]
    fn a46_the_entry_is_in_the_commit_of_the_last_change_and_in_no_other() {
        let ending = Ending::new(Arc::new(Once(&["a", "b"])), vec![record("c")]);
        let ready = |name: &str| InstanceRecord { status: Status::Ready, ..record(name) };
        let made = [
            Change::put(record("b"), "intended"),
            Change::put(ready("b"), "ready"),
            Change::put(ready("a"), "ready"),
            Change::remove(reference("c"), "deleted"),
            Change::put(ready("a"), "again"),
        ];
        let with_entry = |change: Change| {
            ending.with(change, |changes| {
                changes.iter().filter(|one| matches!(one.effect, Effect::Enter(_))).count()
            })
        };
        assert_eq!(made.map(with_entry), [0, 0, 1, 0, 0]);
    }
}
