//! `discover`: what the vendors have that nobody tracks. Asks the brokers that can list it; changes nothing.

use std::collections::HashMap;

use futures_util::StreamExt;
use sutler_broker_client::{ClientError, Sought};
use sutler_catalog::{Extension, declared_extensions};
use sutler_spec::{DiscoveredObject, InstanceId, ObjectOwner, ServiceOffering};

use super::failure::Failure;
use super::project::Project;
use crate::brokers::{ConnectedBroker, chain};
use crate::exit::Exit;
use crate::name::{BrokerName, InstanceRef};

/// How many offerings are asked about at once.
const AT_ONCE: usize = 8;
/// More pages than any list has.
const MOST_PAGES: usize = 10_000;

/// Which objects are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those that nobody tracks.
    Strays,
    /// Those of instances, and those with marks of others, too.
    Everything,
}

/// One object at a vendor.
#[derive(Debug, Clone)]
pub struct Found {
    /// Who told of it.
    pub broker: BrokerName,
    /// Of which offering an instance could be made from it.
    pub service: String,
    /// What it is.
    pub object: DiscoveredObject,
    /// The ref of our record that stands for it.
    pub tracked: Option<InstanceRef>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Discovered {
    /// In the order of brokers, offerings and vendors.
    pub found: Vec<Found>,
    /// How many are left out, since they are somebody's.
    pub hidden: usize,
    /// How many offerings told what there is.
    pub listed: usize,
    /// The offerings that cannot list, as `broker/service`.
    pub silent: Vec<String>,
    /// What could not be asked, and why.
    pub troubles: Vec<String>,
}

impl Discovered {
    /// 0 when everything that lists was asked, 4 when some of it could not be, 1 when none.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match (self.troubles.len(), self.listed) {
            (0, _) => Exit::Done,
            (_, 0) => Exit::Failed,
            _ => Exit::Partial,
        }
    }
}

/// Asks these brokers; all of them when none is named.
///
/// # Errors
/// When configuration or state cannot be used, or a broker that is named is not configured.
pub async fn discover(project: &Project, brokers: &[String], scope: Scope) -> Result<Discovered, Failure> {
    let configured = &project.config.brokers;
    if let Some(unknown) = brokers.iter().find(|name| !configured.contains_key(name.as_str())) {
        return Err(Failure::usage(format!("no broker '{unknown}' is configured")));
    }
    let wanted = |name: &BrokerName| brokers.is_empty() || brokers.iter().any(|one| one == name.as_str());
    let state = project.backend.load().await?;
    let tracked: HashMap<(&BrokerName, &InstanceId), &InstanceRef> = state
        .records
        .iter()
        .map(|record| ((&record.broker, &record.instance_id), &record.reference))
        .collect();
    let (connected, trouble) = project.connect_what_answers(wanted).await?;
    let mut discovered =
        Discovered { troubles: trouble.0.iter().map(ToString::to_string).collect(), ..Discovered::default() };
    let mut lists = Vec::new();
    for broker in connected.iter() {
        for offering in broker.index.offerings() {
            match declared_extensions(offering).contains(&Extension::Discover) {
                true => lists.push((broker, offering)),
                false => discovered.silent.push(format!("{}/{}", broker.name, offering.name)),
            }
        }
    }
    let pages = lists
        .into_iter()
        .map(|(broker, offering)| async move { (broker, offering, everything(broker, offering).await) });
    let pages: Vec<_> = futures_util::stream::iter(pages).buffered(AT_ONCE).collect().await;
    for (broker, offering, objects) in pages {
        let objects = match objects {
            Ok(objects) => objects,
            Err(error) => {
                discovered.troubles.push(format!("{}/{}: {}", broker.name, offering.name, chain(&error)));
                continue;
            }
        };
        discovered.listed += 1;
        for object in objects {
            if scope == Scope::Strays && object.owner != ObjectOwner::Nobody {
                discovered.hidden += 1;
                continue;
            }
            let owner = match &object.owner {
                ObjectOwner::Instance { instance_id } => tracked.get(&(&broker.name, instance_id)),
                ObjectOwner::Nobody | ObjectOwner::Elsewhere => None,
            };
            let tracked = owner.map(|reference| (*reference).clone());
            let (broker, service) = (broker.name.clone(), offering.name.clone());
            discovered.found.push(Found { broker, service, object, tracked });
        }
    }
    Ok(discovered)
}

/// All pages of an offering's list. A broker that gives a cursor twice would never end.
async fn everything(
    broker: &ConnectedBroker,
    offering: &ServiceOffering,
) -> Result<Vec<DiscoveredObject>, ClientError> {
    let (mut objects, mut cursor): (Vec<DiscoveredObject>, Option<String>) = (Vec::new(), None);
    for _ in 0..MOST_PAGES {
        let page = {
            let _place = broker.limit.acquire().await;
            broker.client.discover(&offering.id, Sought::Page(cursor.as_deref())).await?
        };
        objects.extend(page.objects);
        if page.next.is_none() || page.next == cursor {
            break;
        }
        cursor = page.next;
    }
    Ok(objects)
}
