//! Somebody who reads what users are told, and does it.

use std::sync::Arc;

use async_trait::async_trait;
use sutler_broker_server::providers::dns::RecordType;
use sutler_broker_server::providers::verification::Verification;
use sutler_broker_server::providers::{
    Change, InstanceFacts, Listing, Marker, Observation, Progress, Provider, ProviderError,
    ProvisionedInstance, RecoveryClass, Step, StepName, Work,
};
use sutler_catalog::Offering;

use super::{DOMAIN, Servers};

/// The provider as it is, with a reader of its descriptions.
pub(super) struct Person {
    provider: Verification,
    servers: Arc<Servers>,
}

impl Person {
    pub(super) fn who_reads(provider: Verification, servers: Arc<Servers>) -> Self {
        Self { provider, servers }
    }
}

/// The name and the text of the record that a description asks for.
pub(super) fn wish(description: &str) -> Option<(String, String)> {
    let (_, rest) = description.split_once("set the TXT record ")?;
    let (name, rest) = rest.split_once(" to ")?;
    let value = rest.split([';', ',', ' ']).next()?;
    Some((name.to_owned(), value.to_owned()))
}

#[async_trait]
impl Provider for Person {
    fn offering(&self) -> Offering {
        self.provider.offering()
    }

    fn recovery(&self, work: Work, step: &StepName) -> RecoveryClass {
        self.provider.recovery(work, step)
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let progress = self.provider.provision(step).await?;
        if let Progress::Pending { description, .. } = &progress {
            let (name, value) = wish(description).unwrap();
            for bind in [&self.servers.first, &self.servers.second] {
                bind.add(DOMAIN, &name, RecordType::TXT, &value).await.unwrap();
            }
        }
        Ok(progress)
    }

    async fn update(
        &self,
        step: Step<'_>,
        change: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        self.provider.update(step, change).await
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        self.provider.deprovision(step).await
    }

    async fn fetch(&self, instance: &InstanceFacts, marker: &Marker) -> Result<Observation, ProviderError> {
        self.provider.fetch(instance, marker).await
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        self.provider.marked().await
    }
}
