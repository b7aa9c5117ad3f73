//! Where certificates come from: an authority behind a gate, a name server, and an account key.

use std::sync::Arc;
use std::time::Duration;

use sutler_broker_server::providers::acme::{AcmeConfig, Certificate, Client, ExternalAccount};
use sutler_broker_server::providers::rfc2136::{Rfc2136Config, Server};
use sutler_broker_server::testing::bind::{Bind, WRITER};
use sutler_broker_server::testing::pebble::{EXTERNAL_KEY, Habits, Pebble};
use sutler_catalog::domain::certificate::Zones;
use sutler_tests::acme::Gate;

/// The zone that the name server answers for.
pub(crate) const ZONE: &str = "example.org";

/// See the module.
pub(crate) struct Place {
    pub(crate) bind: Bind,
    pub(crate) pebble: Pebble,
    pub(crate) gate: Gate,
    pub(crate) key: String,
}

impl Place {
    pub(crate) async fn new(habits: Habits) -> Self {
        let bind = Bind::start(&[ZONE]).await.unwrap();
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
        self.provider_with(&self.config(), &self.bind)
    }

    /// The provider, whose proofs are written to this name server.
    pub(crate) fn provider_with(&self, config: &AcmeConfig, bind: &Bind) -> Certificate {
        let client = Client::new(config).unwrap().poll_every(Duration::from_millis(5));
        let server = Server::new(&Rfc2136Config {
            server: bind.address().to_string(),
            zone: ZONE.to_owned(),
            key_name: WRITER.to_owned(),
            algorithm: "hmac-sha256".to_owned(),
            secret: bind.secret(),
            name_servers: vec![bind.address()],
            call_timeout: Duration::from_secs(5),
        });
        Certificate::new(&client, Zones::Rfc2136, Arc::new(server.unwrap()))
    }

    /// The TXT records of the zone.
    pub(crate) async fn proofs(&self) -> Vec<String> {
        let mut records = self.bind.records(ZONE).await.unwrap();
        records.retain(|line| line.contains(" TXT "));
        records
    }
}
