//! Whoever asks the broker: the real one, on a store of its own, which can be killed and started again.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sutler_secrets::{KeyRing, find_leaks};
use sutler_spec::{
    Accepted, Asynchrony, BindingId, Bound, Credentials, Deprovisioned, InstanceId, LastOperationQuery,
    OperationState, Provisioned, Unbound, Updated,
};
use tempfile::TempDir;
use tokio::runtime::Handle;

use super::{
    Broken, CANARY,
    disturbed::{Disturbed, Switch},
    staged::{Object, Staged, Wishes},
};
use crate::{
    broker::{Broker, BrokerError, Caller, Parts, Polled},
    config::{DeletedLastOperation, Tuning},
    metrics::Metrics,
    providers::{Bearers, Listing, Marker, Provider, Registry, Work},
    store::{Actor, BrokerStore, Subject, sqlite::SqliteStore},
};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// How a request ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum End {
    /// As was wished.
    Done,
    /// There is nothing of that name.
    Gone,
    /// Not as was wished; what users are told.
    Failed(String),
}

/// How the update of one parameter was answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Changed {
    /// With success, at once.
    Accepted,
    /// It is under way.
    Begun,
    /// It is not supported (422); what users are told.
    Unsupported(String),
    /// It is refused in another way.
    Refused(String),
}

/// One instance and its binding.
#[derive(Debug, Clone)]
pub(super) struct Ids {
    pub(super) instance: InstanceId,
    pub(super) binding: BindingId,
}

/// See the module.
pub(super) struct Platform<S> {
    pub(super) stage: Arc<S>,
    pub(super) switch: Switch,
    pub(super) wishes: Wishes,
    provider: Arc<dyn Provider>,
    service: String,
    plan: String,
    bindable: bool,
    attempts: u32,
    lives: u32,
    broker: Arc<Broker>,
    store: Arc<dyn BrokerStore>,
    ring: Arc<KeyRing>,
    said: Vec<String>,
    secrets: Vec<String>,
    _folder: TempDir,
}

/// What the instances are called.
pub(super) const NAME: &str = "contract";

impl<S: Staged> Platform<S> {
    /// A stage, with a broker before it.
    pub(super) async fn set() -> Result<Self, Broken> {
        Self::patient(Tuning::default().attempts).await
    }

    /// The same, with an engine that gives up after so many attempts.
    pub(super) async fn patient(attempts: u32) -> Result<Self, Broken> {
        let stage = Arc::new(S::set().await);
        let (switch, wishes) = (Switch::default(), stage.wishes());
        let (inner, staged) = (stage.provider(), stage.clone());
        let provider: Arc<dyn Provider> =
            Arc::new(Disturbed { stage: staged, inner, switch: switch.clone() });
        let offering = provider.offering();
        let plan = match &wishes.plan {
            Some(name) => offering.plans().iter().find(|plan| plan.name() == name),
            None => offering.plans().first(),
        };
        let plan = plan.ok_or_else(|| Broken::new("the offering has no plan of the wishes' name"))?;
        let bindable = offering.service().is_bindable(plan.service_plan());
        let folder = tempfile::tempdir().map_err(|error| Broken::because("no temporary folder", &error))?;
        let ring = Arc::new(KeyRing::generate(jiff::Timestamp::now()));
        let store = SqliteStore::open(&folder.path().join("broker.db"), ring.clone());
        let store = store.map_err(|error| Broken::because("the store does not open", &error))?;
        let store: Arc<dyn BrokerStore> = Arc::new(store);
        let broker = broker(&provider, &store, &ring, attempts).await?;
        Ok(Self {
            secrets: wishes.secrets.iter().map(String::as_str).chain([CANARY]).map(str::to_owned).collect(),
            service: offering.id().to_string(),
            plan: plan.id().to_string(),
            said: Vec::new(),
            lives: 0,
            _folder: folder,
            stage,
            switch,
            wishes,
            provider,
            bindable,
            attempts,
            broker,
            store,
            ring,
        })
    }

    pub(super) fn is_bindable(&self) -> bool {
        self.bindable
    }

    /// Ids that were never used.
    pub(super) fn ids(&mut self) -> Result<Ids, Broken> {
        self.lives += 1;
        let (instance, binding) = (format!("instance-{}", self.lives), format!("binding-{}", self.lives));
        match (InstanceId::new(instance), BindingId::new(binding)) {
            (Ok(instance), Ok(binding)) => Ok(Ids { instance, binding }),
            _ => Err(Broken::new("an id of the suite is not possible")),
        }
    }

    /// The mark of an instance.
    pub(super) fn marker(&self, ids: &Ids) -> Marker {
        Marker::for_instance(self.store.installation(), &ids.instance)
    }

    /// Everything at the vendor, in order.
    pub(super) async fn objects(&self) -> Vec<Object> {
        let mut objects = self.stage.objects().await;
        objects.sort();
        objects
    }

    /// Asks for the instance of the wishes.
    pub(super) async fn provision(&mut self, ids: &Ids) -> Result<End, Broken> {
        let parameters = self.wishes.provision.clone();
        self.provision_as(ids, &parameters).await
    }

    /// Asks for an instance.
    pub(super) async fn provision_as(&mut self, ids: &Ids, parameters: &Value) -> Result<End, Broken> {
        let request = request(json!({
            "service_id": self.service, "plan_id": self.plan,
            "organization_guid": "organization", "space_guid": "space",
            "context": { "platform": "contract", "instance_name": NAME },
            "parameters": parameters,
        }))?;
        match self.broker.provision(&ids.instance, &request, &caller()).await {
            Ok(Provisioned::Created(_) | Provisioned::Unchanged(_)) => Ok(End::Done),
            Ok(Provisioned::Accepted(accepted)) => self.wait(instance(ids), accepted).await,
            Err(error) => self.failed(&error),
        }
    }

    /// Asks for the update of the wishes.
    pub(super) async fn update(&mut self, ids: &Ids) -> Result<End, Broken> {
        let Some(parameters) = &self.wishes.update else { return Ok(End::Done) };
        let request = request(json!({
            "service_id": self.service, "plan_id": self.plan, "parameters": parameters,
        }))?;
        match self.broker.update(&ids.instance, &request, &caller()).await {
            Ok(Updated::Applied(_)) => Ok(End::Done),
            Ok(Updated::Accepted(accepted)) => self.wait(instance(ids), accepted).await,
            Err(error) => self.failed(&error),
        }
    }

    /// What the wishes ask for and no update takes.
    pub(super) fn fixed(&self) -> Vec<(String, Value)> {
        let offering = self.provider.offering();
        let plan = offering.plans().iter().find(|plan| plan.id().as_str() == self.plan);
        let schema = plan.and_then(|plan| plan.service_plan().update_schema());
        let is_taken = |name: &str| schema.is_some_and(|schema| schema["properties"].get(name).is_some());
        let wished = self.wishes.provision.as_object().into_iter().flatten();
        wished
            .filter(|(name, _)| !is_taken(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// Asks for an update of one parameter.
    pub(super) async fn update_to(&mut self, ids: &Ids, name: &str, value: Value) -> Result<Changed, Broken> {
        let request = request(json!({
            "service_id": self.service, "plan_id": self.plan, "parameters": { name: value },
        }))?;
        match self.broker.update(&ids.instance, &request, &caller()).await {
            Ok(Updated::Applied(_)) => Ok(Changed::Accepted),
            Ok(Updated::Accepted(_)) => Ok(Changed::Begun),
            Err(BrokerError::Unsupported(told)) => {
                self.said.push(told.clone());
                Ok(Changed::Unsupported(told))
            }
            Err(error) => self.failed(&error).map(|_| Changed::Refused(error.to_string())),
        }
    }

    /// Asks for a binding.
    pub(super) async fn bind(&mut self, ids: &Ids) -> Result<End, Broken> {
        let request = self.bind_request()?;
        match self.broker.bind((&ids.instance, &ids.binding), &request, &caller()).await {
            Ok(Bound::Created(_) | Bound::Unchanged(_)) => Ok(End::Done),
            Ok(Bound::Accepted(accepted)) => self.wait(binding(ids), accepted).await,
            Err(error) => self.failed(&error),
        }
    }

    /// The credentials of a binding, which from here on nobody may say.
    pub(super) async fn credentials(&mut self, ids: &Ids) -> Result<Credentials, Broken> {
        let request = self.bind_request()?;
        match self.broker.bind((&ids.instance, &ids.binding), &request, &caller()).await {
            Ok(Bound::Unchanged(body)) => {
                let credentials = body.credentials.unwrap_or_default();
                let offering = self.provider.offering();
                let public = |name: &str| {
                    let output = offering.outputs().iter().find(|output| output.name == name);
                    output.is_some_and(|output| output.sensitivity == sutler_catalog::Sensitivity::Public)
                };
                let secret = credentials.expose().iter().filter(|(name, _)| !public(name));
                self.secrets.extend(secret.filter_map(|(_, value)| value.as_str().map(str::to_owned)));
                Ok(credentials)
            }
            other => Err(Broken(format!("a repeated bind is not answered with the binding: {other:?}"))),
        }
    }

    fn bind_request(&self) -> Result<sutler_spec::BindRequest, Broken> {
        let mut body = json!({ "service_id": self.service, "plan_id": self.plan });
        if !self.wishes.bind.is_null() {
            body["parameters"] = self.wishes.bind.clone();
        }
        request(body)
    }

    /// Deletes the binding.
    pub(super) async fn unbind(&mut self, ids: &Ids) -> Result<End, Broken> {
        let query: sutler_spec::UnbindQuery = self.query()?;
        match self.broker.unbind((&ids.instance, &ids.binding), Ok(&query), &caller()).await {
            Ok(Unbound::Deleted) => Ok(End::Done),
            Ok(Unbound::Gone) => Ok(End::Gone),
            Ok(Unbound::Accepted(accepted)) => self.wait(binding(ids), accepted).await,
            Err(error) => self.failed(&error),
        }
    }

    /// Deletes the instance.
    pub(super) async fn deprovision(&mut self, ids: &Ids) -> Result<End, Broken> {
        let query: sutler_spec::DeprovisionQuery = self.query()?;
        match self.broker.deprovision(&ids.instance, &query, &caller()).await {
            Ok(Deprovisioned::Deleted) => Ok(End::Done),
            Ok(Deprovisioned::Gone) => Ok(End::Gone),
            Ok(Deprovisioned::Accepted(accepted)) => self.wait(instance(ids), accepted).await,
            Err(error) => self.failed(&error),
        }
    }

    fn query<T: DeserializeOwned>(&self) -> Result<T, Broken> {
        request(json!({ "service_id": self.service, "plan_id": self.plan }))
    }

    /// Asks what the vendor says.
    pub(super) async fn fetch(&mut self, ids: &Ids) -> Result<End, Broken> {
        match self.broker.fetch_instance(&ids.instance).await {
            Ok(_) => Ok(End::Done),
            Err(BrokerError::NotFound(_)) => Ok(End::Gone),
            Err(error) => self.failed(&error),
        }
    }

    /// The marks of everything of our form at the vendor, and what bears them; `None` where nobody can tell.
    pub(super) async fn marked(&self) -> Result<Option<(Bearers, Vec<String>)>, Broken> {
        match self.provider.marked().await {
            Ok(Listing::Objects { bearers, objects }) => {
                Ok(Some((bearers, objects.into_iter().map(|object| object.mark).collect())))
            }
            Ok(Listing::NotPossible(_)) => Ok(None),
            Err(error) => Err(Broken::because("what is marked cannot be listed", &error)),
        }
    }

    fn failed(&mut self, error: &BrokerError) -> Result<End, Broken> {
        if error.is_internal() {
            return Err(Broken::because("the broker itself failed", error));
        }
        self.said.push(format!("{error}; {error:?}"));
        Ok(End::Failed(error.to_string()))
    }

    /// Polls until the operation has ended; a process that died meanwhile is started again.
    async fn wait(&mut self, subject: Subject, accepted: Accepted) -> Result<End, Broken> {
        let query = LastOperationQuery { operation: accepted.operation, ..LastOperationQuery::default() };
        let started = Instant::now();
        let (mut last, mut pause) = (String::new(), Duration::from_millis(2));
        while started.elapsed() < PATIENCE {
            if self.switch.is_dead() {
                self.restart().await?;
            }
            let polled = self.broker.last_operation(&subject, &query).await;
            let Polled::State { last_operation, .. } =
                polled.map_err(|error| Broken::because("an accepted operation is not known", &error))?
            else {
                return Ok(End::Done);
            };
            let description = last_operation.description.unwrap_or_default();
            match last_operation.state {
                OperationState::InProgress => last = description,
                OperationState::Succeeded => return Ok(End::Done),
                OperationState::Failed => {
                    self.said.push(description.clone());
                    return Ok(End::Failed(description));
                }
            }
            tokio::time::sleep(pause).await;
            // many platforms ask at a time, and what is not done soon is mostly waited for
            pause = (pause * 3 / 2).min(Duration::from_millis(40));
        }
        Err(Broken(format!("an operation has not ended after {} s: {last} (I-14)", PATIENCE.as_secs())))
    }

    /// Kills the broker as a crash would, and starts another on the same store.
    async fn restart(&mut self) -> Result<(), Broken> {
        self.broker.abort().await;
        self.switch.revive();
        self.broker = broker(&self.provider, &self.store, &self.ring, self.attempts).await?;
        Ok(())
    }

    /// Whether anything that was said to anybody holds a secret, in whatever form.
    pub(super) fn check_discretion(&self) -> Result<(), Broken> {
        let known: BTreeSet<&str> = self.secrets.iter().map(String::as_str).collect();
        let secrets: Vec<(&str, &str)> = known.into_iter().map(|value| ("secret", value)).collect();
        let all: BTreeSet<String> = self.said.iter().cloned().chain(self.switch.said()).collect();
        // what to look for is worked out anew in each search, from every form that a secret can have: one search is enough
        let whole = all.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
        if find_leaks(whole.as_bytes(), &secrets).is_empty() {
            return Ok(());
        }
        match all.iter().find(|text| !find_leaks(text.as_bytes(), &secrets).is_empty()) {
            Some(text) => Err(Broken(format!("a secret, or a vendor's own words, are in: {text}"))),
            None => Err(Broken::new("a secret, or a vendor's own words, are in what was said")),
        }
    }
}

/// A broker that does not wait longer than it must.
async fn broker(
    provider: &Arc<dyn Provider>,
    store: &Arc<dyn BrokerStore>,
    ring: &Arc<KeyRing>,
    attempts: u32,
) -> Result<Arc<Broker>, Broken> {
    let registry = Registry::new(vec![provider.clone()], None)
        .map_err(|error| Broken::because("the offering cannot be served", &error))?;
    let tuning = Tuning {
        inline_budget: Duration::from_millis(5),
        poll_interval: Duration::from_millis(5),
        backoff_cap: Duration::from_millis(5),
        fetch_cache: Duration::ZERO,
        attempts,
        ..Tuning::default()
    };
    let broker = Broker::new(
        Parts {
            registry,
            store: store.clone(),
            ring: ring.clone(),
            tuning,
            deleted_last_operation: DeletedLastOperation::default(),
            metrics: Arc::new(Metrics::default()),
            jitter: Arc::new(|| 1.0),
        },
        Handle::current(),
    );
    broker.start().await.map_err(|error| Broken::because("the broker does not start", &error))?;
    Ok(Arc::new(broker))
}

fn request<T: DeserializeOwned>(body: Value) -> Result<T, Broken> {
    serde_json::from_value(body).map_err(|error| Broken::because("the wishes make no request", &error))
}

fn caller() -> Caller {
    Caller { actor: Actor::default(), asynchrony: Asynchrony::Allowed }
}

fn instance(ids: &Ids) -> Subject {
    Subject::Instance(ids.instance.clone())
}

fn binding(ids: &Ids) -> Subject {
    Subject::Binding(ids.instance.clone(), ids.binding.clone())
}

impl<S: Staged> Platform<S> {
    /// Asks for one of the five.
    pub(super) async fn ask(&mut self, work: Work, ids: &Ids) -> Result<End, Broken> {
        match work {
            Work::Provision => self.provision(ids).await,
            Work::Update => self.update(ids).await,
            Work::Deprovision => self.deprovision(ids).await,
            Work::Bind => self.bind(ids).await,
            Work::Unbind => self.unbind(ids).await,
        }
    }
}
