//! The provider under test with something between it and the engine: steps are repeated, lost, or cut off by death.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use sutler_catalog::Offering;
use sutler_spec::{Parameters, PlanId};

use super::super::{
    Announced, Attempt, BindingFacts, Change, CreatedBinding, InstanceFacts, Listing, Marker, Observation,
    Progress, Provider, ProviderError, ProvisionedInstance, RecoveryClass, Sent, Step, StepName, Work,
};
use super::staged::Staged;

/// What happens to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disturbance {
    /// It is done twice; the first answer is thrown away.
    Repeat,
    /// It is not done, and the engine knows whether it might have been.
    Skip(Sent),
    /// It is done, and nobody learns what came of it.
    Lose,
    /// The process dies before it.
    DieBefore,
    /// The process dies after it, before anything is recorded.
    DieAfter,
}

/// Which step is disturbed.
#[derive(Debug, Clone, Copy)]
struct Order {
    work: Option<Work>,
    at: u64,
    times: u64,
    /// What happens first, and what happens to its repetitions.
    what: (Disturbance, Disturbance),
}

/// One step that was asked for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) work: Work,
    pub(super) step: String,
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "step {} of {}", self.step, self.work.as_str())
    }
}

#[derive(Default)]
struct State {
    order: Option<Order>,
    seen: u64,
    struck: Option<Asked>,
    dead: bool,
    watching: bool,
    problems: Vec<String>,
    said: Vec<String>,
}

/// Gives orders to a [`Disturbed`] provider, and hears of it.
#[derive(Clone, Default)]
pub(super) struct Switch(Arc<Mutex<State>>);

impl Switch {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Disturbs the `at`-th step from now on (of such work, if said) and its repetitions, `times` in all.
    pub(super) fn arm(&self, work: Option<Work>, at: u64, times: u64, what: (Disturbance, Disturbance)) {
        let mut state = self.lock();
        (state.order, state.seen, state.struck) = (Some(Order { work, at, times, what }), 0, None);
    }

    /// Nothing is disturbed any more. Which step was.
    pub(super) fn disarm(&self) -> Option<Asked> {
        let mut state = self.lock();
        state.order = None;
        state.struck.take()
    }

    /// From now on, whatever breaks a promise about single steps is noted.
    pub(super) fn watch(&self) {
        self.lock().watching = true;
    }

    /// What was noted.
    pub(super) fn problems(&self) -> Vec<String> {
        self.lock().problems.clone()
    }

    /// Everything the provider has said to users.
    pub(super) fn said(&self) -> Vec<String> {
        self.lock().said.clone()
    }

    /// Whether the process is to die.
    pub(super) fn is_dead(&self) -> bool {
        self.lock().dead
    }

    /// A new process.
    pub(super) fn revive(&self) {
        self.lock().dead = false;
    }

    fn next(&self, asked: &Asked) -> Option<Disturbance> {
        let mut state = self.lock();
        let order = state.order?;
        if order.work.is_some_and(|work| work != asked.work) {
            return None;
        }
        state.seen += 1;
        if state.seen < order.at || state.seen - order.at >= order.times {
            return None;
        }
        let is_first = state.struck.is_none();
        if is_first {
            state.struck = Some(asked.clone());
        }
        Some(if is_first { order.what.0 } else { order.what.1 })
    }
}

/// See the module.
pub(super) struct Disturbed<S> {
    pub(super) stage: Arc<S>,
    pub(super) inner: Arc<dyn Provider>,
    pub(super) switch: Switch,
}

type Answer<T> = Result<Progress<T>, ProviderError>;

impl<S: Staged> Disturbed<S> {
    async fn play<'a, T: Send>(
        &'a self,
        work: Work,
        step: Step<'a>,
        ask: impl Fn(Step<'a>) -> BoxFuture<'a, Answer<T>> + Send + Sync,
    ) -> Answer<T> {
        let asked = Asked { work, step: step.checkpoint.step.clone() };
        let class = self.inner.recovery(work, &asked.step);
        let answer = match self.switch.next(&asked) {
            None => self.watched(&asked, class, ask(step)).await,
            Some(Disturbance::Repeat) => {
                let _ = ask(step).await;
                let attempt = if class == RecoveryClass::ReadOnly { step.attempt } else { Attempt::Again };
                ask(Step { attempt, ..step }).await
            }
            Some(Disturbance::Skip(sent)) => Err(lost(sent)),
            Some(Disturbance::Lose) => {
                let _ = ask(step).await;
                Err(lost(Sent::Perhaps))
            }
            Some(Disturbance::DieBefore) => self.die().await,
            Some(Disturbance::DieAfter) => {
                let _ = ask(step).await;
                self.die().await
            }
        };
        self.listen(&answer);
        answer
    }

    async fn die<T>(&self) -> Answer<T> {
        self.switch.lock().dead = true;
        std::future::pending().await
    }

    fn listen<T>(&self, answer: &Answer<T>) {
        let said = match answer {
            Ok(Progress::Pending { description, .. }) => description.clone(),
            // what a log would say of it
            Err(error) => format!("{error}; {error:?}"),
            Ok(Progress::Next(_) | Progress::Done(_)) => return,
        };
        self.switch.lock().said.push(said);
    }

    /// Does the step and compares what it did with what it declared.
    async fn watched<T>(
        &self,
        asked: &Asked,
        class: RecoveryClass,
        step: impl Future<Output = Answer<T>> + Send,
    ) -> Answer<T> {
        if !self.switch.lock().watching {
            return step.await;
        }
        let (mut before, calls) = (self.stage.objects().await, self.stage.changes().await);
        let answer = step.await;
        let (mut after, calls_after) = (self.stage.objects().await, self.stage.changes().await);
        before.sort();
        after.sort();
        let mut problems = Vec::new();
        if class == RecoveryClass::ReadOnly && before != after {
            problems.push(format!("the {asked} is declared ReadOnly and changed something"));
        }
        if let (Some(calls), Some(calls_after)) = (calls, calls_after) {
            let made = calls_after.saturating_sub(calls);
            let most = u64::from(class != RecoveryClass::ReadOnly);
            if made > most {
                problems.push(format!(
                    "the {asked} is declared {class:?} and made {made} changing calls; {most} are allowed"
                ));
            }
        }
        self.switch.lock().problems.extend(problems);
        answer
    }
}

fn lost(sent: Sent) -> ProviderError {
    let description = "the contract suite lost the answer".to_owned();
    ProviderError::Unavailable { description, retry_after: None, sent }
}

#[async_trait]
impl<S: Staged> Provider for Disturbed<S> {
    fn offering(&self) -> Offering {
        self.inner.offering()
    }

    fn recovery(&self, work: Work, step: &StepName) -> RecoveryClass {
        self.inner.recovery(work, step)
    }

    async fn provision(&self, step: Step<'_>) -> Answer<ProvisionedInstance> {
        self.play(Work::Provision, step, |step| self.inner.provision(step)).await
    }

    async fn update(&self, step: Step<'_>, change: &Change) -> Answer<ProvisionedInstance> {
        self.play(Work::Update, step, |step| self.inner.update(step, change)).await
    }

    async fn deprovision(&self, step: Step<'_>) -> Answer<()> {
        self.play(Work::Deprovision, step, |step| self.inner.deprovision(step)).await
    }

    async fn bind(&self, step: Step<'_>, binding: &BindingFacts) -> Answer<CreatedBinding> {
        self.play(Work::Bind, step, |step| self.inner.bind(step, binding)).await
    }

    async fn unbind(&self, step: Step<'_>, binding: &BindingFacts) -> Answer<()> {
        self.play(Work::Unbind, step, |step| self.inner.unbind(step, binding)).await
    }

    async fn fetch(&self, instance: &InstanceFacts, marker: &Marker) -> Result<Observation, ProviderError> {
        self.inner.fetch(instance, marker).await
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        self.inner.marked().await
    }

    // no account: a suite has no patience for the pace of a real one

    fn announced(&self, instance: &InstanceFacts, marker: &Marker) -> Announced {
        self.inner.announced(instance, marker)
    }

    fn check(
        &self,
        plan: &PlanId,
        wanted: &Parameters,
        present: Option<&InstanceFacts>,
    ) -> Result<(), Vec<String>> {
        self.inner.check(plan, wanted, present)
    }
}
