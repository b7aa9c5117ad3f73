//! Discover: what the vendor has, and whose each object is. Changes nothing.

use std::time::Duration;

use sutler_catalog::{Extension, Offering};
use sutler_spec::{DiscoveredObject, DiscoveredPage, InstanceId, ObjectOwner, ServiceId};
use tokio::time::timeout;

use super::{
    Broker, BrokerError, ask,
    calls::kind_of_error,
    facts,
    governor::{Asker, Permit},
};
use crate::{
    instance::{Instance, InstanceState},
    metrics::Answer,
    providers::{Account, Discovery, Marker, ObjectsPage, Provider, ProviderError, Refusal, VendorThing},
    store::{StoreError, Which},
};

/// How many instances' ids are read from the store in one go.
const PAGE: usize = 1_000;
/// A page may take several calls at the vendor.
const CALLS: u32 = 8;

/// Which objects are wanted.
#[derive(Debug, Clone, Copy)]
pub enum Sought<'s> {
    /// A page of all, from this cursor on.
    Page(Option<&'s str>),
    /// One, by its vendor's id.
    Object(&'s str),
}

impl Broker {
    /// What the vendor behind an offering has.
    ///
    /// # Errors
    /// When the offering is not known or does not list, the cursor is none of ours, or the vendor cannot be asked.
    pub async fn discover(
        &self,
        service: &ServiceId,
        sought: Sought<'_>,
    ) -> Result<DiscoveredPage, BrokerError> {
        let registry = self.registry();
        if registry.offering(service).is_none() {
            return Err(BrokerError::Invalid(
                "The service_id is not one of this broker's catalog.".to_owned(),
            ));
        }
        let provider = self.provider(service)?;
        let discovery = provider.discovery().filter(|_| registry.has(service, Extension::Discover));
        let discovery = discovery.ok_or_else(|| {
            BrokerError::NotFound("This offering does not list what its vendor has.".to_owned())
        })?;
        let page = self
            .look_around(service, (discovery, &self.accounts(service, provider.as_ref())), sought)
            .await?;
        if page.objects.is_empty() {
            return Ok(DiscoveredPage { objects: Vec::new(), next: page.next });
        }
        let known = self.engine.instances_of(service).await?;
        let known: Vec<Known> = known.iter().map(|row| self.known(row, discovery)).collect();
        let adopts = registry.has(service, Extension::Adopt);
        let objects = page.objects.into_iter().map(|thing| discovered(thing, &known, adopts)).collect();
        Ok(DiscoveredPage { objects, next: page.next })
    }

    /// The vendor accounts behind an offering, each once: a page may come from any of them.
    fn accounts<'p>(&self, service: &ServiceId, provider: &'p dyn Provider) -> Vec<&'p Account> {
        let plans = self.registry().offering(service).map(Offering::plans).unwrap_or_default();
        let mut accounts: Vec<&Account> = Vec::new();
        for account in plans.iter().filter_map(|plan| provider.account(plan.id())) {
            if accounts.iter().all(|known| known.key() != account.key()) {
                accounts.push(account);
            }
        }
        accounts
    }

    async fn look_around(
        &self,
        service: &ServiceId,
        (discovery, accounts): (&dyn Discovery, &[&Account]),
        sought: Sought<'_>,
    ) -> Result<ObjectsPage, BrokerError> {
        for account in accounts {
            let permit =
                self.engine.governor.take(self.engine.store.as_ref(), Some(account), Asker::Leaves).await?;
            if let Permit::WaitFor(wait, obstacle) = permit {
                return Err(self.unavailable(obstacle.description().to_owned(), Some(wait)));
            }
        }
        let calls: Vec<u64> = accounts.iter().map(|account| account.calls()).collect();
        let asked = timeout(self.engine.tuning.call_timeout * CALLS, async {
            match sought {
                Sought::Page(cursor) => discovery.page(cursor).await,
                Sought::Object(id) => {
                    let objects = discovery.object(id).await?.into_iter().collect();
                    Ok(ObjectsPage { objects, next: None })
                }
            }
        });
        let kind = |asked: &Result<Result<ObjectsPage, ProviderError>, _>| match asked {
            Ok(Ok(_)) => Answer::Done,
            Ok(Err(error)) => kind_of_error(error),
            Err(_elapsed) => Answer::Unclear,
        };
        let asked = self.engine.observed((service, "discover"), asked, kind).await;
        let asked = asked.unwrap_or_else(|_elapsed| Err(ask::unclear("The vendor did not answer in time.")));
        for (account, before) in accounts.iter().zip(calls) {
            if account.calls() > before {
                self.engine.listen_to(account, asked.as_ref().err()).await;
            }
        }
        asked.map_err(|error| match error {
            ProviderError::Unavailable { description, retry_after, .. } => {
                self.unavailable(description, retry_after)
            }
            ProviderError::Refused { refusal: Refusal::Quota, description } => {
                self.unavailable(description, None::<Duration>)
            }
            ProviderError::Refused { refusal: Refusal::Unsupported, description } => {
                BrokerError::Invalid(description)
            }
            error => BrokerError::VendorRefused(error.to_string()),
        })
    }

    fn known(&self, row: &Instance, discovery: &dyn Discovery) -> Known {
        Known {
            id: row.id.clone(),
            marker: facts::marker(self.engine.store.installation(), &row.id, None),
            object: discovery.object_of(&facts::instance(row)),
        }
    }
}

/// An instance, and how its objects are told.
struct Known {
    id: InstanceId,
    marker: Marker,
    object: Option<String>,
}

fn discovered(thing: VendorThing, known: &[Known], adopts: bool) -> DiscoveredObject {
    let VendorThing { id, name, mark, parameters, not_adoptable } = thing;
    let is_its = |known: &&Known| {
        known.object.as_ref() == Some(&id)
            || mark.as_ref().is_some_and(|mark| known.marker.hex(64).starts_with(mark.as_str()))
    };
    let owner = match (known.iter().find(is_its), &mark) {
        (Some(known), _) => ObjectOwner::Instance { instance_id: known.id.clone() },
        (None, Some(_)) => ObjectOwner::Elsewhere,
        (None, None) => ObjectOwner::Nobody,
    };
    let why_not = match owner {
        ObjectOwner::Instance { .. } => Some("it belongs to an instance of this broker".to_owned()),
        ObjectOwner::Elsewhere => Some("it carries the mark of another instance".to_owned()),
        ObjectOwner::Nobody if not_adoptable.is_some() => not_adoptable,
        ObjectOwner::Nobody if !adopts => Some("this broker does not let objects be adopted".to_owned()),
        ObjectOwner::Nobody => None,
    };
    DiscoveredObject { id, name, owner, not_adoptable: why_not, parameters }
}

impl super::engine::Engine {
    /// Every instance of an offering that stands for something, or may.
    pub(super) async fn instances_of(&self, service: &ServiceId) -> Result<Vec<Instance>, StoreError> {
        let (mut rows, mut last): (Vec<Instance>, Option<InstanceId>) = (Vec::new(), None);
        loop {
            let ids = self.store.instances(Which::Present, last.as_ref(), PAGE).await?;
            let Some(end) = ids.last().cloned() else { return Ok(rows) };
            for id in ids {
                let row = self.store.instance(&id).await?;
                rows.extend(row.filter(|row| row.service == *service && row.state != InstanceState::Failed));
            }
            last = Some(end);
        }
    }
}
