//! Proofs of ACME in the zone.

use async_trait::async_trait;

use super::server::{Server, There};
use crate::providers::{
    ProviderError, Refusal,
    dns::{Challenges, Change, Data, DnsName, RecordType, Update},
};

/// Seconds that a proof may be remembered: the next one is soon.
const TTL: u32 = 60;

impl Server {
    /// The texts at the name.
    async fn texts(&self, name: &DnsName) -> Result<Vec<Data>, ProviderError> {
        let refused = |what: String| Err(ProviderError::refused(Refusal::Unsupported, what));
        if !self.zone().holds(name) {
            return refused(format!("{name} is not in the zone {}", self.zone()));
        }
        match self.there(name, RecordType::TXT).await? {
            There::Records(found) => Ok(found.into_iter().map(|found| found.data).collect()),
            There::Alias => {
                refused(format!("{name} is an alias (CNAME): the proof has to go where it leads"))
            }
            There::Elsewhere => refused(format!("{name} lies in a zone of others")),
        }
    }
}

fn proof(value: &str) -> Result<Data, ProviderError> {
    Data::text(value).map_err(|_| ProviderError::failed("the proof cannot be written as a record"))
}

#[async_trait]
impl Challenges for Server {
    async fn present(&self, name: &DnsName, value: &str) -> Result<(), ProviderError> {
        let proof = proof(value)?;
        if self.texts(name).await?.contains(&proof) {
            return Ok(());
        }
        let update = Update::of(self.zone()).then(Change::Add(name.clone(), TTL, proof));
        self.change(&update).await.map(drop)
    }

    async fn withdraw(&self, name: &DnsName, value: &str) -> Result<(), ProviderError> {
        let proof = proof(value)?;
        if !self.texts(name).await?.contains(&proof) {
            return Ok(());
        }
        let update = Update::of(self.zone()).then(Change::Remove(name.clone(), proof));
        self.change(&update).await.map(drop)
    }

    async fn is_shown(&self, name: &DnsName, value: &str) -> Result<bool, ProviderError> {
        let proof = proof(value)?;
        let (lagging, all) = self.lagging((name, RecordType::TXT), |found| found.contains(&proof)).await?;
        Ok(lagging == 0 && all > 0)
    }
}
