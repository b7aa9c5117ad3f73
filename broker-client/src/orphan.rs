//! The specification's table of orphan mitigation (App. C): what to delete after a request that did not succeed.

use crate::{Call, ClientError};

/// What may exist at the broker although the request did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Orphan {
    /// Nothing to clean up.
    None,
    /// Deprovision the instance, until the broker reports success.
    Instance,
    /// Unbind the binding, until the broker reports success.
    Binding,
}

/// How a request, with the polling that followed it, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ended {
    /// With this status, and a body that fits it or that does not matter.
    Answered {
        /// The status.
        status: u16,
    },
    /// With this status, and a body that could not be read as the status demands.
    Malformed {
        /// The status.
        status: u16,
    },
    /// Without an answer, in time or at all, after it may have been received.
    TimedOut,
    /// Before anything was sent: connection refused, no such host, no trust.
    NotSent,
    /// Polling found `failed`.
    PollingFailed,
    /// Polling went past its maximum duration, which counts as `failed` (P-POL-13).
    PollingExpired,
}

impl From<&ClientError> for Ended {
    fn from(error: &ClientError) -> Self {
        match error {
            ClientError::NotSent { .. } => Self::NotSent,
            ClientError::TimedOut { .. } | ClientError::Interrupted { .. } => Self::TimedOut,
            ClientError::Unauthorized => Self::Answered { status: 401 },
            ClientError::Rejected { status, .. } | ClientError::Redirected { status, .. } => {
                Self::Answered { status: *status }
            }
            ClientError::Malformed { status, .. } | ClientError::TooLarge { status, .. } => {
                Self::Malformed { status: *status }
            }
        }
    }
}

/// What a request that ended so may have left behind, row by row of the table.
///
/// Rows that the table does not have are decided so: a request that was not sent leaves nothing; a redirect is a
/// refusal, but 303 says that the request was carried out and counts as "any other 2xx"; a status outside 200 to 599
/// counts as 5xx.
#[must_use]
pub fn leaves_orphan(call: Call, ended: &Ended) -> Orphan {
    match *ended {
        Ended::NotSent => Orphan::None,
        Ended::PollingFailed | Ended::PollingExpired => of_any(call),
        Ended::TimedOut => of_creation(call),
        Ended::Answered { status: 200..=202 } | Ended::Malformed { status: 200 } => Orphan::None,
        Ended::Malformed { status: 201 | 202 } => of_creation(call),
        Ended::Answered { status } | Ended::Malformed { status } => match status {
            303 => of_any(call),
            300..=499 => Orphan::None,
            _ => of_any(call),
        },
    }
}

/// What a creation may have left behind; a deletion is simply not finished.
fn of_creation(call: Call) -> Orphan {
    match call {
        Call::Provision => Orphan::Instance,
        Call::Bind => Orphan::Binding,
        _ => Orphan::None,
    }
}

/// What a creation or a deletion may have left behind; an update never leaves an orphan (P-UPD-10).
fn of_any(call: Call) -> Orphan {
    match call {
        Call::Provision | Call::Deprovision => Orphan::Instance,
        Call::Bind | Call::Unbind => Orphan::Binding,
        Call::Catalog | Call::FetchInstance | Call::Update | Call::FetchBinding | Call::LastOperation => {
            Orphan::None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Call; 9] = [
        Call::Catalog,
        Call::Provision,
        Call::FetchInstance,
        Call::Update,
        Call::Deprovision,
        Call::Bind,
        Call::FetchBinding,
        Call::Unbind,
        Call::LastOperation,
    ];

    /// A row: its name, how requests ended, and what provision, deprovision, bind, unbind and all others leave.
    type Row = (&'static str, Vec<Ended>, [Orphan; 5]);

    fn answered(statuses: impl IntoIterator<Item = u16>) -> Vec<Ended> {
        statuses.into_iter().map(|status| Ended::Answered { status }).collect()
    }

    fn any_body(statuses: impl IntoIterator<Item = u16>) -> Vec<Ended> {
        statuses
            .into_iter()
            .flat_map(|status| [Ended::Answered { status }, Ended::Malformed { status }])
            .collect()
    }

    fn table() -> Vec<Row> {
        use Orphan::{Binding as B, Instance as I, None as N};
        vec![
            ("200", answered([200]), [N, N, N, N, N]),
            ("200, malformed body", vec![Ended::Malformed { status: 200 }], [N, N, N, N, N]),
            ("poll 200 failed", vec![Ended::PollingFailed], [I, I, B, B, N]),
            ("201", answered([201]), [N, N, N, N, N]),
            ("201, malformed", vec![Ended::Malformed { status: 201 }], [I, N, B, N, N]),
            ("202", answered([202]), [N, N, N, N, N]),
            ("202, malformed", vec![Ended::Malformed { status: 202 }], [I, N, B, N, N]),
            ("any other 2xx", any_body(203..300), [I, I, B, B, N]),
            ("408", any_body([408]), [N, N, N, N, N]),
            ("any other 4xx", any_body((400..500).filter(|status| *status != 408)), [N, N, N, N, N]),
            ("5xx", any_body(500..600), [I, I, B, B, N]),
            ("time-out", vec![Ended::TimedOut], [I, N, B, N, N]),
            ("derived: polling past the maximum duration", vec![Ended::PollingExpired], [I, I, B, B, N]),
            ("derived: connection refused", vec![Ended::NotSent], [N, N, N, N, N]),
            ("derived: redirect", any_body((300..400).filter(|status| *status != 303)), [N, N, N, N, N]),
            ("derived: 303", any_body([303]), [I, I, B, B, N]),
            ("derived: no status of HTTP", any_body([100, 199, 600, 999]), [I, I, B, B, N]),
        ]
    }

    #[test]
    fn every_row_of_the_table_is_followed() {
        for (row, endings, [provision, deprovision, bind, unbind, others]) in table() {
            for (call, ended) in ALL.iter().flat_map(|call| endings.iter().map(move |ended| (*call, ended))) {
                let expected = match call {
                    Call::Provision => provision,
                    Call::Deprovision => deprovision,
                    Call::Bind => bind,
                    Call::Unbind => unbind,
                    _ => others,
                };
                assert_eq!(leaves_orphan(call, ended), expected, "row '{row}', {call:?}, {ended:?}");
            }
        }
    }

    #[test]
    fn every_error_has_its_row() {
        let ended = |error: ClientError| Ended::from(&error);
        assert_eq!(ended(ClientError::NotSent { source: "refused".into() }), Ended::NotSent);
        assert_eq!(ended(ClientError::Interrupted { source: "reset".into() }), Ended::TimedOut);
        assert_eq!(ended(ClientError::TimedOut { limit: std::time::Duration::ZERO }), Ended::TimedOut);
        assert_eq!(ended(ClientError::Unauthorized), Ended::Answered { status: 401 });
        assert_eq!(ended(ClientError::TooLarge { status: 201, limit: 1 }), Ended::Malformed { status: 201 });
    }
}
