//! The shelf on its stage.

use std::{marker::PhantomData, sync::Arc};

use async_trait::async_trait;
use serde_json::json;
use sutler_broker_server::{
    operation::Work,
    providers::{
        Provider,
        contract::{Fault, Object, Staged, Target, Wishes},
    },
};
use sutler_spec::Credentials;

use crate::{
    shelf::{Flaw, Shelf},
    vendor::{PAGE, Vendor},
};

/// Which flaw the provider has.
pub(crate) trait Flawed: Send + Sync + 'static {
    const FLAW: Option<Flaw>;
}

/// None.
pub(crate) struct Sound;

impl Flawed for Sound {
    const FLAW: Option<Flaw> = None;
}

/// The vendor, and a provider with that flaw.
pub(crate) struct Stage<F> {
    vendor: Arc<Vendor>,
    flaw: PhantomData<F>,
}

#[async_trait]
impl<F: Flawed> Staged for Stage<F> {
    async fn set() -> Self {
        Self { vendor: Arc::default(), flaw: PhantomData }
    }

    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(Shelf { vendor: self.vendor.clone(), flaw: F::FLAW })
    }

    fn wishes(&self) -> Wishes {
        Wishes::new(json!({ "size": 3 }))
            .update(json!({ "size": 5 }))
            .refused(json!({ "size": "big" }))
            .refused(json!({ "size": 13 }))
    }

    async fn objects(&self) -> Vec<Object> {
        let things = self.vendor.things();
        things
            .iter()
            .map(|thing| Object::new(thing.kind, thing.id.to_string(), format!("{thing:?}")))
            .collect()
    }

    async fn changes(&self) -> Option<u64> {
        Some(self.vendor.changes())
    }

    async fn strike(&self, nth: u64, fault: &Fault) -> bool {
        self.vendor.strike(nth, fault);
        true
    }

    async fn puzzle(&self, word: &str) -> bool {
        self.vendor.puzzle(word);
        true
    }

    async fn heal(&self) -> bool {
        self.vendor.heal()
    }

    async fn occupy(&self, target: &Target<'_>) -> Option<Work> {
        self.vendor.put("box", &target.marker.name(Some(target.name), 63));
        Some(Work::Provision)
    }

    async fn crowd(&self) -> bool {
        for number in 0..2 * PAGE {
            self.vendor.put("box", &format!("crowd-{number}"));
            self.vendor.put("key", &format!("crowd-{number}"));
        }
        true
    }

    async fn vanish(&self) -> bool {
        self.vendor.clear();
        true
    }

    async fn accepts(&self, credentials: &Credentials) -> Option<bool> {
        let value = credentials.expose()["key"].as_str().unwrap();
        Some(self.vendor.things().iter().any(|thing| thing.kind == "key" && thing.value == value))
    }
}
