//! What the stages of DNSimple's services have in common: the fake, its objects, and its faults.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::contract::{Fault, Object, Staged, Target, Wishes};
use sutler_broker_server::providers::dnsimple::{Client, DnsimpleConfig};
use sutler_tests::dnsimple::{Control, DnsimpleFake, Kind, Options, Table};

use crate::cloudflare::faults;

const ACCOUNT: u64 = 1_010;
const TOKEN: &str = "token-of-the-contract-at-dnsimple";

/// The fake, and what was ordered of it.
pub(crate) struct Vendor {
    fake: DnsimpleFake,
    /// How many calls there were when the last fault was ordered.
    ordered: AtomicU64,
}

impl Vendor {
    pub(crate) async fn start() -> Self {
        let mut options = Options::new(ACCOUNT, TOKEN);
        options.table = Table::of_dnsimple();
        Self { fake: DnsimpleFake::start(options).await.unwrap(), ordered: AtomicU64::new(0) }
    }

    pub(crate) fn client(&self) -> Client {
        let config = DnsimpleConfig {
            base_url: self.fake.base_url(),
            account_id: ACCOUNT.to_string(),
            token: TOKEN.into(),
            // what may arrive late is waited for twice as long
            call_timeout: Duration::from_secs(1),
            calls_per_hour: DnsimpleConfig::DEFAULT_CALLS,
        };
        Client::new(&config).unwrap().poll_every(Duration::from_millis(5))
    }

    pub(crate) fn control(&self) -> Control {
        self.fake.control()
    }

    /// Somebody else does something that succeeds.
    pub(crate) fn somebody(&self, operation: &str, parameters: &[(&str, &str)], body: Value) -> Value {
        self.control().somebody(operation, parameters, body).unwrap()
    }

    /// Somebody adds a domain.
    pub(crate) fn domain(&self, name: &str) {
        self.somebody("domains.create", &[], json!({ "name": name }));
    }

    pub(crate) fn objects(&self) -> Vec<Object> {
        let things = self.control().things().into_iter();
        let object = |found: sutler_tests::dnsimple::Thing| {
            Object::new(word(found.kind), found.id.to_string(), found.shown)
        };
        things.map(object).collect()
    }

    pub(crate) fn changes(&self) -> u64 {
        self.control().ledger().iter().filter(|entry| !entry.outcome.is_empty()).count() as u64
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Domain => "domain",
        Kind::Record => "record",
        Kind::Contact => "contact",
        Kind::Registration => "registration",
        Kind::Delegation => "delegation",
        Kind::Charge => "charge",
    }
}

/// One service of DNSimple's on a stage.
pub(crate) trait Service: Send + Sync + 'static {
    /// Makes what must be there.
    fn prepare(_vendor: &Vendor) {}
    fn provider(client: &Client) -> Arc<dyn Provider>;
    fn wishes() -> Wishes;
    /// As in [`Staged`].
    fn occupy(vendor: &Vendor, target: &Target<'_>) -> Option<Work>;
    /// As in [`Staged`].
    fn crowd(_vendor: &Vendor) -> bool {
        false
    }
    /// As in [`Staged`].
    fn vanish(vendor: &Vendor);
}

/// A service with the fake.
pub(crate) struct Stage<S> {
    vendor: Vendor,
    service: PhantomData<S>,
}

#[async_trait]
impl<S: Service> Staged for Stage<S> {
    async fn set() -> Self {
        let vendor = Vendor::start().await;
        S::prepare(&vendor);
        Self { vendor, service: PhantomData }
    }

    fn provider(&self) -> Arc<dyn Provider> {
        S::provider(&self.vendor.client())
    }

    fn wishes(&self) -> Wishes {
        S::wishes().secret(TOKEN)
    }

    async fn objects(&self) -> Vec<Object> {
        self.vendor.objects()
    }

    async fn changes(&self) -> Option<u64> {
        Some(self.vendor.changes())
    }

    async fn strike(&self, nth: u64, fault: &Fault) -> bool {
        let control = self.vendor.control();
        control.clear_faults();
        self.vendor.ordered.store(control.ledger_length(), Ordering::SeqCst);
        control.add_fault(faults::of(fault).from_call(nth));
        true
    }

    async fn puzzle(&self, word: &str) -> bool {
        let control = self.vendor.control();
        control.clear_faults();
        control.add_fault(faults::puzzle(word));
        true
    }

    async fn heal(&self) -> bool {
        let control = self.vendor.control();
        control.clear_faults();
        let since = control.ledger_after(self.vendor.ordered.load(Ordering::SeqCst));
        since.iter().any(|entry| !entry.faults.is_empty())
    }

    async fn occupy(&self, target: &Target<'_>) -> Option<Work> {
        S::occupy(&self.vendor, target)
    }

    async fn crowd(&self) -> bool {
        S::crowd(&self.vendor)
    }

    async fn vanish(&self) -> bool {
        S::vanish(&self.vendor);
        true
    }
}
