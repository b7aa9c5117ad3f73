//! `domain-verification`: a domain is its asker's if its own name servers show a text that only the asker was told.
//!
//! ```text
//! provision:  begin (a text is made) ─▶ look ─▶ look … ─▶ done
//!                                         └─ seven days ─▶ failed
//! ```
//!
//! Nothing is made at any vendor: there are only questions, and they go to name servers and nowhere else.

mod look;
#[cfg(test)]
mod tests;

use std::{net::SocketAddr, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    domain::verification::{self, DAYS, Parameters, attribute},
};

use super::{
    Announced, BEGIN, Change, FieldDrift, InstanceFacts, Listing, Marker, Observation, Progress, Provider,
    ProviderError, ProvisionedInstance, RecoveryClass, Refusal, Sent, Step, StepName, Work,
    dns::{Anchors, DnsName, Reach},
};
use look::{Seen, Sight};

/// Looks for the text.
const LOOK: &str = "look";
/// The label that the text stands under.
const LABEL: &str = "_osb-challenge";
/// How often the text is looked for at first.
const FIRST_GAP: Duration = Duration::from_secs(30);
/// How many first gaps the longest gap has: five minutes.
const LONGEST_GAP: u32 = 10;
/// How long the text is looked for.
const LIMIT: Duration = Duration::from_secs(DAYS * 24 * 60 * 60);
/// How long one name server may take to answer, each time it is asked.
const PATIENCE: Duration = Duration::from_secs(3);

/// Every kind of question.
pub const CALLS: [&str; 5] = [
    "NS of the domain, at the resolvers",
    "A and AAAA of its name servers, at the resolvers",
    "TXT of the record, at its name servers",
    "CNAME of the record where it is an alias, at its name servers",
    "DS and DNSKEY of the domain and what is above it, at the resolvers",
];

/// Whom to ask.
#[derive(Debug, Clone)]
pub struct VerificationConfig {
    /// Resolvers that say which name servers a domain has; those of the machine if there are none.
    pub resolvers: Vec<SocketAddr>,
    /// Which name servers may be asked. Whoever asks for a verification chooses them: outside of tests and of closed
    /// networks, only public ones.
    pub reach: Reach,
    /// The port that they are asked at: 53 outside of tests.
    pub port: u16,
    /// Which keys signatures are judged by (DNSSEC): those of the root outside of tests and of closed networks.
    pub anchors: Anchors,
    /// How often the text is looked for at first; half a minute if not said.
    pub first_gap: Option<Duration>,
    /// How long it is looked for; seven days if not said.
    pub limit: Option<Duration>,
}

impl Default for VerificationConfig {
    fn default() -> Self {
        Self {
            resolvers: Vec::new(),
            reach: Reach::Public,
            port: 53,
            anchors: Anchors::root(),
            first_gap: None,
            limit: None,
        }
    }
}

/// Provides `domain-verification`.
#[derive(Debug)]
pub struct Verification {
    sight: Sight,
    first_gap: Duration,
    limit: Duration,
}

/// The data of every checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Awaited {
    /// What has to be shown.
    value: String,
    since: Timestamp,
    #[serde(default)]
    looks: u32,
}

/// The record of a domain that was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Verified {
    value: String,
    verified_at: Timestamp,
}

impl Verification {
    /// Verifications by name servers.
    #[must_use]
    pub fn new(config: &VerificationConfig) -> Self {
        Self {
            sight: Sight::new(config, PATIENCE),
            first_gap: config.first_gap.unwrap_or(FIRST_GAP),
            limit: config.limit.unwrap_or(LIMIT),
        }
    }

    /// A text is made. One that was made before and told to people is kept.
    fn begin(step: &Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let value = match step.left_over::<Awaited>() {
            Some(Awaited { value, .. }) => value,
            None => new_value()?,
        };
        Progress::next(LOOK, &Awaited { value, since: Timestamp::now(), looks: 0 })
    }

    async fn look(
        &self,
        domain: &DnsName,
        mut awaited: Awaited,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let name = place(domain)?;
        let now = Timestamp::now();
        let seen = self.sight.look(&name, &awaited.value).await;
        if matches!(seen, Seen::Shown(_)) {
            let verified = Verified { value: awaited.value, verified_at: now };
            let attributes = attributes(domain, &name, &verified, &seen);
            return Ok(Progress::Done(ProvisionedInstance {
                attributes,
                ..ProvisionedInstance::of(&verified)?
            }));
        }
        let wish = format!("set the TXT record {name} to {}", awaited.value);
        if now.duration_since(awaited.since).unsigned_abs() >= self.limit {
            let why = match &seen {
                Seen::Bogus(why) => format!("the record was not proven in time: {}", unproven(domain, why)),
                _ => "the record was not found in time".to_owned(),
            };
            return Err(ProviderError::failed(format!(
                "{why}; {wish}, then delete the instance and create it again"
            )));
        }
        let description = match &seen {
            Seen::Unknown => format!("the name servers of {domain} give no clear answer; {wish}"),
            Seen::Bogus(why) => format!("{wish}; {}", unproven(domain, why)),
            _ => format!("{wish}; it is not at the name servers of {domain} yet"),
        };
        let after = self.first_gap.saturating_mul((awaited.looks + 1).min(LONGEST_GAP));
        awaited.looks = awaited.looks.saturating_add(1);
        Progress::pending(LOOK, &awaited, after, description)
    }
}

/// What is wrong with signatures, and what to do.
fn unproven(domain: &DnsName, why: &str) -> String {
    format!(
        "{domain} is signed (DNSSEC), and what its name servers show is not proven ({why}); let the zone be signed anew, \
         or its DS record be what the zone's key is"
    )
}

/// 128 bits that nobody can foresee.
fn new_value() -> Result<String, ProviderError> {
    let mut bits = [0; 16];
    let unavailable =
        |_| ProviderError::unavailable("the broker's machine gives no random numbers now", Sent::No);
    getrandom::fill(&mut bits).map_err(unavailable)?;
    Ok(format!("osb-verify={}", base32(&bits)))
}

/// Base32 (RFC 4648) in lower case, without padding: people copy it by hand.
fn base32(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    let bits: Vec<u8> = bits.collect();
    let digit = |five: &[u8]| {
        let number = (0..5).fold(0, |number, at| number << 1 | five.get(at).copied().unwrap_or(0));
        DIGITS.get(usize::from(number)).copied().map_or('a', char::from)
    };
    bits.chunks(5).map(digit).collect()
}

/// Where the text has to stand.
fn place(domain: &DnsName) -> Result<DnsName, ProviderError> {
    let too_long = |_| ProviderError::refused(Refusal::Unsupported, "domain: the name is too long");
    domain.child(LABEL).map_err(too_long)
}

fn domain(instance: &InstanceFacts) -> Result<DnsName, ProviderError> {
    let wanted: Parameters = instance.parameters()?;
    let unnamed = |_| ProviderError::refused(Refusal::Unsupported, "domain: is no name of the DNS");
    wanted.domain.parse().map_err(unnamed)
}

fn attributes(domain: &DnsName, name: &DnsName, verified: &Verified, seen: &Seen) -> Map<String, Value> {
    Map::from_iter([
        (attribute::DOMAIN.to_owned(), json!(domain)),
        (attribute::RECORD_NAME.to_owned(), json!(name)),
        (attribute::RECORD_VALUE.to_owned(), json!(verified.value)),
        (attribute::VERIFICATION.to_owned(), json!(seen.as_str())),
        (attribute::DNSSEC.to_owned(), json!(seen.dnssec())),
        (attribute::VERIFIED_AT.to_owned(), json!(verified.verified_at)),
    ])
}

fn verified(instance: &InstanceFacts) -> Result<Verified, ProviderError> {
    let unfinished = || ProviderError::unavailable("the domain is not verified yet", Sent::No);
    instance.record().ok_or_else(unfinished)
}

#[async_trait]
impl Provider for Verification {
    fn offering(&self) -> Offering {
        verification::offering()
    }

    /// There are only questions.
    fn recovery(&self, _: Work, _: &StepName) -> RecoveryClass {
        RecoveryClass::ReadOnly
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        match step.name() {
            BEGIN => Self::begin(&step),
            LOOK => self.look(&domain(step.instance)?, step.data()?).await,
            _ => Err(step.unknown()),
        }
    }

    /// Nothing can change: what stays is told.
    async fn update(
        &self,
        step: Step<'_>,
        _: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let (domain, verified) = (domain(step.instance)?, verified(step.instance)?);
        let name = place(&domain)?;
        let seen = self.sight.look(&name, &verified.value).await;
        let attributes = attributes(&domain, &name, &verified, &seen);
        Ok(Progress::Done(ProvisionedInstance { attributes, ..ProvisionedInstance::of(&verified)? }))
    }

    async fn deprovision(&self, _: Step<'_>) -> Result<Progress<()>, ProviderError> {
        Ok(Progress::Done(()))
    }

    /// Looks again. Name servers that do not answer say nothing about the record.
    async fn fetch(&self, instance: &InstanceFacts, _: &Marker) -> Result<Observation, ProviderError> {
        let (domain, verified) = (domain(instance)?, verified(instance)?);
        let name = place(&domain)?;
        let seen = self.sight.look(&name, &verified.value).await;
        let attributes = attributes(&domain, &name, &verified, &seen);
        let differs = || FieldDrift {
            field: attribute::VERIFICATION.to_owned(),
            wanted: json!("verified"),
            found: json!(seen.as_str()),
        };
        let drift = if seen == Seen::Missing { vec![differs()] } else { Vec::new() };
        Ok(Observation::Found { attributes, drift })
    }

    /// Where the record has to stand is known at once; what it has to say is told while it is awaited.
    fn announced(&self, instance: &InstanceFacts, _: &Marker) -> Announced {
        let Ok(name) = domain(instance).and_then(|domain| place(&domain)) else {
            return Announced::default();
        };
        let attributes = Map::from_iter([(attribute::RECORD_NAME.to_owned(), json!(name))]);
        Announced { attributes, ..Announced::default() }
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        Ok(Listing::NotPossible("nothing is made anywhere for a verification".to_owned()))
    }
}
