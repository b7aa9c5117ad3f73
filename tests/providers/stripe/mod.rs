//! What the stages of Stripe's services have in common: the fake, its objects, and its faults.

mod behaviour;
mod coupon;
mod customer_portal;
mod entitlement_feature;
mod event_destination;
mod finding;
mod meter;
mod payment_link;
mod product;
mod served;
mod tax_rate;
mod webhook_endpoint;

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::contract::{self, Fault, Object, Staged, Target, Wishes};
use sutler_broker_server::providers::stripe::{self, Client, StripeConfig};
use sutler_spec::Credentials;
use sutler_tests::stripe::{Control, Options, StripeFake, Table};

use crate::cloudflare::faults;

const ACCOUNT: &str = "acct_contract";
const TEST_KEY: &str = "sk_test_keyOfTheContract";
const LIVE_KEY: &str = "sk_live_keyOfTheContract";

/// The fake, and what was ordered of it.
pub(crate) struct Vendor {
    fake: StripeFake,
    /// How many calls there were when the last fault was ordered.
    ordered: AtomicU64,
}

impl Vendor {
    pub(crate) async fn start() -> Self {
        let mut options = Options::new(ACCOUNT, TEST_KEY);
        options.live_key = Some(LIVE_KEY.to_owned());
        options.table = Table::of_stripe();
        Self { fake: StripeFake::start(options).await.unwrap(), ordered: AtomicU64::new(0) }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.config()).unwrap()
    }

    pub(crate) fn config(&self) -> StripeConfig {
        StripeConfig {
            base_url: self.fake.base_url(),
            account_id: ACCOUNT.to_owned(),
            test_key: Some(TEST_KEY.into()),
            live_key: Some(LIVE_KEY.into()),
            // what may arrive late is waited for twice as long
            call_timeout: Duration::from_secs(1),
            calls_per_second: StripeConfig::DEFAULT_CALLS,
        }
    }

    pub(crate) fn control(&self) -> Control {
        self.fake.control()
    }

    /// Somebody else does something that succeeds.
    pub(crate) fn somebody(&self, operation: &str, id: &str, body: Value) -> Value {
        self.control().somebody(operation, id, body).unwrap()
    }

    /// What is in use. What Stripe keeps for ever counts as gone when it is put out of use.
    fn objects(&self) -> Vec<Object> {
        let objects = self.control().objects();
        let in_use =
            objects.iter().filter(|object| object["active"] != false && object["status"] != "inactive");
        let object = |value: &Value| {
            Object::new(value["object"].as_str().unwrap(), value["id"].as_str().unwrap(), value)
        };
        in_use.map(object).collect()
    }

    fn changes(&self) -> u64 {
        self.control().ledger().iter().filter(|entry| !entry.outcome.is_empty()).count() as u64
    }
}

/// One service of Stripe's on a stage.
pub(crate) trait Service: Send + Sync + 'static {
    /// Makes what must be there.
    fn prepare(_vendor: &Vendor) {}
    /// The name of the offering.
    const NAME: &'static str;
    fn wishes() -> Wishes;
    /// As in [`Staged`].
    fn occupy(vendor: &Vendor, target: &Target<'_>) -> Option<Work>;
    /// As in [`Staged`].
    fn crowd(vendor: &Vendor) -> bool;
    /// As in [`Staged`].
    fn vanish(vendor: &Vendor);
    /// As in [`Staged`].
    fn accepts(_vendor: &Vendor, _credentials: &Credentials) -> Option<bool> {
        None
    }
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
        provider(&self.vendor.client(), S::NAME)
    }

    fn wishes(&self) -> Wishes {
        S::wishes().secret(TEST_KEY).secret(LIVE_KEY)
    }

    async fn objects(&self) -> Vec<Object> {
        let broken: Vec<_> = self.vendor.control().ledger();
        let broken: Vec<_> = broken.iter().flat_map(|entry| &entry.contract_violations).collect();
        assert!(broken.is_empty(), "{broken:?}");
        self.vendor.objects()
    }

    async fn changes(&self) -> Option<u64> {
        Some(self.vendor.changes())
    }

    async fn strike(&self, nth: u64, fault: &Fault) -> bool {
        let control = self.vendor.control();
        control.clear_faults();
        self.vendor.ordered.store(control.ledger().len() as u64, Ordering::SeqCst);
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

    async fn accepts(&self, credentials: &Credentials) -> Option<bool> {
        S::accepts(&self.vendor, credentials)
    }
}

/// Somebody puts everything out of use that Stripe keeps for ever.
fn archive_all(vendor: &Vendor, kind: &str, operation: &str) {
    for object in vendor.control().objects().iter().filter(|object| object["object"] == kind) {
        vendor.somebody(operation, object["id"].as_str().unwrap(), serde_json::json!({ "active": false }));
    }
}

/// The provider of an offering.
fn provider(client: &Client, name: &str) -> Arc<dyn Provider> {
    let mut providers = stripe::providers(client).into_iter();
    providers.find(|provider| provider.offering().name() == name).unwrap()
}

/// What no service of Stripe's can try: a binding hands out what there is, and nothing is revoked with it.
const NEVER_REVOKED: [&str; 1] = ["unbind_revokes"];

/// Runs the contract; what cannot be tried, besides the revocation, is said.
async fn keeps_the_contract<S: Service>(not_tried: &[&str]) {
    let report = contract::run::<Stage<S>>().await;
    let mut expected: Vec<&str> = NEVER_REVOKED.iter().chain(not_tried).copied().collect();
    let mut found = report.not_tried();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected, "{report}");
}
