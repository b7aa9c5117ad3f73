//! Saved plans: what `plan --out` writes and `apply FILE` carries out exactly, or not at all (I-21, S-36).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sutler_secrets::{Digest, KeyRing, OpenError, Place, Sealed};

use super::failure::Failure;
use super::plan::{PlanOptions, Planned};
use super::project::Project;
use crate::brokers::BrokerSet;
use crate::name::StackName;
use crate::plan::{Action, Plan, Step};
use crate::private_file;
use crate::state::{State, StateError, Vault};

const FORMAT: u64 = 1;
/// So many differences are named.
const NAMED: usize = 10;

/// A plan, and everything it was made from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    format: u64,
    /// When it was made (RFC 3339).
    pub made_at: String,
    /// Which life of the state it was made from; none when nothing had been recorded yet.
    pub lineage: Option<String>,
    /// How the plan was narrowed or widened.
    pub options: PlanOptions,
    /// Keyed digest of the configuration's text.
    configuration: Digest,
    /// Keyed digest of what each broker offers.
    catalogs: BTreeMap<String, Digest>,
    /// What is to be done.
    pub plan: Plan,
}

impl SavedPlan {
    /// What a plan was made from.
    ///
    /// # Errors
    /// When a catalog cannot be written as JSON.
    pub(super) fn new(
        (project, brokers): (&Project, &BrokerSet),
        (state, vault): (&State, &Vault),
        (planned, options): (&Planned, &PlanOptions),
    ) -> Result<Self, Failure> {
        let (configuration, catalogs) = origin(project, brokers, vault.ring())?;
        Ok(Self {
            format: FORMAT,
            made_at: jiff::Timestamp::now().to_string(),
            lineage: lineage(state),
            options: options.clone(),
            configuration,
            catalogs,
            plan: planned.plan.clone(),
        })
    }

    /// Writes it, sealed, in place of the file that is there, if any.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, path: &Path, stack: &StackName, ring: &KeyRing) -> Result<(), Failure> {
        let failed = |why: &dyn std::fmt::Display| {
            Failure::failed(format!("could not write {}: {why}", path.display()))
        };
        let value = serde_json::to_value(self).map_err(|error| failed(&error))?;
        let mut text = ring.seal_json(&place(stack), &value).to_text();
        text.push('\n');
        private_file::write(path, text.as_bytes()).map_err(|error| failed(&error))
    }

    /// Reads it.
    ///
    /// # Errors
    /// When there is no such file, or it is not a plan that was saved for this stack with this key ring.
    pub fn load(path: &Path, project: &Project) -> Result<Self, Failure> {
        let shown = path.display();
        let text = fs::read_to_string(path)
            .map_err(|error| Failure::failed(format!("could not read the plan {shown}: {error}")))?;
        let ring = KeyRing::load(&project.keys).map_err(|error| Failure::State(StateError::Keys(error)))?;
        let opened = Sealed::from_text(text.trim_end())
            .and_then(|sealed| ring.open_json(&place(&project.config.stack), &sealed));
        let opened = opened.map_err(|source| Failure::SavedPlan { path: path.to_owned(), source })?;
        serde_json::from_value(opened.into_inner())
            .ok()
            .filter(|saved: &Self| saved.format == FORMAT)
            .ok_or_else(|| Failure::SavedPlan { path: path.to_owned(), source: OpenError::NotJson })
    }

    /// Everything that moved since it was made; nothing when carrying out `now` carries out exactly this plan. Values
    /// are told no more than in any plan.
    ///
    /// # Errors
    /// When a catalog cannot be written as JSON.
    pub(super) fn moved(
        &self,
        (project, brokers): (&Project, &BrokerSet),
        (state, vault): (&State, &Vault),
        now: &Plan,
    ) -> Result<Vec<String>, Failure> {
        let (configuration, catalogs) = origin(project, brokers, vault.ring())?;
        let mut moved = Vec::new();
        if configuration != self.configuration {
            moved.push("the configuration is another one".to_owned());
        }
        for name in
            self.catalogs.keys().chain(catalogs.keys().filter(|name| !self.catalogs.contains_key(*name)))
        {
            if self.catalogs.get(name) != catalogs.get(name) {
                moved.push(format!("what broker '{name}' offers is another catalog"));
            }
        }
        if lineage(state) != self.lineage {
            moved.push("state is another one".to_owned());
        } else if state.serial != self.plan.serial {
            moved.push(format!("state went from serial {} to {}", self.plan.serial, state.serial));
        }
        if self.plan.moves != now.moves {
            moved.push("other instances would be renamed".to_owned());
        }
        let steps = different(&self.plan, now);
        let more = steps.len().saturating_sub(NAMED);
        moved.extend(steps.into_iter().take(NAMED));
        if more > 0 {
            moved.push(format!("and {more} more steps differ"));
        }
        Ok(moved)
    }
}

/// Which life of a state; none while nothing was recorded in it, since taking the first lock begins one.
fn lineage(state: &State) -> Option<String> {
    (state.serial > 0).then(|| state.lineage.to_string())
}

fn place(stack: &StackName) -> Place {
    Place::new("saved plan").with(stack.as_str())
}

fn origin(
    project: &Project,
    brokers: &BrokerSet,
    ring: &KeyRing,
) -> Result<(Digest, BTreeMap<String, Digest>), Failure> {
    let configuration = ring.digest("configuration", &project.config.written());
    let mut catalogs = BTreeMap::new();
    for broker in brokers.iter() {
        let offerings: Result<Vec<_>, _> = broker.index.offerings().map(serde_json::to_value).collect();
        let offerings = offerings.map_err(|error| Failure::failed(error.to_string()))?;
        catalogs.insert(broker.name.to_string(), ring.digest_json("catalog", &offerings.into()));
    }
    Ok((configuration, catalogs))
}

/// The steps that differ, in words.
fn different(saved: &Plan, now: &Plan) -> Vec<String> {
    let words = |step: &Step| {
        let fields: Vec<&str> = step.changes.iter().map(|change| change.field.as_str()).collect();
        let action = format!("{:?}", step.action).to_lowercase();
        if fields.is_empty() { action } else { format!("{action} ({})", fields.join(", ")) }
    };
    let of = |plan: &Plan| -> BTreeMap<String, Step> {
        let named = |step: &Step| match step.action {
            Action::Retire => format!("the earlier {}", step.reference),
            _ => step.reference.to_string(),
        };
        plan.steps.iter().map(|step| (named(step), step.clone())).collect()
    };
    let (before, after) = (of(saved), of(now));
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    names
        .filter_map(|name| match (before.get(name), after.get(name)) {
            (Some(one), Some(other)) if one == other => None,
            (Some(one), Some(other)) => {
                Some(format!("{name}: was {}, would be {}", words(one), words(other)))
            }
            (Some(one), None) => Some(format!("{name}: was {}, would not be touched", words(one))),
            (None, Some(other)) => Some(format!("{name}: was not in it, would be {}", words(other))),
            (None, None) => None,
        })
        .collect()
}
