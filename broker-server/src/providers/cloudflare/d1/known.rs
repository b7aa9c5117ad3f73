//! What is remembered of a database, and what its migrations may become.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sutler_catalog::cloudflare::d1::{MIGRATION_BYTES, Migration, Parameters};

use super::super::recorded::unknown_step;
use crate::providers::ProviderError;

/// The provider's memory of a database: the data of every checkpoint, and the record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Known {
    /// Decided before the first call.
    pub(super) database_name: String,
    /// Known once Cloudflare has said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) database_id: Option<String>,
    /// The migrations applied so far, in order.
    #[serde(default)]
    pub(super) migrations: Vec<Applied>,
    /// Whether it was there before: then its name carries no mark of ours.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) adopted: bool,
}

/// A migration that was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Applied {
    pub(super) name: String,
    /// SHA-256 of its text.
    pub(super) hash: String,
}

impl Applied {
    pub(super) fn of(migration: &Migration) -> Self {
        let hash = Sha256::digest(migration.sql.as_bytes());
        let hash = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { name: migration.name.clone(), hash }
    }
}

impl Known {
    /// A database of which only the name is decided.
    pub(super) fn named(name: String) -> Self {
        Self { database_name: name, database_id: None, migrations: Vec::new(), adopted: false }
    }

    /// The id, in Cloudflare's form (S-26).
    pub(super) fn id(&self) -> Result<&str, ProviderError> {
        let id = self.database_id.as_deref().filter(|id| uuid::Uuid::try_parse(id).is_ok());
        id.ok_or_else(|| unknown_step("without a database id"))
    }

    /// The first migration that is not applied yet, and how many there are in all.
    pub(super) fn next_migration<'a>(&self, wanted: &'a Parameters) -> Option<&'a Migration> {
        wanted.migrations.get(self.migrations.len())
    }

    /// Whether the list only grew: what was applied stays as it was, at its place.
    pub(super) fn check_history(&self, wanted: &Parameters) -> Result<(), String> {
        for (at, applied) in self.migrations.iter().enumerate() {
            let name = &applied.name;
            match wanted.migrations.get(at) {
                Some(same) if Applied::of(same) == *applied => {}
                Some(changed) if changed.name == *name => {
                    return Err(format!(
                        "migrations: the text of {name} was changed after it was applied; add a new migration instead"
                    ));
                }
                _ if wanted.migrations.iter().any(|migration| migration.name == *name) => {
                    return Err(format!(
                        "migrations: {name} was applied as number {} and has to stay there; add new ones behind",
                        at + 1
                    ));
                }
                _ => {
                    return Err(format!(
                        "migrations: {name} was applied and cannot be taken out of the list"
                    ));
                }
            }
        }
        Ok(())
    }
}

/// What no schema can say about the parameters.
pub(super) fn problems(wanted: &Parameters) -> Vec<String> {
    let mut problems = Vec::new();
    if wanted.primary_location_hint.is_some() && wanted.jurisdiction.is_some() {
        problems.push("jurisdiction: cannot be given together with primary_location_hint".to_owned());
    }
    let mut names = std::collections::HashSet::new();
    for Migration { name, sql } in &wanted.migrations {
        if !names.insert(name.as_str()) {
            problems.push(format!("migrations: the name {name} is given twice"));
        }
        if sql.len() > MIGRATION_BYTES {
            problems.push(format!("migrations: {name} is longer than {MIGRATION_BYTES} bytes"));
        }
    }
    problems
}

/// What an update asks for and cannot have.
pub(super) fn refused_changes(known: &Known, present: &Parameters, wanted: &Parameters) -> Vec<String> {
    let mut problems = Vec::new();
    if wanted.primary_location_hint != present.primary_location_hint {
        problems.push("primary_location_hint: is fixed when the database is created".to_owned());
    }
    if wanted.jurisdiction != present.jurisdiction {
        problems.push("jurisdiction: is fixed when the database is created".to_owned());
    }
    problems.extend(known.check_history(wanted).err());
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(migrations: &[(&str, &str)]) -> Parameters {
        let migration = |(name, sql): &(&str, &str)| Migration { name: (*name).into(), sql: (*sql).into() };
        Parameters { migrations: migrations.iter().map(migration).collect(), ..Parameters::default() }
    }

    #[test]
    fn the_list_of_migrations_only_grows() {
        let before = list(&[("a", "1"), ("b", "2")]);
        let mut known = Known::named("n".into());
        known.migrations = before.migrations.iter().map(Applied::of).collect();
        for good in [before.clone(), list(&[("a", "1"), ("b", "2"), ("c", "3")])] {
            assert_eq!(known.check_history(&good), Ok(()));
        }
        for (bad, told) in [
            (list(&[("a", "1"), ("b", "other")]), "the text of b was changed"),
            (list(&[("b", "2"), ("a", "1")]), "a was applied as number 1"),
            (list(&[("0", "0"), ("a", "1"), ("b", "2")]), "a was applied as number 1"),
            (list(&[("a", "1")]), "b was applied and cannot be taken out"),
            (list(&[]), "a was applied and cannot be taken out"),
        ] {
            let error = known.check_history(&bad).unwrap_err();
            assert!(error.contains(told) && error.starts_with("migrations: "), "{error}");
        }
    }

    #[test]
    fn what_no_schema_can_say_is_checked() {
        let long = "x".repeat(MIGRATION_BYTES + 1);
        let mut wanted = list(&[("a", "1"), ("a", "2"), ("b", &long)]);
        wanted.primary_location_hint = Some(sutler_catalog::cloudflare::d1::LocationHint::Weur);
        wanted.jurisdiction = Some(sutler_catalog::cloudflare::d1::Jurisdiction::Eu);
        assert_eq!(problems(&wanted).len(), 3);
        assert!(problems(&list(&[("a", "1"), ("b", "1")])).is_empty());
    }
}
