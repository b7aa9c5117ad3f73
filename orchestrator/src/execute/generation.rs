//! One generation of an instance after another: what a new one inherits, and how what it replaced is deleted.

use indexmap::IndexMap;
use jiff::Timestamp;

use super::call::Persistence;
use super::error::StepError;
use super::step::{Effect, Step};
use crate::faults;
use crate::name::VariableName;
use crate::plan::Action;
use crate::state::record::{InstanceRecord, OrphanRecord, Retired};

/// What was there under a ref before another is made.
#[derive(Debug)]
pub(super) enum Earlier {
    /// Nothing.
    Nothing,
    /// A record whose instance is of no use, or gone.
    Gone(Box<InstanceRecord>),
    /// An instance that stays in force until the new one is ready, and until nobody uses it.
    InForce(Box<InstanceRecord>),
}

/// What a new record takes over from an earlier one.
#[derive(Debug, Default)]
pub(super) struct Inheritance {
    /// What it claims in sinks.
    pub(super) variables: IndexMap<String, VariableName>,
    /// What is still to be deleted and was of no use.
    pub(super) orphans: Vec<OrphanRecord>,
    /// The generation before it.
    pub(super) previous: Option<Box<InstanceRecord>>,
    /// What is still to be deleted and was in use.
    pub(super) retired: Vec<Retired>,
}

impl Earlier {
    /// What the new record takes over.
    pub(super) fn inheritance(self) -> Inheritance {
        match self {
            Self::Nothing => Inheritance::default(),
            Self::Gone(record) => Inheritance {
                variables: record.variables,
                orphans: record.orphans,
                previous: record.previous,
                retired: record.retired,
            },
            Self::InForce(mut record) => {
                let retired = record.earlier(&Timestamp::now().to_string());
                record.retired.clear();
                record.previous = None;
                let orphans = std::mem::take(&mut record.orphans);
                Inheritance { variables: record.variables.clone(), orphans, previous: Some(record), retired }
            }
        }
    }
}

/// Which of what is retired is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grace {
    /// What is not kept any longer.
    Respected,
    /// Everything: whoever used it goes, too.
    Over,
}

impl Step {
    /// Deletes what the instance of now has taken the place of.
    pub(super) async fn retire(&self) -> Result<Effect, StepError> {
        let Some(mut record) = self.record() else { return Ok(Effect::Kept) };
        if record.previous.is_none() && record.retired.is_empty() {
            return Ok(Effect::Kept);
        }
        self.delete_earlier(&mut record, Grace::Respected).await?;
        Ok(Effect::Did(Action::Retire))
    }

    /// Deletes everything earlier, one after another; what is gone is recorded before the next is asked for.
    pub(super) async fn delete_earlier(
        &self,
        record: &mut InstanceRecord,
        grace: Grace,
    ) -> Result<(), StepError> {
        if record.previous.is_some() {
            record.retired = record.earlier(&Timestamp::now().to_string());
            record.previous = None;
            self.shared.put(record, "the earlier one is to be deleted").await?;
            faults::pass("O24-intent").await;
        }
        let now = Timestamp::now();
        // Bindings go before their instance, however long they were to be kept.
        let goes = |what: &OrphanRecord| {
            let mut instances = record.retired.iter().filter(|other| other.what.binding_id.is_none());
            instances.any(|other| other.what.instance_id == what.instance_id && other.is_due(now))
        };
        let due = |retired: &&Retired| grace == Grace::Over || retired.is_due(now) || goes(&retired.what);
        let listed: Vec<Retired> = record.retired.iter().filter(due).cloned().collect();
        for retired in listed {
            if retired.what.binding_id.is_none() {
                let of = (retired.what.broker.clone(), retired.what.instance_id.clone());
                self.settle_bindings_of(record, of).await?;
            }
            faults::race("O24-sent", Box::pin(self.delete_listed(record, &retired.what, Persistence::Usual)))
                .await?;
            record.retired.retain(|other| other != &retired);
            faults::pass("O24-before").await;
            self.shared.put(record, "an earlier one is deleted").await?;
            faults::pass("O24-after").await;
        }
        Ok(())
    }

    /// The record of the generation before, in force again since the one that was to replace it never became ready.
    pub(super) fn reinstated(record: &mut InstanceRecord) -> Option<InstanceRecord> {
        let mut previous = *record.previous.take()?;
        previous.orphans = std::mem::take(&mut record.orphans);
        previous.retired = std::mem::take(&mut record.retired);
        Some(previous)
    }
}
