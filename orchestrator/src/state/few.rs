//! A map for a few members: sorted, in one piece of memory. A hundred thousand records have several each.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A map from texts, in their order. Looking up is fast, inserting moves what comes after: for a few members. Takes no
/// more room than its members need, and serializes as any map does.
#[derive(Clone, PartialEq, Eq)]
pub struct Few<V>(Box<[(Box<str>, V)]>);

impl<V> Few<V> {
    /// With nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self(Box::default())
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&V> {
        self.get_key_value(key).map(|(_, value)| value)
    }

    /// The same with the key as it is kept here.
    #[must_use]
    pub fn get_key_value(&self, key: &str) -> Option<(&str, &V)> {
        let (key, value) = self.0.get(self.find(key).ok()?)?;
        Some((key, value))
    }

    /// Whether there is such a key.
    #[must_use]
    pub fn contains_key(&self, key: &str) -> bool {
        self.find(key).is_ok()
    }

    /// Puts a value under a key, in place of the one that was there.
    pub fn insert(&mut self, key: &str, value: V) {
        match self.find(key) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.change(|members| members.insert(at, (key.into(), value))),
        }
    }

    /// Takes a key away, if it is there.
    pub fn remove(&mut self, key: &str) {
        if let Ok(at) = self.find(key) {
            self.change(|members| drop(members.remove(at)));
        }
    }

    /// The members, in the order of their keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &V)> + ExactSizeIterator {
        self.0.iter().map(|(key, value)| (&**key, value))
    }

    /// The same; values can be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut V)> {
        self.0.iter_mut().map(|(key, value)| (&**key, value))
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| &**key)
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(key))
    }

    fn change(&mut self, change: impl FnOnce(&mut Vec<(Box<str>, V)>)) {
        let mut members = std::mem::take(&mut self.0).into_vec();
        change(&mut members);
        self.0 = members.into_boxed_slice();
    }
}

impl<V> Default for Few<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> std::ops::Index<&str> for Few<V> {
    type Output = V;

    fn index(&self, key: &str) -> &V {
        self.get(key).expect("the key is there")
    }
}

/// Of two members with one key, the last one stays.
impl<K: Into<Box<str>>, V> FromIterator<(K, V)> for Few<V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(members: I) -> Self {
        let members = members.into_iter().map(|(key, value)| (key.into(), value));
        let mut sorted: Vec<(Box<str>, V)> = members.collect();
        let in_order = sorted.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if !in_order {
            // Stable: equal keys keep the order in which they came.
            sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
            sorted.reverse();
            sorted.dedup_by(|(one, _), (other, _)| one == other);
            sorted.reverse();
        }
        Self(sorted.into_boxed_slice())
    }
}

impl<K: Into<Box<str>>, V> Extend<(K, V)> for Few<V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, members: I) {
        let before = std::mem::take(&mut self.0).into_vec();
        let added = members.into_iter().map(|(key, value)| (key.into(), value));
        *self = before.into_iter().chain(added).collect();
    }
}

impl<K: Into<Box<str>>, V, const N: usize> From<[(K, V); N]> for Few<V> {
    fn from(members: [(K, V); N]) -> Self {
        members.into_iter().collect()
    }
}

impl<V> IntoIterator for Few<V> {
    type Item = (Box<str>, V);
    type IntoIter = std::vec::IntoIter<(Box<str>, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_vec().into_iter()
    }
}

impl<V: fmt::Debug> fmt::Debug for Few<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<V: Serialize> Serialize for Few<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Few<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Members<V> {
            type Value = Few<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Few<V>, A::Error> {
                let mut members: Vec<(Box<str>, V)> = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members.into_iter().collect())
            }
        }

        deserializer.deserialize_map(Members(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn like(few: &Few<u8>) -> BTreeMap<String, u8> {
        few.iter().map(|(key, value)| (key.to_owned(), *value)).collect()
    }

    proptest! {
        #[test]
        fn it_is_a_map_like_any_other(
            begin in prop::collection::vec(("[a-d]{0,2}", any::<u8>()), 0..9),
            more in prop::collection::vec(("[a-d]{0,2}", any::<u8>()), 0..9),
            gone in prop::collection::vec("[a-d]{0,2}", 0..9),
        ) {
            let (mut few, mut map): (Few<u8>, BTreeMap<String, u8>) =
                (begin.iter().cloned().collect(), begin.into_iter().collect());
            prop_assert_eq!(&like(&few), &map);
            few.extend(more.iter().cloned());
            map.extend(more.iter().cloned());
            prop_assert_eq!(&like(&few), &map);
            for key in &gone {
                few.remove(key);
                map.remove(key);
                prop_assert_eq!(few.contains_key(key), false);
            }
            for (key, value) in &more {
                few.insert(key, *value);
                map.insert(key.clone(), *value);
                prop_assert_eq!(few.get_key_value(key), Some((key.as_str(), value)));
            }
            prop_assert!(few.keys().is_sorted() && few.len() == map.len());
            let text = serde_json::to_string(&few).unwrap();
            prop_assert_eq!(&text, &serde_json::to_string(&map).unwrap());
            prop_assert_eq!(serde_json::from_str::<Few<u8>>(&text).unwrap(), few);
        }
    }
}
