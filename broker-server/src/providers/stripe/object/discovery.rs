//! Objects that nobody tracks: listing them in every mode, and taking one over as it is.
//!
//! Ids are told with their mode (`test:prod_9s6XKzkNRiz8i3`): an object of one mode does not exist in the other.

use async_trait::async_trait;
use serde_json::{Map, Value};
use sutler_catalog::stripe::Mode;

use super::{
    super::client::{Call, CallError},
    Field, Kind, Known, Naming, Object, Origin, change, field, find, name,
};
use crate::providers::{
    Discovery, InstanceFacts, ObjectsPage, Progress, ProviderError, ProvisionedInstance, Refusal, Step,
    VendorThing,
};

/// Between the mode and Stripe's id.
const BEHIND: char = ':';
/// Between the parts of a cursor.
const PART: char = '.';

/// Whether objects of a kind can be taken over.
#[derive(Debug, Clone, Copy)]
pub(in super::super) enum Adoption {
    /// They cannot; why, for people.
    Never(&'static str),
    /// They can: parameters, each with the place of its value in the object, as a JSON pointer.
    By(&'static [(&'static str, &'static str)]),
}

/// Where a page begins: the mode, which of the kind's lists, and what came before.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Whence {
    mode: Mode,
    list: usize,
    after: Option<String>,
}

impl Whence {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, PART);
        let mode = mode_of(parts.next()?)?;
        let list = parts.next()?.parse().ok()?;
        let after = parts.next()?;
        Some(Self { mode, list, after: (!after.is_empty()).then(|| after.to_owned()) })
    }

    fn written(&self) -> String {
        let Self { mode, list, after } = self;
        format!("{mode}{PART}{list}{PART}{}", after.as_deref().unwrap_or_default())
    }
}

fn mode_of(word: &str) -> Option<Mode> {
    [Mode::Test, Mode::Live].into_iter().find(|mode| mode.to_string() == word)
}

/// The mode and Stripe's id of what a page tells.
fn parts(id: &str) -> Option<(Mode, &str)> {
    let (mode, id) = id.split_once(BEHIND)?;
    let is_id = !id.is_empty() && id.len() <= 255 && id.bytes().all(|byte| byte.is_ascii_graphic());
    // no id of Stripe's has a part of a path in it
    let is_plain = !id.contains(['/', '\\', '%', '?', '#']) && id != "." && id != "..";
    (is_id && is_plain).then_some((mode_of(mode)?, id))
}

impl<K: Kind> Object<K> {
    /// What comes after a page: the rest of the list, the next list, the next mode.
    fn beyond(&self, whence: &Whence, after: Option<String>) -> Option<Whence> {
        if after.is_some() {
            return Some(Whence { after, ..whence.clone() });
        }
        if whence.list + 1 < K::TRAITS.filters.len() {
            return Some(Whence { list: whence.list + 1, after: None, ..*whence });
        }
        let mut modes = self.client.modes().into_iter().skip_while(|mode| *mode != whence.mode).skip(1);
        modes.next().map(|mode| Whence { mode, list: 0, after: None })
    }

    fn first(&self) -> Option<Whence> {
        self.client.modes().first().map(|mode| Whence { mode: *mode, list: 0, after: None })
    }

    fn thing(mode: Mode, shown: &Value) -> Option<VendorThing> {
        let id = find::id(shown)?;
        let (parameters, not_adoptable) = match K::TRAITS.adoption {
            Adoption::Never(why) => (Map::new(), Some(why.to_owned())),
            Adoption::By(places) => (K::described(shown, places), K::not_adoptable(shown)),
        };
        Some(VendorThing {
            name: name(shown).unwrap_or(&id).to_owned(),
            id: format!("{mode}{BEHIND}{id}"),
            mark: K::mark_of(shown),
            parameters,
            not_adoptable,
        })
    }

    async fn look_up(&self, id: &str) -> Result<Option<(Mode, Value)>, ProviderError> {
        let Some((mode, id)) = parts(id).filter(|(mode, _)| self.client.modes().contains(mode)) else {
            return Ok(None);
        };
        match self.read(&self.client.of(K::TRAITS.table, mode), id).await {
            Ok(shown) if K::TRAITS.is_in_use(&shown) => Ok(Some((mode, shown))),
            Ok(_) | Err(CallError::Missing | CallError::Unaddressable) => Ok(None),
            Err(error) => Err(error.while_asking(&Self::doing("look at"))),
        }
    }
}

/// The values at these places; what is not there is left out.
pub(in super::super) fn at_places(shown: &Value, places: &[(&str, &str)]) -> Map<String, Value> {
    let is_there = |value: &&Value| !value.is_null() && value.as_str() != Some("");
    let told = places.iter().filter_map(|(parameter, place)| {
        shown.pointer(place).filter(is_there).map(|value| ((*parameter).to_owned(), value.clone()))
    });
    told.collect()
}

#[async_trait]
impl<K: Kind> Discovery for Object<K> {
    async fn page(&self, cursor: Option<&str>) -> Result<ObjectsPage, ProviderError> {
        let whence = match cursor {
            None => self.first(),
            Some(text) => {
                let known = |whence: &Whence| {
                    self.client.modes().contains(&whence.mode) && whence.list < K::TRAITS.filters.len()
                };
                let whence = Whence::read(text).filter(known);
                Some(whence.ok_or_else(|| unsupported("the cursor is not one of this list".to_owned()))?)
            }
        };
        let Some(whence) = whence else { return Ok(ObjectsPage::default()) };
        let call = K::TRAITS.filters[whence.list].iter().chain(K::TRAITS.told);
        let call = call.fold(Call::read(K::TRAITS.list, &[]), |call, (name, value)| call.query(name, value));
        let page = self.client.of(K::TRAITS.table, whence.mode).page(call, whence.after.as_deref()).await;
        let (rows, after) = page.map_err(|error| error.while_asking(&Self::doing("list each")))?;
        let in_use = rows.iter().filter(|shown| K::TRAITS.is_in_use(shown));
        let objects = in_use.filter_map(|shown| Self::thing(whence.mode, shown)).collect();
        Ok(ObjectsPage { objects, next: self.beyond(&whence, after).map(|whence| whence.written()) })
    }

    async fn object(&self, id: &str) -> Result<Option<VendorThing>, ProviderError> {
        Ok(self.look_up(id).await?.and_then(|(mode, shown)| Self::thing(mode, &shown)))
    }

    /// Asks only. Nothing is put on the object: that it is ours stands in our record.
    async fn adopt(&self, step: Step<'_>, id: &str) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let wanted: K::Wanted = step.parameters()?;
        let what = K::TRAITS.what;
        let found = self.look_up(id).await?;
        let found = found
            .and_then(|(mode, shown)| Some((mode, find::id(&shown)?, Self::thing(mode, &shown)?, shown)));
        let Some((mode, own, seen, shown)) = found else {
            return Err(unsupported(format!("there is no {what} with the id {id} in the account")));
        };
        if K::mode(&step.instance.plan_id) != Some(mode) {
            return Err(unsupported(format!(
                "the {what} {id} is of {mode} mode: ask for the plan of that mode"
            )));
        }
        if seen.mark.is_some() {
            let description =
                format!("the {what} {} carries the mark of another instance; it is left alone", seen.name);
            return Err(ProviderError::refused(Refusal::Conflict, description));
        }
        if let Some(why) = seen.not_adoptable {
            return Err(unsupported(format!("the {what} {} cannot be adopted: {why}", seen.name)));
        }
        let naming = Naming { marker: step.marker, origin: Origin::Adopted };
        let problems = misfits(&K::fields(&wanted, &naming), &shown);
        if !problems.is_empty() {
            return Err(unsupported(problems.join("; ")));
        }
        let known = Known::adopted(own);
        let family = self.family(&self.api(step.instance)?, &known.id).await;
        let family = family.map_err(|error| error.while_asking(&Self::doing("look at what belongs to")))?;
        if K::next(&wanted, &naming, &shown, &family).is_some() {
            let family = K::FAMILY.map_or("part", |family| family.what);
            return Err(unsupported(format!(
                "a {family} that is there cannot be taken over, and adopting makes none: adopt the {what} without any, \
                 and add yours afterwards"
            )));
        }
        change::finished(self, &step, (known, &shown, &family))
    }

    fn object_of(&self, instance: &InstanceFacts) -> Option<String> {
        let Known { id, .. } = instance.record()?;
        Some(format!("{}{BEHIND}{id}", K::mode(&instance.plan_id)?))
    }
}

/// Where what is asked for is not what is there, or nobody can tell.
fn misfits(fields: &[Field], shown: &Value) -> Vec<String> {
    let word = |value: &Value| match value {
        Value::Null => "unset".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let unlike = field::drift(fields, shown).into_iter().map(|drift| {
        format!(
            "{}: is {} at Stripe, not {}; adopt it as it is, and change it afterwards",
            drift.field,
            word(&drift.found),
            word(&drift.wanted)
        )
    });
    let untold = fields
        .iter()
        .filter_map(Field::untold)
        .map(|parameter| format!("{parameter}: cannot be told of what exists; leave it out"));
    unlike.chain(untold).collect()
}

fn unsupported(description: String) -> ProviderError {
    ProviderError::refused(Refusal::Unsupported, description)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_is_found_again_by_its_cursor() {
        for whence in [
            Whence { mode: Mode::Test, list: 0, after: None },
            Whence { mode: Mode::Live, list: 1, after: Some("prod_9.s".to_owned()) },
        ] {
            assert_eq!(Whence::read(&whence.written()), Some(whence));
        }
        for strange in ["", "test", "test.0", "test.x.", "other.0.", "0.test."] {
            assert_eq!(Whence::read(strange), None, "{strange}");
        }
    }

    #[test]
    fn an_id_has_its_mode_and_nothing_of_a_path() {
        assert_eq!(parts("test:prod_9s"), Some((Mode::Test, "prod_9s")));
        assert_eq!(parts("live:SUMMER-20"), Some((Mode::Live, "SUMMER-20")));
        for strange in ["prod_9s", "test:", "other:prod_9s", "test:../x", "test:a b", "test:..", "test:a%2f"]
        {
            assert_eq!(parts(strange), None, "{strange}");
        }
    }

    #[test]
    fn only_what_is_there_is_told() {
        let shown = json!({ "name": "Tea", "description": null, "url": "", "inner": { "on": false } });
        let places = [("name", "/name"), ("about", "/description"), ("url", "/url"), ("on", "/inner/on")];
        let told = at_places(&shown, &places);
        assert_eq!(Value::Object(told), json!({ "name": "Tea", "on": false }));
    }
}
