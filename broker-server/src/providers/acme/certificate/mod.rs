//! `domain-certificate`: an instance is a certificate that is renewed, a binding hands it out with its key.
//!
//! ```text
//! provision, update:  begin ─▶ register? ─▶ order ─▶ study ─▶ present… ─▶ settle ─▶ respond… ─▶ watch
//!                                             ▲        │ proven already          ▼
//!                      an order that ended ───┘        └────────────────────▶ finalize ─▶ collect
//!                                                                                         ▼
//!                      no certificate: the reason is kept ─────────────────────────▶ withdraw… ─▶ done, failed
//! deprovision:        begin ─▶ withdraw… ─▶ revoke… ─▶ done
//! ```
//!
//! An order whose answer was lost is at the authority and nobody's: it ends by itself, and costs nothing. From then on the
//! order's URL, the records in the DNS, and the key are written down before they are used, so nothing is issued twice.

mod data;
mod due;
mod finish;
mod prove;
mod remove;
mod start;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    domain::certificate::{self, Parameters, Zones, attribute},
};
use sutler_secrets::SecretString;
use sutler_spec::{BindingMetadata, PlanId};

use super::{client::Client, x509::Leaf};
use crate::providers::{
    Account, BEGIN, BindingFacts, Change, CreatedBinding, InstanceFacts, Listing, Marker, Observation,
    Progress, Provider, ProviderError, ProvisionedInstance, RecoveryClass, Refusal, Sent, Step, StepName,
    Work, dns::Challenges, typed,
};
use data::{Held, renew_before};
use due::Due;

/// Makes the account.
const REGISTER: &str = "register";
/// Orders the certificate.
const ORDER: &str = "order";
/// Looks what has to be proven.
const STUDY: &str = "study";
/// Adds one TXT record.
const PRESENT: &str = "present";
/// Waits until every name server shows them.
const SETTLE: &str = "settle";
/// Says that one record can be looked up.
const RESPOND: &str = "respond";
/// Waits until the authority has looked.
const WATCH: &str = "watch";
/// Asks for the certificate.
const FINALIZE: &str = "finalize";
/// Waits for the certificate, and fetches it.
const COLLECT: &str = "collect";
/// Removes one TXT record.
const WITHDRAW: &str = "withdraw";
/// Revokes one certificate.
const REVOKE: &str = "revoke";

/// Provides one plan of `domain-certificate`.
#[derive(Debug)]
pub struct Certificate {
    client: Client,
    zones: Zones,
    challenges: Arc<dyn Challenges>,
}

/// What a binding gives.
#[derive(Serialize)]
struct Access<'a> {
    certificate_chain: &'a str,
    #[serde(serialize_with = "sutler_secrets::exposed")]
    private_key: SecretString,
    expires_at: String,
}

impl Certificate {
    /// Certificates for names whose proofs are written to these zones.
    #[must_use]
    pub fn new(client: &Client, zones: Zones, challenges: Arc<dyn Challenges>) -> Self {
        Self { client: client.clone(), zones, challenges }
    }

    fn attributes(held: &Held, leaf: &Leaf, wanted: &Parameters) -> Map<String, Value> {
        Map::from_iter([
            (attribute::NAMES.to_owned(), json!(held.wanted.names)),
            (attribute::SERIAL.to_owned(), json!(leaf.serial)),
            (attribute::FINGERPRINT.to_owned(), json!(leaf.fingerprint())),
            (attribute::VALID_FROM.to_owned(), json!(leaf.valid_from)),
            (attribute::EXPIRES_AT.to_owned(), json!(leaf.expires_at)),
            (attribute::RENEW_AFTER.to_owned(), json!(leaf.renew_after(renew_before(wanted)))),
        ])
    }

    fn done(held: &Held, wanted: &Parameters) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let leaf = held.leaf().map_err(|error| ProviderError::failed(error.to_string()))?;
        let attributes = Self::attributes(held, &leaf, wanted);
        Ok(Progress::Done(ProvisionedInstance { attributes, ..ProvisionedInstance::of(held)? }))
    }

    async fn issue(
        &self,
        step: &Step<'_>,
        wanted: &Parameters,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        match step.name() {
            REGISTER => self.register(step.data()?).await,
            ORDER => self.order(step.data()?).await,
            STUDY => self.study(step.data()?).await,
            PRESENT => self.present(step.data()?).await,
            SETTLE => self.settle(step.data()?).await,
            RESPOND => self.respond(step.data()?, step.attempt).await,
            WATCH => self.watch(step.data()?).await,
            FINALIZE => self.finalize(step.data()?).await,
            COLLECT => self.collect(step.data()?).await,
            WITHDRAW => self.withdraw(step, step.data()?, wanted).await,
            _ => Err(step.unknown()),
        }
    }
}

#[async_trait]
impl Provider for Certificate {
    fn offering(&self) -> Offering {
        certificate::offering(&[self.zones])
    }

    fn recovery(&self, work: Work, step: &StepName) -> RecoveryClass {
        match (work, step) {
            (Work::Bind | Work::Unbind, _) | (_, BEGIN | STUDY | SETTLE | WATCH | COLLECT) => {
                RecoveryClass::ReadOnly
            }
            // the order is the name: its state says whether a certificate was asked for
            (_, FINALIZE) => RecoveryClass::UniqueName,
            _ => RecoveryClass::Repeatable,
        }
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted: Parameters = step.parameters()?;
        match step.name() {
            BEGIN => self.begin(&step, &wanted).await,
            _ => self.issue(&step, &wanted).await,
        }
    }

    async fn update(
        &self,
        step: Step<'_>,
        change: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted: Parameters = change.parameters()?;
        match step.name() {
            BEGIN => self.begin_again(&step, &wanted).await,
            _ => self.issue(&step, &wanted).await,
        }
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        match step.name() {
            BEGIN => self.begin_removal(&step).await,
            WITHDRAW => self.remove_record(step.data()?).await,
            REVOKE => self.revoke(step.data()?).await,
            _ => Err(step.unknown()),
        }
    }

    /// Hands out what is held; the authority is not asked.
    async fn bind(
        &self,
        step: Step<'_>,
        _: &BindingFacts,
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        let (held, leaf) = held(step.instance)?;
        let wanted: Parameters = step.parameters()?;
        if leaf.expires_at <= Timestamp::now() {
            let description =
                "the certificate has expired; update the instance with another edition, then bind again";
            return Err(ProviderError::refused(Refusal::Unsupported, description));
        }
        let access = Access {
            certificate_chain: &held.issued.chain,
            private_key: held.issued.key.duplicate(),
            expires_at: leaf.expires_at.to_string(),
        };
        let mut made = CreatedBinding::of(&json!({ "serial": leaf.serial }), &access)?;
        made.body.metadata = Some(BindingMetadata {
            expires_at: told(leaf.expires_at),
            renew_before: told(leaf.renew_after(renew_before(&wanted))),
        });
        Ok(Progress::Done(made))
    }

    /// What an authority has issued stays issued. What is asked is whether it wants it back.
    async fn fetch(&self, instance: &InstanceFacts, _: &Marker) -> Result<Observation, ProviderError> {
        let (held, leaf) = held(instance)?;
        let wanted: Parameters = instance.parameters()?;
        let attributes = Self::attributes(&held, &leaf, &wanted);
        let now = Timestamp::now();
        let due = match Due::of(&leaf, &wanted, now) {
            None if self.is_called_back(&leaf, now).await? => Some(Due::CalledBack),
            due => due,
        };
        Ok(Observation::Found { attributes, drift: due.map(Due::told).into_iter().collect() })
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        let why = "a certificate has no place for a mark; its serial number is in the instance's attributes";
        Ok(Listing::NotPossible(why.to_owned()))
    }

    fn account(&self, _: &PlanId) -> Option<&Account> {
        Some(self.client.budgeted())
    }

    fn check(
        &self,
        _: &PlanId,
        wanted: &sutler_spec::Parameters,
        _: Option<&InstanceFacts>,
    ) -> Result<(), Vec<String>> {
        let wanted: Parameters = typed::parameters(wanted).map_err(|error| vec![error.to_string()])?;
        let problems = problems(&wanted);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

/// What is held, and what it says.
fn held(instance: &InstanceFacts) -> Result<(Held, Leaf), ProviderError> {
    let unfinished = || ProviderError::unavailable("the certificate is not issued yet", Sent::No);
    let held: Held = instance.record().ok_or_else(unfinished)?;
    let leaf = held.leaf().map_err(|error| ProviderError::failed(error.to_string()))?;
    Ok((held, leaf))
}

fn told(time: Timestamp) -> Option<sutler_spec::Timestamp> {
    // the standard wants a fraction
    sutler_spec::Timestamp::new(time.strftime("%Y-%m-%dT%H:%M:%S.0Z").to_string()).ok()
}

/// What no schema says about names.
fn problems(wanted: &Parameters) -> Vec<String> {
    let covered = |name: &String| {
        let (_, parent) = name.split_once('.')?;
        let wildcard = format!("*.{parent}");
        (!name.starts_with("*.") && wanted.names.contains(&wildcard)).then_some(wildcard)
    };
    let covered = wanted.names.iter().filter_map(|name| Some((name, covered(name)?)));
    covered
        .map(|(name, by)| format!("names: {name} is part of {by} already; leave one of them out"))
        .collect()
}
