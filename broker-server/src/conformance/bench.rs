//! What all checks of a run share, and the things they are about.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;
use tokio::sync::OnceCell;

use super::{Options, answer::Answer, finding::Finding, offer::Offer, trial::Trial, wire::Wire};

/// What all checks of a run share.
pub(super) struct Bench {
    pub(super) wire: Wire,
    pub(super) options: Options,
    /// The first answer to a catalog request.
    pub(super) catalog: Answer,
    /// Every plan of the catalog.
    pub(super) offers: Vec<Offer>,
    /// An instance and a binding that checks look at and never change.
    shared: OnceCell<Result<Shared, Finding>>,
    /// Held by the check that uses them: two that change the same instance would be in each other's way.
    turn: Arc<tokio::sync::Mutex<()>>,
    made: Mutex<Vec<Made>>,
    /// The plan behind every path that was ever used, for the checks that look at all answers.
    plans: Mutex<BTreeMap<String, Offer>>,
}

/// The instance and binding that every check may look at.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) instance: Instance,
    pub(super) provisioned: Answer,
    pub(super) binding: Result<(Binding, Answer), Finding>,
}

/// An instance, whether it is there yet or not.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Instance {
    pub(super) id: String,
    pub(super) offer: Offer,
    /// The body that provisions it.
    pub(super) body: Value,
}

impl Instance {
    pub(super) fn path(&self) -> String {
        format!("/v2/service_instances/{}", encoded(&self.id))
    }

    pub(super) fn binding(&self, body: Value) -> Binding {
        Binding { id: new_id(), instance: self.clone(), body }
    }
}

/// A binding, whether it is there yet or not.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Binding {
    pub(super) id: String,
    pub(super) instance: Instance,
    /// The body that makes it.
    pub(super) body: Value,
}

impl Binding {
    pub(super) fn path(&self) -> String {
        format!("{}/service_bindings/{}", self.instance.path(), encoded(&self.id))
    }
}

/// Something that has to go at the end.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Made {
    pub(super) path: String,
    pub(super) offer: Offer,
}

/// A segment of a path.
pub(super) fn encoded(id: &str) -> String {
    sutler_spec::encode_segment(id)
}

/// An id that nobody has used.
pub(super) fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

impl Bench {
    /// Everything the run shares, last first, and forgets it.
    pub(super) fn take_made(&self) -> Vec<Made> {
        let mut made = std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        made.reverse();
        made
    }

    pub(super) fn new(wire: Wire, options: Options, catalog: Answer) -> Self {
        let offers = catalog.json.as_ref().map(Offer::all).unwrap_or_default();
        Self {
            wire,
            options,
            catalog,
            offers,
            shared: OnceCell::new(),
            turn: Arc::default(),
            made: Mutex::default(),
            plans: Mutex::default(),
        }
    }

    /// Remembers which plan is behind a path.
    pub(super) fn is_of(&self, made: &Made) {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        plans.insert(made.path.clone(), made.offer.clone());
    }

    /// The plan that an answer is about, if a check made what it is about.
    pub(super) fn plan_of(&self, answer: &Answer) -> Option<Offer> {
        let path = answer.call.split(' ').nth(1)?;
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }
}

impl Trial {
    /// A new instance that is ready, with the answer that began it. What stands in the way skips the check.
    pub(super) async fn ready(&self, offer: &Offer) -> Result<(Instance, Answer), Finding> {
        let instance = self.instance(offer);
        let answer = self.provision(&instance).await.map_err(Finding::into_obstacle)?;
        self.succeeded(&instance.path(), &answer).await.map_err(Finding::into_obstacle)?;
        Ok((instance, answer))
    }

    /// A new binding that is ready, with the answer that began it.
    pub(super) async fn bound(&self, instance: &Instance) -> Result<(Binding, Answer), Finding> {
        let binding = self.binding(instance);
        let answer = self.bind(&binding).await.map_err(Finding::into_obstacle)?;
        self.succeeded(&binding.path(), &answer).await.map_err(Finding::into_obstacle)?;
        Ok((binding, answer))
    }

    /// The instance, and its binding, that all checks look at; made once. Until its end nobody else does.
    pub(super) async fn shared(&self) -> Result<Shared, Finding> {
        if !self.has_turn() {
            self.takes_turn(Arc::clone(&self.bench.turn).lock_owned().await);
        }
        self.bench.shared.get_or_init(|| self.make_shared()).await.clone()
    }

    async fn make_shared(&self) -> Result<Shared, Finding> {
        let own = Self::new(&self.bench);
        let made = async {
            let offer = self.default_offer()?;
            let (instance, provisioned) = own.ready(&offer).await?;
            let binding = match offer.is_bindable() {
                true => own.bound(&instance).await,
                false => Err(Finding::skipped(format!("{} is not bindable", offer.name()))),
            };
            Ok(Shared { instance, provisioned, binding })
        };
        let made = made.await;
        let mut kept = own.take_made();
        kept.reverse();
        self.bench.made.lock().unwrap_or_else(PoisonError::into_inner).extend(kept);
        made
    }
}
