//! `pull`: what is live of everything recorded, asked of all brokers at once. Writes nothing and takes no lock, unless it
//! is to reconcile.

mod fold;
mod reconcile;

pub use reconcile::{Line, Reconciled, Reconciliation, reconciliation};

use super::failure::Failure;
use super::observe::{self, Observed, Patience, Witness};
use super::project::Project;
use crate::exit::Exit;
use crate::state::record::InstanceRecord;

/// What was found.
#[derive(Debug)]
pub struct Pulled {
    /// Each instance that was asked about, as declared first, then what is no longer declared.
    pub observed: Vec<Observed>,
}

impl Pulled {
    /// 3 when anything is missing or drifted; else 4 when some could not be asked, 1 when none could; else 0.
    #[must_use]
    pub fn exit(&self) -> Exit {
        observe::exit(self.observed.iter().map(|one| one.verdict))
    }
}

/// Asks about these instances; about all that are recorded when none is named.
///
/// # Errors
/// When configuration or state cannot be used, or one that is named is not recorded. A broker that cannot be asked is
/// an answer: what lives there is unknown.
pub async fn pull(project: &Project, references: &[String], patience: &Patience) -> Result<Pulled, Failure> {
    let (state, vault) = project.read().await?;
    let records = selected(project, &state.records, references)?;
    let lives_at = |broker: &_| records.iter().any(|record| &record.broker == broker);
    let (brokers, trouble) = project.connect_what_answers(lives_at).await?;
    let config = &project.config;
    let witness = Witness { config, vault: &vault, brokers: &brokers, trouble: &trouble, patience };
    Ok(Pulled { observed: witness.observe(records.into_iter()).await })
}

/// Those that are named, or all.
fn selected<'r>(
    project: &Project,
    records: &'r [InstanceRecord],
    references: &[String],
) -> Result<Vec<&'r InstanceRecord>, Failure> {
    let known = |name: &String| records.iter().any(|record| record.reference.as_str() == name);
    if let Some(unknown) = references.iter().find(|name| !known(name)) {
        return Err(Failure::usage(format!(
            "nothing is recorded as '{unknown}'; `sutler state list` shows what is"
        )));
    }
    let is_wanted = |record: &&InstanceRecord| {
        references.is_empty() || references.iter().any(|name| record.reference.as_str() == name)
    };
    let mut selected: Vec<_> = records.iter().filter(is_wanted).collect();
    let place = |record: &InstanceRecord| {
        project.config.instances.get_index_of(&record.reference).unwrap_or(usize::MAX)
    };
    selected.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.reference.cmp(&b.reference)));
    Ok(selected)
}
