//! What an answer means. Only an authentic "it does not exist" means that something is missing (I-08).

use sutler_broker_client::ClientError;

use super::fields::{Field, Standing};
use crate::brokers::chain;
use crate::exit::Exit;

/// What is found of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is there, and whatever its broker tells of it is as recorded.
    Live,
    /// Its broker says, authentically, that it does not exist.
    Missing,
    /// It is there, and fields of it differ.
    Drifted,
    /// Its service does not let instances be read.
    NotObservable,
    /// There was no clear answer. That is not "missing".
    Unknown,
}

impl Verdict {
    /// The verdict in a word, for documents.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Missing => "missing",
            Self::Drifted => "drifted",
            Self::NotObservable => "not_observable",
            Self::Unknown => "unknown",
        }
    }
}

/// What an answer comes to: its error, if it was one, and what was compared otherwise.
pub(super) fn judge(error: Option<&ClientError>, fields: &[Field]) -> (Verdict, String) {
    match error {
        Some(error) if error.is_authentic_absence() => {
            (Verdict::Missing, "its broker says that it does not exist".to_owned())
        }
        Some(error) => (Verdict::Unknown, format!("its broker could not tell: {}", chain(error))),
        None => {
            let differing = fields.iter().filter(|field| matches!(field.standing, Standing::Differs { .. }));
            let names: Vec<&str> = differing.map(|field| field.name.as_str()).collect();
            match names.as_slice() {
                [] => (Verdict::Live, String::new()),
                names => (Verdict::Drifted, format!("differs in {}", names.join(", "))),
            }
        }
    }
}

/// The exit code of what was found: 3 when anything is missing or drifted; else 4 when some could not be asked, and 1
/// when none could; else 0.
pub(in crate::commands) fn exit(verdicts: impl Iterator<Item = Verdict>) -> Exit {
    let (mut differing, mut known, mut unknown) = (0_usize, 0_usize, 0_usize);
    for verdict in verdicts {
        match verdict {
            Verdict::Missing | Verdict::Drifted => differing += 1,
            Verdict::Live | Verdict::NotObservable => known += 1,
            Verdict::Unknown => unknown += 1,
        }
    }
    match (differing, known, unknown) {
        (1.., ..) => Exit::Pending,
        (0, _, 0) => Exit::Done,
        (0, 0, _) => Exit::Failed,
        (0, ..) => Exit::Partial,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sutler_spec::ErrorBody;

    use super::*;

    fn rejected(status: u16) -> ClientError {
        ClientError::Rejected { status, body: ErrorBody::default(), retry_after: None }
    }

    #[test]
    fn a11_i_08_only_an_authentic_absence_is_missing() {
        for status in [404, 410] {
            assert_eq!(judge(Some(&rejected(status)), &[]).0, Verdict::Missing, "{status}");
        }
        for error in [
            rejected(400),
            rejected(403),
            rejected(408),
            rejected(422),
            rejected(429),
            rejected(500),
            rejected(503),
            rejected(599),
            ClientError::Unauthorized,
            ClientError::NotSent { source: "refused".into() },
            ClientError::TimedOut { limit: Duration::from_secs(1) },
            ClientError::Interrupted { source: "reset".into() },
            ClientError::Malformed { status: 404, what: sutler_broker_client::Untrusted::new("HTML") },
            ClientError::Malformed { status: 200, what: sutler_broker_client::Untrusted::new("a list") },
            ClientError::Redirected { status: 302, location: None },
            ClientError::TooLarge { status: 200, limit: 1 },
        ] {
            let (verdict, detail) = judge(Some(&error), &[]);
            assert_eq!(verdict, Verdict::Unknown, "{error}");
            assert!(detail.starts_with("its broker could not tell: "), "{detail}");
        }
    }

    #[test]
    fn a31_the_exit_code_tells_drift_from_what_is_not_known() {
        use Verdict::{Drifted, Live, Missing, NotObservable, Unknown};
        for (verdicts, expected) in [
            (&[][..], Exit::Done),
            (&[Live, NotObservable], Exit::Done),
            (&[Live, Unknown], Exit::Partial),
            (&[NotObservable, Unknown], Exit::Partial),
            (&[Unknown, Unknown], Exit::Failed),
            (&[Missing], Exit::Pending),
            (&[Live, Drifted, Unknown], Exit::Pending),
        ] {
            assert_eq!(exit(verdicts.iter().copied()), expected, "{verdicts:?}");
        }
    }
}
