//! What all steps share: records as they are now, and the way they change.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{
    mpsc::{self, UnboundedSender},
    watch,
};

use super::ending::Ending;
use super::error::StepError;
use super::gate::Gate;
use super::group::{Group, Wanted};
use super::progress::Progress;
use super::{Context, Stop};
use crate::name::{BrokerName, InstanceRef, VariableName};
use crate::plan::{Action, Plan};
use crate::state::Change;
use crate::state::record::InstanceRecord;

/// What all steps share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) context: Context,
    records: Mutex<HashMap<InstanceRef, InstanceRecord>>,
    /// Variables that some declaration binds whose instance stays, and so nobody removes.
    claimed: HashSet<VariableName>,
    /// Where variables land.
    pub(super) places: String,
    /// Whether nothing can be recorded any more.
    halted: watch::Sender<bool>,
    group: Group,
    /// Knows when the last change is made, where somebody wants to know.
    ending: Option<Ending>,
    gates: Mutex<HashMap<BrokerName, Arc<Gate>>>,
    /// Hears of steps after which others may begin, although they have not ended.
    settled: UnboundedSender<Settled>,
}

/// A step after which others may begin, although it has not ended.
#[derive(Debug)]
pub(super) struct Settled {
    /// Its position in the plan.
    pub(super) node: u32,
    /// Held by whoever begins because of it, until it has said what it wants recorded first.
    pub(super) company: Company,
}

/// Somebody waits while this is held.
pub(super) type Company = mpsc::Sender<std::convert::Infallible>;

/// So long at most is waited for others to say what they want. A flush takes longer, more often than not.
const PATIENCE: Duration = Duration::from_millis(2);

impl Shared {
    pub(super) fn new(
        plan: &Plan,
        (context, records): (Context, Vec<InstanceRecord>),
        settled: UnboundedSender<Settled>,
    ) -> Self {
        let ending = context.options.closing.clone().map(|closing| Ending::new(closing, records.clone()));
        let records = records.into_iter().map(|record| (record.reference.clone(), record)).collect();
        let leaving: HashSet<&InstanceRef> = plan
            .steps
            .iter()
            .filter(|step| step.action == Action::Delete)
            .map(|step| &step.reference)
            .collect();
        let staying =
            context.config.instances.values().filter(|declared| !leaving.contains(&declared.reference));
        let claimed = staying.flat_map(|declaration| declaration.bind.values()).cloned().collect();
        Self {
            places: context.config.landing_places(),
            context,
            records: Mutex::new(records),
            claimed,
            halted: watch::Sender::new(false),
            group: Group::default(),
            ending,
            gates: Mutex::default(),
            settled,
        }
    }

    /// A record as it is now.
    pub(super) fn record(&self, reference: &str) -> Option<InstanceRecord> {
        self.records().get(reference).cloned()
    }

    /// Something of a record as it is now.
    pub(super) fn of<T>(
        &self,
        reference: &str,
        part: impl FnOnce(&InstanceRecord) -> Option<T>,
    ) -> Option<T> {
        self.records().get(reference).and_then(part)
    }

    /// Records a record durably; only then others see it.
    pub(super) async fn put(&self, record: &InstanceRecord, what: &str) -> Result<(), StepError> {
        self.put_in_company(record, what, Vec::new()).await
    }

    /// The same. Whoever waits for this change to have its place is let go once it has.
    pub(super) async fn put_in_company(
        &self,
        record: &InstanceRecord,
        what: &str,
        company: Vec<Company>,
    ) -> Result<(), StepError> {
        let wanted = self.want(Change::put(record.clone(), what));
        drop(company);
        self.commit(wanted).await?;
        self.records().insert(record.reference.clone(), record.clone());
        Ok(())
    }

    /// Records a record durably. Others see it as soon as it has its place in the order of changes, and those that need
    /// the step at `node` begin: what they record first is durable together with it, or after it, or never.
    pub(super) async fn put_ahead(
        &self,
        record: &InstanceRecord,
        what: &str,
        node: u32,
    ) -> Result<(), StepError> {
        let wanted = self.want(Change::put(record.clone(), what));
        self.records().insert(record.reference.clone(), record.clone());
        let (company, mut others) = mpsc::channel(1);
        // Once the run is over nobody hears it, and nobody is waited for.
        let _over = self.settled.send(Settled { node, company });
        let _late = tokio::time::timeout(PATIENCE, others.recv()).await;
        self.commit(wanted).await
    }

    /// Waits until everything is durable that others see.
    pub(super) async fn catch_up(&self) -> Result<(), StepError> {
        self.commit(self.group.want_nothing()).await
    }

    /// Removes a record durably.
    pub(super) async fn remove(&self, reference: &InstanceRef, why: &str) -> Result<(), StepError> {
        self.commit(self.want(Change::remove(reference.clone(), why))).await?;
        self.records().remove(reference);
        Ok(())
    }

    /// Gives a change its place, and with it the entry of the ledger that says that it was the last one, if it was.
    fn want(&self, change: Change) -> Wanted {
        match &self.ending {
            Some(ending) => ending.with(change, |changes| self.group.want(changes)),
            None => self.group.want(vec![change]),
        }
    }

    async fn commit(&self, wanted: Wanted) -> Result<(), StepError> {
        let Context { backend, lock, .. } = &self.context;
        self.group.commit(backend.as_ref(), lock, wanted).await
    }

    /// The gate before a broker: its own limit at most, adapted to how it copes.
    pub(super) fn gate(&self, broker: &BrokerName) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let configured = self.context.config.brokers.get(broker).and_then(|broker| broker.parallelism);
        let largest = configured.unwrap_or(self.context.options.parallelism);
        Arc::clone(gates.entry(broker.clone()).or_insert_with(|| Arc::new(Gate::new(largest))))
    }

    /// Every record like this as it is now, in the order of their refs.
    pub(super) fn all(&self, wanted: impl Fn(&InstanceRecord) -> bool) -> Vec<InstanceRecord> {
        let mut all: Vec<_> = self.records().values().filter(|record| wanted(record)).cloned().collect();
        all.sort_by(|a, b| a.reference.cmp(&b.reference));
        all
    }

    /// Whether a variable belongs to some declaration.
    pub(super) fn is_claimed(&self, variable: &VariableName) -> bool {
        self.claimed.contains(variable)
    }

    /// Every variable that a declaration or a record has a claim to.
    pub(super) fn variables(&self) -> HashSet<VariableName> {
        let mut all = self.claimed.clone();
        all.extend(self.records().values().flat_map(|record| record.variables.values().cloned()));
        all
    }

    /// Tells whoever listens.
    pub(super) fn tell(&self, progress: Progress) {
        let _ = self.context.events.send(progress);
    }

    /// Ends the run: nothing can be recorded any more.
    pub(super) fn halt(&self) {
        self.halted.send_replace(true);
    }

    /// How far to go on.
    pub(super) fn stop(&self) -> Stop {
        if *self.halted.borrow() { Stop::Abandon } else { *self.context.stop.borrow() }
    }

    /// A safe point.
    pub(super) fn check(&self) -> Result<(), StepError> {
        if self.stop() == Stop::Abandon { Err(StepError::Abandoned) } else { Ok(()) }
    }

    /// Waits, unless told to stop.
    pub(super) async fn sleep(&self, span: Duration) -> Result<(), StepError> {
        self.unless_stopped(tokio::time::sleep(span)).await
    }

    /// Waits for something that can be given up at any moment, unless told to stop.
    pub(super) async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, StepError> {
        self.check()?;
        let (mut stop, mut halted) = (self.context.stop.clone(), self.halted.subscribe());
        let stopped = async {
            // Without a sender nobody can stop us.
            if stop.wait_for(|stop| *stop == Stop::Abandon).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            // In this order, always: one seed is one run.
            biased;
            () = stopped => Err(StepError::Abandoned),
            _ = halted.wait_for(|halted| *halted) => Err(StepError::Abandoned),
            done = work => Ok(done),
        }
    }

    fn records(&self) -> MutexGuard<'_, HashMap<InstanceRef, InstanceRecord>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
