//! Who answers for a name: the name servers of the zone it lies in.

use std::{net::SocketAddr, time::Duration};

use super::{super::egress, Answer, Asker, DnsError, DnsName, RecordType};

/// More servers, or addresses of one, are not asked.
const MOST_SERVERS: usize = 16;
const MOST_ADDRESSES: usize = 4;

/// Which addresses may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those of the public network: what strangers write into their zones leads nowhere else.
    Public,
    /// All of them: for zones of the operator's own.
    Anywhere,
}

/// The servers of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorities {
    /// The zone.
    pub zone: DnsName,
    /// Its servers, in the order of their names.
    pub servers: Vec<Authority>,
}

/// A name server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Its name.
    pub host: DnsName,
    /// Where it may be asked; none when it has no address that may be.
    pub addresses: Vec<SocketAddr>,
}

/// Finds out who answers.
#[derive(Debug, Clone)]
pub struct Finder {
    resolvers: Vec<SocketAddr>,
    asker: Asker,
    reach: Reach,
    port: u16,
}

impl Finder {
    /// Asks these resolvers, each attempt for so long.
    #[must_use]
    pub fn new(resolvers: Vec<SocketAddr>, patience: Duration) -> Self {
        Self { resolvers, asker: Asker::new(patience).recursive(), reach: Reach::Public, port: 53 }
    }

    /// Which addresses may be asked; only public ones unless called.
    #[must_use]
    pub fn reach(mut self, reach: Reach) -> Self {
        self.reach = reach;
        self
    }

    /// The port that name servers are asked at; 53 unless called.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The servers of the zone that the name lies in; `None` if there is no such zone.
    ///
    /// # Errors
    /// When no resolver gives a clear answer.
    pub async fn authorities(&self, name: &DnsName) -> Result<Option<Authorities>, DnsError> {
        let mut zone = name.clone();
        while zone.labels() > 0 {
            if let Answer::Records(found) = self.resolve(&zone, RecordType::NS).await? {
                let mut hosts: Vec<DnsName> = found.iter().filter_map(|found| found.data.target()).collect();
                hosts.sort();
                hosts.truncate(MOST_SERVERS);
                return Ok(Some(Authorities { servers: self.servers(hosts).await?, zone }));
            }
            let Some(parent) = zone.parent() else { break };
            zone = parent;
        }
        Ok(None)
    }

    /// The servers of these names.
    ///
    /// # Errors
    /// When no resolver gives a clear answer.
    pub async fn servers(&self, hosts: Vec<DnsName>) -> Result<Vec<Authority>, DnsError> {
        let mut servers = Vec::new();
        for host in hosts {
            let mut addresses = Vec::new();
            for of in [RecordType::A, RecordType::AAAA] {
                let answer = self.resolve(&host, of).await?;
                let found = answer.records().iter().filter_map(|found| found.data.address());
                addresses.extend(found.map(|ip| SocketAddr::new(ip, self.port)));
            }
            addresses.retain(|address| self.reach == Reach::Anywhere || egress::is_public(address.ip()));
            addresses.truncate(MOST_ADDRESSES);
            servers.push(Authority { host, addresses });
        }
        Ok(servers)
    }

    /// The first clear answer of a resolver. Aliases are answers: a name server has none.
    async fn resolve(&self, name: &DnsName, of: RecordType) -> Result<Answer, DnsError> {
        let mut failed = None;
        for resolver in &self.resolvers {
            match self.asker.ask(*resolver, name, of).await {
                Ok(reply) => return Ok(reply.answer),
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.unwrap_or(DnsError::NoResolver))
    }
}
