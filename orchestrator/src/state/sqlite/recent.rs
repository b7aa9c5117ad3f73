//! What was written last, so that the next change of the same ref need not read it again: an instance is changed a few
//! times in a row, and then not for long.

use std::collections::HashMap;

use crate::name::RecordKey;
use crate::state::journal::Tip;
use crate::state::prepare::Before;

/// So many refs of each generation: more than steps are ever under way, few megabytes.
const GENERATION: usize = 512;

/// What is stored of the refs that were changed last, as of one end of the journal. It holds as long as the journal ends
/// there: whatever anybody else writes moves that end.
#[derive(Debug, Default)]
pub(super) struct Recent {
    end: Option<Tip>,
    young: HashMap<RecordKey, Before>,
    old: HashMap<RecordKey, Before>,
}

impl Recent {
    /// Takes everything that holds where the journal ends here. What is left behind holds nowhere: a transaction that
    /// fails in the middle leaves nothing to believe.
    pub(super) fn since(&mut self, end: &Tip) -> Self {
        let known = std::mem::take(self);
        if known.end.as_ref() == Some(end) { known } else { Self::default() }
    }

    /// From now on it holds where the journal ends here.
    pub(super) fn at(mut self, end: Tip) -> Self {
        self.end = Some(end);
        self
    }

    /// What is stored of a ref, if it is known.
    pub(super) fn take(&mut self, reference: &RecordKey) -> Option<Before> {
        self.young.remove(reference).or_else(|| self.old.remove(reference))
    }

    /// Keeps what is stored of a ref; forgets what was not asked for during the last two generations.
    pub(super) fn keep(&mut self, reference: RecordKey, stored: Before) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(reference, stored);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::journal::{Trail, hash};
    use crate::state::samples;

    fn reference(name: &str) -> RecordKey {
        RecordKey::from(&samples::reference(name))
    }

    fn known(recent: &mut Recent, name: &str) -> bool {
        recent.take(&reference(name)).is_some()
    }

    fn one() -> Before {
        Before::stored(None, Trail::default())
    }

    #[test]
    fn it_holds_only_where_the_journal_ended_when_it_was_written() {
        let end = Tip::start(hash(&[b"here"]));
        let mut recent = Recent::default().at(end);
        recent.keep(reference("db"), one());
        let mut same = recent.since(&end).at(end);
        assert!(known(&mut same, "db"));
        same.keep(reference("db"), one());
        // somebody else wrote
        let mut other = same.since(&Tip { sequence: 1, ..end });
        assert!(!known(&mut other, "db"));
        // what was taken and not put back, after a transaction that failed, holds nowhere
        assert!(!known(&mut same.since(&end), "db"));
    }

    #[test]
    fn it_stays_small_and_knows_the_last_ones() {
        let mut recent = Recent::default();
        for number in 0..5 * GENERATION {
            recent.keep(reference(&format!("i{number}")), one());
            assert!(recent.young.len() + recent.old.len() <= 2 * GENERATION);
        }
        assert!(known(&mut recent, &format!("i{}", 5 * GENERATION - 1)));
        assert!(known(&mut recent, &format!("i{}", 4 * GENERATION)) && !known(&mut recent, "i0"));
    }
}
