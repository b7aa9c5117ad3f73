//! The loop: starts what may start, records what ended, until nothing is left or it is told to stop.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};

use super::error::StepError;
use super::keep_lock;
use super::orphans;
use super::progress::Progress;
use super::report::{Done, Ended, Failed, Report, Running, Skipped};
use super::shared::{Company, Settled, Shared};
use super::step::{Effect, Step};
use super::{Context, Stop};
use crate::graph::Graph;
use crate::plan::{Action, Plan, Step as Planned};
use crate::state::StateError;
use crate::state::record::InstanceRecord;
use crate::walk::{Stage, Walk};

type Outcome = Result<Effect, StepError>;

/// Carries out the plan.
pub(super) async fn run(plan: &Plan, records: Vec<InstanceRecord>, context: Context) -> Report {
    let begun = Instant::now();
    let (settles, settled) = unbounded_channel();
    let shared = Arc::new(Shared::new(plan, (context, records), settles));
    let mut lock = tokio::spawn(keep_lock::keep(Arc::clone(&shared)));
    let mut run = Run::new(plan, Arc::clone(&shared), settled);
    run.walk().await;
    run.retire_what_followed().await;
    run.sweep_orphans().await;
    if lock.is_finished() {
        let lost = (&mut lock).await;
        run.end_with(lost.ok());
    }
    lock.abort();
    run.sweep().await;
    let mut report = run.finish();
    report.took = begun.elapsed();
    report
}

struct Run<'p> {
    plan: &'p Plan,
    shared: Arc<Shared>,
    walk: Walk,
    tasks: JoinSet<Outcome>,
    running: HashMap<Id, (u32, Instant)>,
    /// Hears of steps after which others may begin, although they have not ended.
    settled: UnboundedReceiver<Settled>,
    /// Who waits until those that begin next have said what they want recorded first.
    company: Vec<Company>,
    /// Which these are. They ask for nothing any more: others take their places.
    ending: HashSet<u32>,
    /// Steps that began and of which nobody has been told.
    unheard: VecDeque<u32>,
    /// Which steps changed something that others may use.
    changed: Vec<bool>,
    report: Report,
}

impl<'p> Run<'p> {
    fn new(plan: &'p Plan, shared: Arc<Shared>, settled: UnboundedReceiver<Settled>) -> Self {
        // Milliseconds, and one more: of steps that take no time, the longer chain still counts.
        let expected = |node: u32| shared.context.durations.expected(&plan.steps[node as usize]);
        let weight = |node| u64::try_from(expected(node).as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        let walk = Walk::weighted(plan.graph(), weight);
        Self {
            plan,
            shared,
            // A plan has no loops; one that had would do nothing, and say that everything is left.
            walk: walk.unwrap_or_else(|_| Walk::new(Graph::default()).expect("nothing has no loop")),
            tasks: JoinSet::new(),
            running: HashMap::new(),
            settled,
            company: Vec::new(),
            ending: HashSet::new(),
            unheard: VecDeque::new(),
            changed: vec![false; plan.steps.len()],
            report: Report::default(),
        }
    }

    async fn walk(&mut self) {
        let mut stop = Some(self.shared.context.stop.clone());
        loop {
            self.start_what_may_start();
            if self.tasks.is_empty() {
                break;
            }
            tokio::select! {
                // In this order, always: one seed is one run.
                biased;
                Some(ended) = self.tasks.join_next_with_id() => self.end(ended),
                Some(settled) = self.settled.recv() => self.settle(settled),
                // Wakes the loop, which then starts nothing new.
                () = told(&mut stop) => {}
            }
        }
        match self.report.ended {
            Ended::Completed if self.shared.stop() != Stop::Never => self.report.ended = Ended::Stopped,
            Ended::Completed if !self.report.running.is_empty() => self.report.ended = Ended::Detached,
            _ => {}
        }
    }

    fn start_what_may_start(&mut self) {
        let parallelism = self.shared.context.options.parallelism.max(1);
        while self.tasks.len() - self.ending.len() < parallelism && self.shared.stop() == Stop::Never {
            let Some(node) = self.walk.start() else { break };
            let step = &self.plan.steps[node as usize];
            let stirred = self.walk.graph().needs(node).iter().any(|need| self.changed[*need as usize]);
            if step.action == Action::Keep && !stirred {
                self.report.kept += 1;
                self.walk.succeeded(node);
                continue;
            }
            if step.action != Action::Keep {
                self.unheard.push_back(node);
            }
            let is_needed = !self.walk.graph().users(node).is_empty();
            let others = (is_needed.then_some(node), self.company.clone());
            let task = Step::new(Arc::clone(&self.shared), step.clone(), others).run();
            let id = self.tasks.spawn(task).id();
            self.running.insert(id, (node, Instant::now()));
        }
        self.company.clear();
        self.tell_started(parallelism);
    }

    /// Tells which steps began: one that took the place of another when that one has ended, so that nobody hears of more
    /// than may run at once.
    fn tell_started(&mut self, parallelism: usize) {
        while self.tasks.len() - self.unheard.len() < parallelism
            && let Some(node) = self.unheard.pop_front()
        {
            self.tell_start_of(node);
        }
    }

    fn tell_start_of(&self, node: u32) {
        let Planned { reference, action, .. } = &self.plan.steps[node as usize];
        self.shared.tell(Progress::Started { reference: reference.clone(), action: *action });
    }

    fn end(&mut self, ended: Result<(Id, Outcome), JoinError>) {
        let (id, outcome) = match ended {
            Ok((id, outcome)) => (id, outcome),
            Err(error) => (error.id(), Err(StepError::Lost)),
        };
        let Some((node, begun)) = self.running.remove(&id) else { return };
        self.ending.remove(&node);
        if let Some(at) = self.unheard.iter().position(|unheard| *unheard == node) {
            self.unheard.remove(at);
            self.tell_start_of(node);
        }
        match outcome {
            Ok(effect) => self.succeeded(node, effect, begun.elapsed()),
            Err(StepError::Abandoned) => {
                self.report.left.push(self.plan.steps[node as usize].reference.clone())
            }
            Err(StepError::State(error)) => {
                self.report.left.push(self.plan.steps[node as usize].reference.clone());
                self.shared.halt();
                self.end_with(Some(error));
            }
            Err(StepError::Running) => {
                let Planned { reference, action, target, .. } = &self.plan.steps[node as usize];
                let (reference, action, broker) = (reference.clone(), *action, target.broker.clone());
                self.shared.tell(Progress::Detached { reference: reference.clone(), action });
                self.report.running.push(Running { reference, action, broker });
            }
            Err(error) => self.failed(node, &error),
        }
    }

    /// Lets others begin after a step that has yet to end.
    fn settle(&mut self, settled: Settled) {
        let also = std::iter::from_fn(|| self.settled.try_recv().ok()).collect::<Vec<_>>();
        for Settled { node, company } in std::iter::once(settled).chain(also) {
            if self.walk.stage(node) == Stage::Running {
                self.changed[node as usize] = true;
                self.ending.insert(node);
                self.walk.succeeded(node);
                self.company.push(company);
            }
        }
    }

    fn succeeded(&mut self, node: u32, effect: Effect, took: Duration) {
        let step = &self.plan.steps[node as usize];
        let reference = step.reference.clone();
        match effect {
            Effect::Kept => self.report.kept += 1,
            Effect::Did(action) => {
                self.changed[node as usize] = true;
                self.shared.tell(Progress::Done { reference: reference.clone(), action, took });
                self.report.done.push(Done { reference, action, took });
            }
        }
        self.walk.succeeded(node);
    }

    fn failed(&mut self, node: u32, error: &StepError) {
        let step = &self.plan.steps[node as usize];
        let (reference, action, line) = (step.reference.clone(), step.action, error.line());
        tracing::info!(instance.r#ref = %reference, broker = %step.target.broker, error = %line, "step failed");
        self.shared.tell(Progress::Failed { reference: reference.clone(), action, error: line.clone() });
        let broker = step.target.broker.clone();
        let next = error.next();
        let failed = Failed { reference: reference.clone(), action, broker, error: line, next };
        match error {
            StepError::Paused { .. } => self.report.paused.push(failed),
            _ => self.report.failed.push(failed),
        }
        for skipped in self.walk.failed(node) {
            let step = &self.plan.steps[skipped as usize];
            if step.action != Action::Keep {
                let skipped = Skipped {
                    reference: step.reference.clone(),
                    action: step.action,
                    because: reference.clone(),
                };
                let Skipped { reference, action, because } = skipped.clone();
                self.shared.tell(Progress::Skipped { reference, action, because });
                self.report.skipped.push(skipped);
            }
        }
    }

    /// The first trouble with state is the one to report.
    fn end_with(&mut self, error: Option<StateError>) {
        if let (Some(error), false) = (error, matches!(self.report.ended, Ended::State(_))) {
            self.report.ended = Ended::State(error);
        }
    }

    /// Deletes the earlier ones of instances that had to be replaced to follow what they use: consumers first, and only
    /// where everyone who used them has followed, too. What stays is found by the next plan.
    async fn retire_what_followed(&mut self) {
        for (node, step) in self.plan.steps.iter().enumerate().rev() {
            let node = node as u32;
            let is_over = self.shared.stop() != Stop::Never || matches!(self.report.ended, Ended::State(_));
            if is_over || step.replacement.is_none() || step.action == Action::Replace {
                continue;
            }
            let previous = |record: &InstanceRecord| record.previous.as_ref().map(|_| ());
            let has_previous = self.shared.of(step.reference.as_str(), previous).is_some();
            let mut users = self.walk.graph().descendants(node).into_iter().chain([node]);
            if has_previous && users.all(|user| self.walk.stage(user) == Stage::Succeeded) {
                self.retire(step).await;
            }
        }
    }

    async fn retire(&mut self, step: &Planned) {
        let action = Action::Retire;
        let reference = step.reference.clone();
        self.shared.tell(Progress::Started { reference: reference.clone(), action });
        let (begun, planned) = (Instant::now(), Planned { action, ..step.clone() });
        let retired = Step::new(Arc::clone(&self.shared), planned, (None, Vec::new())).run().await;
        match retired {
            Ok(_) => {
                let took = begun.elapsed();
                self.shared.tell(Progress::Done { reference: reference.clone(), action, took });
                self.report.done.push(Done { reference, action, took });
            }
            Err(StepError::State(error)) => {
                self.shared.halt();
                self.end_with(Some(error));
            }
            Err(error) => {
                let (broker, next, error) = (step.target.broker.clone(), error.next(), error.line());
                let failed = Progress::Failed { reference: reference.clone(), action, error: error.clone() };
                self.shared.tell(failed);
                self.report.failed.push(Failed { reference, action, broker, error, next });
            }
        }
    }

    /// Tries once more to delete what is left over from earlier attempts. What cannot be deleted now stands in nobody's
    /// way: it stays on the list, and is told.
    async fn sweep_orphans(&mut self) {
        if self.shared.stop() != Stop::Never || matches!(self.report.ended, Ended::State(_)) {
            return;
        }
        let context = &self.shared.context;
        let mut left = self.shared.all(|record| orphans::needs_sweep(context, record)).into_iter();
        let mut tasks = JoinSet::new();
        loop {
            while tasks.len() < self.shared.context.options.parallelism.max(1)
                && let Some(record) = left.next()
            {
                let shared = Arc::clone(&self.shared);
                tasks.spawn(async move {
                    let reference = record.reference.clone();
                    (reference, orphans::sweep(shared, record).await)
                });
            }
            match tasks.join_next().await {
                None => return,
                Some(Ok((reference, Ok(remaining)))) => {
                    self.report.warnings.extend(remaining.iter().map(|one| one.line(&reference)));
                }
                Some(Ok((_, Err(StepError::State(error))))) => {
                    self.shared.halt();
                    self.end_with(Some(error));
                }
                Some(Ok((_, Err(_))) | Err(_)) => {}
            }
        }
    }

    /// Removes variables that no declaration and no record has a claim to: a crash may have left them.
    async fn sweep(&mut self) {
        if !self.report.is_complete() || !matches!(self.report.ended, Ended::Completed) {
            return;
        }
        if let Err(error) = self.shared.context.sinks.keep_only(self.shared.variables()).await {
            self.report.warnings.push(error.to_string());
        }
    }

    /// Steps that were never begun are left for the next run.
    fn finish(mut self) -> Report {
        if self.walk.graph().len() == self.plan.steps.len() {
            for (node, step) in (0_u32..).zip(&self.plan.steps) {
                let idle = matches!(self.walk.stage(node), Stage::Waiting | Stage::Ready);
                if idle && step.action != Action::Keep {
                    self.report.left.push(step.reference.clone());
                }
            }
        } else {
            self.report.left = self.plan.steps.iter().map(|step| step.reference.clone()).collect();
        }
        self.report
    }
}

/// Returns when somebody says something about stopping.
async fn told(stop: &mut Option<watch::Receiver<Stop>>) {
    let gone = match stop {
        Some(stop) => stop.changed().await.is_err(),
        None => std::future::pending().await,
    };
    if gone {
        *stop = None;
    }
}
