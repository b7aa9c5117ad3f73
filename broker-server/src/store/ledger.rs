//! The circuit of a vendor account, as both databases hold it.

use super::StoreError;
use crate::circuit::Circuit;

/// Columns of `vendor_budgets`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CircuitColumns {
    /// Silences in a row, while it is closed.
    pub(super) silences: i64,
    /// How often in a row it was opened; 0 while it is closed.
    pub(super) openings: i64,
    /// When the account is asked again, or the probe is given up; microseconds since 1970.
    pub(super) until: i64,
    /// Whether a probe is under way.
    pub(super) probing: bool,
}

impl From<Circuit> for CircuitColumns {
    fn from(circuit: Circuit) -> Self {
        let (silences, openings, until, probing) = match circuit {
            Circuit::Closed { silences } => (silences, 0, 0, false),
            Circuit::Open { until, openings } => (0, openings, until, false),
            Circuit::Probing { until, openings } => (0, openings, until, true),
        };
        Self { silences: silences.into(), openings: openings.into(), until, probing }
    }
}

impl CircuitColumns {
    /// The circuit that was written.
    pub(super) fn read(self) -> Result<Circuit, StoreError> {
        let count = |number: i64| {
            u32::try_from(number).map_err(|_| StoreError::Damaged { column: "vendor_budgets.openings" })
        };
        let (silences, openings, until) = (count(self.silences)?, count(self.openings)?, self.until);
        Ok(match (openings, self.probing) {
            (0, _) => Circuit::Closed { silences },
            (_, true) => Circuit::Probing { until, openings },
            (_, false) => Circuit::Open { until, openings },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circuit_is_read_as_it_was_written() {
        for circuit in [
            Circuit::NEW,
            Circuit::Closed { silences: 4 },
            Circuit::Open { until: 5, openings: 1 },
            Circuit::Probing { until: 7, openings: u32::MAX },
        ] {
            assert_eq!(CircuitColumns::from(circuit).read().unwrap(), circuit);
        }
        let damaged = CircuitColumns { openings: -1, ..CircuitColumns::from(Circuit::NEW) };
        assert!(damaged.read().is_err());
    }
}
