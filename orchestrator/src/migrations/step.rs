//! The steps of a migration as they are written: each says everything that it takes to carry it out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::id::MigrationId;
use super::snapshot::Declared;
use crate::config::Replacement;
use crate::name::{InstanceRef, VariableName};
use crate::plan::Action;
use crate::state::Hash;

/// What is newer is refused.
const FORMAT: u32 = 1;
const HEAD: &str = "# What this migration does, in this order. Written by `sutler generate`; migrations.sum tells when it was edited.\n";

/// What a migration does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    format_version: u32,
    /// Which one.
    pub migration: MigrationId,
    /// The one that it comes after; none for the first.
    #[serde(default)]
    pub parent: Option<MigrationId>,
    /// What a checkpoint stands for: nothing else need be run where none of these was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stands_for: Vec<StandsFor>,
    /// The steps: producers first, then what goes, consumers first.
    pub steps: Vec<MigrationStep>,
}

/// A migration that a checkpoint stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandsFor {
    /// Which.
    pub migration: MigrationId,
    /// What it and everything before it consisted of.
    pub digest: Hash,
}

/// What happens to one instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrationStep {
    /// What happens.
    pub action: StepAction,
    /// To which.
    #[serde(rename = "ref")]
    pub reference: InstanceRef,
    /// What it was called before, when it gets another ref first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<InstanceRef>,
    /// `broker/service`.
    pub service: String,
    /// The service plan.
    pub plan: String,
    /// What the vendor object is called.
    pub name: String,
    /// Whether it is never deleted or replaced unless forced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protected: bool,
    /// How it is replaced where it cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replace: Option<Replacement>,
    /// As written, references not resolved.
    #[serde(default = "nothing", skip_serializing_if = "is_nothing")]
    pub params: Value,
    /// Output key → variable.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bind: BTreeMap<String, VariableName>,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
}

/// What can happen to an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepAction {
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// Another one is made in its place.
    Replace,
    /// Its binding is made, or removed.
    Rebind,
    /// What is recorded of it changes: protection, variables. No broker is asked.
    Record,
    /// It is looked at again once what it refers to has changed, and changed if that matters to it.
    Follow,
    /// Its record goes; whatever exists stays.
    Forget,
    /// It is deleted.
    Delete,
}

impl StepAction {
    /// What a plan says, as a step says it. Nothing for what is kept.
    #[must_use]
    pub fn planned(action: Action) -> Option<Self> {
        Some(match action {
            Action::Create => Self::Create,
            Action::Update | Action::Upgrade => Self::Update,
            Action::Replace => Self::Replace,
            Action::Rebind | Action::Rotate => Self::Rebind,
            Action::Record => Self::Record,
            Action::Delete => Self::Delete,
            Action::Forget => Self::Forget,
            Action::Keep | Action::Retire => return None,
        })
    }

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Rebind => "rebind",
            Self::Record => "record",
            Self::Follow => "follow",
            Self::Forget => "forget",
            Self::Delete => "delete",
        }
    }

    /// Whether the instance is not declared any more after it.
    #[must_use]
    pub fn takes_out(self) -> bool {
        matches!(self, Self::Forget | Self::Delete)
    }

    /// Whether a step that says this may be carried out by what is planned: the same, or what does less. Nothing is ever
    /// replaced, made or deleted that the step does not say.
    #[must_use]
    pub fn covers(self, planned: Self) -> bool {
        let weight = |action| match action {
            Self::Record => Some(1),
            Self::Rebind => Some(2),
            Self::Update | Self::Follow => Some(3),
            Self::Replace => Some(4),
            Self::Create | Self::Forget | Self::Delete => None,
        };
        match (weight(self), weight(planned)) {
            (Some(said), Some(planned)) => planned <= said,
            _ => self == planned,
        }
    }
}

impl MigrationStep {
    /// What happens to an instance, and how it is declared: for what goes, how it was.
    #[must_use]
    pub fn new(
        action: StepAction,
        (reference, declared): (&InstanceRef, &Declared),
        because: Vec<String>,
    ) -> Self {
        let Declared { service, plan, name, protected, replace, params, bind } = declared.clone();
        let reference = reference.clone();
        Self { action, reference, from: None, service, plan, name, protected, replace, params, bind, because }
    }

    /// How the instance is declared.
    #[must_use]
    pub fn declared(&self) -> Declared {
        let Self { service, plan, name, protected, replace, params, bind, .. } = self.clone();
        Declared { service, plan, name, protected, replace, params, bind }
    }

    /// What the instance is called before it.
    #[must_use]
    pub fn old(&self) -> &InstanceRef {
        self.from.as_ref().unwrap_or(&self.reference)
    }
}

impl Steps {
    /// The steps of a migration.
    #[must_use]
    pub fn new(migration: MigrationId, parent: Option<MigrationId>, steps: Vec<MigrationStep>) -> Self {
        Self { format_version: FORMAT, migration, parent, stands_for: Vec::new(), steps }
    }

    /// As YAML, the same bytes for the same content.
    pub(super) fn written(&self) -> String {
        format!("{HEAD}{}", serde_saphyr::to_string(self).unwrap_or_default())
    }

    /// Reads them.
    ///
    /// # Errors
    /// What is wrong with them, and at which line.
    pub(super) fn read(text: &str) -> Result<Self, (Option<usize>, String)> {
        let steps: Self = serde_saphyr::from_str(text).map_err(|error| {
            let line = error.location().map(|location| location.line() as usize);
            // Its text may quote a value.
            (line, "it cannot be read".to_owned())
        })?;
        if steps.format_version > FORMAT {
            return Err((None, "it was written by a newer program".to_owned()));
        }
        Ok(steps)
    }
}

fn nothing() -> Value {
    Value::Object(serde_json::Map::new())
}

fn is_nothing(params: &Value) -> bool {
    params.as_object().is_some_and(serde_json::Map::is_empty)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn steps(params: Value) -> Steps {
        let declared = Declared {
            service: "edge/database".to_owned(),
            plan: "standard".to_owned(),
            name: "yes".to_owned(),
            protected: true,
            replace: None,
            params,
            bind: [("id".to_owned(), VariableName::new("DB_ID").unwrap())].into(),
        };
        let reference = InstanceRef::new("db").unwrap();
        let step =
            MigrationStep::new(StepAction::Create, (&reference, &declared), vec!["it: is # new".to_owned()]);
        Steps::new(MigrationId::new("0001_init").unwrap(), None, vec![step])
    }

    #[test]
    fn steps_are_read_at_a_glance() {
        let written =
            steps(json!({ "resources": { "database": "@db.id" }, "sql": "CREATE x;\nINSERT 1;\n" }))
                .written();
        assert!(
            written.contains("- action: create\n    ref: db\n")
                || written.contains("- action: create\n  ref: db\n"),
            "{written}"
        );
        assert!(written.contains("service: edge/database"), "{written}");
    }

    #[test]
    fn a_step_covers_what_does_less_and_never_what_makes_or_destroys() {
        use StepAction::{Create, Delete, Follow, Forget, Rebind, Record, Replace, Update};
        let all = [Create, Update, Replace, Rebind, Record, Follow, Forget, Delete];
        let covered = |said: StepAction| all.into_iter().filter(move |planned| said.covers(*planned));
        for (said, expected) in [
            (Create, vec![Create]),
            (Delete, vec![Delete]),
            (Forget, vec![Forget]),
            (Record, vec![Record]),
            (Rebind, vec![Rebind, Record]),
            (Update, vec![Update, Rebind, Record, Follow]),
            (Follow, vec![Update, Rebind, Record, Follow]),
            (Replace, vec![Update, Replace, Rebind, Record, Follow]),
        ] {
            assert_eq!(covered(said).collect::<Vec<_>>(), expected, "{said:?}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
            "\\PC{0,20}".prop_map(Value::from),
            "[ \\n\\t:#@'\"{}\\[\\]|>&*!%,?~-]{0,12}".prop_map(Value::from),
            prop::sample::select(vec![
                "yes",
                "no",
                "null",
                "~",
                "1e3",
                "0x1f",
                "0o7",
                "1_000",
                "on",
                ".inf",
                "=",
                "<<",
                "2026-01-01",
                "12:30:45"
            ])
            .prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("\\PC{0,9}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_again(members in prop::collection::btree_map("\\PC{0,9}", any_json(), 0..4)) {
            let mut params = Value::Object(members.into_iter().collect());
            params.sort_all_objects();
            let steps = steps(params);
            let written = steps.written();
            prop_assert_eq!(Steps::read(&written), Ok(steps), "{}", written);
        }
    }
}
