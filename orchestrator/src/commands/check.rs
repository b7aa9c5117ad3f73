//! `check`: configuration against state against what the brokers say. The gate for CI.

use futures_util::StreamExt;
use jiff::Timestamp;
use sutler_broker_client::{ClientError, FetchQuery};
use sutler_spec::FetchedInstance;

use super::failure::Failure;
use super::plan::{PlanOptions, plan_with};
use super::project::Project;
use crate::brokers::BrokerSet;
use crate::exit::Exit;
use crate::plan::{Action, Step, expiry};
use crate::state::record::InstanceRecord;
use crate::state::status::{BindingStatus, Status};

/// How far to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Configuration against state.
    Offline,
    /// And every broker that can tell is asked about every instance.
    Live,
}

/// What is wrong with an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Apply would do something.
    Pending,
    /// The broker says, authentically, that it does not exist (I-08).
    Missing,
    /// Its binding is past the time before which it was to be renewed, or past its end.
    Expiring,
    /// The broker reports fields that differ from what was asked for.
    Drifted,
    /// The broker gave no clear answer; that is not "missing".
    Unknown,
}

impl Verdict {
    /// The verdict in one word.
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
    /// Which instance.
    pub reference: String,
    /// What is wrong.
    pub verdict: Verdict,
    /// In words; never a secret.
    pub detail: String,
}

/// Everything that disagrees.
#[derive(Debug)]
pub struct Checked {
    /// In the order of the plan.
    pub findings: Vec<Finding>,
    /// How many instances agree in everything that was asked.
    pub agreeing: usize,
}

impl Checked {
    /// 3 when something differs, 1 when something could not be asked, 0 when all agree.
    #[must_use]
    pub fn exit(&self) -> Exit {
        if self.findings.iter().any(|finding| finding.verdict != Verdict::Unknown) {
            Exit::Pending
        } else if self.findings.is_empty() {
            Exit::Done
        } else {
            Exit::Failed
        }
    }
}

/// How many instances are asked about at once.
const AT_ONCE: usize = 16;

/// Compares. Writes nothing and takes no lock.
///
/// # Errors
/// When configuration, state or a broker cannot be used at all.
pub async fn check(project: &Project, extent: Extent) -> Result<Checked, Failure> {
    let brokers = project.connect_to(|_| true).await?;
    let (mut state, vault) = project.read().await?;
    project.notice_lost_variables(&mut state, &vault)?;
    let planned = plan_with(project, &brokers, (&state, &vault), &PlanOptions::default())?;
    let mut findings: Vec<Finding> = planned.plan.steps.iter().filter_map(pending).collect();
    findings.extend(undeclared(project, &state.records));
    findings.extend(state.records.iter().filter_map(|record| expiring(record, Timestamp::now())));
    if extent == Extent::Live {
        let ready = state.records.iter().filter(|record| record.status == Status::Ready);
        let asked = futures_util::stream::iter(ready.map(|record| ask(&brokers, record))).buffered(AT_ONCE);
        let answers: Vec<Option<Finding>> = asked.collect().await;
        findings.extend(answers.into_iter().flatten());
    }
    let disagreeing: std::collections::HashSet<&str> =
        findings.iter().map(|finding| finding.reference.as_str()).collect();
    let agreeing =
        state.records.iter().filter(|record| !disagreeing.contains(record.reference.as_str())).count();
    Ok(Checked { agreeing, findings })
}

fn pending(step: &Step) -> Option<Finding> {
    let word = match step.action {
        Action::Keep => return None,
        Action::Create => "would be created",
        Action::Update => "would be updated",
        Action::Upgrade => "would be upgraded",
        Action::Replace => "would be replaced",
        Action::Rebind => "would be bound anew",
        Action::Record => "would be recorded anew",
        Action::Delete => "would be deleted",
        Action::Forget => "would be forgotten",
        Action::Retire => "has an earlier one that would be deleted",
    };
    let because = step.because.first().map(|reason| format!(", because {reason}")).unwrap_or_default();
    Some(Finding {
        reference: step.reference.to_string(),
        verdict: Verdict::Pending,
        detail: format!("{word}{because}"),
    })
}

/// What is in state and no longer declared is a difference too, although apply keeps it without `--prune`.
fn undeclared<'a>(project: &'a Project, records: &'a [InstanceRecord]) -> impl Iterator<Item = Finding> + 'a {
    records.iter().filter(|record| !project.config.instances.contains_key(&record.reference)).map(|record| {
        Finding {
            reference: record.reference.to_string(),
            verdict: Verdict::Pending,
            detail: "is in state and not declared; `sutler apply --prune` would delete it".to_owned(),
        }
    })
}

/// A binding whose time has come is a difference: nothing but a rotation ends it.
fn expiring(record: &InstanceRecord, now: Timestamp) -> Option<Finding> {
    let binding = record.binding.as_ref().filter(|binding| binding.status == BindingStatus::Bound)?;
    let expiry = expiry(binding, now);
    let detail = expiry.told().filter(|_| expiry.is_due())?;
    Some(Finding { reference: record.reference.to_string(), verdict: Verdict::Expiring, detail })
}

/// Asks a broker about one instance, where its offering can be asked.
async fn ask(brokers: &BrokerSet, record: &InstanceRecord) -> Option<Finding> {
    let broker = brokers.get(&record.broker)?;
    if !broker.index.offering_by_id(&record.service.id)?.instances_retrievable {
        return None;
    }
    let query = FetchQuery {
        service_id: Some(record.service.id.clone()),
        plan_id: Some(record.service_plan.id.clone()),
    };
    let _place = broker.limit.acquire().await.ok()?;
    let (verdict, detail) = judge(broker.client.fetch_instance(&record.instance_id, &query).await)?;
    Some(Finding { reference: record.reference.to_string(), verdict, detail })
}

/// What an answer means.
fn judge(answer: Result<FetchedInstance, ClientError>) -> Option<(Verdict, String)> {
    match answer {
        Ok(fetched) => {
            let attributes = fetched.metadata.map(|metadata| metadata.attributes).unwrap_or_default();
            let drift = attributes
                .get("x-sutler-drift")
                .and_then(|drift| drift.as_array().cloned())
                .unwrap_or_default();
            let fields: Vec<&str> = drift.iter().filter_map(|field| field["field"].as_str()).collect();
            (!drift.is_empty())
                .then(|| (Verdict::Drifted, format!("differs at the vendor in {}", fields.join(", "))))
        }
        Err(error) if error.is_authentic_absence() => {
            Some((Verdict::Missing, "the broker says that it does not exist".to_owned()))
        }
        Err(error) => Some((Verdict::Unknown, format!("the broker could not tell: {error}"))),
    }
}
