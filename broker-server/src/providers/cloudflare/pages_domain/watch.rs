//! What a domain's status means while it is awaited. Pure: how often it was asked is in the data, the time is given.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::domains::Domain;

/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(24 * 60 * 60);
/// How often a failed validation is started again.
const MAX_RETRIES: u32 = 6;
/// How often in a row a status may be one we do not know.
const MAX_UNKNOWN: u32 = 20;
/// The longest time between two looks.
const LONGEST_GAP: Duration = Duration::from_secs(60);
/// What to do when it failed for good.
const AFTERWARDS: &str = "then delete the instance and create it again";

/// The provider's memory of a domain: the data of every checkpoint, and the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) project: String,
    pub(super) hostname: String,
    /// Cloudflare's id; known once Cloudflare has said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) domain_id: Option<String>,
    /// Where DNS has to lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<String>,
}

/// A domain that is awaited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Watch {
    #[serde(flatten)]
    pub(super) known: Known,
    since: Timestamp,
    #[serde(default)]
    looks: u32,
    #[serde(default)]
    retries: u32,
    #[serde(default)]
    unknown: u32,
}

/// What follows from a look.
#[derive(Debug, PartialEq)]
pub(super) enum Outlook {
    /// It serves.
    Active,
    /// Look again after a while.
    Wait(Watch, Duration, String),
    /// Start the validation again after a while.
    Retry(Watch, Duration, String),
    /// It will not become active by itself.
    Failed(String),
}

impl Watch {
    pub(super) fn begin(known: Known, now: Timestamp) -> Self {
        Self { known, since: now, looks: 0, retries: 0, unknown: 0 }
    }

    /// The watch after its validation was started again.
    pub(super) fn retried(mut self) -> Self {
        self.retries += 1;
        self.looks = 0;
        self
    }

    /// Judges a status. `interval` is the shortest time between two looks.
    pub(super) fn judge(self, found: &Domain, now: Timestamp, interval: Duration) -> Outlook {
        let hostname = &self.known.hostname;
        let is_late = now.duration_since(self.since).unsigned_abs() >= LIMIT;
        match found.status.as_str() {
            "active" => Outlook::Active,
            "blocked" => Outlook::Failed(format!(
                "Cloudflare blocks {hostname}: a zone hold or a policy forbids it. Release the hold in the zone's \
                 account, or ask Cloudflare's support; {AFTERWARDS}"
            )),
            "deactivated" => Outlook::Failed(format!(
                "{hostname} was deactivated, since its DNS record does not lead to the project{}. Correct the record; \
                 {AFTERWARDS}",
                self.target()
            )),
            "error" if self.retries >= MAX_RETRIES || is_late => Outlook::Failed(format!(
                "the validation of {hostname} failed {} times. Check that its DNS record leads to the project{} and \
                 that no CAA record forbids the certificate; {AFTERWARDS}",
                self.retries + 1,
                self.target()
            )),
            "error" => {
                let after = interval.saturating_mul(3_u32.saturating_pow(self.retries + 1));
                let advice = self.advice(found);
                let description = format!("the validation of {hostname} failed; it is tried again. {advice}");
                Outlook::Retry(self, after, description)
            }
            _ if is_late => {
                let advice = self.advice(found);
                Outlook::Failed(format!(
                    "{hostname} did not become active within 24 hours. {advice} Correct it; {AFTERWARDS}"
                ))
            }
            _ => self.wait(found, interval),
        }
    }

    /// Nothing is decided yet.
    fn wait(mut self, found: &Domain, interval: Duration) -> Outlook {
        let hostname = &self.known.hostname;
        let is_known = matches!(found.status.as_str(), "initializing" | "pending");
        let awaited = match found.status.as_str() {
            "initializing" => format!("Cloudflare prepares the certificate of {hostname}"),
            "pending" => format!("the certificate of {hostname} is awaited. {}", self.advice(found)),
            _ if self.unknown + 1 >= MAX_UNKNOWN => {
                return Outlook::Failed(format!(
                    "the state of {hostname} at Cloudflare is not known to this broker. Look at it in the dashboard; \
                     {AFTERWARDS}"
                ));
            }
            _ => format!("Cloudflare shows a state of {hostname} that this broker does not know"),
        };
        self.unknown = if is_known { 0 } else { self.unknown + 1 };
        self.looks = self.looks.saturating_add(1);
        let gap = interval.saturating_mul(1 + self.looks / 4).min(LONGEST_GAP.max(interval));
        Outlook::Wait(self, gap, awaited)
    }

    /// Which record is awaited. A value is repeated only when it has the exact form of a validation token.
    fn advice(&self, found: &Domain) -> String {
        let hostname = &self.known.hostname;
        let validation = found.validation_data.as_ref();
        let by_text = validation.filter(|validation| validation.method.as_deref() == Some("txt"));
        let value = by_text.and_then(|validation| validation.txt_value.as_deref());
        match value.filter(|value| is_token(value)) {
            Some(value) => format!("The TXT record _acme-challenge.{hostname} has to be {value}."),
            None if by_text.is_some() => {
                format!("Set the TXT record _acme-challenge.{hostname} as the dashboard shows it.")
            }
            None => format!("The CNAME record of {hostname} has to lead to the project{}.", self.target()),
        }
    }

    fn target(&self) -> String {
        self.known.target.as_ref().map_or_else(String::new, |target| format!(", {target}"))
    }
}

/// The form of an ACME validation value: 32 bytes in base64url.
fn is_token(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
