//! What may be spent in a month: counted before an order is given, for all brokers of a store, by the real engine.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sutler_broker_server::broker::{Broker, BrokerError, Caller};
use sutler_broker_server::config::Tuning;
use sutler_broker_server::expense::Limits;
use sutler_broker_server::providers::{Policy, Provider, Refusal, cloudflare};
use sutler_broker_server::store::Actor;
use sutler_spec::{Asynchrony, InstanceId, Provisioned};
use sutler_tests::cloudflare::{CannedAnswer, Fault, FaultAction, Kind};

use super::{policy, things, wanted};
use crate::cloudflare::Vendor;
use crate::site::Memory;

/// What every domain costs at the fake.
const PRICE: &str = "10.44";
const ORDERS: &str = "/accounts/*/registrar/registrations";

/// Brokers on one store, at one registrar.
struct Market {
    vendor: Vendor,
    memory: Memory,
    limits: Limits,
}

fn amount(text: &str) -> Option<sutler_catalog::domain::amount::Amount> {
    text.parse().ok()
}

fn quick() -> Tuning {
    Tuning {
        poll_interval: Duration::from_millis(5),
        backoff_cap: Duration::from_millis(20),
        lease: Duration::from_secs(2),
        ..Tuning::default()
    }
}

impl Market {
    async fn with(limits: Limits) -> Self {
        let vendor = Vendor::start().await;
        vendor.control().make_the_registrar_careless();
        Self { vendor, memory: Memory::new(), limits }
    }

    fn provider(&self) -> Arc<dyn Provider> {
        let monthly = Some((self.limits, "USD".to_owned()));
        Arc::new(cloudflare::registration(&self.vendor.client(), Policy { monthly, ..policy() }))
    }

    async fn broker(&self) -> Arc<Broker> {
        self.memory.broker(self.provider(), quick()).await
    }

    /// Asks for a domain, on behalf of a space of an organization.
    async fn buy(
        &self,
        broker: &Broker,
        (name, organization, space): (&str, &str, &str),
    ) -> Result<Provisioned, BrokerError> {
        let offering = self.provider().offering();
        let request = json!({
            "service_id": offering.id(), "plan_id": offering.plans()[0].id(),
            "organization_guid": organization, "space_guid": space, "parameters": wanted(&format!("{name}.com")),
        });
        let request = serde_json::from_value(request).unwrap();
        let caller = Caller { actor: Actor::default(), asynchrony: Asynchrony::Refused };
        broker.provision(&InstanceId::new(name).unwrap(), &request, &caller).await
    }

    fn charges(&self) -> usize {
        things(&self.vendor, Kind::Charge).len()
    }
}

/// What was refused because of a limit.
fn told(result: &Result<Provisioned, BrokerError>) -> &str {
    match result {
        Err(BrokerError::Work { failure, .. }) if failure.refusal == Some(Refusal::Quota) => {
            &failure.description
        }
        other => panic!("not refused for its price: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_orders_at_once_at_two_brokers_as_many_are_given_as_the_limit_allows() {
    let limits = Limits { all: amount("25"), ..Limits::default() };
    let market = Arc::new(Market::with(limits).await);
    let brokers = [market.broker().await, market.broker().await];
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let (market, broker) = (market.clone(), brokers[number % 2].clone());
        tasks.spawn(async move { market.buy(&broker, (&format!("shop-{number}"), "o", "s")).await });
    }
    let results: Vec<_> = tasks.join_all().await;
    let (bought, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((bought.len(), market.charges()), (2, 2), "two times {PRICE} are within 25");
    for refused in &refused {
        let told = told(refused);
        for part in ["25.00 USD", "20.88 USD", "10.44 USD", "was not ordered", "00:00 UTC"] {
            assert!(told.contains(part), "{told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_and_spaces_have_limits_of_their_own() {
    let limits = Limits { organization: amount("22"), space: amount("11"), ..Limits::default() };
    let market = Market::with(limits).await;
    let broker = market.broker().await;
    for place in [("a-1", "a", "1"), ("a-2", "a", "2"), ("b-1", "b", "1")] {
        market.buy(&broker, place).await.unwrap();
    }
    let refused = market.buy(&broker, ("again", "b", "1")).await;
    assert!(told(&refused).contains("this space"), "{}", told(&refused));
    let refused = market.buy(&broker, ("more", "a", "3")).await;
    assert!(told(&refused).contains("this organization"), "{}", told(&refused));
    assert_eq!(market.charges(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_answer_is_lost_or_whose_broker_dies_is_counted_once_and_not_forgotten() {
    for dies in [false, true] {
        let limits = Limits { all: amount("21"), ..Limits::default() };
        let market = Arc::new(Market::with(limits).await);
        let action = if dies {
            FaultAction::Delay { milliseconds: 400, after_work: false }
        } else {
            FaultAction::DropResponse
        };
        market.vendor.control().add_fault(Fault::new("POST", ORDERS, action));
        let mut broker = market.broker().await;
        let first = {
            let (market, broker) = (market.clone(), broker.clone());
            tokio::spawn(async move { market.buy(&broker, ("first", "o", "s")).await })
        };
        if dies {
            let control = market.vendor.control();
            // the order is on its way when the process dies
            while !control.ledger().iter().any(|entry| entry.path.ends_with("/domain-check")) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            broker.abort().await;
            first.abort();
            broker = market.broker().await;
            market.buy(&broker, ("first", "o", "s")).await.unwrap();
        } else {
            first.await.unwrap().unwrap();
        }
        market.buy(&broker, ("second", "o", "s")).await.unwrap();
        let refused = market.buy(&broker, ("third", "o", "s")).await;
        assert!(told(&refused).contains("20.88 USD are spent"), "{}", told(&refused));
        assert_eq!(market.charges(), 2, "died: {dies}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn money_for_an_order_that_was_refused_is_there_again() {
    let limits = Limits { space: amount("11"), ..Limits::default() };
    let market = Market::with(limits).await;
    let refusal = json!({ "success": false, "errors": [{ "code": 1, "message": "no" }], "messages": [] });
    let refusal = FaultAction::Answer(CannedAnswer::json(400, refusal));
    market.vendor.control().add_fault(Fault::new("POST", ORDERS, refusal));
    let broker = market.broker().await;
    let refused = market.buy(&broker, ("refused", "o", "s")).await;
    assert!(matches!(&refused, Err(BrokerError::Work { failure, .. }) if !failure.touched), "{refused:?}");
    market.buy(&broker, ("shop", "o", "s")).await.unwrap();
    assert_eq!(market.charges(), 1);
    let never = market.buy(&broker, ("shop-2", "o", "s")).await;
    assert!(told(&never).contains("10.44 USD are spent"), "{}", told(&never));
}
