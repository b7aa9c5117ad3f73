//! DNSimple as a registrar. It knows no key that makes a repetition harmless; the domain is the key.

use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Number, Value, json};
use sutler_catalog::{
    Offering,
    domain::registration::{self, DnsimpleParameters, Registrar as Place},
};

use super::client::{Api, Call, CallError, Client, Cursor, Endpoint, Table};
use crate::providers::{
    Account, Need, Provider, ProviderError, Sent,
    registration::{
        Placed, Policy, Price, Quote, Registered, Registrar, Registration, State, Status, Workflow,
    },
};

static DOMAINS: Endpoint = Endpoint { method: Method::GET, template: "/{account}/domains" };
static DOMAIN: Endpoint = Endpoint { method: Method::GET, template: "/{account}/domains/{domain}" };
static CHECK: Endpoint =
    Endpoint { method: Method::GET, template: "/{account}/registrar/domains/{domain}/check" };
static PRICES: Endpoint =
    Endpoint { method: Method::GET, template: "/{account}/registrar/domains/{domain}/prices" };
static REGISTER: Endpoint =
    Endpoint { method: Method::POST, template: "/{account}/registrar/domains/{domain}/registrations" };
static ORDER: Endpoint = Endpoint {
    method: Method::GET,
    template: "/{account}/registrar/domains/{domain}/registrations/{registration}",
};
static RENEW: Endpoint =
    Endpoint { method: Method::PUT, template: "/{account}/registrar/domains/{domain}/auto_renewal" };
static DO_NOT_RENEW: Endpoint = Endpoint { method: Method::DELETE, template: RENEW.template };

/// What it may ask of DNSimple.
pub(super) static TABLE: Table = Table {
    endpoints: &[&DOMAINS, &DOMAIN, &CHECK, &PRICES, &REGISTER, &ORDER, &RENEW, &DO_NOT_RENEW],
    exists: &[],
    in_use: &[],
    advice: &[],
};

/// What DNSimple charges in; its prices do not say it.
const CURRENCY: &str = "USD";

/// Provides the plan at DNSimple.
#[must_use]
pub fn registration(client: &Client, policy: Policy) -> impl Provider + use<> {
    Registration::at(DnsimpleRegistrar { api: client.of(&TABLE), policy })
}

/// The registrar of one account.
#[derive(Debug)]
struct DnsimpleRegistrar {
    api: Api,
    policy: Policy,
}

#[derive(Deserialize)]
struct Row {
    id: u64,
    name: String,
    state: String,
    auto_renew: bool,
    #[serde(default)]
    private_whois: Option<bool>,
    #[serde(default)]
    expires_at: Option<String>,
    #[serde(default)]
    registrant_id: Option<u64>,
}

#[derive(Deserialize)]
struct Order {
    id: u64,
    state: String,
}

#[derive(Deserialize)]
struct Checked {
    available: bool,
    premium: bool,
}

#[derive(Deserialize)]
struct Prices {
    premium: bool,
    registration_price: Number,
    renewal_price: Number,
}

#[async_trait]
impl Registrar for DnsimpleRegistrar {
    type Wanted = DnsimpleParameters;

    fn offering(&self) -> Offering {
        registration::offering(&[Place::Dnsimple])
    }

    fn account(&self) -> &Account {
        self.api.client().budgeted()
    }

    async fn needs(&self) -> Vec<Need> {
        self.api.client().needs()
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

    fn problems(&self, _wanted: &DnsimpleParameters) -> Vec<String> {
        Vec::new()
    }

    /// A domain that is hosted only is not registered, or not yet: an order shows itself so while it is under way.
    async fn registration(&self, domain: &str) -> Result<Option<Registered>, ProviderError> {
        match self.api.typed::<Row>(&Call::new(&DOMAIN, &[domain])).await {
            Ok(row) => Ok(Some(registered(row))),
            Err(CallError::Missing) => Ok(None),
            Err(error) => Err(error.while_trying_to("look for the registration of the domain")),
        }
    }

    /// DNSimple says clearly what is not there, in an account that is known to be ours.
    async fn is_listed(&self, _domain: &str) -> Result<bool, ProviderError> {
        Ok(false)
    }

    /// An order is found by its number alone. Before that is known, the domain shows that there is one.
    async fn workflow(&self, domain: &str, order: Option<&str>) -> Result<Option<Workflow>, ProviderError> {
        let Some(order) = order else { return Ok(None) };
        match self.api.typed::<Order>(&Call::new(&ORDER, &[domain, order])).await {
            Ok(order) => Ok(Some(Workflow { state: state(&order), key: order.id.to_string() })),
            Err(CallError::Missing) => Ok(None),
            Err(error) => Err(error.while_trying_to("look how far the order of the domain is")),
        }
    }

    async fn quote(&self, domain: &str) -> Result<Quote, ProviderError> {
        let doing = "ask for the price of the domain";
        let segments = [domain];
        let checked = self.api.typed::<Checked>(&Call::new(&CHECK, &segments)).await;
        let checked = checked.map_err(|error| error.while_trying_to(doing))?;
        if !checked.available {
            return Ok(Quote::Taken);
        }
        let prices = self.api.typed::<Prices>(&Call::new(&PRICES, &segments)).await;
        let prices = prices.map_err(|error| error.while_trying_to(doing))?;
        if checked.premium || prices.premium {
            return Ok(Quote::Premium);
        }
        price(&prices).ok_or_else(|| CallError::incomplete(Sent::No).while_trying_to(doing)).map(Quote::For)
    }

    async fn register(&self, wanted: &DnsimpleParameters) -> Result<Placed, ProviderError> {
        let body = json!({ "registrant_id": wanted.registrant_id, "auto_renew": wanted.auto_renew });
        let segments = [wanted.domain.as_str()];
        let order = self.api.typed::<Order>(&Call::new(&REGISTER, &segments).body(body)).await;
        let order = order.map_err(|error| error.while_trying_to("register the domain"))?;
        Ok(Placed { state: state(&order), order: Some(order.id.to_string()) })
    }

    async fn renew_itself(&self, domain: &str, on: bool) -> Result<(), ProviderError> {
        let segments = [domain];
        let changed = self.api.send(&Call::new(if on { &RENEW } else { &DO_NOT_RENEW }, &segments)).await;
        changed.map(drop).map_err(|error| error.while_trying_to("change the renewal of the domain"))
    }

    async fn page(&self, cursor: Option<&str>) -> Result<(Vec<Registered>, Option<String>), ProviderError> {
        let doing = "list the domains";
        let page = self.api.page(Call::new(&DOMAINS, &[]), Cursor::read(cursor)?).await;
        let (rows, next) = page.map_err(|error| error.while_trying_to(doing))?;
        let rows: Result<Vec<Row>, _> = rows.into_iter().map(serde_json::from_value).collect();
        let rows = rows.map_err(|_| CallError::incomplete(Sent::No).while_trying_to(doing))?;
        Ok((rows.into_iter().map(registered).collect(), next.map(Cursor::written)))
    }

    fn dashboard(&self, domain: &str) -> String {
        format!("https://dnsimple.com/a/{}/domains/{domain}", self.api.client().account())
    }

    fn describing(&self, found: &Registered) -> Map<String, Value> {
        let mut parameters = Map::from_iter([
            ("domain".to_owned(), json!(found.domain)),
            ("auto_renew".to_owned(), json!(found.renews_itself)),
        ]);
        if let Some(registrant) = found.registrant {
            parameters.insert("registrant_id".to_owned(), json!(registrant));
        }
        parameters
    }
}

fn registered(row: Row) -> Registered {
    Registered {
        status: match row.state.as_str() {
            "registered" => Status::Active,
            "hosted" => Status::Pending,
            "expired" => Status::Expired,
            _ => Status::Unknown,
        },
        // shown to people, so it has to be what it should be
        expires_at: row.expires_at.filter(|text| text.parse::<jiff::Timestamp>().is_ok()),
        renews_itself: row.auto_renew,
        private: row.private_whois,
        registrant: row.registrant_id,
        identity: row.id.to_string(),
        domain: row.name,
    }
}

fn state(order: &Order) -> State {
    match order.state.as_str() {
        "new" => State::Waiting,
        "registering" => State::Working,
        "registered" => State::Succeeded,
        "cancelled" | "failed" => State::Failed(None),
        _ => State::Unknown,
    }
}

/// Prices are numbers of JSON. Their shortest text is what was meant; whatever has an exponent or a sign is no price.
fn price(prices: &Prices) -> Option<Price> {
    let amount = |number: &Number| number.to_string().parse().ok();
    Some(Price {
        first_year: amount(&prices.registration_price)?,
        later_year: amount(&prices.renewal_price)?,
        currency: CURRENCY.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_known() {
        for (word, expected) in [
            ("new", State::Waiting),
            ("registering", State::Working),
            ("registered", State::Succeeded),
            ("failed", State::Failed(None)),
            ("cancelled", State::Failed(None)),
            ("dancing", State::Unknown),
        ] {
            assert_eq!(state(&Order { id: 1, state: word.to_owned() }), expected);
        }
    }

    #[test]
    fn a_price_is_read_to_the_cent_from_a_number_and_a_strange_one_is_none() {
        let read = |text: &str| {
            let number: Number = serde_json::from_str(text).unwrap();
            let prices = Prices { premium: false, registration_price: number.clone(), renewal_price: number };
            price(&prices).map(|price| price.first_year.to_string())
        };
        for (text, expected) in [("20.0", "20.00"), ("9.99", "9.99"), ("14", "14.00"), ("0.1", "0.10")] {
            assert_eq!(read(text).as_deref(), Some(expected));
        }
        for odd in ["-1.0", "1e30", "0.00001"] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }
}
