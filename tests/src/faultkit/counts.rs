//! What was done, in numbers.

use std::{collections::BTreeMap, fmt};

/// Counters of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Cases that were run.
    pub cases: u64,
    /// Faults that struck, by kind.
    pub faults: BTreeMap<String, u64>,
    /// Requests of platforms.
    pub requests: u64,
    /// Calls at the vendor.
    pub vendor_calls: u64,
    /// Times a broker was started.
    pub starts: u64,
    /// Times all checkers looked.
    pub checks: u64,
    /// Rows of cases for which there was no time.
    pub rows_left: u64,
    /// Violations, with the command that repeats them.
    pub violations: Vec<String>,
}

impl Counts {
    /// One more fault of this kind.
    pub fn fault(&mut self, kind: impl Into<String>) {
        *self.faults.entry(kind.into()).or_default() += 1;
    }

    /// Adds another run.
    pub fn add(&mut self, other: &Self) {
        self.cases += other.cases;
        self.requests += other.requests;
        self.vendor_calls += other.vendor_calls;
        self.starts += other.starts;
        self.checks += other.checks;
        self.rows_left += other.rows_left;
        for (kind, count) in &other.faults {
            *self.faults.entry(kind.clone()).or_default() += count;
        }
        self.violations.extend(other.violations.iter().cloned());
    }

    /// How many faults struck.
    #[must_use]
    pub fn struck(&self) -> u64 {
        self.faults.values().sum()
    }

    /// A row of the table in `docs/reliability.md`.
    #[must_use]
    pub fn table_row(&self, part: &str, store: &str) -> String {
        let left =
            if self.rows_left > 0 { format!(" ({} rows left)", self.rows_left) } else { String::new() };
        format!(
            "| {part} | {store} | {}{left} | {} | {} | {} | {} |",
            self.cases,
            self.struck(),
            self.starts,
            self.checks,
            self.violations.len()
        )
    }

    /// The head of that table.
    pub const TABLE_HEAD: &str = "| Part | Store | Cases | Faults struck | Broker starts | Looks of the checkers | \
                                  Violations |\n|---|---|--:|--:|--:|--:|--:|";
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "cases {}, faults {}, requests {}, vendor calls {}, broker starts {}, looks of the checkers {}",
            self.cases,
            self.struck(),
            self.requests,
            self.vendor_calls,
            self.starts,
            self.checks
        )?;
        for (kind, count) in &self.faults {
            writeln!(f, "  {kind}: {count}")?;
        }
        writeln!(f, "violations {}", self.violations.len())?;
        self.violations.iter().try_for_each(|violation| writeln!(f, "  {violation}"))
    }
}
