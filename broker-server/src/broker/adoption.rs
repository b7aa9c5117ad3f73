//! Adopting: an object that exists at the vendor becomes an instance, if it is nobody's.
//!
//! ```text
//! provision, context names an object ─▶ checked, accepted ─▶ the row claims it ─▶ claims of others? ─▶ the provider asks
//! ```
//! Nothing changes at the vendor until the instance is ready, so an adoption that does not end leaves nothing to delete.

use sutler_catalog::Extension;
use sutler_spec::{Context, InstanceId, ServiceId};

use super::{Broker, BrokerError, engine::Engine, facts};
use crate::{
    instance::Instance,
    providers::{Discovery, Provider},
    store::StoreError,
};

/// The object that an instance is to be made from, by its vendor's id.
pub(super) fn object(instance: &Instance) -> Option<&str> {
    instance.context.as_ref().and_then(Context::adopts)
}

/// Whether an instance is an adoption that did not end (yet): it stands for nothing.
pub(super) fn is_unfinished(instance: &Instance) -> bool {
    object(instance).is_some() && instance.record.is_none()
}

/// What takes the object over, if the instance is an adoption.
pub(super) fn of<'p>(
    provider: &'p dyn Provider,
    instance: &'p Instance,
) -> Option<(&'p dyn Discovery, &'p str)> {
    Some((provider.discovery()?, object(instance)?))
}

/// What a request is told whose object is somebody's.
pub(super) const HELD: &str = "The object belongs to another instance of this broker.";

impl Broker {
    /// Refuses to adopt what cannot be adopted, before anything is written. What an earlier attempt left under this id may
    /// have to be deleted, and is no adoption.
    pub(super) async fn check_adoption(
        &self,
        (id, service): (&InstanceId, &ServiceId),
        context: Option<&Context>,
        left_over: Option<&Instance>,
    ) -> Result<(), BrokerError> {
        let Some(object) = context.and_then(Context::adopts) else { return Ok(()) };
        let provider = self.provider(service)?;
        let discovery = provider.discovery().filter(|_| self.registry().has(service, Extension::Adopt));
        let Some(discovery) = discovery else {
            return Err(BrokerError::Unsupported("This broker does not let objects be adopted.".to_owned()));
        };
        if left_over.is_some_and(|row| !is_unfinished(row)) {
            let description = "An earlier creation under this id failed; adopt under another one.";
            return Err(BrokerError::Conflict(description.to_owned()));
        }
        match self.engine.holder(discovery, service, (object, id)).await? {
            Some(_) => Err(BrokerError::Conflict(HELD.to_owned())),
            None => Ok(()),
        }
    }
}

impl Engine {
    /// Another instance that stands for an object, or claims it. Of two that claim it at once, each finds the other, since
    /// a row is durable before this is asked: neither gets it, or only the one that was first.
    pub(super) async fn holder(
        &self,
        discovery: &dyn Discovery,
        service: &ServiceId,
        (wanted, but): (&str, &InstanceId),
    ) -> Result<Option<InstanceId>, StoreError> {
        let is_held = |row: &Instance| {
            object(row) == Some(wanted)
                || discovery.object_of(&facts::instance(row)).as_deref() == Some(wanted)
        };
        let rows = self.instances_of(service).await?;
        Ok(rows.into_iter().find(|row| row.id != *but && is_held(row)).map(|row| row.id))
    }
}
