//! Making an object: once, whatever is lost on the way.

use std::time::Duration;

use serde_json::Value;

use super::{
    super::client::{Api, Call, CallError, Key},
    CHANGE, CLAIM, CREATE, Identity, Kind, Known, Object, SETTLE, SWEEP, change, field, find, kind,
    known::{Claiming, Creating},
    naming,
};
use crate::{
    faults,
    providers::{Attempt, Progress, ProviderError, ProvisionedInstance, Refusal, Sent, Step},
};

/// Used-up keys after which a creation is given up: Stripe itself fails each time.
const GENERATIONS: u32 = 5;
/// How long to wait before another key is tried, at first.
const PAUSE: Duration = Duration::from_secs(1);

impl<K: Kind> Object<K> {
    /// Reads only. Nothing was made yet, unless an earlier creation left something.
    pub(super) async fn begin(
        &self,
        step: &Step<'_>,
        wanted: &K::Wanted,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let is_first = step.checkpoint.data.is_null();
        let api = self.api(step.instance)?;
        let ours = self.ours(&api, step.marker).await;
        let ours = ours.map_err(|error| error.while_trying_to(&Self::doing("look for")))?;
        let creating = Creating { doubt: !is_first, generation: 0 };
        let in_use = ours.iter().any(|shown| K::TRAITS.is_in_use(shown));
        // what is out of use and has a place of its own for ever is taken into use again; other such objects are of no use
        let taken_up = ours.iter().find(|shown| Self::is_unique() || K::TRAITS.is_in_use(shown));
        match taken_up {
            Some(_) if is_first && in_use => {
                let description = format!(
                    "a {} with the mark of this instance exists at Stripe, and this broker does not know that it made it; \
                     it is left alone",
                    K::TRAITS.what
                );
                Err(ProviderError::refused(Refusal::Conflict, description))
            }
            // an earlier creation came further than this and failed: nobody has the value any more
            Some(_) if K::TRAITS.shown_once.is_some() => Progress::next(SWEEP, &creating),
            Some(shown) => Progress::next(CHANGE, &made::<K>(shown, creating)?),
            None => match self.given_up(&api, wanted).await? {
                Some(id) => Progress::next(CLAIM, &Claiming { free: id, creating }),
                None => Progress::next(CREATE, &creating),
            },
        }
    }

    /// What has the wanted key for ever, and was given up by an instance of ours.
    async fn given_up(&self, api: &Api, wanted: &K::Wanted) -> Result<Option<String>, ProviderError> {
        if K::TRAITS.identity != Identity::Unique {
            return Ok(None);
        }
        let all = self.all(api).await.map_err(|error| error.while_trying_to(&Self::doing("look for")))?;
        let free = all.iter().find(|shown| K::has_same_key(wanted, shown) && kind::is_released(shown));
        Ok(free.and_then(find::id))
    }

    /// Takes up what an instance of ours gave up, if nobody was faster.
    pub(super) async fn claim(
        &self,
        step: &Step<'_>,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let Claiming { free: id, creating } = step.data()?;
        let api = self.api(step.instance)?;
        let failed = |error: CallError| error.while_trying_to(&Self::doing("take up"));
        let shown = self.read(&api, &id).await.map_err(failed)?;
        if K::carries(&shown, step.marker) {
            return Progress::next(CHANGE, &made::<K>(&shown, creating)?);
        }
        if !kind::is_released(&shown) {
            return Progress::next(CREATE, &creating);
        }
        let call = Call::write(K::TRAITS.update, &[&id], kind::claim(step.marker), Key::of(step));
        match api.send(&call).await {
            Ok(shown) => Progress::next(CHANGE, &made::<K>(&shown, creating)?),
            Err(CallError::KeyUsedUp) => Progress::next(CLAIM, &Claiming { free: id, creating }),
            Err(error) => Err(failed(error)),
        }
    }

    /// One changing call.
    pub(super) async fn create(
        &self,
        step: &Step<'_>,
        wanted: &K::Wanted,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let mut creating: Creating = step.data()?;
        creating.doubt |= step.attempt == Attempt::Again;
        if !step.key.is_kept() {
            return self.find_out(step, creating).await;
        }
        let mut body = field::creation(&Self::fields(wanted, &naming(step.instance, step.marker)));
        if let (Some(id), Some(body)) = (K::TRAITS.own_id(step.marker), body.as_object_mut()) {
            body.insert("id".to_owned(), Value::from(id));
        }
        let call = Call::write(K::TRAITS.create, &[], body, Key::of(step));
        match self.api(step.instance)?.send(&call).await {
            Ok(shown) => match made::<K>(&shown, creating)? {
                known if K::TRAITS.shown_once.is_some() && known.secret.is_none() => {
                    Err(lost_value(K::TRAITS.what))
                }
                known => Progress::next(CHANGE, &known),
            },
            Err(CallError::KeyUsedUp) => self.find_out(step, Creating { doubt: true, ..creating }).await,
            Err(CallError::Exists) => self.meet(step, creating).await,
            Err(error) => Err(error.while_trying_to(&Self::doing("make"))),
        }
    }

    /// The key is of no use any more. The mark tells whether the object was made.
    async fn find_out(
        &self,
        step: &Step<'_>,
        creating: Creating,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let ours = self.ours(&self.api(step.instance)?, step.marker).await;
        let ours = ours.map_err(|error| error.while_trying_to(&Self::doing("look for")))?;
        let next = Creating { doubt: true, generation: creating.generation + 1 };
        match ours.iter().find(|shown| K::TRAITS.is_in_use(shown)) {
            Some(_) if K::TRAITS.shown_once.is_some() => Progress::next(SWEEP, &next),
            Some(shown) => Progress::next(CHANGE, &made::<K>(shown, next)?),
            None if next.generation >= GENERATIONS => {
                let what = K::TRAITS.what;
                let tried = next.generation;
                let description = format!("Stripe failed to make the {what} {tried} times; try again later");
                Err(ProviderError::failed(description))
            }
            None => {
                let after = PAUSE * 2_u32.pow(creating.generation);
                Progress::pending(
                    CREATE,
                    &next,
                    after,
                    format!("Stripe failed to make the {}", K::TRAITS.what),
                )
            }
        }
    }

    /// Stripe says that there is one. If an attempt was in doubt, it may be ours.
    async fn meet(
        &self,
        step: &Step<'_>,
        creating: Creating,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let ours = self.ours(&self.api(step.instance)?, step.marker).await;
        let ours = ours.map_err(|error| error.while_trying_to(&Self::doing("make")))?;
        match ours.first() {
            Some(shown) => Progress::next(CHANGE, &made::<K>(shown, creating)?),
            // it may be ours and not listed yet
            None if creating.doubt => {
                let description = format!("the {} is not listed yet", K::TRAITS.what);
                Err(ProviderError::unavailable(description, Sent::No))
            }
            None => Err(CallError::Exists.while_trying_to(&Self::doing("make"))),
        }
    }

    /// Removes one object whose value nobody has, until there is none.
    pub(super) async fn sweep(
        &self,
        step: &Step<'_>,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let creating: Creating = step.data()?;
        let api = self.api(step.instance)?;
        let ids = self.ids_in_use(&api, step.marker).await;
        let ids = ids.map_err(|error| error.while_trying_to(&Self::doing("look for")))?;
        let Some(id) = ids.first() else { return Progress::next(CREATE, &creating) };
        let removed = self.put_away(&api, step, id).await;
        removed.map_err(|error| error.while_trying_to(&Self::doing("remove")))?;
        Progress::next(SWEEP, &creating)
    }

    /// Removes one object with the instance's mark that is not the one we know, until there is none.
    pub(super) async fn settle(
        &self,
        step: &Step<'_>,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let known: Known = step.data()?;
        let api = self.api(step.instance)?;
        let ids = self.ids_in_use(&api, step.marker).await;
        let ids = ids.map_err(|error| error.while_trying_to(&Self::doing("look for")))?;
        match ids.iter().find(|id| **id != known.id) {
            Some(twin) if !faults::mutant("twins_kept") => {
                let removed = self.put_away(&api, step, twin).await;
                removed.map_err(|error| error.while_trying_to(&Self::doing("remove a twin of")))?;
                Progress::next(SETTLE, &known)
            }
            _ => {
                let known = Known { doubt: false, ..known };
                let shown = self.read(&api, &known.id).await;
                let shown = shown.map_err(|error| error.while_completing(&Self::doing("look at")))?;
                change::finished(self, step, (known, &shown, &[]))
            }
        }
    }
}

/// What is known of an object that was made, or found.
fn made<K: Kind>(shown: &Value, creating: Creating) -> Result<Known, ProviderError> {
    let id = find::id(shown)
        .ok_or_else(|| CallError::incomplete(Sent::Perhaps).while_trying_to(&Object::<K>::doing("make")))?;
    let secret = K::TRAITS.shown_once.and_then(|at| shown.pointer(at)).and_then(Value::as_str);
    let secret = secret.filter(|secret| !secret.is_empty()).map(str::to_owned);
    Ok(Known { id, secret, doubt: creating.doubt && !Object::<K>::is_unique(), rounds: 0, adopted: false })
}

/// Stripe made it and did not say its value: an answer that holds less than it must.
fn lost_value(what: &str) -> ProviderError {
    ProviderError::unavailable(format!("Stripe did not show the secret of the {what}"), Sent::Perhaps)
}
