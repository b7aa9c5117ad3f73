//! Where certificates come from: an authority behind a gate, a name server, and an account key.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sutler_broker_server::providers::acme::{AcmeConfig, Certificate, Client, ExternalAccount};
use sutler_broker_server::providers::dns::{
    Asker, Challenges, Change, Data, DnsName, RecordType, Update, Updated,
};
use sutler_broker_server::providers::{ProviderError, Sent};
use sutler_broker_server::testing::bind::{Bind, WRITER};
use sutler_broker_server::testing::pebble::{EXTERNAL_KEY, Habits, Pebble};
use sutler_catalog::domain::certificate::Zones;
use sutler_tests::acme::Gate;

/// The zone that the name server answers for.
pub(crate) const ZONE: &str = "example.org";
const PATIENCE: Duration = Duration::from_secs(5);

/// See the module.
pub(crate) struct Place {
    pub(crate) bind: Arc<Bind>,
    pub(crate) pebble: Pebble,
    pub(crate) gate: Gate,
    pub(crate) key: String,
}

impl Place {
    pub(crate) async fn new(habits: Habits) -> Self {
        let bind = Arc::new(Bind::start(&[ZONE]).await.unwrap());
        let pebble = Pebble::start(bind.address(), habits).await.unwrap();
        let gate = Gate::before(&pebble).await.unwrap();
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
        Self { bind, pebble, gate, key }
    }

    pub(crate) fn config(&self) -> AcmeConfig {
        AcmeConfig {
            directory: self.gate.directory(),
            account_key: self.key.as_str().into(),
            contact: vec!["ops@example.org".to_owned()],
            terms_of_service_agreed: true,
            external_account: None,
            roots: Some(self.gate.root().as_bytes().to_vec()),
            call_timeout: Duration::from_secs(5),
            calls_per_minute: std::num::NonZeroU32::new(100_000).unwrap(),
        }
    }

    pub(crate) fn with_external_account(&self) -> AcmeConfig {
        let (key_id, hmac_key) = ("kid-1".to_owned(), EXTERNAL_KEY.into());
        AcmeConfig { external_account: Some(ExternalAccount { key_id, hmac_key }), ..self.config() }
    }

    /// The provider, whose proofs are written to the name server that the authority asks.
    pub(crate) fn provider(&self) -> Certificate {
        self.provider_with(&self.config(), self.bind.clone())
    }

    /// The provider, whose proofs are written to this name server.
    pub(crate) fn provider_with(&self, config: &AcmeConfig, bind: Arc<Bind>) -> Certificate {
        let client = Client::new(config).unwrap().poll_every(Duration::from_millis(5));
        Certificate::new(&client, Zones::Rfc2136, Arc::new(Zone { bind }))
    }

    /// The TXT records of the zone.
    pub(crate) async fn proofs(&self) -> Vec<String> {
        let mut records = self.bind.records(ZONE).await.unwrap();
        records.retain(|line| line.contains(" TXT "));
        records
    }
}

/// The zone as the broker changes it: by signed messages.
#[derive(Debug)]
struct Zone {
    bind: Arc<Bind>,
}

impl Zone {
    async fn change(&self, change: Change) -> Result<(), ProviderError> {
        let zone: DnsName = ZONE.parse().unwrap();
        let sent = Update::of(&zone).then(change).send(
            self.bind.address(),
            &self.bind.key(WRITER).unwrap(),
            PATIENCE,
        );
        match sent.await {
            Ok(Updated::Done) => Ok(()),
            other => Err(ProviderError::unavailable(format!("{other:?}"), Sent::Perhaps)),
        }
    }
}

#[async_trait]
impl Challenges for Zone {
    async fn present(&self, name: &DnsName, value: &str) -> Result<(), ProviderError> {
        self.change(Change::Add(name.clone(), 60, Data::text(value).unwrap())).await
    }

    async fn withdraw(&self, name: &DnsName, value: &str) -> Result<(), ProviderError> {
        self.change(Change::Remove(name.clone(), Data::text(value).unwrap())).await
    }

    async fn is_shown(&self, name: &DnsName, value: &str) -> Result<bool, ProviderError> {
        let asked = Asker::new(PATIENCE).ask(self.bind.address(), name, RecordType::TXT).await;
        let reply = asked.map_err(|error| ProviderError::unavailable(error.to_string(), Sent::No))?;
        let shown = reply.answer.records().iter().filter_map(|found| found.data.as_text());
        Ok(shown.into_iter().any(|text| text == value.as_bytes()))
    }
}
