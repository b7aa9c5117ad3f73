//! Making an object what is asked for, as far as it can change.

use serde_json::{Value, json};

use super::{
    super::client::{Api, Call, CallError, Key},
    CHANGE, Field, Kind, Known, Object, Removal, SETTLE, field, naming, present,
};
use crate::providers::{
    FieldDrift, Progress, ProviderError, ProvisionedInstance, Record, Refusal, Repeatability, Step, Usability,
};

/// Changes after which an object is left as it is: Stripe then has another way of writing what was asked for.
const ROUNDS: u32 = 5;
/// The same for a family, which takes a change for each of its members at least.
const FAMILY_ROUNDS: u32 = 250;

impl<K: Kind> Object<K> {
    /// No vendor call: whether the change can be.
    pub(super) fn begin_change(
        &self,
        step: &Step<'_>,
        wanted: &K::Wanted,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let known: Known = present(step.instance)?;
        let names = naming(step.instance, step.marker);
        let present: K::Wanted = step.parameters()?;
        match field::fixed_change(&Self::fields(&present, &names), &Self::fields(wanted, &names)) {
            Some(name) => {
                let description = format!("{name}: cannot be changed; make another instance");
                Err(ProviderError::refused(Refusal::Unsupported, description))
            }
            None => Progress::next(CHANGE, &Known { rounds: 0, ..known }),
        }
    }

    /// One changing call, if anything differs. What differs is read first, so a repetition finds nothing to do.
    pub(super) async fn change(
        &self,
        step: &Step<'_>,
        wanted: &K::Wanted,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let known: Known = step.data()?;
        let api = self.api(step.instance)?;
        let doing = Self::doing("change");
        let shown = match self.read(&api, &known.id).await {
            Ok(shown) => shown,
            Err(CallError::Missing) => return Err(vanished(K::TRAITS.what)),
            Err(error) => return Err(error.while_completing(&doing)),
        };
        let fields = Self::fields(wanted, &naming(step.instance, step.marker));
        let Some((endpoint, body)) = pending::<K>(&fields, &shown).filter(|_| known.rounds < ROUNDS) else {
            return self.change_family(&api, step, wanted, (known, &shown)).await;
        };
        let call = Call::write(endpoint, &[&known.id], body, Key::of(step));
        match api.send(&call).await {
            // a used-up key: what was done is read, and what is left to do gets another one
            Ok(_) | Err(CallError::KeyUsedUp) => {
                Progress::next(CHANGE, &Known { rounds: known.rounds + 1, ..known })
            }
            Err(CallError::Missing) => Err(vanished(K::TRAITS.what)),
            Err(error) => Err(error.while_completing(&doing)),
        }
    }
}

impl<K: Kind> Object<K> {
    /// One changing call, if the family is not what is asked for.
    async fn change_family(
        &self,
        api: &Api,
        step: &Step<'_>,
        wanted: &K::Wanted,
        (known, shown): (Known, &Value),
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let members = self.family(api, &known.id).await;
        let members =
            members.map_err(|error| error.while_completing(&Self::doing("look at what belongs to")))?;
        let act = K::next(wanted, &naming(step.instance, step.marker), shown, &members);
        let (Some(family), Some(act)) = (K::FAMILY, act.filter(|_| known.rounds < FAMILY_ROUNDS)) else {
            return finished(self, step, (known, shown, &members));
        };
        let acted = self.act(api, step, (family, &known.id, act)).await;
        acted.map_err(|error| error.while_completing(&format!("change the {}s", family.what)))?;
        Progress::next(CHANGE, &Known { rounds: known.rounds + 1, ..known })
    }
}

/// The next changing call that the object needs.
fn pending<K: Kind>(
    fields: &[Field],
    shown: &Value,
) -> Option<(&'static super::super::client::Endpoint, Value)> {
    if let Removal::Archive { revive: (endpoint, flag), .. }
    | Removal::DeleteOrArchive { revive: (endpoint, flag), .. } = K::TRAITS.removal
        && !K::TRAITS.is_in_use(shown)
    {
        return Some((endpoint, flag.body()));
    }
    field::change(fields, shown).map(|body| (K::TRAITS.update, body))
}

/// That somebody put the object out of use.
pub(super) fn use_drift<K: Kind>(shown: &Value) -> Option<FieldDrift> {
    let is_in_use = K::TRAITS.is_in_use(shown);
    (!is_in_use).then(|| FieldDrift { field: "active".to_owned(), wanted: json!(true), found: json!(false) })
}

/// All is done, unless there may be a twin: then that is looked for, when none can arrive any more.
pub(super) fn finished<K: Kind>(
    object: &Object<K>,
    step: &Step<'_>,
    (known, shown, family): (Known, &Value, &[Value]),
) -> Result<Progress<ProvisionedInstance>, ProviderError> {
    if known.doubt {
        let after = object.client.call_timeout() * 2;
        let description = format!("making sure that no second {} arrives late", K::TRAITS.what);
        return Progress::pending(SETTLE, &known, after, description);
    }
    Ok(Progress::Done(ProvisionedInstance {
        record: Record::of(&known)?,
        dashboard_url: object.dashboard(step.instance, &known.id),
        labels: serde_json::Map::new(),
        attributes: K::attributes(shown, family),
    }))
}

fn vanished(what: &str) -> ProviderError {
    ProviderError::Failed {
        description: format!(
            "the {what} does not exist at Stripe any more; delete the instance and make another"
        ),
        usable: Usability::Unusable,
        repeat: Repeatability::Pointless,
    }
}
