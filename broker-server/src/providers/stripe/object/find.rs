//! Looking for what is ours.

use serde_json::Value;

use super::{
    super::client::{Api, Call, CallError},
    Identity, Kind, Object,
};
use crate::providers::{InstanceFacts, Marker, ProviderError, Refusal};

impl<K: Kind> Object<K> {
    /// The calls in the mode of the instance's plan.
    pub(super) fn api(&self, instance: &InstanceFacts) -> Result<Api, ProviderError> {
        let mode = K::mode(&instance.plan_id).filter(|mode| self.client.modes().contains(mode));
        let mode = mode.ok_or_else(|| {
            let description = "the broker has no key of Stripe for the mode of this plan; the operator of the broker has \
                               to look after it";
            ProviderError::refused(Refusal::Credentials, description)
        })?;
        Ok(self.client.of(K::TRAITS.table, mode))
    }

    /// One object, in use or not.
    pub(super) async fn read(&self, api: &Api, id: &str) -> Result<Value, CallError> {
        let call = Call::read(K::TRAITS.read, &[id]);
        api.send(&K::TRAITS.told.iter().fold(call, |call, (name, value)| call.query(name, value))).await
    }

    /// What carries the instance's mark, in use or not.
    pub(super) async fn ours(&self, api: &Api, marker: &Marker) -> Result<Vec<Value>, CallError> {
        match K::TRAITS.own_id(marker) {
            Some(id) => match self.read(api, &id).await {
                Ok(shown) if K::carries(&shown, marker) => Ok(vec![shown]),
                Ok(_) => Err(CallError::Exists),
                Err(CallError::Missing) => Ok(Vec::new()),
                Err(error) => Err(error),
            },
            None => {
                let all = self.all(api).await?;
                Ok(all.into_iter().filter(|shown| K::carries(shown, marker)).collect())
            }
        }
    }

    /// The ids of what is in use and carries the instance's mark.
    pub(super) async fn ids_in_use(&self, api: &Api, marker: &Marker) -> Result<Vec<String>, CallError> {
        let ours = match self.ours(api, marker).await {
            // what has our id and not our mark is somebody else's
            Err(CallError::Exists) => Vec::new(),
            found => found?,
        };
        Ok(ours.iter().filter(|shown| K::TRAITS.is_in_use(shown)).filter_map(id).collect())
    }

    /// Everything there is of the kind, ours or not.
    pub(super) async fn all(&self, api: &Api) -> Result<Vec<Value>, CallError> {
        let mut all: Vec<Value> = Vec::new();
        for filter in K::TRAITS.filters {
            let call = || {
                let call = Call::read(K::TRAITS.list, &[]);
                filter.iter().chain(K::TRAITS.told).fold(call, |call, (name, value)| call.query(name, value))
            };
            all.extend(api.list(call).await?);
        }
        Ok(all)
    }

    /// Whether twins cannot be.
    pub(super) fn is_unique() -> bool {
        K::TRAITS.identity != Identity::Marked
    }
}

/// Stripe's id of an object.
pub(super) fn id(shown: &Value) -> Option<String> {
    shown.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned)
}
