//! How long steps took: a memory of the last few of each kind, beside the configuration. A hint for what to begin first;
//! losing it costs nothing but order.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::plan::{Action, Step};

/// So many of each kind are remembered; the one in their middle counts.
const REMEMBERED: usize = 15;
/// So many kinds at most: a file that somebody fills by accident stays small.
const KINDS: usize = 10_000;
/// What a step of which nothing is known is taken to last.
const UNKNOWN: Duration = Duration::from_secs(1);
const VERSION: u32 = 1;

/// How long steps took, by service, plan and action.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Durations {
    kinds: BTreeMap<String, VecDeque<u64>>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    format_version: u32,
    milliseconds: BTreeMap<String, VecDeque<u64>>,
}

impl Durations {
    /// Reads what was remembered. A file that is not there, or that cannot be understood, remembers nothing.
    #[must_use]
    pub fn load(path: &Path) -> Self {
        let stored = std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<Stored>(&bytes).ok());
        let kinds =
            stored.filter(|stored| stored.format_version == VERSION).map(|stored| stored.milliseconds);
        let mut durations = Self { kinds: kinds.unwrap_or_default() };
        durations.kinds.values_mut().for_each(|taken| taken.truncate(REMEMBERED));
        durations
    }

    /// Replaces the file as a whole: whoever reads it sees the old or the new one.
    ///
    /// # Errors
    /// When the system will not write it.
    pub fn save(&self, path: &Path) -> std::io::Result<()> {
        let stored = Stored { format_version: VERSION, milliseconds: self.kinds.clone() };
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let temporary = folder.join(format!(".durations-{}", uuid::Uuid::new_v4()));
        let written = std::fs::File::create_new(&temporary)
            .and_then(|mut file| file.write_all(&serde_json::to_vec(&stored)?))
            .and_then(|()| std::fs::rename(&temporary, path));
        if written.is_err() {
            let _already_gone = std::fs::remove_file(&temporary);
        }
        written
    }

    /// Remembers how long a step took.
    pub fn learn(&mut self, step: &Step, took: Duration) {
        let kind = kind(step);
        if self.kinds.len() >= KINDS && !self.kinds.contains_key(&kind) {
            return;
        }
        let taken = self.kinds.entry(kind).or_default();
        taken.push_back(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        while taken.len() > REMEMBERED {
            taken.pop_front();
        }
    }

    /// How long a step is likely to take: the median of the last ones of its kind. What is kept takes no time.
    #[must_use]
    pub fn expected(&self, step: &Step) -> Duration {
        if step.action == Action::Keep {
            return Duration::ZERO;
        }
        self.kinds.get(&kind(step)).and_then(median).map_or(UNKNOWN, Duration::from_millis)
    }
}

fn kind(step: &Step) -> String {
    let action = match step.action {
        Action::Keep | Action::Update | Action::Upgrade => "update",
        Action::Create => "create",
        Action::Replace => "replace",
        Action::Rebind | Action::Rotate => "rebind",
        Action::Retire => "retire",
        Action::Record | Action::Forget => "record",
        Action::Delete => "delete",
    };
    format!("{}/{}/{action}", step.target.service.id.as_str(), step.target.service_plan.id.as_str())
}

fn median(taken: &VecDeque<u64>) -> Option<u64> {
    let mut sorted: Vec<u64> = taken.iter().copied().collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sutler_spec::{PlanId, ServiceId};

    use super::*;
    use crate::name::{BrokerName, InstanceRef};
    use crate::plan::{BindingWanted, Target};
    use crate::state::record::Named;

    fn step(plan: &str, action: Action) -> Step {
        let name = |text: &str| text.to_owned();
        Step {
            reference: InstanceRef::new("db").unwrap(),
            action,
            replacement: None,
            target: Arc::new(Target {
                broker: BrokerName::new("edge").unwrap(),
                service: Named { id: ServiceId::new("s").unwrap(), name: name("s") },
                service_plan: Named { id: PlanId::new(plan).unwrap(), name: name(plan) },
                price: crate::plan::Price::default(),
            }),
            because: Vec::new(),
            changes: Vec::new(),
            binding: BindingWanted::NotWanted,
            after: Vec::new(),
            after_retirement_of: Vec::new(),
        }
    }

    #[test]
    fn the_median_of_the_last_fifteen_counts() {
        let mut durations = Durations::default();
        let create = step("p", Action::Create);
        assert_eq!(durations.expected(&create), UNKNOWN);
        for seconds in [900, 1, 2, 3] {
            durations.learn(&create, Duration::from_secs(seconds));
        }
        assert_eq!(durations.expected(&create), Duration::from_secs(3), "one outlier decides nothing");
        for _ in 0..40 {
            durations.learn(&create, Duration::from_millis(70));
        }
        assert_eq!(durations.expected(&create), Duration::from_millis(70), "it follows what happens now");
        assert_eq!(durations.expected(&step("other", Action::Create)), UNKNOWN);
        assert_eq!(durations.expected(&step("p", Action::Delete)), UNKNOWN);
        assert_eq!(durations.expected(&step("p", Action::Keep)), Duration::ZERO);
    }

    #[test]
    fn what_is_saved_is_loaded_and_damage_is_a_fresh_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".sutler/durations.json");
        assert_eq!(Durations::load(&path), Durations::default());
        let mut durations = Durations::default();
        durations.learn(&step("p", Action::Update), Duration::from_secs(4));
        durations.save(&path).unwrap();
        assert_eq!(Durations::load(&path), durations);
        for damage in ["", "{", "[]", r#"{"format_version":2,"milliseconds":{}}"#] {
            std::fs::write(&path, damage).unwrap();
            assert_eq!(Durations::load(&path), Durations::default(), "{damage}");
        }
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file stays");
    }
}
