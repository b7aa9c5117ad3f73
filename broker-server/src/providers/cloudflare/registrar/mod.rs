//! Cloudflare Registrar, and its sandbox: the same calls at another place, where nothing is real.

mod answers;
mod calls;

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    domain::registration::{self, Parameters, PrivacyMode, Registrar as Place},
};

use super::client::{Answer, Api, Call, CallError, Client, Unclear};
use crate::providers::{
    Account, Need, Provider, ProviderError, Sent,
    registration::{Placed, Policy, Quote, Registered, Registrar, Registration, Workflow},
};
use answers::{Checked, Order, Row, body, quoted, registered, state};
use calls::{Calls, LIVE, LIVE_PRODUCT, SANDBOX, SANDBOX_PRODUCT};
pub(super) use calls::{PROBE, SANDBOX_PROBE, products};

/// The most rows of a list in one answer.
const PER_PAGE: u32 = 50;
/// More pages than any account has: 500 domains are allowed.
const MAX_PAGES: usize = 100;
/// What the sandbox knows.
const SANDBOX_EXTENSIONS: [&str; 2] = ["com", "net"];

/// Provides the plan that costs money.
#[must_use]
pub fn registration(client: &Client, policy: Policy) -> impl Provider + use<> {
    let api = client.of(&LIVE_PRODUCT);
    Registration::at(CloudflareRegistrar { api, calls: &LIVE, place: Place::Cloudflare, policy })
}

/// Provides the plan in the sandbox.
#[must_use]
pub fn sandbox_registration(client: &Client) -> impl Provider + use<> {
    let api = client.of(&SANDBOX_PRODUCT);
    let policy = Policy { extensions: SANDBOX_EXTENSIONS.map(str::to_owned).to_vec(), ..Policy::default() };
    Registration::at(CloudflareRegistrar { api, calls: &SANDBOX, place: Place::CloudflareSandbox, policy })
}

/// The registrar of one account.
#[derive(Debug)]
struct CloudflareRegistrar {
    api: Api,
    calls: &'static Calls,
    place: Place,
    policy: Policy,
}

#[async_trait]
impl Registrar for CloudflareRegistrar {
    type Wanted = Parameters;

    fn offering(&self) -> Offering {
        registration::offering(&[self.place])
    }

    fn account(&self) -> &Account {
        self.api.client().budgeted()
    }

    async fn needs(&self) -> Vec<Need> {
        self.api.client().needs(&[self.api.product()]).await
    }

    fn call_timeout(&self) -> Duration {
        self.api.client().call_timeout()
    }

    fn poll_interval(&self) -> Duration {
        self.api.client().poll_interval()
    }

    fn is_free(&self) -> bool {
        self.place == Place::CloudflareSandbox
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn problems(&self, wanted: &Parameters) -> Vec<String> {
        let is_anonymous = self.place == Place::CloudflareSandbox && wanted.registrant.is_none();
        let problem = "registrant: the sandbox has no default contact; say who registers the domain";
        is_anonymous.then(|| problem.to_owned()).into_iter().collect()
    }

    async fn registration(&self, domain: &str) -> Result<Option<Registered>, ProviderError> {
        let doing = "look for the registration of the domain";
        match self.api.send(&Call::new(&self.calls.read, &[domain])).await.and_then(Answer::into::<Row>) {
            Ok(row) if row.domain_name == domain => Ok(Some(registered(row))),
            Ok(_) => Err(CallError::incomplete(Sent::No).while_trying_to(doing)),
            Err(error) if error.is_gone() => Ok(None),
            Err(error) => Err(error.while_trying_to(doing)),
        }
    }

    async fn is_listed(&self, domain: &str) -> Result<bool, ProviderError> {
        let mut cursor = None;
        for _ in 0..MAX_PAGES {
            let (rows, next) = self.page(cursor.as_deref()).await?;
            if rows.iter().any(|row| row.domain == domain) {
                return Ok(true);
            }
            if next.is_none() {
                return Ok(false);
            }
            cursor = next;
        }
        let endless = CallError::Unavailable { unclear: Unclear::Endless, retry_after: None, sent: Sent::No };
        Err(endless.while_trying_to("list the registrations"))
    }

    async fn workflow(&self, domain: &str, _order: Option<&str>) -> Result<Option<Workflow>, ProviderError> {
        let answer = self.api.send(&Call::new(&self.calls.status, &[domain])).await;
        match answer.and_then(Answer::into::<Order>) {
            Ok(order) => Ok(Some(Workflow { state: state(&order), key: order.created_at })),
            Err(error) if error.is_gone() => Ok(None),
            Err(error) => Err(error.while_trying_to("look how far the order of the domain is")),
        }
    }

    async fn quote(&self, domain: &str) -> Result<Quote, ProviderError> {
        let doing = "ask for the price of the domain";
        let call = Call::new(&self.calls.check, &[]).body(json!({ "domains": [domain] })).reading();
        let checked = self.api.send(&call).await.and_then(Answer::into::<Checked>);
        let Checked { domains } = checked.map_err(|error| error.while_trying_to(doing))?;
        let found = domains.into_iter().find(|found| found.name == domain);
        found.and_then(quoted).ok_or_else(|| CallError::incomplete(Sent::No).while_trying_to(doing))
    }

    async fn register(&self, wanted: &Parameters) -> Result<Placed, ProviderError> {
        let call = Call::new(&self.calls.register, &[]).header("prefer", "respond-async").body(body(wanted));
        let order = self.api.send(&call).await.and_then(Answer::into::<Order>);
        let order = order.map_err(|error| error.while_trying_to("register the domain"))?;
        Ok(Placed { order: None, state: state(&order) })
    }

    async fn renew_itself(&self, domain: &str, on: bool) -> Result<(), ProviderError> {
        let segments = [domain];
        let call = Call::new(&self.calls.change, &segments).body(json!({ "auto_renew": on }));
        let changed = self.api.send(&call).await;
        changed.map(drop).map_err(|error| error.while_trying_to("change the renewal of the domain"))
    }

    async fn page(&self, cursor: Option<&str>) -> Result<(Vec<Registered>, Option<String>), ProviderError> {
        let mut call = Call::new(&self.calls.list, &[]).query("per_page", PER_PAGE);
        if let Some(cursor) = cursor {
            call = call.query("cursor", cursor);
        }
        let doing = "list the registrations";
        let answer = self.api.send(&call).await.map_err(|error| error.while_trying_to(doing))?;
        let next = answer.cursor.clone();
        let rows: Vec<Row> = answer.into().map_err(|error| error.while_trying_to(doing))?;
        Ok((rows.into_iter().map(registered).collect(), next))
    }

    fn dashboard(&self, domain: &str) -> String {
        format!("https://dash.cloudflare.com/{}/domains#{domain}", self.api.client().account())
    }

    fn describing(&self, found: &Registered) -> Map<String, Value> {
        let mut parameters = Map::from_iter([
            ("domain".to_owned(), json!(found.domain)),
            ("auto_renew".to_owned(), json!(found.renews_itself)),
        ]);
        if let Some(private) = found.private {
            let mode = if private { PrivacyMode::Redaction } else { PrivacyMode::Off };
            parameters.insert("privacy_mode".to_owned(), json!(mode));
        }
        parameters
    }
}
