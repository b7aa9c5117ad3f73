//! A bucket as far as it was looked at, and the first thing about it that is not as wanted.
//!
//! What belongs to a bucket is read part by part, each by a call of its own. Work begins with the first part, and goes on
//! where it found something to do the last time: a part that was seen to be as wanted is not read again.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sutler_catalog::cloudflare::r2::CustomDomain;

use super::{
    calls::{Bucket, Buckets, Managed},
    domains::{self, Domain, Memory},
    rules::{self, StorageClass},
    wishes::Wanted,
};
use crate::providers::{
    FieldDrift,
    cloudflare::{
        client::CallError,
        object::{Next, differs},
    },
};

/// What is read by one call, in the order in which it is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Part {
    #[default]
    Itself,
    Cors,
    Lifecycle,
    R2Dev,
    /// Last, since others are waited for.
    Domains,
}

impl Part {
    pub(super) const ALL: [Self; 5] = [Self::Itself, Self::Cors, Self::Lifecycle, Self::R2Dev, Self::Domains];
    /// Those that users are told about.
    pub(super) const TOLD: [Self; 2] = [Self::Itself, Self::R2Dev];
}

/// A bucket as far as it was looked at.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(super) name: String,
    pub(super) bucket: Option<Bucket>,
    pub(super) cors: Option<Vec<Value>>,
    pub(super) lifecycle: Option<Vec<Value>>,
    pub(super) managed: Option<Managed>,
    pub(super) domains: Option<Vec<Domain>>,
}

/// One change of a bucket.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    Storage(StorageClass),
    /// All rules for browsers, in Cloudflare's form.
    Cors(Vec<Value>),
    /// All rules for objects that grow old, in Cloudflare's form.
    Lifecycle(Vec<Value>),
    R2Dev(bool),
    Attach(CustomDomain),
    SetDomain(CustomDomain),
    Detach(String),
}

impl Found {
    /// Before the first look.
    pub(super) fn nothing_of(name: &str) -> Self {
        let name = name.to_owned();
        Self { name, bucket: None, cors: None, lifecycle: None, managed: None, domains: None }
    }

    /// Looks at one part, unless it was looked at.
    pub(super) async fn look_at(&mut self, part: Part, buckets: &Buckets<'_>) -> Result<(), CallError> {
        let name = &self.name;
        match part {
            Part::Itself if self.bucket.is_none() => self.bucket = Some(buckets.read(name).await?),
            Part::Cors if self.cors.is_none() => self.cors = Some(buckets.cors(name).await?),
            Part::Lifecycle if self.lifecycle.is_none() => {
                self.lifecycle = Some(buckets.lifecycle(name).await?);
            }
            Part::R2Dev if self.managed.is_none() => self.managed = Some(buckets.managed(name).await?),
            Part::Domains if self.domains.is_none() => self.domains = Some(buckets.domains(name).await?),
            _ => {}
        }
        Ok(())
    }

    /// The first thing that is missing, in the parts that were looked at.
    pub(super) fn next(&self, memory: &Memory, wanted: &Wanted) -> Next<Change, Memory> {
        for part in Part::ALL {
            match self.missing(part, &memory.at(part), wanted) {
                Next::Done => {}
                missing => return missing,
            }
        }
        Next::Done
    }

    /// What is missing in one part.
    fn missing(&self, part: Part, memory: &Memory, wanted: &Wanted) -> Next<Change, Memory> {
        let parameters = &wanted.parameters;
        let change = match part {
            Part::Domains => {
                let asked = &parameters.custom_domains;
                let found = self.domains.as_ref();
                return found.map_or(Next::Done, |found| domains::next(memory, found, asked));
            }
            _ if self.difference(part, wanted).is_none() => return Next::Done,
            Part::Itself => Change::Storage(wanted.storage),
            Part::Cors => Change::Cors(rules::cors_forms(&parameters.cors)),
            Part::Lifecycle => {
                let found = self.lifecycle.as_deref().unwrap_or_default();
                let kept = rules::kept(found, &parameters.lifecycle).cloned();
                Change::Lifecycle(kept.chain(rules::lifecycle_forms(&parameters.lifecycle)).collect())
            }
            Part::R2Dev => Change::R2Dev(parameters.r2_dev),
        };
        Next::Change(change, memory.clone())
    }

    /// What is wanted and differs, in the parts that were looked at.
    pub(super) fn differences(&self, wanted: &Wanted) -> Vec<FieldDrift> {
        Part::ALL.into_iter().filter_map(|part| self.difference(part, wanted)).collect()
    }

    /// What differs in one part, in the words of the parameters.
    fn difference(&self, part: Part, wanted: &Wanted) -> Option<FieldDrift> {
        let Wanted { parameters, storage } = wanted;
        match part {
            Part::Itself => {
                let class = self.bucket.as_ref()?.storage_class?;
                differs("storage_class", json!(storage), json!(class))
            }
            Part::Cors => {
                let asked = parameters.cors.iter().map(|rule| json!(rule)).collect();
                rules_differ("cors", asked, rules::cors_shown(self.cors.as_ref()?))
            }
            Part::Lifecycle => {
                let asked = parameters.lifecycle.iter().map(|rule| json!(rule)).collect();
                let shown = rules::lifecycle_shown(self.lifecycle.as_ref()?, &parameters.lifecycle);
                rules_differ("lifecycle", asked, shown)
            }
            Part::R2Dev => differs("r2_dev", json!(parameters.r2_dev), json!(self.managed.as_ref()?.enabled)),
            Part::Domains => {
                let found = self.domains.as_ref()?;
                let (wanted, found) = domains::difference(found, &parameters.custom_domains)?;
                Some(FieldDrift { field: "custom_domains".to_owned(), wanted, found })
            }
        }
    }
}

fn rules_differ(field: &str, asked: Vec<Value>, shown: Vec<Value>) -> Option<FieldDrift> {
    let is_same = rules::are_same(&asked, &shown);
    (!is_same).then(|| FieldDrift { field: field.to_owned(), wanted: json!(asked), found: json!(shown) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(parameters: Value) -> Wanted {
        serde_json::from_value(parameters).unwrap()
    }

    #[test]
    fn work_goes_on_with_the_part_where_something_was_missing() {
        let wanted = wanted(json!({
            "r2_dev": true, "cors": [{ "origins": ["https://a.example"], "methods": ["GET"] }],
        }));
        let mut found = Found { cors: Some(Vec::new()), ..Found::nothing_of("files") };
        let managed = json!({ "domain": "pub-1.r2.dev", "enabled": false });
        found.managed = Some(serde_json::from_value(managed).unwrap());
        let forms = rules::cors_forms(&wanted.parameters.cors);
        let memory = Memory::default();
        let next = found.next(&memory, &wanted);
        assert_eq!(next, Next::Change(Change::Cors(forms.clone()), memory.at(Part::Cors)));
        found.cors = Some(forms);
        let next = found.next(&memory.at(Part::Cors), &wanted);
        assert_eq!(next, Next::Change(Change::R2Dev(true), memory.at(Part::R2Dev)));
    }

    #[test]
    fn what_was_not_looked_at_does_not_differ() {
        let wanted = wanted(json!({
            "r2_dev": true, "lifecycle": [{ "id": "old", "delete_after": 60 }],
            "custom_domains": [{ "domain": "a.example", "zone_id": "0a0b0c0d0e0f00112233445566778899" }],
        }));
        let found = Found::nothing_of("files");
        assert_eq!(found.differences(&wanted), []);
        assert_eq!(found.next(&Memory::default(), &wanted), Next::Done);
    }
}
