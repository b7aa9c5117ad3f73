//! Which secrets are ours, and what has to be done so that they are what is wanted.

use std::collections::{BTreeMap, BTreeSet};

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use sutler_catalog::cloudflare::secrets::{Parameters, SECRET_BYTES};

use crate::providers::Marker;

/// The provider's memory of a set: no value, only whether it is the same as before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) script: String,
    /// Name and keyed digest of each secret of ours.
    pub(super) secrets: BTreeMap<String, String>,
}

impl Known {
    /// The set as it is when everything wanted is there.
    pub(super) fn of(wanted: &Parameters, marker: &Marker) -> Self {
        let secrets = wanted.secrets.iter();
        Self {
            script: wanted.script.clone(),
            secrets: secrets
                .map(|(name, text)| (name.clone(), digest(marker, name, text.expose())))
                .collect(),
        }
    }

    /// Everything that may be ours: what finished work remembers, and what unfinished work may have written. `None`: nothing
    /// was ever written.
    pub(super) fn taken_up(finished: Option<Self>, left: Option<Self>) -> Option<Self> {
        match (finished, left) {
            (Some(mut finished), Some(left)) if finished.script == left.script => {
                finished.secrets.extend(left.secrets);
                Some(finished)
            }
            (finished, left) => finished.or(left),
        }
    }

    /// The names of ours that the Worker has.
    pub(super) fn present(&self, found: &BTreeSet<String>) -> Vec<String> {
        self.secrets.keys().filter(|name| found.contains(*name)).cloned().collect()
    }
}

/// Tells whether a value is the same as before; the record it stands in is sealed.
fn digest(marker: &Marker, name: &str, text: &str) -> String {
    let mut hmac =
        Hmac::<Sha256>::new_from_slice(marker.hex(64).as_bytes()).expect("HMAC takes keys of any length");
    hmac.update(&(name.len() as u64).to_be_bytes());
    hmac.update(name.as_bytes());
    hmac.update(text.as_bytes());
    hmac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One change of the Worker: the data of the checkpoint before it. The values stay in the parameters.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Difference {
    /// The set afterwards.
    #[serde(flatten)]
    pub(super) after: Known,
    /// Names to set.
    pub(super) put: Vec<String>,
    /// Names to remove.
    pub(super) remove: Vec<String>,
}

impl Difference {
    /// What to do, or the names in the way: those the Worker has and that are not ours.
    ///
    /// `certain` says that what `before` remembers was really written; otherwise everything is written again.
    pub(super) fn between(
        before: Option<&Known>,
        after: Known,
        found: &BTreeSet<String>,
        certain: bool,
    ) -> Result<Self, Vec<String>> {
        let ours = before.map(|known| known.secrets.clone()).unwrap_or_default();
        let is_foreign = |name: &&String| found.contains(*name) && !ours.contains_key(*name);
        let foreign: Vec<String> = after.secrets.keys().filter(is_foreign).cloned().collect();
        if !foreign.is_empty() {
            return Err(foreign);
        }
        let is_there =
            |name: &String, digest| certain && found.contains(name) && ours.get(name) == Some(digest);
        let put = after.secrets.iter().filter(|(name, digest)| !is_there(name, digest));
        let is_left = |name: &&String| found.contains(*name) && !after.secrets.contains_key(*name);
        Ok(Self {
            put: put.map(|(name, _)| name.clone()).collect(),
            remove: ours.keys().filter(is_left).cloned().collect(),
            after,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.put.is_empty() && self.remove.is_empty()
    }
}

/// What no schema can say about the parameters.
pub(super) fn problems(wanted: &Parameters) -> Vec<String> {
    let too_long = wanted.secrets.iter().filter(|(_, text)| text.expose().len() > SECRET_BYTES);
    too_long.map(|(name, _)| format!("secrets.{name}: is longer than {SECRET_BYTES} bytes")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(secrets: &[(&str, &str)]) -> Known {
        let secrets = secrets.iter().map(|(name, digest)| ((*name).into(), (*digest).into())).collect();
        Known { script: "api".into(), secrets }
    }

    fn found(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).into()).collect()
    }

    #[test]
    fn only_what_differs_is_written_and_only_what_is_ours_is_removed() {
        let before =
            known(&[("SAME", "1"), ("CHANGED", "1"), ("LOST", "1"), ("OLD", "1"), ("OLD_LOST", "1")]);
        let after = known(&[("SAME", "1"), ("CHANGED", "2"), ("LOST", "1"), ("NEW", "1")]);
        let found = found(&["SAME", "CHANGED", "OLD", "FOREIGN"]);
        let difference = Difference::between(Some(&before), after.clone(), &found, true).unwrap();
        assert_eq!(difference.put, ["CHANGED", "LOST", "NEW"]);
        assert_eq!(difference.remove, ["OLD"]);
        let difference = Difference::between(Some(&before), after, &found, false).unwrap();
        assert_eq!(difference.put, ["CHANGED", "LOST", "NEW", "SAME"]);
    }

    #[test]
    fn what_unfinished_work_may_have_written_is_ours_too() {
        let (finished, left) = (known(&[("A", "1"), ("B", "1")]), known(&[("B", "2"), ("C", "2")]));
        let both = known(&[("A", "1"), ("B", "2"), ("C", "2")]);
        let elsewhere = Known { script: "web".into(), ..left.clone() };
        for (finished, left, expected) in [
            (None, None, None),
            (Some(&finished), None, Some(&finished)),
            (None, Some(&left), Some(&left)),
            (Some(&finished), Some(&left), Some(&both)),
            (Some(&finished), Some(&elsewhere), Some(&finished)),
        ] {
            assert_eq!(Known::taken_up(finished.cloned(), left.cloned()).as_ref(), expected);
        }
    }

    #[test]
    fn what_others_have_set_is_in_the_way() {
        let after = known(&[("A", "1"), ("B", "1")]);
        assert_eq!(Difference::between(None, after, &found(&["B", "C"]), true), Err(vec!["B".to_owned()]));
    }

    #[test]
    fn a_digest_tells_names_values_and_instances_apart() {
        let marker = |id: &str| Marker::for_instance("i", &sutler_spec::InstanceId::new(id).unwrap());
        let one = digest(&marker("a"), "N", "value");
        assert_eq!(one, digest(&marker("a"), "N", "value"));
        for other in [
            digest(&marker("b"), "N", "value"),
            digest(&marker("a"), "Nv", "alue"),
            digest(&marker("a"), "N", "other"),
        ] {
            assert_ne!(one, other);
        }
    }
}
