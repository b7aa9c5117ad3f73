//! The two state machines of a custom hostname: the host name's, and its certificate's. Only when both are active is it
//! served.

/// What a state means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It serves.
    Active,
    /// Cloudflare, the certificate authority or the customer has to do something.
    Underway,
    /// Cloudflare gave up for now, and begins again when it is told to.
    TimedOut,
    /// It will not become active; why, and what to do.
    Ended(&'static str),
    /// A word that is not known.
    Unknown,
}

use Standing::{Active, Ended, TimedOut, Underway, Unknown};

/// Of the host name.
pub(super) fn of_hostname(status: Option<&str>) -> Standing {
    match status {
        Some("active") => Active,
        Some(
            "pending" | "active_redeploying" | "pending_migration" | "pending_provisioned" | "provisioned",
        )
        | None => Underway,
        Some("moved") => Ended(
            "it points to another place now; have the customer point it to your zone, then delete the instance and create \
             it again",
        ),
        Some("blocked" | "pending_blocked") => Ended(
            "Cloudflare does not let it be served from here, since the customer's own zone holds it or it is abused; ask \
             the customer to release it, or Cloudflare's support",
        ),
        Some("test_pending" | "test_active" | "test_active_apex" | "test_blocked" | "test_failed") => Ended(
            "it is being tested at Cloudflare and not served; somebody else works on it in the dashboard",
        ),
        Some("pending_deletion" | "deleted") => Ended("somebody else has deleted it; delete the instance"),
        Some(_) => Unknown,
    }
}

/// Of the certificate.
pub(super) fn of_certificate(status: Option<&str>) -> Standing {
    match status {
        Some("active") => Active,
        Some(
            "initializing" | "pending_validation" | "pending_issuance" | "pending_deployment"
            | "holding_deployment" | "staging_deployment" | "staging_active" | "pending_cleanup"
            | "pending_expiration" | "backup_issued",
        )
        | None => Underway,
        Some(
            "initializing_timed_out"
            | "validation_timed_out"
            | "issuance_timed_out"
            | "deployment_timed_out"
            | "deletion_timed_out",
        ) => TimedOut,
        Some("expired") => Ended(
            "its certificate has expired; have the customer publish what is asked for, then delete the instance and \
             create it again",
        ),
        Some("inactive" | "deactivating" | "pending_deletion" | "deleted") => {
            Ended("somebody else has taken its certificate away; delete the instance and create it again")
        }
        Some(_) => Unknown,
    }
}
