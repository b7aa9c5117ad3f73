//! A provider that does as it is told: at once, slowly, not at all. For tests and benches.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Asynchronous, Guid, Offering, Plan, Sensitivity,
    schemars::{self, JsonSchema},
};
use sutler_spec::{BindingBody, Credentials, Parameters, PlanId};
use tokio::sync::Semaphore;

use super::{
    Announced, Attempt, Bearers, BindingFacts, Change, Checkpoint, CreatedBinding, InstanceFacts, Listing,
    MarkedObject, Marker, Observation, Progress, Provider, ProviderError, ProvisionedInstance, Record,
    RecoveryClass, Step, StepName, Work,
};

/// The offering's id.
pub const SERVICE: &str = "5c9d9a3e-0001-4a6e-8f57-0c3a51c1a001";
/// A plan whose work ends within the request if it can.
pub const STANDARD: &str = "5c9d9a3e-0001-4a6e-8f57-0c3a51c1a002";
/// A plan whose work never ends within the request.
pub const SLOW: &str = "5c9d9a3e-0001-4a6e-8f57-0c3a51c1a003";
/// A plan with a maintenance version, whose bindings rotate.
pub const MAINTAINED: &str = "5c9d9a3e-0001-4a6e-8f57-0c3a51c1a004";
/// The version of [`MAINTAINED`].
pub const VERSION: &str = "2.1.1+abcdef";

/// What an instance takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is of interest")]
struct Wanted {
    /// Any number.
    size: Option<u32>,
    /// Any text.
    note: Option<String>,
    /// A secret.
    #[schemars(extend("writeOnly" = true))]
    secret: Option<String>,
}

/// What a binding takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is of interest")]
struct Bound {
    /// Comes out as the credential `token`.
    token: Option<String>,
}

/// What a step does.
#[derive(Clone)]
pub enum Answer {
    /// It is done.
    Done,
    /// It goes on at once with another step.
    Next(Checkpoint),
    /// It goes on later with another step.
    Pending(Checkpoint, Duration),
    /// It does not succeed.
    Fail(ProviderError),
    /// It does the next thing once there is a permit.
    Gate(Arc<Semaphore>),
    /// It never answers.
    Hang,
    /// It panics.
    Panic,
}

/// One call that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The work.
    pub work: Work,
    /// The step.
    pub step: String,
    /// Whether an earlier attempt was in doubt.
    pub attempt: Attempt,
    /// The instance.
    pub instance: String,
}

#[derive(Default)]
struct State {
    answers: HashMap<Work, VecDeque<Answer>>,
    calls: Vec<Call>,
    objects: HashSet<String>,
    read_only: HashSet<String>,
    observation: Option<Result<Observation, ProviderError>>,
    fetch_panics: Option<String>,
}

/// The script, shared by test and provider.
#[derive(Clone, Default)]
pub struct Script(Arc<Mutex<State>>);

impl Script {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the next steps of such work do; after that, everything is done at once.
    pub fn on(&self, work: Work, answers: impl IntoIterator<Item = Answer>) {
        self.lock().answers.entry(work).or_default().extend(answers);
    }

    /// The step only reads.
    pub fn only_reads(&self, step: &str) {
        self.lock().read_only.insert(step.to_owned());
    }

    /// What fetching says from now on.
    pub fn observe(&self, observation: Result<Observation, ProviderError>) {
        self.lock().observation = Some(observation);
    }

    /// Fetching panics from now on, with this.
    pub fn panic_on_fetch(&self, payload: &str) {
        self.lock().fetch_panics = Some(payload.to_owned());
    }

    /// All calls so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// How many steps of such work were asked for.
    #[must_use]
    pub fn count(&self, work: Work) -> usize {
        self.lock().calls.iter().filter(|call| call.work == work).count()
    }

    /// The marks of what is there now.
    #[must_use]
    pub fn objects(&self) -> HashSet<String> {
        self.lock().objects.clone()
    }

    async fn play(&self, work: Work, step: &Step<'_>) -> Result<Progress<()>, ProviderError> {
        self.lock().calls.push(Call {
            work,
            step: step.checkpoint.step.clone(),
            attempt: step.attempt,
            instance: step.instance.id.to_string(),
        });
        loop {
            let answer = self.lock().answers.get_mut(&work).and_then(VecDeque::pop_front);
            match answer {
                None | Some(Answer::Done) => return Ok(Progress::Done(())),
                Some(Answer::Next(checkpoint)) => return Ok(Progress::Next(checkpoint)),
                Some(Answer::Pending(checkpoint, after)) => {
                    return Ok(Progress::Pending { checkpoint, after, description: "busy".to_owned() });
                }
                Some(Answer::Fail(error)) => return Err(error),
                Some(Answer::Gate(gate)) => {
                    if let Ok(permit) = gate.acquire().await {
                        permit.forget();
                    }
                }
                Some(Answer::Hang) => std::future::pending().await,
                Some(Answer::Panic) => panic!("as the script says"),
            }
        }
    }
}

/// The provider.
#[derive(Clone, Default)]
pub struct Scripted {
    /// What it does.
    pub script: Script,
}

impl Scripted {
    /// One that does everything at once.
    #[must_use]
    pub fn instant() -> Self {
        Self::default()
    }
}

fn plan(id: &'static str, name: &str) -> Plan {
    Plan::new(Guid::new(id), name, "As the script says")
        .provision::<Wanted>()
        .update::<Wanted>()
        .bind::<Bound>()
}

fn made(instance: &InstanceFacts) -> ProvisionedInstance {
    ProvisionedInstance {
        record: Record(json!({ "made": instance.id.as_str() })),
        dashboard_url: Some(format!("https://vendor.example/{}", instance.id)),
        labels: Map::new(),
        attributes: Map::from_iter([("id".to_owned(), Value::from(instance.id.as_str()))]),
    }
}

fn finished<T>(progress: Progress<()>, done: impl FnOnce() -> T) -> Progress<T> {
    match progress {
        Progress::Done(()) => Progress::Done(done()),
        Progress::Next(checkpoint) => Progress::Next(checkpoint),
        Progress::Pending { checkpoint, after, description } => {
            Progress::Pending { checkpoint, after, description }
        }
    }
}

#[async_trait]
impl Provider for Scripted {
    fn offering(&self) -> Offering {
        Offering::new(Guid::new(SERVICE), "scripted", "Does as it is told")
            .bindable(true)
            .instances_retrievable(true)
            .bindings_retrievable(true)
            .allow_context_updates(true)
            .plan_updateable(true)
            .output("token", "Whatever was asked for", Sensitivity::Secret)
            .with_plan(plan(STANDARD, "standard"))
            .with_plan(plan(SLOW, "slow").asynchronous(Asynchronous::Always).plan_updateable(false))
            .with_plan(plan(MAINTAINED, "maintained").maintenance_info(VERSION, "").binding_rotatable(true))
    }

    fn recovery(&self, _work: Work, step: &StepName) -> RecoveryClass {
        let only_reads = self.script.lock().read_only.contains(step);
        if only_reads { RecoveryClass::ReadOnly } else { RecoveryClass::UniqueName }
    }

    async fn provision(&self, step: Step<'_>) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let progress = self.script.play(Work::Provision, &step).await?;
        Ok(finished(progress, || {
            self.script.lock().objects.insert(step.marker.hex(32));
            made(step.instance)
        }))
    }

    async fn update(
        &self,
        step: Step<'_>,
        _change: &Change,
    ) -> Result<Progress<ProvisionedInstance>, ProviderError> {
        let progress = self.script.play(Work::Update, &step).await?;
        Ok(finished(progress, || made(step.instance)))
    }

    async fn deprovision(&self, step: Step<'_>) -> Result<Progress<()>, ProviderError> {
        let progress = self.script.play(Work::Deprovision, &step).await?;
        Ok(finished(progress, || {
            self.script.lock().objects.remove(&step.marker.hex(32));
        }))
    }

    async fn bind(
        &self,
        step: Step<'_>,
        binding: &BindingFacts,
    ) -> Result<Progress<CreatedBinding>, ProviderError> {
        let progress = self.script.play(Work::Bind, &step).await?;
        let token = binding.parameters.expose().get("token").cloned().unwrap_or_else(|| json!("a-token"));
        let credentials: Credentials = [("token".to_owned(), token)].into_iter().collect();
        Ok(finished(progress, || {
            self.script.lock().objects.insert(step.marker.hex(32));
            CreatedBinding {
                record: Record(json!({ "bound": binding.id.as_str() })),
                body: BindingBody { credentials: Some(credentials), ..BindingBody::default() },
            }
        }))
    }

    async fn unbind(&self, step: Step<'_>, _binding: &BindingFacts) -> Result<Progress<()>, ProviderError> {
        let progress = self.script.play(Work::Unbind, &step).await?;
        Ok(finished(progress, || {
            self.script.lock().objects.remove(&step.marker.hex(32));
        }))
    }

    async fn fetch(&self, instance: &InstanceFacts, _marker: &Marker) -> Result<Observation, ProviderError> {
        let (observation, panics) = {
            let state = self.script.lock();
            (state.observation.clone(), state.fetch_panics.clone())
        };
        if let Some(payload) = panics {
            panic!("{payload}");
        }
        observation.unwrap_or_else(|| {
            Ok(Observation::Found { attributes: made(instance).attributes, drift: Vec::new() })
        })
    }

    fn announced(&self, instance: &InstanceFacts, _marker: &Marker) -> Announced {
        Announced { dashboard_url: made(instance).dashboard_url, ..Announced::default() }
    }

    async fn marked(&self) -> Result<Listing, ProviderError> {
        let object = |mark: String| MarkedObject { id: mark.clone(), name: format!("scripted-{mark}"), mark };
        let objects = self.script.objects().into_iter().map(object).collect();
        Ok(Listing::Objects { bearers: Bearers::InstancesAndBindings, objects })
    }

    fn check(
        &self,
        _plan: &PlanId,
        wanted: &Parameters,
        _present: Option<&InstanceFacts>,
    ) -> Result<(), Vec<String>> {
        match wanted.expose().get("note").and_then(Value::as_str) {
            Some("impossible") => Err(vec!["note: this cannot be".to_owned()]),
            _ => Ok(()),
        }
    }
}
