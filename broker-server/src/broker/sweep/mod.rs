//! Sweep: compares what carries our mark at the vendors with what the store knows. Changes nothing, anywhere, and may run
//! beside the broker.
//!
//! ```text
//! list the vendor ─▶ read the store ─▶ misfits? ── list again, read again ─▶ what was found both times
//! ```
//! A row is durable before its object exists and goes after it, so what the store does not know after the list is no
//! object of ours that is being made or deleted; the second look is for what happens between the two.

mod compare;
mod report;

use std::{collections::HashMap, time::Duration};

use sutler_spec::{InstanceId, ServiceId};

pub use report::{Compared, Finding, Owner, ServiceSweep, SweepReport, VendorObject};

use self::compare::{Expected, Misfits, Presence, compare};
use super::{adoption, facts};
use crate::{
    binding::BindingState,
    instance::{Instance, InstanceState},
    providers::{Bearers, Listing, MarkedObject, Marker, Observation, Provider, ProviderError, Registry},
    store::{BrokerStore, StoreError, Subject, Which},
};

/// How many ids are read from the store in one go.
const PAGE: usize = 1_000;

/// Compares vendors and store, service by service.
///
/// # Errors
/// When the store cannot be read. A vendor that cannot be asked is a problem in the report.
pub async fn sweep(registry: &Registry, store: &dyn BrokerStore) -> Result<SweepReport, StoreError> {
    let mut services = Vec::new();
    for service in &registry.index().catalog().services {
        let Some(provider) = registry.provider(&service.id) else { continue };
        let sweep = Sweep { store, provider: provider.as_ref(), service: &service.id };
        let mut report = ServiceSweep {
            service: service.name.clone(),
            compared: Compared::Not,
            findings: Vec::new(),
            problems: Vec::new(),
        };
        sweep.run(&mut report).await?;
        services.push(report);
    }
    Ok(SweepReport { services })
}

struct Sweep<'a> {
    store: &'a dyn BrokerStore,
    provider: &'a dyn Provider,
    service: &'a ServiceId,
}

impl Sweep<'_> {
    async fn run(&self, report: &mut ServiceSweep) -> Result<(), StoreError> {
        match self.provider.marked().await {
            Ok(Listing::Objects { bearers, objects }) => {
                report.findings = self.by_mark((bearers, objects), report).await?;
            }
            Ok(Listing::NotPossible(reason)) => self.one_by_one(reason, report).await?,
            Err(error) => report.problems.push(asked(&error)),
        }
        Ok(())
    }

    async fn by_mark(
        &self,
        (bearers, objects): (Bearers, Vec<MarkedObject>),
        report: &mut ServiceSweep,
    ) -> Result<Vec<Finding>, StoreError> {
        let expected = self.expected(bearers).await?;
        report.compared = Compared::ByMark { objects: objects.len(), expected: expected.len() };
        let misfits = compare(&objects, &expected);
        if misfits.is_empty() {
            return Ok(Vec::new());
        }
        match self.provider.marked().await {
            Ok(Listing::Objects { objects, .. }) => {
                let again = compare(&objects, &self.expected(bearers).await?);
                self.findings(misfits.confirmed_by(&again)).await
            }
            Ok(Listing::NotPossible(reason)) => {
                report.problems.push(reason);
                Ok(Vec::new())
            }
            Err(error) => {
                report.problems.push(asked(&error));
                Ok(Vec::new())
            }
        }
    }

    async fn findings(&self, misfits: Misfits) -> Result<Vec<Finding>, StoreError> {
        let mut owners = self.owners_of(&misfits.unknown).await?;
        let orphans = misfits.unknown.into_iter().map(|object| {
            let instance = owners.remove(&object.id);
            Finding::Orphan { object: object.into(), instance }
        });
        let twins = misfits.twins.into_iter().map(|(subject, objects)| Finding::Twin {
            owner: subject.into(),
            objects: objects.into_iter().map(Into::into).collect(),
        });
        let missing = misfits.missing.into_iter().map(|subject| Finding::Missing { owner: subject.into() });
        Ok(orphans.chain(twins).chain(missing).collect())
    }

    /// Which instance each unknown object belonged to, by its id at the vendor: the events remember them all, and the
    /// name of every object of an instance holds at least 12 digits of its mark.
    async fn owners_of(&self, unknown: &[MarkedObject]) -> Result<HashMap<String, InstanceId>, StoreError> {
        let mut owners = HashMap::new();
        if unknown.is_empty() {
            return Ok(owners);
        }
        for id in self.ids(Which::Ever).await? {
            let digits = self.marker(&id).hex(12);
            for object in unknown.iter().filter(|object| object.name.contains(&digits)) {
                owners.insert(object.id.clone(), id.clone());
            }
        }
        Ok(owners)
    }

    /// What may or must have an object.
    async fn expected(&self, bearers: Bearers) -> Result<Vec<Expected>, StoreError> {
        let mut expected = Vec::new();
        for id in self.ids(Which::Present).await? {
            let Some(instance) = self.row(&id).await? else { continue };
            let marker = self.marker(&instance.id);
            if bearers != Bearers::Instances {
                for id in self.store.bindings(&instance.id).await? {
                    let Some(binding) = self.store.binding(&instance.id, &id).await? else { continue };
                    let is_ready = binding.state == BindingState::Ready && is_settled(instance.state);
                    expected.push(Expected {
                        marker: marker.for_binding(&id),
                        subject: Subject::Binding(instance.id.clone(), id),
                        presence: if is_ready { Presence::Required } else { Presence::Possible },
                    });
                }
            }
            if bearers != Bearers::Bindings {
                // what was adopted has an object without a mark
                let is_ready =
                    instance.state == InstanceState::Ready && adoption::object(&instance).is_none();
                expected.push(Expected {
                    subject: Subject::Instance(instance.id),
                    marker,
                    presence: if is_ready { Presence::Required } else { Presence::Possible },
                });
            }
        }
        Ok(expected)
    }

    /// Asks for each instance that is ready. Paced, since the broker's budget is not ours.
    async fn one_by_one(&self, reason: String, report: &mut ServiceSweep) -> Result<(), StoreError> {
        let mut count = 0;
        for id in self.ids(Which::Present).await? {
            let row = self.row(&id).await?.filter(|row| row.state == InstanceState::Ready);
            let Some(instance) = row else { continue };
            count += 1;
            let fetched = self.provider.fetch(&facts::instance(&instance), &self.marker(&instance.id)).await;
            match fetched {
                Ok(Observation::Found { .. }) => {}
                Ok(Observation::Gone) => {
                    let now = self.store.instance(&instance.id).await?;
                    if now.is_some_and(|now| now.revision == instance.revision) {
                        let owner = Subject::Instance(instance.id).into();
                        report.findings.push(Finding::Missing { owner });
                    }
                }
                Err(error) => {
                    let id = instance.id.as_str().escape_debug();
                    report.problems.push(format!("instance {id}: {}", asked(&error)));
                }
            }
            let account = self.provider.account(&instance.plan);
            tokio::time::sleep(account.map_or(Duration::ZERO, |account| account.budget().interval())).await;
        }
        report.compared = Compared::OneByOne { reason, asked: count };
        Ok(())
    }

    /// The instance, if it is of this service.
    async fn row(&self, id: &InstanceId) -> Result<Option<Instance>, StoreError> {
        Ok(self.store.instance(id).await?.filter(|row| row.service == *self.service))
    }

    async fn ids(&self, which: Which) -> Result<Vec<InstanceId>, StoreError> {
        let mut ids: Vec<InstanceId> = Vec::new();
        loop {
            let page = self.store.instances(which, ids.last(), PAGE).await?;
            if page.is_empty() {
                return Ok(ids);
            }
            ids.extend(page);
        }
    }

    fn marker(&self, instance: &InstanceId) -> Marker {
        facts::marker(self.store.installation(), instance, None)
    }
}

/// Whether nothing is done to the instance that takes its bindings away.
fn is_settled(state: InstanceState) -> bool {
    matches!(state, InstanceState::Ready | InstanceState::Unusable)
}

fn asked(error: &ProviderError) -> String {
    format!("the vendor could not be asked: {error}")
}
