//! Proofs of ACME in the zones of the account.

use async_trait::async_trait;

use super::super::client::{CallError, Client};
use super::zone::{Place, Records, Row};
use crate::providers::{
    ProviderError, Refusal, Sent,
    dns::{Challenges, DnsName},
};

/// Seconds that a proof may be remembered: the next one is soon.
const TTL: u32 = 60;
/// What users are told about looking.
const LOOKING: &str = "look for the proof";

/// Puts proofs into the zones of the client's account. A proof says what nobody else's does, so it is known by that.
#[derive(Debug)]
pub struct Proofs {
    records: Records,
}

impl Proofs {
    /// Proofs in the zones of the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self { records: Records::new(client) }
    }

    /// Where the name lies: in the zone of the account with the longest name.
    async fn place(&self, name: &DnsName) -> Result<Place, ProviderError> {
        let mut zone = Some(name.clone());
        while let Some(asked) = zone.filter(|zone| zone.labels() > 1) {
            let is_there = self.records.has_zone(&asked.to_string()).await;
            if is_there.map_err(|error| error.while_trying_to("look for the zone"))? {
                return Ok(Place::of_proof(&asked, name));
            }
            zone = asked.parent();
        }
        let what = format!("no zone of the account at DNSimple holds {name}");
        Err(ProviderError::refused(Refusal::Unsupported, what))
    }

    async fn found(&self, place: &Place, value: &str) -> Result<Vec<Row>, ProviderError> {
        let rows = self.records.at(place).await.map_err(|error| error.while_trying_to(LOOKING))?;
        Ok(rows.into_iter().filter(|row| place.says(row, value)).collect())
    }
}

#[async_trait]
impl Challenges for Proofs {
    async fn present(&self, name: &DnsName, value: &str) -> Result<(), ProviderError> {
        let place = self.place(name).await?;
        if !self.found(&place, value).await?.is_empty() {
            return Ok(());
        }
        match self.records.create(&place, value, TTL).await {
            // the very same text is there already: the name has it
            Ok(_) | Err(CallError::Exists) => Ok(()),
            Err(error) => Err(error.while_trying_to("add the proof to the zone")),
        }
    }

    async fn withdraw(&self, name: &DnsName, value: &str) -> Result<(), ProviderError> {
        let place = self.place(name).await?;
        let found = self.found(&place, value).await?;
        let Some(first) = found.first() else { return Ok(()) };
        let deleted = self.records.delete(&place.zone, first.id).await;
        deleted.map_err(|error| error.while_trying_to("remove the proof from the zone"))?;
        if found.len() > 1 {
            return Err(ProviderError::unavailable("the proof stands there more than once", Sent::No));
        }
        Ok(())
    }

    async fn is_shown(&self, name: &DnsName, value: &str) -> Result<bool, ProviderError> {
        let place = self.place(name).await?;
        let Some(first) = self.found(&place, value).await?.into_iter().next() else { return Ok(false) };
        match self.records.is_everywhere(&place.zone, first.id).await {
            Ok(told) => Ok(told == Some(true)),
            Err(CallError::Missing) => Ok(false),
            Err(error) => Err(error.while_asking("look whether all name servers have the proof")),
        }
    }
}
