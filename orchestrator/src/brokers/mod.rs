//! The configured brokers: connected at once, their catalogs checked, every broker's trouble told.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use indexmap::IndexMap;
use sutler_broker_client::{CatalogAnswer, Client, Settings};
use sutler_catalog::{Index, Limits};
use sutler_spec::{OriginatingIdentity, ServiceId};
use tokio::sync::Semaphore;

use crate::config::{BrokerConfig, Config};
use crate::name::BrokerName;

mod error;
mod secret;
#[cfg(test)]
mod tests;

pub(crate) use error::chain;
pub use error::{BrokerError, BrokerErrors, Why};
pub(crate) use secret::read_secret;

/// What holds for every broker unless its configuration says otherwise.
#[derive(Debug, Clone, Default)]
pub struct Connecting {
    /// Time for one call; the client's own default when left out.
    pub call_timeout: Option<Duration>,
    /// For whom the calls are made.
    pub identity: Option<OriginatingIdentity>,
}

/// A broker that answered with a sound catalog.
#[derive(Debug, Clone)]
pub struct ConnectedBroker {
    /// Its handle.
    pub name: BrokerName,
    /// Speaks to it.
    pub client: Client,
    /// What it offers.
    pub index: Arc<Index>,
    /// So many requests at once.
    pub limit: Arc<Semaphore>,
}

/// Every configured broker.
#[derive(Debug, Default)]
pub struct BrokerSet {
    brokers: IndexMap<BrokerName, ConnectedBroker>,
    warnings: Vec<String>,
}

impl BrokerSet {
    /// Connects all that are wanted at once: reads their secrets, fetches their catalogs, checks them.
    ///
    /// # Errors
    /// Every broker's trouble, in the order of the configuration.
    pub async fn connect(
        config: &Config,
        connecting: &Connecting,
        wanted: impl Fn(&BrokerName) -> bool,
    ) -> Result<Self, BrokerErrors> {
        let (connected, errors) = Self::connect_what_answers(config, connecting, wanted).await;
        if errors.0.is_empty() { Ok(connected) } else { Err(errors) }
    }

    /// The same, for commands that go on with those that can be used; every other broker's trouble beside them.
    pub async fn connect_what_answers(
        config: &Config,
        connecting: &Connecting,
        wanted: impl Fn(&BrokerName) -> bool,
    ) -> (Self, BrokerErrors) {
        let wanted: Vec<_> = config.brokers.iter().filter(|(name, _)| wanted(name)).collect();
        let attempts = wanted.into_iter().map(|(name, config)| async move {
            let connected = connect((name, config), connecting).await;
            connected.map_err(|why| BrokerError::new(name, &config.url, why))
        });
        let (mut connected, mut errors) = (IndexMap::new(), Vec::new());
        for attempt in join_all(attempts).await {
            match attempt {
                Ok(broker) => drop(connected.insert(broker.name.clone(), broker)),
                Err(error) => errors.push(error),
            }
        }
        let warnings = shared_ids(connected.values());
        (Self { brokers: connected, warnings }, BrokerErrors(errors))
    }

    /// Brokers that are connected already.
    #[must_use]
    pub fn of(brokers: impl IntoIterator<Item = ConnectedBroker>) -> Self {
        let brokers = brokers.into_iter().map(|broker| (broker.name.clone(), broker)).collect();
        Self { brokers, warnings: Vec::new() }
    }

    /// The broker of that name, if it is configured.
    #[must_use]
    pub fn get(&self, name: &BrokerName) -> Option<&ConnectedBroker> {
        self.brokers.get(name)
    }

    /// All of them, in the order of the configuration.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &ConnectedBroker> {
        self.brokers.values()
    }

    /// What each of them offers.
    #[must_use]
    pub fn catalogs(&self) -> BTreeMap<BrokerName, Arc<Index>> {
        self.brokers.iter().map(|(name, broker)| (name.clone(), Arc::clone(&broker.index))).collect()
    }

    /// What is worth knowing and stops nothing.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

async fn connect(
    (name, config): (&BrokerName, &BrokerConfig),
    connecting: &Connecting,
) -> Result<ConnectedBroker, Why> {
    let mut settings = Settings::new(config.url.clone());
    settings.authentication = secret::authentication(config)?;
    settings.originating_identity.clone_from(&connecting.identity);
    if let Some(timeout) = config.call_timeout.or(connecting.call_timeout) {
        settings.call_timeout = timeout;
        settings.connect_timeout = settings.connect_timeout.min(timeout);
    }
    if let Some(path) = &config.certificate_authority {
        let unreadable = |error: std::io::Error| Why::Authority {
            path: path.display().to_string(),
            what: error.to_string(),
        };
        settings.tls.authorities_pem = Some(std::fs::read(path).map_err(unreadable)?);
    }
    let client = Client::new(settings).map_err(Why::Configured)?;
    let index = Arc::new(catalog(&client).await?);
    let limit = Arc::new(Semaphore::new(config.parallelism.unwrap_or(Semaphore::MAX_PERMITS).max(1)));
    Ok(ConnectedBroker { name: name.clone(), client, index, limit })
}

async fn catalog(client: &Client) -> Result<Index, Why> {
    match client.catalog(None).await {
        Ok(CatalogAnswer::Fresh { catalog, .. }) => {
            Index::check(catalog, Limits::default()).map_err(Why::Catalog)
        }
        Ok(CatalogAnswer::NotModified) => {
            Err(Why::Garbage("status 304, but it was not asked for a change".into()))
        }
        Err(error) => Err(Why::of(&error)),
    }
}

/// Offerings that two brokers announce under one id (S-54): allowed, as each instance names its broker.
fn shared_ids<'b>(brokers: impl Iterator<Item = &'b ConnectedBroker>) -> Vec<String> {
    let mut first: HashMap<&ServiceId, (&BrokerName, &str)> = HashMap::new();
    let mut warnings = Vec::new();
    for broker in brokers {
        for offering in broker.index.offerings() {
            if let Some((other, name)) = first.get(&offering.id) {
                warnings.push(format!(
                    "brokers '{other}' and '{}' offer '{name}' under the same id; say which one, as in `service: {}/{name}`",
                    broker.name, broker.name,
                ));
            } else {
                first.insert(&offering.id, (&broker.name, &offering.name));
            }
        }
    }
    warnings
}
