//! What the stages of Cloudflare's services have in common: the fake, its objects, and its faults.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::Provider;
use sutler_broker_server::providers::cloudflare::{Client, CloudflareConfig};
use sutler_broker_server::providers::contract::{Fault, Object, Page, Staged, Target, Wishes};
use sutler_spec::Credentials;
use sutler_tests::cloudflare::{
    CannedAnswer, CloudflareFake, Control, Fault as FakeFault, FaultAction, Kind, Options, Table,
};

pub(crate) const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
/// The Worker and the Pages project that exist.
pub(crate) const SCRIPT: &str = "shop";
pub(crate) const PROJECT: &str = "shop-site";
/// The id of the zone `example.com`, where there is one.
pub(crate) const ZONE: &str = "0a0b0c0d0e0f00112233445566778899";

const TOKEN: &str = "master-token-of-the-contract";

/// The fake, and what was ordered of it.
pub(crate) struct Vendor {
    fake: CloudflareFake,
    /// How many calls there were when the last fault was ordered.
    ordered: AtomicU64,
}

impl Vendor {
    pub(crate) async fn start() -> Self {
        let mut options = Options::new(ACCOUNT, TOKEN);
        options.scripts = vec![SCRIPT.to_owned()];
        options.projects = vec![PROJECT.to_owned()];
        options.table = Table::of_cloudflare();
        Self { fake: CloudflareFake::start(options).await.unwrap(), ordered: AtomicU64::new(0) }
    }

    pub(crate) fn client(&self) -> Client {
        let config = CloudflareConfig {
            base_url: self.fake.base_url().to_owned(),
            s3_base_url: Some(self.s3_base_url()),
            account_id: ACCOUNT.to_owned(),
            api_token: TOKEN.into(),
            // what may arrive late is waited for twice as long
            call_timeout: Duration::from_secs(1),
            calls_per_five_minutes: CloudflareConfig::DEFAULT_CALLS,
        };
        Client::new(&config).unwrap().poll_every(Duration::from_millis(5))
    }

    /// Where a broker is told that R2's S3 interface is.
    pub(crate) fn s3_base_url(&self) -> String {
        self.fake.s3_base_url()
    }

    pub(crate) fn control(&self) -> Control {
        self.fake.control()
    }

    /// Somebody else does something that succeeds.
    pub(crate) fn somebody(&self, operation: &str, parameters: &[(&str, &str)], body: Value) -> Value {
        self.control().somebody(operation, parameters, body).unwrap()
    }

    /// Everything there is. What changes by being looked at is left out.
    pub(crate) fn objects(&self) -> Vec<Object> {
        let state = self.control().state();
        let databases =
            state.databases.iter().map(|found| Object::new("database", &found.uuid, json!(found)));
        let tokens = state.tokens.iter().map(|found| Object::new("token", &found.id, json!(found)));
        let secrets = state.scripts.iter().flat_map(|script| {
            let named = |(name, value): (&String, &String)| {
                Object::new("secret", format!("{}/{name}", script.name), value)
            };
            script.secrets.iter().map(named)
        });
        let domains = state.projects.iter().flat_map(|project| &project.domains);
        let domains = domains.map(|found| Object::new("domain", &found.id, &found.name));
        let things = state.things.iter().map(|found| {
            let (kind, mut hidden) = (json!(found.kind), found.hidden.clone());
            if let Some(hidden) = hidden.as_object_mut() {
                hidden.remove("looks");
            }
            Object::new(kind.as_str().unwrap(), &found.id, json!([found.name, found.shown, hidden]))
        });
        databases.chain(tokens).chain(secrets).chain(domains).chain(things).collect()
    }

    /// The id of a permission group.
    pub(crate) fn permission_group(&self, name: &str) -> String {
        let groups = self.somebody("tokens.permission_groups", &[], json!(null));
        let found = groups.as_array().unwrap().iter().find(|group| group["name"] == name).unwrap();
        found["id"].as_str().unwrap().to_owned()
    }

    /// Somebody adds a zone.
    pub(crate) fn zone(&self, name: &str) {
        self.somebody("zones.create", &[], json!({ "name": name, "account": { "id": ACCOUNT } }));
    }

    /// The zone `example.com`, with an id that wishes can name.
    pub(crate) fn known_zone(&self) {
        self.control().declare_zone(ZONE, "example.com");
    }

    /// Somebody deletes all objects of a sort.
    pub(crate) fn vanish(&self, kind: Kind, delete: &str, parameter: &str) {
        for found in self.control().state().things.iter().filter(|found| found.kind == kind) {
            self.somebody(delete, &[(parameter, &found.id)], json!(null));
        }
    }

    pub(crate) fn changes(&self) -> u64 {
        self.control().ledger().iter().filter(|entry| !entry.outcome.is_empty()).count() as u64
    }

    pub(crate) fn strike(&self, nth: u64, fault: &Fault) {
        let control = self.control();
        control.clear_faults();
        self.ordered.store(control.ledger().len() as u64, Ordering::SeqCst);
        control.add_fault(faults::of(fault).from_call(nth));
    }

    pub(crate) fn puzzle(&self, word: &str) {
        let control = self.control();
        control.clear_faults();
        control.add_fault(faults::puzzle(word));
    }

    pub(crate) fn heal(&self) -> bool {
        let control = self.control();
        control.clear_faults();
        let since = control.ledger_after(self.ordered.load(Ordering::SeqCst));
        since.iter().any(|entry| !entry.faults.is_empty())
    }
}

/// What the suite wants to go wrong, as a fake takes it.
pub(crate) mod faults {
    use super::{CannedAnswer, FakeFault, Fault, FaultAction, Page, Value};

    pub(crate) fn of(fault: &Fault) -> FakeFault {
        FakeFault::new("*", "*", action(fault))
    }

    /// Every answer from now on.
    pub(crate) fn puzzle(word: &str) -> FakeFault {
        FakeFault::new("*", "*", FaultAction::Puzzle(word.to_owned())).for_calls(u64::MAX)
    }

    fn action(fault: &Fault) -> FaultAction {
        match fault {
            Fault::DropRequest => FaultAction::DropRequest,
            Fault::DropAnswer => FaultAction::DropResponse,
            Fault::Answer(page) => FaultAction::Answer(canned(page)),
            Fault::AnswerAfterwards(page) => FaultAction::Answer(canned(page).after_work()),
        }
    }

    fn canned(page: &Page) -> CannedAnswer {
        let mut canned = CannedAnswer::json(page.status, Value::String(page.body.clone()));
        canned.content_type = page.content_type.to_owned();
        if let Some(seconds) = page.retry_after {
            canned.headers.insert("retry-after".to_owned(), seconds.to_string());
        }
        canned
    }
}

/// One service of Cloudflare's on a stage.
pub(crate) trait Service: Send + Sync + 'static {
    /// Makes what must be there, besides the Worker and the project.
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
    /// What happens by itself between two looks at everything.
    fn let_time_pass(_vendor: &Vendor) {}
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
        S::provider(&self.vendor.client())
    }

    fn wishes(&self) -> Wishes {
        S::wishes()
    }

    async fn objects(&self) -> Vec<Object> {
        S::let_time_pass(&self.vendor);
        self.vendor.objects()
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
