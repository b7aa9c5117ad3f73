//! What is done about a creation that did not succeed: the specification's table, and what came before. Pure.

use sutler_broker_client::{Call, ClientError, Ended, Orphan, leaves_orphan};

use super::call::{Doubt, says_nothing};
use crate::config::OnAmbiguous;

/// What is done about a creation (of an instance, of a binding) that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aftermath {
    /// The broker refused and made nothing: forget it.
    Forget,
    /// What became of it is unknown and nothing may be deleted: the intent stays, the next run goes on from it.
    Keep,
    /// It may have been made: it is to be deleted.
    Mitigate,
}

/// Decides. `earlier` is what is known of the requests before the last one, whose error this is.
pub(super) fn aftermath(call: Call, error: &ClientError, earlier: Doubt, policy: OnAmbiguous) -> Aftermath {
    let orphan = leaves_orphan(call, &Ended::from(error)) != Orphan::None;
    if earlier == Doubt::None && !orphan && !keeps(error) {
        return Aftermath::Forget;
    }
    // Never on ConcurrencyError or 408 (P-ERR-05), nor after what says nothing about the thing itself (I-08).
    if keeps(error) || says_nothing(error) || policy == OnAmbiguous::Pause {
        return Aftermath::Keep;
    }
    Aftermath::Mitigate
}

/// Answers after which the thing may be there, and which the table does not let us delete after.
fn keeps(error: &ClientError) -> bool {
    match error {
        ClientError::NotSent { .. } => true,
        // "200, malformed": there is such a thing, as we asked for it.
        ClientError::Malformed { status: 200, .. } | ClientError::TooLarge { status: 200, .. } => true,
        _ => error.is_concurrency_error(),
    }
}

/// Whether a request that ended so may have been carried out.
pub(super) fn doubt_after(call: Call, error: &ClientError) -> Doubt {
    let orphan = leaves_orphan(call, &Ended::from(error)) != Orphan::None;
    if orphan || error.outcome_is_unknown() || error.is_concurrency_error() {
        Doubt::Some
    } else {
        Doubt::None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sutler_broker_client::Untrusted;
    use sutler_spec::{ErrorBody, ErrorCode};

    use super::*;

    fn rejected(status: u16) -> ClientError {
        ClientError::Rejected { status, body: ErrorBody::default(), retry_after: None }
    }

    fn busy() -> ClientError {
        let body = ErrorBody { error: Some(ErrorCode::ConcurrencyError), ..ErrorBody::default() };
        ClientError::Rejected { status: 422, body, retry_after: None }
    }

    fn malformed(status: u16) -> ClientError {
        ClientError::Malformed { status, what: Untrusted::new("x") }
    }

    fn silence() -> ClientError {
        ClientError::TimedOut { limit: Duration::from_secs(1) }
    }

    fn unsent() -> ClientError {
        ClientError::NotSent { source: "refused".into() }
    }

    /// The error, and what follows without and with an earlier request in doubt.
    fn table() -> Vec<(ClientError, Aftermath, Aftermath)> {
        use Aftermath::{Forget, Keep, Mitigate};
        vec![
            (rejected(400), Forget, Mitigate),
            (rejected(409), Forget, Mitigate),
            (rejected(422), Forget, Mitigate),
            (busy(), Keep, Keep),
            (rejected(408), Forget, Keep),
            (rejected(429), Forget, Keep),
            (rejected(403), Forget, Keep),
            (ClientError::Unauthorized, Forget, Keep),
            (rejected(500), Mitigate, Mitigate),
            (rejected(503), Mitigate, Mitigate),
            (malformed(200), Keep, Keep),
            (malformed(201), Mitigate, Mitigate),
            (malformed(202), Mitigate, Mitigate),
            (malformed(204), Mitigate, Mitigate),
            (silence(), Mitigate, Mitigate),
            (unsent(), Keep, Keep),
        ]
    }

    #[test]
    fn p_orp_04_p_err_05_mitigation_follows_the_table_and_never_a_refusal() {
        for call in [Call::Provision, Call::Bind] {
            for (error, fresh, doubted) in table() {
                for policy in [OnAmbiguous::Resume, OnAmbiguous::Mitigate] {
                    assert_eq!(aftermath(call, &error, Doubt::None, policy), fresh, "{call:?} {error}");
                    assert_eq!(aftermath(call, &error, Doubt::Some, policy), doubted, "{call:?} {error}");
                }
            }
        }
    }

    #[test]
    fn whoever_wants_to_decide_finds_every_doubt_as_it_was() {
        for (error, fresh, _) in table() {
            for doubt in [Doubt::None, Doubt::Some] {
                let after = aftermath(Call::Provision, &error, doubt, OnAmbiguous::Pause);
                let forgotten = fresh == Aftermath::Forget && doubt == Doubt::None;
                assert_eq!(after, if forgotten { Aftermath::Forget } else { Aftermath::Keep }, "{error}");
            }
        }
    }

    #[test]
    fn only_refusals_and_what_was_not_sent_leave_no_doubt() {
        for error in [silence(), rejected(500), malformed(200), malformed(201), busy()] {
            assert_eq!(doubt_after(Call::Provision, &error), Doubt::Some, "{error}");
        }
        for error in [unsent(), rejected(400), rejected(408), rejected(429), ClientError::Unauthorized] {
            assert_eq!(doubt_after(Call::Provision, &error), Doubt::None, "{error}");
        }
    }
}
