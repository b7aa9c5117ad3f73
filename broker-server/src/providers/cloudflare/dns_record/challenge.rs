//! Proofs of ACME in the zones of the account.

use std::net::SocketAddr;

use async_trait::async_trait;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use super::{records::Records, set::Shown};
use crate::providers::{
    ProviderError, Refusal,
    cloudflare::{
        client::{CallError, Client},
        zones::Zone,
    },
    dns::{Asker, Challenges, Data, DnsName, RecordType},
};

/// Seconds that a proof may be remembered: the least that Cloudflare takes.
const TTL: u32 = 60;
/// The port of the DNS.
const DNS: u16 = 53;
/// How long one attempt to look at a name server waits.
const LOOK: std::time::Duration = std::time::Duration::from_secs(2);

/// Puts proofs into the zones of the client's account.
#[derive(Debug)]
pub struct Proofs {
    records: Records,
    port: u16,
}

impl Proofs {
    /// Proofs in the zones of the client's account.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self { records: Records::new(client), port: DNS }
    }

    /// The same, where the zones' name servers are asked at another port.
    #[must_use]
    pub fn at_port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// The zone of the account that the name lies in: the one with the longest name.
    async fn zone(&self, name: &DnsName) -> Result<Zone, ProviderError> {
        let zones = self.records.zones().await;
        let zones = zones.map_err(|error| error.while_trying_to("look for the zone"))?;
        let holds = |zone: &Zone| zone.name.parse::<DnsName>().is_ok_and(|zone| zone.holds(name));
        zones.into_iter().filter(holds).max_by_key(|zone| zone.name.len()).ok_or_else(|| {
            let what = format!("no zone of the account at Cloudflare holds {name}");
            ProviderError::refused(Refusal::Unsupported, what)
        })
    }

    async fn found(&self, zone: &Zone, comment: &str) -> Result<Vec<Shown>, ProviderError> {
        let found = self.records.of_set(&zone.id, comment, None).await;
        found.map_err(|error| error.while_trying_to("look for the proof"))
    }
}

/// What the record of a proof has in its comment: it is found again by it, and no other is taken for it.
fn comment(name: &DnsName, value: &str) -> String {
    let hash = Sha256::digest(format!("{name} {value}"));
    let digits: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("osb-proof:{digits}")
}

#[async_trait]
impl Challenges for Proofs {
    async fn present(&self, name: &DnsName, value: &str) -> Result<(), ProviderError> {
        let (zone, comment) = (self.zone(name).await?, comment(name, value));
        if !self.found(&zone, &comment).await?.is_empty() {
            return Ok(());
        }
        let record = json!({ "name": name, "type": "TXT", "content": value, "ttl": TTL, "comment": comment });
        match self.records.batch(&zone.id, json!({ "posts": [record] })).await {
            // the very same text is there already, ours or not: the name has it
            Ok(()) | Err(CallError::Exists { code: 81_058 | 81_057 }) => Ok(()),
            Err(error) => Err(error.while_trying_to("add the proof to the zone")),
        }
    }

    async fn withdraw(&self, name: &DnsName, value: &str) -> Result<(), ProviderError> {
        let zone = self.zone(name).await?;
        let found = self.found(&zone, &comment(name, value)).await?;
        if found.is_empty() {
            return Ok(());
        }
        let deletes: Vec<_> = found.iter().map(|shown| json!({ "id": shown.id })).collect();
        let removed = self.records.batch(&zone.id, json!({ "deletes": deletes })).await;
        removed.map_err(|error| error.while_trying_to("remove the proof from the zone"))
    }

    async fn is_shown(&self, name: &DnsName, value: &str) -> Result<bool, ProviderError> {
        let Ok(proof) = Data::text(value) else { return Ok(false) };
        let zone = self.zone(name).await?;
        for host in &zone.name_servers {
            let found = timeout(LOOK, tokio::net::lookup_host((host.as_str(), self.port))).await;
            let address: Option<SocketAddr> =
                found.ok().and_then(Result::ok).and_then(|mut found| found.next());
            let Some(address) = address else { return Ok(false) };
            let Ok(reply) = Asker::new(LOOK).ask(address, name, RecordType::TXT).await else {
                return Ok(false);
            };
            if !reply.answer.records().iter().any(|found| found.data == proof) {
                return Ok(false);
            }
        }
        Ok(!zone.name_servers.is_empty())
    }
}
