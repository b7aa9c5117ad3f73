//! Names proven in zones at DNSimple. The fake of DNSimple has no name servers, so what is in its zone is served by a real
//! one, which the authority asks.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use sutler_broker_server::providers::acme::{Certificate, Client};
use sutler_broker_server::providers::dns::{Challenges, DnsName, RecordType};
use sutler_broker_server::providers::dnsimple::Proofs;
use sutler_broker_server::providers::{Observation, ProviderError};
use sutler_broker_server::testing::bind::Bind;
use sutler_broker_server::testing::pebble::Habits;
use sutler_catalog::domain::certificate::Zones;
use sutler_tests::dnsimple::{Kind, Pace};

use super::place::{Place, ZONE};
use crate::dnsimple::Vendor;
use crate::drive::Instance;

/// DNSimple's proofs; after each change the name server has what is in the zone, as DNSimple's own would.
struct Served {
    proofs: Proofs,
    vendor: Arc<Vendor>,
    place: Arc<Place>,
}

/// The texts in the zone of the fake, each with its owner.
fn texts(vendor: &Vendor) -> BTreeSet<(String, String)> {
    let things = vendor.control().things().into_iter();
    let texts = things.filter(|thing| thing.kind == Kind::Record && thing.shown["type"] == "TXT");
    let text = |field: &serde_json::Value| field.as_str().unwrap().to_owned();
    texts
        .map(|thing| (format!("{}.{ZONE}", text(&thing.shown["name"])), text(&thing.shown["content"])))
        .collect()
}

impl std::fmt::Debug for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.proofs.fmt(f)
    }
}

impl Served {
    async fn serve(&self) {
        let bind: &Bind = &self.place.bind;
        for line in self.place.proofs().await {
            let owner = line.split(' ').next().unwrap().trim_end_matches('.');
            bind.remove(ZONE, owner, RecordType::TXT).await.unwrap();
        }
        for (owner, text) in texts(&self.vendor) {
            bind.add(ZONE, &owner, RecordType::TXT, &text).await.unwrap();
        }
    }
}

#[async_trait]
impl Challenges for Served {
    async fn present(&self, name: &DnsName, value: &str) -> Result<(), ProviderError> {
        self.proofs.present(name, value).await?;
        self.serve().await;
        Ok(())
    }

    async fn withdraw(&self, name: &DnsName, value: &str) -> Result<(), ProviderError> {
        self.proofs.withdraw(name, value).await?;
        self.serve().await;
        Ok(())
    }

    async fn is_shown(&self, name: &DnsName, value: &str) -> Result<bool, ProviderError> {
        self.proofs.is_shown(name, value).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_issued_for_names_that_are_proven_at_dnsimple() {
    let (place, vendor) = (Arc::new(Place::new(Habits::default()).await), Arc::new(Vendor::start().await));
    vendor.domain(ZONE);
    vendor.control().set_pace(Pace { distribution_reads: 2, ..Pace::default() });
    let served =
        Served { proofs: Proofs::new(&vendor.client()), vendor: vendor.clone(), place: place.clone() };
    let client = Client::new(&place.config()).unwrap().poll_every(std::time::Duration::from_millis(5));
    let provider = Arc::new(Certificate::new(&client, Zones::Dnsimple, Arc::new(served)));
    // a name and its wildcard are proven at the same owner, with two texts beside each other
    let wanted = json!({ "names": [ZONE, format!("*.{ZONE}")], "revoke_on_delete": true });
    let mut instance = Instance::new(provider, "dnsimple", wanted);
    instance.provision().await.unwrap();
    assert_eq!(place.gate.certificates().len(), 1, "issued by the authority");
    assert!(matches!(instance.fetch().await.unwrap(), Observation::Found { drift, .. } if drift.is_empty()));
    assert!(texts(&vendor).is_empty(), "the proofs are taken away at DNSimple");
    assert!(place.proofs().await.is_empty(), "and nobody serves them any more");
    let presented = vendor.control().ledger();
    let made = presented.iter().filter(|entry| entry.operation.as_deref() == Some("records.create")).count();
    assert_eq!(made, 2, "one text for each name");
    instance.deprovision().await.unwrap();
    assert_eq!(place.gate.certificates().len(), 0, "revoked");
}
