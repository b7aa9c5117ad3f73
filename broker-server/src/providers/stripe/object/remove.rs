//! Removing what is ours, and only that. What Stripe keeps for ever is put out of use.

use super::{
    super::client::{Api, Call, CallError, Key},
    Kind, Known, LOOK_AGAIN, Object, REMOVE, Removal,
    known::Doomed,
};
use crate::providers::{Progress, ProviderError, Step};

impl<K: Kind> Object<K> {
    /// Reads only: what is there. Without memory of it, nothing was ever made.
    pub(super) async fn begin_removal(&self, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        let is_finished = step.instance.record.is_some();
        if !is_finished && step.checkpoint.data.is_null() {
            return Ok(Progress::Done(()));
        }
        let api = self.api(step.instance)?;
        let mut ids = self.found(&api, step).await?;
        if let Some(Known { id, .. }) = step.known()
            && K::TRAITS.own_id(step.marker).is_none()
            && !ids.contains(&id)
        {
            ids.push(id);
        }
        let doomed = Doomed { ids, late: !is_finished };
        if doomed.ids.is_empty() { self.ended(doomed) } else { Progress::next(REMOVE, &doomed) }
    }

    /// Removes one object. That it is not there is success.
    pub(super) async fn remove(&self, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        let mut doomed: Doomed = step.data()?;
        let Some(id) = doomed.ids.pop() else { return self.ended(doomed) };
        let removed = self.put_away(&self.api(step.instance)?, step, &id).await;
        match removed {
            Err(CallError::KeyUsedUp) => doomed.ids.push(id),
            removed => removed.map_err(|error| error.while_trying_to(&Self::doing("remove")))?,
        }
        if doomed.ids.is_empty() { self.ended(doomed) } else { Progress::next(REMOVE, &doomed) }
    }

    /// Looks once more, when no call of ours can arrive any more.
    pub(super) async fn look_again(&self, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        let ids = self.found(&self.api(step.instance)?, step).await?;
        match ids.is_empty() {
            true => Ok(Progress::Done(())),
            false => Progress::next(REMOVE, &Doomed { ids, late: false }),
        }
    }

    async fn found(&self, api: &Api, step: &Step<'_>) -> Result<Vec<String>, ProviderError> {
        let found = self.ids_in_use(api, step.marker).await;
        found.map_err(|error| error.while_trying_to(&Self::doing("look for")))
    }

    fn ended(&self, doomed: Doomed) -> Result<Progress<()>, ProviderError> {
        if !doomed.late {
            return Ok(Progress::Done(()));
        }
        let after = self.client.call_timeout() * 2;
        let description = format!("making sure that no {} arrives late", K::TRAITS.what);
        Progress::pending(LOOK_AGAIN, &doomed, after, description)
    }

    /// The one call that removes an object.
    pub(super) async fn put_away(&self, api: &Api, step: &Step<'_>, id: &str) -> Result<(), CallError> {
        let segments = [id];
        let call = match K::TRAITS.removal {
            Removal::Delete(endpoint) => Call::delete(endpoint, &segments, Key::of(step)),
            Removal::Archive { archive: (endpoint, flag), .. } => {
                Call::write(endpoint, &segments, flag.body(), Key::of(step))
            }
        };
        match api.send(&call).await {
            Ok(_) | Err(CallError::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
