//! Cloudflare Registrar, and its sandbox: the same calls at another place, where nothing is real.

use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    domain::{
        amount::Amount,
        registration::{self, Parameters, PrivacyMode, Registrant, Registrar as Place},
    },
};

use super::client::{
    Answer, Api, Call, CallError, Client, Endpoint, Place as Where, Probe, Product, Unclear,
};
use crate::providers::{
    Account, Need, Provider, ProviderError, Sent,
    registration::{
        Placed, Policy, Price, Quote, Registered, Registrar, Registration, State, Status, Workflow,
    },
};

/// The calls at one of the two places.
#[derive(Debug)]
struct Calls {
    check: Endpoint,
    list: Endpoint,
    register: Endpoint,
    read: Endpoint,
    change: Endpoint,
    status: Endpoint,
}

static LIVE: Calls = Calls {
    check: Endpoint { method: Method::POST, template: "/accounts/{account}/registrar/domain-check" },
    list: Endpoint { method: Method::GET, template: "/accounts/{account}/registrar/registrations" },
    register: Endpoint { method: Method::POST, template: "/accounts/{account}/registrar/registrations" },
    read: Endpoint { method: Method::GET, template: "/accounts/{account}/registrar/registrations/{domain}" },
    change: Endpoint {
        method: Method::PATCH,
        template: "/accounts/{account}/registrar/registrations/{domain}",
    },
    status: Endpoint {
        method: Method::GET,
        template: "/accounts/{account}/registrar/registrations/{domain}/registration-status",
    },
};

static SANDBOX: Calls = Calls {
    check: Endpoint { method: Method::POST, template: "/accounts/{account}/registrar-sandbox/domain-check" },
    list: Endpoint { method: Method::GET, template: "/accounts/{account}/registrar-sandbox/registrations" },
    register: Endpoint {
        method: Method::POST,
        template: "/accounts/{account}/registrar-sandbox/registrations",
    },
    read: Endpoint {
        method: Method::GET,
        template: "/accounts/{account}/registrar-sandbox/registrations/{domain}",
    },
    change: Endpoint {
        method: Method::PATCH,
        template: "/accounts/{account}/registrar-sandbox/registrations/{domain}",
    },
    status: Endpoint {
        method: Method::GET,
        template: "/accounts/{account}/registrar-sandbox/registrations/{domain}/registration-status",
    },
};

/// The numbers of the registrar's refusals are not published; what is not there is told by the status.
const UNNUMBERED: Product =
    Product { endpoints: &[], missing: &[], exists: &[], transient: &[], advice: &[] };
static LIVE_PRODUCT: Product = Product {
    endpoints: &[&LIVE.check, &LIVE.list, &LIVE.register, &LIVE.read, &LIVE.change, &LIVE.status],
    ..UNNUMBERED
};
static SANDBOX_PRODUCT: Product = Product {
    endpoints: &[
        &SANDBOX.check,
        &SANDBOX.list,
        &SANDBOX.register,
        &SANDBOX.read,
        &SANDBOX.change,
        &SANDBOX.status,
    ],
    ..UNNUMBERED
};

/// Shows whether the token may see what is registered.
pub(super) static PROBE: Probe = Probe {
    product: &LIVE_PRODUCT,
    endpoint: &LIVE.list,
    place: Where::Account(&[]),
    query: &[("per_page", "10")],
    headers: &[],
    permissions: "Registrar Domains Write",
};

/// The same in the sandbox.
pub(super) static SANDBOX_PROBE: Probe =
    Probe { product: &SANDBOX_PRODUCT, endpoint: &SANDBOX.list, ..PROBE };

/// What it may ask of Cloudflare, at both places.
pub(super) fn products() -> [&'static Product; 2] {
    [&LIVE_PRODUCT, &SANDBOX_PRODUCT]
}

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
    let policy = Policy { extensions: SANDBOX_EXTENSIONS.map(str::to_owned).to_vec(), at_most: None };
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

#[derive(Deserialize)]
struct Row {
    domain_name: String,
    status: String,
    created_at: String,
    expires_at: Option<String>,
    auto_renew: bool,
    #[serde(default)]
    privacy_mode: Option<String>,
}

#[derive(Deserialize)]
struct Order {
    state: String,
    created_at: String,
    #[serde(default)]
    error: Option<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
}

#[derive(Deserialize)]
struct Checked {
    domains: Vec<CheckedDomain>,
}

#[derive(Deserialize)]
struct CheckedDomain {
    name: String,
    registrable: bool,
    #[serde(default)]
    tier: Option<String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    pricing: Option<Pricing>,
}

#[derive(Deserialize)]
struct Pricing {
    currency: String,
    registration_cost: Amount,
    renewal_cost: Amount,
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

fn registered(row: Row) -> Registered {
    Registered {
        status: match row.status.as_str() {
            "active" => Status::Active,
            "registration_pending" | "transfer_pending" => Status::Pending,
            "expired" => Status::Expired,
            "suspended" => Status::Suspended,
            "redemption_period" => Status::Redemption,
            "pending_delete" => Status::Deleting,
            _ => Status::Unknown,
        },
        // shown to people, so it has to be what it should be
        expires_at: row.expires_at.filter(|text| text.parse::<jiff::Timestamp>().is_ok()),
        private: match row.privacy_mode.as_deref() {
            Some("redaction") => Some(true),
            Some("off") => Some(false),
            _ => None,
        },
        renews_itself: row.auto_renew,
        identity: row.created_at,
        domain: row.domain_name,
    }
}

fn state(order: &Order) -> State {
    match order.state.as_str() {
        "pending" => State::Waiting,
        "in_progress" => State::Working,
        "action_required" => State::ActionRequired,
        "blocked" => State::Blocked,
        "succeeded" => State::Succeeded,
        "failed" => State::Failed(order.error.as_ref().map(|problem| problem.code.clone()).filter(is_code)),
        _ => State::Unknown,
    }
}

/// Whether a text is a word for programs, not one of the vendor's sentences.
#[expect(clippy::ptr_arg, reason = "`Option<String>::filter` gives it so")]
fn is_code(text: &String) -> bool {
    let known = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    (1..=64).contains(&text.len()) && text.bytes().all(known)
}

/// Nothing when the answer says yes, and no price.
fn quoted(found: CheckedDomain) -> Option<Quote> {
    let is_premium = found.tier.as_deref() == Some("premium");
    Some(match (found.registrable, found.reason.as_deref()) {
        (_, Some("domain_premium")) => Quote::Premium,
        (true, _) if is_premium => Quote::Premium,
        (true, None) => {
            let Pricing { currency, registration_cost, renewal_cost } = found.pricing?;
            Quote::For(Price { first_year: registration_cost, later_year: renewal_cost, currency })
        }
        (false, Some("domain_unavailable")) => Quote::Taken,
        (
            false,
            Some(
                "extension_not_supported_via_api"
                | "extension_not_supported"
                | "extension_disallows_registration",
            ),
        ) => Quote::NotSold,
        _ => Quote::Unclear,
    })
}

fn body(wanted: &Parameters) -> Value {
    let mut body = json!({
        "domain_name": wanted.domain,
        "years": wanted.years,
        "auto_renew": wanted.auto_renew,
        "privacy_mode": wanted.privacy_mode,
    });
    if let Some(registrant) = &wanted.registrant {
        body["contacts"] = json!({ "registrant": contact(registrant) });
    }
    body
}

fn contact(registrant: &Registrant) -> Value {
    let mut postal = json!({
        "name": registrant.name,
        "address": {
            "street": registrant.street,
            "city": registrant.city,
            "state": registrant.state,
            "postal_code": registrant.postal_code,
            "country_code": registrant.country_code,
        },
    });
    if let Some(organization) = &registrant.organization {
        postal["organization"] = json!(organization);
    }
    json!({ "email": registrant.email, "phone": registrant.phone, "postal_info": postal })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(state: &str, code: Option<&str>) -> State {
        let error = code.map(|code| Problem { code: code.to_owned() });
        super::state(&Order { state: state.to_owned(), created_at: "now".to_owned(), error })
    }

    #[test]
    fn every_state_of_an_order_is_known_and_a_sentence_of_the_vendor_is_no_code() {
        for (word, expected) in [
            ("pending", State::Waiting),
            ("in_progress", State::Working),
            ("action_required", State::ActionRequired),
            ("blocked", State::Blocked),
            ("succeeded", State::Succeeded),
            ("paused_by_a_dog", State::Unknown),
        ] {
            assert_eq!(order(word, None), expected);
        }
        let failed = |code: &str| State::Failed(Some(code.to_owned()));
        assert_eq!(order("failed", Some("registry_error")), failed("registry_error"));
        assert_eq!(order("failed", Some("Your card was declined.")), State::Failed(None));
    }

    fn quote(found: Value) -> Option<Quote> {
        quoted(serde_json::from_value(found).unwrap())
    }

    #[test]
    fn a_price_is_believed_only_where_the_answer_is_whole() {
        let pricing = json!({ "currency": "USD", "registration_cost": "10.44", "renewal_cost": "10.44" });
        let sold = json!({ "name": "a.com", "registrable": true, "tier": "standard", "pricing": pricing });
        assert!(matches!(quote(sold), Some(Quote::For(price)) if price.currency == "USD"));
        assert_eq!(quote(json!({ "name": "a.com", "registrable": true })), None);
        let premium = json!({ "name": "a.com", "registrable": true, "tier": "premium", "pricing": pricing });
        assert_eq!(quote(premium), Some(Quote::Premium));
        for (reason, expected) in [
            ("domain_unavailable", Quote::Taken),
            ("domain_premium", Quote::Premium),
            ("extension_not_supported", Quote::NotSold),
            ("extension_not_supported_via_api", Quote::NotSold),
            ("extension_disallows_registration", Quote::NotSold),
            ("another_reason", Quote::Unclear),
        ] {
            let found = json!({ "name": "a.com", "registrable": false, "reason": reason });
            assert_eq!(quote(found), Some(expected), "{reason}");
        }
        for odd in ["ten", "-1", "1e2", "10,44"] {
            let pricing = json!({ "currency": "USD", "registration_cost": odd, "renewal_cost": "1" });
            let found = json!({ "name": "a.com", "registrable": true, "pricing": pricing });
            assert!(serde_json::from_value::<CheckedDomain>(found).is_err(), "{odd}");
        }
    }

    #[test]
    fn every_status_is_known_and_a_date_that_is_none_is_not_shown() {
        let row = |status: &str, expires_at: &str| {
            registered(Row {
                domain_name: "a.com".to_owned(),
                status: status.to_owned(),
                created_at: "2026-12-01T00:00:00Z".to_owned(),
                expires_at: Some(expires_at.to_owned()),
                auto_renew: false,
                privacy_mode: None,
            })
        };
        for (word, expected) in [
            ("active", Status::Active),
            ("registration_pending", Status::Pending),
            ("expired", Status::Expired),
            ("suspended", Status::Suspended),
            ("redemption_period", Status::Redemption),
            ("pending_delete", Status::Deleting),
            ("lost_in_space", Status::Unknown),
        ] {
            assert_eq!(row(word, "2027-12-01T00:00:00Z").status, expected);
        }
        assert_eq!(row("active", "call us").expires_at, None);
    }
}
