//! Removing what is ours, and only that. What Stripe keeps for ever is put out of use.

use serde_json::Value;

use super::{
    super::client::{Api, Call, CallError, Key},
    Kind, Known, LOOK_AGAIN, Object, REMOVE, Removal, Users,
    known::Doomed,
    naming,
};
use crate::providers::{Progress, ProviderError, Refusal, Step};

/// How far an object is on its way out of the world.
pub(super) enum Away {
    /// It is not in use any more.
    Gone,
    /// Something that belongs to it had to go first.
    NotYet,
}

impl<K: Kind> Object<K> {
    /// Reads only: what is there. Without memory of it, nothing was ever made.
    pub(super) async fn begin_removal(&self, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        let is_finished = step.instance.record.is_some();
        if !is_finished && step.checkpoint.data.is_null() {
            return Ok(Progress::Done(()));
        }
        let api = self.api(step.instance)?;
        let mut ids = self.found(&api, step).await?;
        if let Some(Known { id, adopted, .. }) = step.known()
            && (adopted || K::TRAITS.own_id(step.marker).is_none())
            && !ids.contains(&id)
        {
            ids.push(id);
        }
        if let Some(users) = K::USERS {
            self.check_unused(&api, users, &ids).await?;
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
            Ok(Away::Gone) => {}
            Ok(Away::NotYet) | Err(CallError::KeyUsedUp) => doomed.ids.push(id),
            Err(error) => return Err(error.while_trying_to(&Self::doing("remove"))),
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

    /// What is in use is not taken away from those who use it.
    async fn check_unused(&self, api: &Api, users: Users, ids: &[String]) -> Result<(), ProviderError> {
        let call = || {
            let call = Call::read(users.list, &[]);
            users.filter.iter().fold(call, |call, (name, value)| call.query(name, value))
        };
        let all = api.list(call).await;
        let all = all.map_err(|error| error.while_trying_to(&Self::doing("look for what uses")))?;
        let uses = |user: &&Value| {
            user.pointer(users.at).and_then(Value::as_str).is_some_and(|used| ids.iter().any(|id| id == used))
        };
        match all.iter().filter(uses).count() {
            0 => Ok(()),
            count => {
                let (what, users) = (K::TRAITS.what, users.what);
                let description =
                    format!("the {what} is used by {count} {users}; it is left alone until they are gone");
                Err(ProviderError::refused(Refusal::Protected, description))
            }
        }
    }

    /// One call on the way of an object out of the world.
    pub(super) async fn put_away(&self, api: &Api, step: &Step<'_>, id: &str) -> Result<Away, CallError> {
        let mut had_family = false;
        if let Some(family) = K::FAMILY {
            let shown = match self.read(api, id).await {
                Err(CallError::Missing) => return Ok(Away::Gone),
                shown => shown?,
            };
            let members = self.family(api, id).await?;
            if let Some(act) = K::last(&naming(step.instance, step.marker), &shown, &members) {
                self.act(api, step, (family, id, act)).await?;
                return Ok(Away::NotYet);
            }
            had_family = !members.is_empty();
        }
        let segments = [id];
        let call = match K::TRAITS.removal {
            Removal::Delete(endpoint) => Call::delete(endpoint, &segments, Key::of(step)),
            Removal::DeleteOrArchive { delete, .. } if !had_family => {
                Call::delete(delete, &segments, Key::of(step))
            }
            Removal::Archive { archive: (endpoint, flag), .. }
            | Removal::DeleteOrArchive { archive: (endpoint, flag), .. } => {
                Call::write(endpoint, &segments, flag.body(), Key::of(step))
            }
        };
        match api.send(&call).await {
            Ok(_) | Err(CallError::Missing) => Ok(Away::Gone),
            Err(error) => Err(error),
        }
    }
}
