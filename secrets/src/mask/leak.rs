//! Searching captured bytes for secrets that should not be there.

use std::collections::HashSet;

use super::{forms::Form, forms::labelled, index::Index};

/// A secret that was found where none should be. It says which and where, not what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// The name the secret was given.
    pub name: String,
    /// The form it has there.
    pub form: Form,
    /// The byte at which it starts.
    pub offset: usize,
}

/// Every secret that occurs in the bytes, once for each form it has there, at its first place, in order of place.
///
/// Each secret is a name and a value; values of less than [`MIN_CHARACTERS`](crate::MIN_CHARACTERS) are not looked for.
/// The bytes may be anything: a log, a database file, a core dump.
pub fn find_leaks(haystack: &[u8], secrets: &[(&str, &str)]) -> Vec<Leak> {
    let mut index = Index::default();
    for (name, value) in secrets {
        for (form, bytes) in labelled(value) {
            index.insert(bytes, (*name, form));
        }
    }
    let mut seen = HashSet::new();
    index
        .all(haystack)
        .filter(|(_, leak)| seen.insert(*leak))
        .map(|(offset, (name, form))| Leak { name: (*name).to_owned(), form: *form, offset })
        .collect()
}
