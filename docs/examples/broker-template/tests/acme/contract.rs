//! The contract of providers.

use std::{sync::Arc, time::Duration};

use acme_broker::{
    provider::Mailboxes,
    vendor::{Acme, PAGE},
};
use async_trait::async_trait;
use serde_json::json;
use sutler_broker_server::providers::{
    Provider, Work,
    contract::{self, Fault, Object, Staged, Target, Wishes},
};
use sutler_spec::Credentials;

use crate::fake::{Fake, TOKEN};

// ANCHOR: stage
struct Stage {
    fake: Fake,
}

#[async_trait]
impl Staged for Stage {
    async fn set() -> Self {
        Self { fake: Fake::start().await }
    }

    fn provider(&self) -> Arc<dyn Provider> {
        let url = format!("http://{}", self.fake.address);
        Arc::new(Mailboxes { acme: Acme::new(&url, TOKEN.into(), Duration::from_secs(10)).unwrap() })
    }

    fn wishes(&self) -> Wishes {
        Wishes::new(json!({ "region": "eu", "quota": 200 }))
            .update(json!({ "quota": 300 }))
            .refused(json!({ "region": "mars" }))
            .refused(json!({ "region": "eu", "quota": 1 }))
            .refused(json!({ "region": "eu", "colour": "red" }))
            .secret(TOKEN)
    }

    async fn objects(&self) -> Vec<Object> {
        let state = self.fake.state();
        let mailboxes =
            state.mailboxes.iter().map(|row| Object::new("mailbox", row.id.to_string(), &row.fields));
        let passwords =
            state.passwords.iter().map(|row| Object::new("password", row.id.to_string(), &row.name));
        mailboxes.chain(passwords).collect()
    }

    async fn strike(&self, nth: u64, fault: &Fault) -> bool {
        self.fake.state().strike(nth, fault);
        true
    }

    /// What this vendor has is there or is not: no word tells how far it is.
    async fn puzzle(&self, _word: &str) -> bool {
        true
    }

    async fn heal(&self) -> bool {
        self.fake.state().heal()
    }

    async fn changes(&self) -> Option<u64> {
        Some(self.fake.state().changes)
    }

    async fn occupy(&self, target: &Target<'_>) -> Option<Work> {
        self.fake.state().make(&target.marker.name(Some(target.name), 63));
        Some(Work::Provision)
    }

    async fn crowd(&self) -> bool {
        (0..PAGE).for_each(|number| self.fake.state().make(&format!("crowd-{number}")));
        true
    }

    async fn vanish(&self) -> bool {
        let mut state = self.fake.state();
        state.mailboxes.clear();
        state.passwords.clear();
        true
    }

    async fn accepts(&self, credentials: &Credentials) -> Option<bool> {
        let password = &credentials.expose()["password"];
        Some(self.fake.state().passwords.iter().any(|row| row.fields["value"] == *password))
    }
}
// ANCHOR_END: stage

// ANCHOR: contract
#[tokio::test(flavor = "multi_thread")]
async fn mailboxes_keep_the_contract() {
    as_in_the_tutorial(&contract::run::<Stage>().await);
}
// ANCHOR_END: contract

/// Every case was tried, and the tutorial shows what came of it.
fn as_in_the_tutorial(report: &contract::Report) {
    assert_eq!(report.not_tried(), [""; 0], "{report}");
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("contract.txt");
    crate::document::golden(&path, &report.to_string());
}
