//! Buckets that nobody tracks, jurisdiction by jurisdiction: a list has those of one alone.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sutler_catalog::cloudflare::{
    d1::Jurisdiction,
    r2::{LifecycleRule, Parameters},
};

use super::{
    super::{
        client::CallError,
        object::{Findable, Kind, Known, Whence, thing, unlike},
    },
    AllBuckets, JURISDICTIONS, calls,
    domains::{Domain, Memory},
    found::{Found, Part},
    rules,
    wishes::{self, Wanted},
};
use crate::providers::{ProviderError, Refusal, VendorThing};

/// The longest place in a list that is taken back.
const MAX_CURSOR: usize = 4_096;

/// A page begins in a jurisdiction, where Cloudflare said that the page before ended.
pub(crate) struct Place {
    jurisdiction: Option<Jurisdiction>,
    cursor: Option<String>,
}

impl Whence for Place {
    fn read(text: Option<&str>) -> Result<Self, ProviderError> {
        let Some(text) = text else { return Ok(Self { jurisdiction: None, cursor: None }) };
        let read = text.split_once('/').and_then(|(word, cursor)| {
            let is_cursor = cursor.len() <= MAX_CURSOR && cursor.bytes().all(|byte| byte.is_ascii_graphic());
            let cursor = (!cursor.is_empty()).then(|| cursor.to_owned());
            is_cursor.then_some(Self { jurisdiction: jurisdiction(word)?, cursor })
        });
        read.ok_or_else(|| ProviderError::refused(Refusal::Unsupported, "the cursor is none that was given"))
    }

    fn written(self) -> String {
        format!("{}/{}", calls::word(self.jurisdiction), self.cursor.unwrap_or_default())
    }
}

impl Place {
    /// Where the page behind this one begins; none after the last jurisdiction.
    fn next(&self, cursor: Option<String>) -> Option<Self> {
        let jurisdiction = self.jurisdiction;
        if cursor.is_some() {
            return Some(Self { jurisdiction, cursor });
        }
        let mut behind = JURISDICTIONS.into_iter().skip_while(|one| *one != jurisdiction).skip(1);
        behind.next().map(|jurisdiction| Self { jurisdiction, cursor: None })
    }
}

#[async_trait]
impl Findable for AllBuckets {
    type Whence = Place;

    /// A jurisdiction that the account does not have has no buckets.
    async fn page(&self, place: Place) -> Result<(Vec<VendorThing>, Option<Place>), CallError> {
        let Place { jurisdiction, cursor } = &place;
        let found = self.of(*jurisdiction).page(cursor.as_deref(), calls::PER_PAGE).await;
        let (buckets, cursor) = match found {
            Err(CallError::Refused { .. }) if jurisdiction.is_some() && cursor.is_none() => {
                (Vec::new(), None)
            }
            found => found?,
        };
        let listed = |name: &str| {
            let id = format!("{}/{name}", calls::word(*jurisdiction));
            thing(&id, name, described(*jurisdiction, &Found::nothing_of(name)))
        };
        Ok((buckets.iter().map(|bucket| listed(&bucket.name)).collect(), place.next(cursor)))
    }

    async fn look(&self, id: &str) -> Result<Found, CallError> {
        let (jurisdiction, name) = parted(id).ok_or(CallError::Missing { code: calls::NO_BUCKET })?;
        Self::looked(&self.of(jurisdiction), name, &Part::ALL).await
    }

    fn thing(id: &str, found: &Found) -> VendorThing {
        let jurisdiction = parted(id).and_then(|(jurisdiction, _)| jurisdiction);
        let parameters = described(jurisdiction, found);
        let is_off = found.domains.iter().flatten().any(|domain| !domain.enabled);
        let asked = Parameters::deserialize(&Value::Object(parameters.clone()));
        let is_asked = asked.is_ok_and(|asked| wishes::problems(&asked).is_empty());
        let why = if is_off {
            Some("one of its host names is switched off")
        } else if is_asked {
            None
        } else {
            Some("it has rules or host names that this service does not offer")
        };
        VendorThing { not_adoptable: why.map(str::to_owned), ..thing(id, &found.name, parameters) }
    }

    fn is_listed_id(id: &str) -> bool {
        parted(id).is_some()
    }

    fn listed_id(known: &Known<Memory>, wanted: &Wanted) -> Option<String> {
        let word = calls::word(wanted.parameters.jurisdiction);
        known.id.as_ref().map(|name| format!("{word}/{name}"))
    }

    fn vendor_id(found: &Found) -> &str {
        &found.name
    }

    /// Where a bucket is was decided when it was made.
    fn misfits(found: &Found, wanted: &Wanted) -> Vec<String> {
        let location = found.bucket.as_ref().and_then(|bucket| bucket.location.as_ref());
        let location = json!(location.map(|location| location.to_lowercase()));
        let hint = wanted.parameters.location_hint.map(|hint| json!(hint));
        let other = hint.filter(|hint| *hint != location);
        other.map(|hint| unlike("location_hint", &hint, &location)).into_iter().collect()
    }
}

/// The jurisdiction that a word means.
fn jurisdiction(word: &str) -> Option<Option<Jurisdiction>> {
    JURISDICTIONS.into_iter().find(|one| calls::word(*one) == word)
}

/// The jurisdiction and the name: names are kept apart within a jurisdiction only.
fn parted(id: &str) -> Option<(Option<Jurisdiction>, &str)> {
    let (word, name) = id.split_once('/')?;
    Some((jurisdiction(word)?, name)).filter(|_| AllBuckets::is_id(name))
}

/// The parameters, as far as the bucket was looked at. What is as it is by default is not said.
fn described(jurisdiction: Option<Jurisdiction>, found: &Found) -> Map<String, Value> {
    let mut parameters = Map::new();
    if let Some(jurisdiction) = jurisdiction {
        parameters.insert("jurisdiction".to_owned(), json!(jurisdiction));
    }
    const NO_RULES: &[LifecycleRule] = &[];
    let lists = [
        ("cors", found.cors.as_deref().map(rules::cors_shown)),
        ("lifecycle", found.lifecycle.as_deref().map(|rules| rules::lifecycle_shown(rules, NO_RULES))),
        ("custom_domains", found.domains.as_deref().map(|found| found.iter().map(Domain::shown).collect())),
    ];
    for (name, list) in lists {
        if let Some(list) = list.filter(|list: &Vec<Value>| !list.is_empty()) {
            parameters.insert(name.to_owned(), Value::Array(list));
        }
    }
    if found.managed.as_ref().is_some_and(|managed| managed.enabled) {
        parameters.insert("r2_dev".to_owned(), json!(true));
    }
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_one_that_was_given_or_none() {
        let begin = Place::read(None).unwrap();
        let second = begin.next(Some("a/b==".to_owned())).unwrap();
        let read = Place::read(Some(&second.written())).unwrap();
        assert_eq!((read.jurisdiction, read.cursor.as_deref()), (None, Some("a/b==")));
        let (mut place, mut words) = (Some(begin), Vec::new());
        while let Some(here) = place {
            words.push(calls::word(here.jurisdiction));
            place = here.next(None);
        }
        assert_eq!(words, ["default", "eu", "us", "fedramp"]);
        for nonsense in ["", "eu", "mars/", "/a", "eu/a b", "eu/ä", &format!("eu/{}", "a".repeat(4_097))] {
            assert!(Place::read(Some(nonsense)).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn an_id_names_the_jurisdiction_and_leads_nowhere_else() {
        assert_eq!(parted("eu/files"), Some((Some(Jurisdiction::Eu), "files")));
        assert_eq!(parted("default/files"), Some((None, "files")));
        for nonsense in ["files", "mars/files", "eu/../tokens", "eu/", "eu/a", "eu/Files"] {
            assert_eq!(parted(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_bucket_with_rules_that_no_parameter_can_say_is_not_adopted() {
        let found = |transitions: Value| Found {
            lifecycle: Some(vec![json!({
                "id": "odd", "enabled": true, "conditions": { "prefix": "" }, "storageClassTransitions": transitions,
            })]),
            ..Found::nothing_of("files")
        };
        let age = |days: u64| json!({ "type": "Age", "maxAge": days * 86_400 });
        let seldom = |days| json!({ "condition": age(days), "storageClass": "InfrequentAccess" });
        let one = AllBuckets::thing("eu/files", &found(json!([seldom(1)])));
        assert_eq!((one.not_adoptable, &one.parameters["jurisdiction"]), (None, &json!("eu")));
        assert_eq!(one.parameters["lifecycle"][0]["infrequent_access_after"], 86_400);
        let two = AllBuckets::thing("eu/files", &found(json!([seldom(1), seldom(2)])));
        assert!(two.not_adoptable.is_some_and(|why| why.contains("rules")));
    }
}
