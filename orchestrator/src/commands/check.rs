//! `check`: configuration against state against what the brokers say. The gate for CI.

use indexmap::{IndexMap, IndexSet};
use jiff::Timestamp;

use super::failure::Failure;
use super::observe::{self, Observed, Patience, Verdict, Witness};
use super::plan::{PlanOptions, plan_with};
use super::project::Project;
use crate::brokers::BrokerErrors;
use crate::config::Place;
use crate::exit::Exit;
use crate::name::InstanceRef;
use crate::plan::{Action, Step, expiry};
use crate::state::record::InstanceRecord;
use crate::state::status::BindingStatus;

/// How far to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Configuration against state.
    Offline,
    /// And every broker that can tell is asked about every instance.
    Live,
}

/// What disagrees about an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matter {
    /// Apply would do something.
    Pending,
    /// The broker says, authentically, that it does not exist (I-08).
    Missing,
    /// Its binding is past the time before which it was to be renewed, or past its end.
    Expiring,
    /// The broker reports fields that differ from what is recorded.
    Drifted,
    /// The broker gave no clear answer; that is not "missing".
    Unknown,
}

impl Matter {
    /// The matter in one word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Missing => "missing",
            Self::Expiring => "expiring",
            Self::Drifted => "drifted",
            Self::Unknown => "unknown",
        }
    }
}

/// One disagreement.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What it is.
    pub matter: Matter,
    /// In words; never a secret.
    pub detail: String,
}

/// One instance that is declared, recorded, or both.
#[derive(Debug, Clone)]
pub struct Compared {
    /// Which.
    pub reference: InstanceRef,
    /// Where it is declared, if it is.
    pub place: Option<Place>,
    /// What disagrees; empty when nothing does.
    pub findings: Vec<Finding>,
    /// Why nobody could tell whether it is live, where its service does not let instances be read.
    pub not_observable: Option<String>,
}

/// Everything that was compared.
#[derive(Debug)]
pub struct Checked {
    /// Which stack.
    pub stack: String,
    /// In the order of the plan.
    pub instances: Vec<Compared>,
}

impl Checked {
    /// 3 when something differs; else 4 when some could not be asked, 1 when none could; else 0.
    #[must_use]
    pub fn exit(&self) -> Exit {
        observe::exit(self.instances.iter().map(|compared| {
            let differs = |finding: &Finding| finding.matter != Matter::Unknown;
            match compared.findings.as_slice() {
                [] => Verdict::Live,
                findings if findings.iter().any(differs) => Verdict::Drifted,
                _ => Verdict::Unknown,
            }
        }))
    }

    /// How many agree in everything that could be asked.
    #[must_use]
    pub fn agreeing(&self) -> usize {
        self.instances.iter().filter(|compared| compared.findings.is_empty()).count()
    }
}

/// Compares. Writes nothing and takes no lock. Brokers that want to be asked later are waited for, with this patience.
///
/// # Errors
/// When configuration, state or a broker cannot be used at all.
pub async fn check(project: &Project, (extent, patience): (Extent, &Patience)) -> Result<Checked, Failure> {
    let brokers = project.connect_to(|_| true).await?;
    let (mut state, vault) = project.read().await?;
    project.notice_lost_variables(&mut state, &vault)?;
    let planned = plan_with(project, &brokers, (&state, &vault), &PlanOptions::default())?;
    let observed = match extent {
        Extent::Offline => Vec::new(),
        Extent::Live => {
            let (config, trouble) = (&project.config, &BrokerErrors::default());
            let witness = Witness { config, vault: &vault, brokers: &brokers, trouble, patience };
            witness.observe(state.records.iter()).await
        }
    };
    let instances = compared(project, (&planned.plan.steps, &state.records), observed);
    Ok(Checked { stack: project.config.stack.to_string(), instances })
}

/// Brings together what the plan and the brokers say about each instance.
fn compared(
    project: &Project,
    (steps, records): (&[Step], &[InstanceRecord]),
    observed: Vec<Observed>,
) -> Vec<Compared> {
    let recorded = records.iter().map(|record| &record.reference);
    let names: IndexSet<&InstanceRef> = steps.iter().map(|step| &step.reference).chain(recorded).collect();
    let places = project.config.places(&names.iter().map(|name| name.as_str()).collect::<Vec<_>>());
    let plain = |(name, place): (&&InstanceRef, Option<Place>)| {
        let reference = (*name).clone();
        (reference.clone(), Compared { reference, place, findings: Vec::new(), not_observable: None })
    };
    let mut all: IndexMap<InstanceRef, Compared> = names.iter().zip(places).map(plain).collect();
    for (reference, detail) in steps.iter().filter_map(pending).chain(undeclared(project, records)) {
        if let Some(compared) = all.get_mut(reference) {
            compared.findings.push(Finding { matter: Matter::Pending, detail });
        }
    }
    for (reference, detail) in records.iter().filter_map(|record| expiring(record, Timestamp::now())) {
        if let Some(compared) = all.get_mut(reference) {
            compared.findings.push(Finding { matter: Matter::Expiring, detail });
        }
    }
    for Observed { record, verdict, detail, .. } in observed {
        let Some(compared) = all.get_mut(&record.reference) else { continue };
        let matter = match verdict {
            Verdict::Live => continue,
            Verdict::NotObservable => {
                compared.not_observable = Some(detail);
                continue;
            }
            Verdict::Missing => Matter::Missing,
            Verdict::Drifted => Matter::Drifted,
            // the plan has said what apply would do about it
            Verdict::Unknown if record.status.is_unresolved() && !compared.findings.is_empty() => continue,
            Verdict::Unknown => Matter::Unknown,
        };
        compared.findings.push(Finding { matter, detail });
    }
    all.into_values().collect()
}

/// What is no longer declared is a difference too, although apply keeps it without `--prune` (A30).
fn undeclared<'r>(
    project: &Project,
    records: &'r [InstanceRecord],
) -> impl Iterator<Item = (&'r InstanceRef, String)> {
    let is_declared = |record: &&InstanceRecord| project.config.instances.contains_key(&record.reference);
    records.iter().filter(move |record| !is_declared(record)).map(|record| {
        let detail = "is in state and not declared; `sutler apply --prune` would delete it";
        (&record.reference, detail.to_owned())
    })
}

/// A binding whose time has come is a difference: nothing but a rotation ends it.
fn expiring(record: &InstanceRecord, now: Timestamp) -> Option<(&InstanceRef, String)> {
    let binding = record.binding.as_ref().filter(|binding| binding.status == BindingStatus::Bound)?;
    let expiry = expiry(binding, now);
    let detail = expiry.told().filter(|_| expiry.is_due())?;
    Some((&record.reference, detail))
}

fn pending(step: &Step) -> Option<(&InstanceRef, String)> {
    let word = match step.action {
        Action::Keep => return None,
        Action::Create => "would be created",
        Action::Update => "would be updated",
        Action::Replace => "would be replaced",
        Action::Upgrade => "would be upgraded",
        Action::Rebind => "would be bound anew",
        Action::Rotate => "would be rotated",
        Action::Record => "would be recorded anew",
        Action::Delete => "would be deleted",
        Action::Forget => "would be forgotten",
        Action::Retire => "has an earlier one that would be deleted",
    };
    let because = step.because.first().map(|reason| format!(", because {reason}")).unwrap_or_default();
    Some((&step.reference, format!("{word}{because}")))
}
