//! The exchanges with the zone's primary server, and the look at all servers of the zone.

use std::{net::SocketAddr, num::NonZeroU32, sync::Arc, time::Duration};

use tokio::time::timeout;

use super::config::{ConfigError, Rfc2136Config, is_address};
use crate::{
    budget::{AccountKey, Budget},
    providers::{
        Account, ProviderError, Refusal, Sent,
        dns::{Answer, Asker, Data, DnsError, DnsName, Found, RecordType, TsigKey, Update, Updated},
    },
};

/// A name server has no limit that it tells; this one keeps a broker that has gone wild from flooding it.
const CALLS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(6_000).expect("not zero");
/// How long one attempt to look at a name server waits.
const LOOK: Duration = Duration::from_secs(2);
/// More name servers, and addresses of one, are not asked.
const MOST: usize = 16;

/// The zone's primary server. Clones share everything.
#[derive(Debug, Clone)]
pub struct Server {
    shared: Arc<Shared>,
    poll_interval: Duration,
}

#[derive(Debug)]
struct Shared {
    address: String,
    zone: DnsName,
    key: TsigKey,
    name_servers: Vec<SocketAddr>,
    call_timeout: Duration,
    account: Account,
}

/// What is at a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum There {
    /// These records of the type; none if empty.
    Records(Vec<Found>),
    /// The name is an alias.
    Alias,
    /// The name lies in a zone of others.
    Elsewhere,
}

impl Server {
    /// Checks the configuration. Sends nothing.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn new(config: &Rfc2136Config) -> Result<Self, ConfigError> {
        if !is_address(&config.server) {
            return Err(ConfigError::Server);
        }
        let zone: DnsName = config.zone.parse().map_err(|_| ConfigError::Zone)?;
        if zone.labels() < 2 {
            return Err(ConfigError::Zone);
        }
        if config.call_timeout.is_zero() {
            return Err(ConfigError::CallTimeout);
        }
        let algorithm = config.algorithm.parse().map_err(ConfigError::Key)?;
        let key = TsigKey::new(&config.key_name, algorithm, &config.secret).map_err(ConfigError::Key)?;
        let budget = Budget::new(CALLS_PER_MINUTE, Duration::from_secs(60));
        let account = Account::new(AccountKey::new("rfc2136", &zone.to_string()), budget);
        let shared = Shared {
            address: config.server.clone(),
            zone,
            key,
            name_servers: config.name_servers.clone(),
            call_timeout: config.call_timeout,
            account,
        };
        Ok(Self { shared: Arc::new(shared), poll_interval: Duration::from_secs(5) })
    }

    /// How long to wait between two looks, at least; five seconds unless called.
    #[must_use]
    pub fn poll_every(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    pub(super) fn poll_interval(&self) -> Duration {
        self.poll_interval
    }

    pub(super) fn call_timeout(&self) -> Duration {
        self.shared.call_timeout
    }

    pub(super) fn account(&self) -> &Account {
        &self.shared.account
    }

    pub(super) fn zone(&self) -> &DnsName {
        &self.shared.zone
    }

    async fn primary(&self) -> Result<SocketAddr, ProviderError> {
        let unknown = || ProviderError::unavailable("the name server of the zone cannot be found", Sent::No);
        let found = timeout(self.shared.call_timeout, tokio::net::lookup_host(&self.shared.address)).await;
        let found = found.ok().and_then(Result::ok).and_then(|mut found| found.next());
        found.ok_or_else(unknown)
    }

    /// What the primary has, by a signed question: nobody else can say that something is not there.
    pub(super) async fn there(&self, name: &DnsName, of: RecordType) -> Result<There, ProviderError> {
        let primary = self.primary().await?;
        self.shared.account.count_call();
        let asker = Asker::new(self.shared.call_timeout).signed(self.shared.key.clone());
        let reply = asker.ask(primary, name, of).await.map_err(|error| told(&error, Sent::No))?;
        match reply.answer {
            Answer::Referral => Ok(There::Elsewhere),
            // a delegation is told without authority, since the zone below has it
            _ if !reply.is_authoritative && of != RecordType::NS => {
                Err(told(&DnsError::Unclear(primary), Sent::No))
            }
            Answer::Records(found) => Ok(There::Records(found)),
            Answer::Alias(_) => Ok(There::Alias),
            Answer::NoData | Answer::NoSuchName => Ok(There::Records(Vec::new())),
        }
    }

    /// Changes the zone.
    pub(super) async fn change(&self, update: &Update) -> Result<Updated, ProviderError> {
        let primary = self.primary().await?;
        self.shared.account.count_call();
        let sent = update.send(primary, &self.shared.key, self.shared.call_timeout).await;
        sent.map_err(|error| told(&error, error.sent()))
    }

    /// How many name servers of the zone do not show what is to be shown, and how many there are. One that gives no clear
    /// answer does not show it.
    pub(super) async fn lagging(
        &self,
        (name, of): (&DnsName, RecordType),
        shows: impl Fn(&[Data]) -> bool,
    ) -> Result<(usize, usize), ProviderError> {
        let servers = self.name_servers().await?;
        let asker = Asker::new(LOOK.min(self.shared.call_timeout));
        let mut lagging = 0;
        for addresses in &servers {
            let mut is_shown = false;
            for address in addresses {
                self.shared.account.count_call();
                let Ok(reply) = asker.ask(*address, name, of).await else { continue };
                let found: Vec<Data> =
                    reply.answer.records().iter().map(|found| found.data.clone()).collect();
                // a delegation is told by the servers above it without authority
                is_shown = shows(&found) && (reply.is_authoritative || of == RecordType::NS);
                break;
            }
            lagging += usize::from(!is_shown);
        }
        Ok((lagging, servers.len()))
    }

    /// The addresses of each server that answers for the zone.
    async fn name_servers(&self) -> Result<Vec<Vec<SocketAddr>>, ProviderError> {
        if !self.shared.name_servers.is_empty() {
            return Ok(self.shared.name_servers.iter().map(|address| vec![*address]).collect());
        }
        let There::Records(found) = self.there(&self.shared.zone, RecordType::NS).await? else {
            return Err(ProviderError::unavailable("the zone does not name its servers", Sent::No));
        };
        let mut servers = Vec::new();
        for host in found.iter().filter_map(|found| found.data.target()).take(MOST) {
            servers.push(self.addresses(&host).await?);
        }
        Ok(servers)
    }

    /// Where a name server is: as the zone says for one inside of it, as the machine's resolver says for others.
    async fn addresses(&self, host: &DnsName) -> Result<Vec<SocketAddr>, ProviderError> {
        let mut addresses = Vec::new();
        if self.shared.zone.holds(host) {
            for of in [RecordType::A, RecordType::AAAA] {
                if let There::Records(found) = self.there(host, of).await? {
                    let ips = found.iter().filter_map(|found| found.data.address());
                    addresses.extend(ips.map(|ip| SocketAddr::new(ip, 53)));
                }
            }
        } else {
            let found = timeout(LOOK, tokio::net::lookup_host((host.to_string(), 53))).await;
            addresses.extend(found.ok().and_then(Result::ok).into_iter().flatten());
        }
        addresses.truncate(MOST);
        Ok(addresses)
    }
}

/// What users are told. Where the operator's server is, is not their business.
fn told(error: &DnsError, sent: Sent) -> ProviderError {
    let operator = "the operator of the broker has to correct it";
    let refused = |refusal, what: &str| ProviderError::refused(refusal, what);
    match error {
        DnsError::Key(_, why) => refused(
            Refusal::Credentials,
            &format!("the name server of the zone does not accept the broker's key: {why}; {operator}"),
        ),
        DnsError::Clock(_) => refused(
            Refusal::Credentials,
            "the clocks of the broker and of the name server are more than 300 seconds apart; the operator of the broker \
             has to set them",
        ),
        DnsError::Refused(_, why) => {
            refused(Refusal::Credentials, &format!("the name server of the zone refuses: {why}; {operator}"))
        }
        DnsError::TooLong => {
            refused(Refusal::Unsupported, "values: together they are too long for one message")
        }
        DnsError::NoResolver | DnsError::Unreachable(_) => {
            ProviderError::unavailable("the name server of the zone cannot be reached", sent)
        }
        DnsError::Silent(_) => {
            ProviderError::unavailable("the name server of the zone does not answer", sent)
        }
        DnsError::Failing(_) => {
            ProviderError::unavailable("the name server of the zone has a problem (SERVFAIL)", sent)
        }
        DnsError::Unclear(_) => {
            ProviderError::unavailable("the name server of the zone gave no clear, signed answer", sent)
        }
    }
}
