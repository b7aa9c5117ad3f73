//! What a check is.

use std::{fmt, future::Future, pin::Pin};

use super::{
    finding::Verdict,
    rows::{Level, Row, row},
    trial::Trial,
};

/// What a check does to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Nothing is created: reads, and requests that have to be refused.
    ReadOnly,
    /// Instances and bindings are created, and deleted again.
    Lifecycle,
    /// Repeats, races, lost answers.
    Chaos,
    /// The broker is restarted.
    Restart,
    /// Looks at every answer of the run; comes last.
    Answers,
}

type Running<'a> = Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;

/// One check of one row.
pub struct Check {
    /// The id of the row, perhaps with a suffix: `B-PROV-07`, `B-PROV-07.build`.
    pub id: &'static str,
    /// What holds, as a sentence.
    pub title: &'static str,
    /// What it does to the broker.
    pub needs: Needs,
    pub(super) run: for<'a> fn(&'a Trial) -> Running<'a>,
}

impl Check {
    /// The row it belongs to.
    #[must_use]
    pub fn row(&self) -> &'static str {
        self.id.split('.').next().unwrap_or(self.id)
    }

    /// How binding the row is.
    #[must_use]
    pub fn level(&self) -> Level {
        // a test holds that every check has a row
        row(self.row()).map_or(Level::Fact, |row: &Row| row.level)
    }

    /// Whether `--only` with this word means it: the id, the row, or the beginning of a group such as `B-PROV`.
    pub(super) fn is_meant_by(&self, word: &str) -> bool {
        self.id == word
            || self.row() == word
            || self.id.strip_prefix(word).is_some_and(|rest| rest.starts_with('-'))
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("id", &self.id).field("needs", &self.needs).finish_non_exhaustive()
    }
}

/// A table of checks: id, function, what it needs, title.
macro_rules! checks {
    ($($id:literal $run:ident $needs:ident $title:literal;)*) => {
        /// The checks of this topic.
        pub(in crate::conformance) const CHECKS: &[$crate::conformance::Check] = &[
            $($crate::conformance::Check {
                id: $id,
                title: $title,
                needs: $crate::conformance::Needs::$needs,
                run: |trial| Box::pin($run(trial)),
            },)*
        ];
    };
}

pub(super) use checks;
