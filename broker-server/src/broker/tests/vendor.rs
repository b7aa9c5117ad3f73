//! A vendor in memory, and a provider for it that does as the test says.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
};

use async_trait::async_trait;
use serde_json::{Map, Value};
use sutler_catalog::Offering;
use sutler_spec::PlanId;

use crate::providers::{
    Account, Attempt, Bearers, Change, InstanceFacts, Listing, MarkedObject, Marker, Observation, Progress,
    Provider, ProviderError, ProvisionedInstance, Record, RecoveryClass, Sent, Step, StepName, Work,
    scripted::Scripted,
};

/// What a provision step does.
#[derive(Clone)]
pub(super) enum Act {
    /// It makes the object and says so.
    Make,
    /// It makes the object, and the answer is lost.
    Lose,
    /// It returns this every time.
    Say(Result<Progress<()>, ProviderError>),
    /// It never answers.
    Hang,
    /// It makes a first call, and then the whole process stands still until the test lets it go on.
    Stop,
}

#[derive(Default)]
struct State {
    act: Option<Act>,
    calls: Vec<(&'static str, Attempt)>,
    objects: BTreeSet<String>,
    stopped: Option<Receiver<()>>,
}

/// The provider; clones share the vendor.
#[derive(Clone)]
pub(super) struct Vendor {
    state: Arc<Mutex<State>>,
    account: Option<Account>,
    class: RecoveryClass,
}

impl Vendor {
    pub(super) fn new() -> Self {
        Self { state: Arc::default(), account: None, class: RecoveryClass::UniqueName }
    }

    pub(super) fn with_account(mut self, account: Account) -> Self {
        self.account = Some(account);
        self
    }

    pub(super) fn of_class(mut self, class: RecoveryClass) -> Self {
        self.class = class;
        self
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What every provision does from now on.
    pub(super) fn act(&self, act: Act) {
        self.lock().act = Some(act);
    }

    /// The next [`Act::Stop`] waits until this is dropped.
    pub(super) fn hold(&self) -> Sender<()> {
        let (sender, receiver) = channel();
        self.lock().stopped = Some(receiver);
        sender
    }

    pub(super) fn calls(&self) -> Vec<(&'static str, Attempt)> {
        self.lock().calls.clone()
    }

    pub(super) fn objects(&self) -> BTreeSet<String> {
        self.lock().objects.clone()
    }

    pub(super) fn put(&self, mark: &str) {
        self.lock().objects.insert(mark.to_owned());
    }

    pub(super) fn remove(&self, mark: &str) {
        self.lock().objects.remove(mark);
    }

    fn call(&self, name: &'static str, attempt: Attempt) {
        self.lock().calls.push((name, attempt));
        if let Some(account) = &self.account {
            account.count_call();
        }
    }

    /// Standing still is the point: nothing else runs on this thread either.
    async fn stop(&self) {
        let gate = self.lock().stopped.take();
        if let Some(gate) = gate {
            // the sender goes, nothing is ever sent
            let _ = gate.recv();
        }
        tokio::task::yield_now().await;
    }
}

fn made() -> ProvisionedInstance {
    ProvisionedInstance {
        record: Record(Value::Null),
        dashboard_url: None,
        labels: Map::new(),
        attributes: Map::new(),
    }
}

#[async_trait]
impl Provider for Vendor {
    fn offering(&self) -> Offering {
        Scripted::instant().offering()
    }

    fn recovery(&self, _work: Work, _step: &StepName) -> RecoveryClass {
        self.class
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        self.call("create", step.attempt);
        let (act, mark) = (self.lock().act.clone().unwrap_or(Act::Make), step.marker.hex(32));
        match act {
            Act::Make => {}
            Act::Lose => {
                self.put(&mark);
                let description = "the answer was lost".to_owned();
                return Err(ProviderError::Unavailable {
                    description,
                    retry_after: None,
                    sent: Sent::Perhaps,
                });
            }
            Act::Say(said) => {
                return said.map(|progress| match progress {
                    Progress::Done(()) => Progress::Done(made()),
                    Progress::Next(checkpoint) => Progress::Next(checkpoint),
                    Progress::Pending { checkpoint, after, description } => {
                        Progress::Pending { checkpoint, after, description }
                    }
                });
            }
            Act::Hang => std::future::pending().await,
            Act::Stop => {
                self.stop().await;
                self.call("create after the stop", step.attempt);
            }
        }
        self.put(&mark);
        Ok(Progress::Done(made()))
    }

    async fn update(
        &self,
        _step: Step<'_>,
        _change: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        Ok(Progress::Done(made()))
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        self.call("delete", step.attempt);
        self.remove(&step.marker.hex(32));
        Ok(Progress::Done(()))
    }

    async fn fetch(&self, _: &InstanceFacts, marker: &Marker) -> Result<Observation, ProviderError> {
        if self.account.is_some() {
            self.call("fetch", Attempt::First);
        }
        let is_there = self.objects().contains(&marker.hex(32));
        let found = || Observation::Found { attributes: Map::new(), drift: Vec::new() };
        Ok(if is_there { found() } else { Observation::Gone })
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        let object = |mark: String| MarkedObject { id: mark.clone(), name: format!("osb-{mark}"), mark };
        let objects = self.objects().into_iter().map(object).collect();
        Ok(Listing::Objects { bearers: Bearers::Instances, objects })
    }

    fn account(&self, _plan: &PlanId) -> Option<&Account> {
        self.account.as_ref()
    }
}
