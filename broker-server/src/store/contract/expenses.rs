//! Money: what is reserved counts for everyone, and of many who would break a limit together, as many pass as it allows.

use std::sync::Arc;

use super::{LONG, begun, finish};
use crate::{
    budget::AccountKey,
    expense::{Exceeded, Expense, Limits, Reservation, Scope, Spending},
    instance::InstanceState,
    operation::{Lease, Operation},
    store::{BrokerStore, Hold, Rows, Save, StoreError},
};

pub(super) async fn run(store: Arc<dyn BrokerStore>) {
    a_purchase_is_counted_once_with_what_it_costs_last(store.as_ref()).await;
    each_limit_counts_its_own(store.as_ref()).await;
    what_breaks_a_limit_writes_nothing_at_all(store.as_ref()).await;
    who_has_lost_its_lease_reserves_nothing(store.as_ref()).await;
    of_many_at_once_as_many_pass_as_the_limit_allows(store).await;
}

fn reservation(account: &str, (purchase, price): (&str, &str), all: &str) -> Reservation {
    let amount = |text: &str| text.parse().expect("an amount");
    let limits = Limits { all: Some(amount(all)), ..Limits::default() };
    let expense =
        Expense { purchase: purchase.to_owned(), amount: amount(price), currency: "USD".to_owned(), limits };
    let (organization, space) = ("o".to_owned(), "s".to_owned());
    Reservation { account: AccountKey::new("registrar", account), organization, space, expense }
}

async fn write(
    store: &dyn BrokerStore,
    (lease, operation): (&Lease, &Operation),
    spending: Spending,
) -> Result<(), StoreError> {
    let rows = Rows { spending, ..Rows::default() };
    let (lease, operation) = (lease.clone(), operation.clone());
    store.save(Save { lease, operation, hold: Hold::Keep(LONG), rows, event: None }).await
}

async fn reserve(
    store: &dyn BrokerStore,
    held: (&Lease, &Operation),
    reservation: Reservation,
) -> Option<Exceeded> {
    match write(store, held, Spending::Reserve(Box::new(reservation))).await {
        Ok(()) => None,
        Err(StoreError::Overspent(exceeded)) => Some(*exceeded),
        Err(error) => panic!("{error:?}"),
    }
}

async fn a_purchase_is_counted_once_with_what_it_costs_last(store: &dyn BrokerStore) {
    let (lease, operation) = begun(store, "buys-once").await;
    let held = (&lease, &operation);
    let buy =
        async |purchase, price| reserve(store, held, reservation("once", (purchase, price), "10")).await;
    for price in ["6", "6", "9.9999", "4"] {
        assert_eq!(buy("one", price).await, None, "{price}");
    }
    assert_eq!(buy("two", "6").await, None, "4 and 6");
    let exceeded = buy("three", "0.0001").await.expect("nothing is left");
    assert_eq!((exceeded.spent.to_string(), exceeded.limit.to_string()), ("10.00".into(), "10.00".into()));
    assert!(buy("one", "4.01").await.is_some(), "dearer than what is left");
    write(store, held, Spending::GiveBack("two".to_owned())).await.expect("give back");
    assert_eq!(buy("three", "6").await, None, "what was given back is there again");
    finish(store, &lease, operation, InstanceState::Ready).await;
}

async fn each_limit_counts_its_own(store: &dyn BrokerStore) {
    let (lease, operation) = begun(store, "buys-apart").await;
    let held = (&lease, &operation);
    let limits =
        Limits { all: "100".parse().ok(), organization: "20".parse().ok(), space: "10".parse().ok() };
    let buy = async |purchase: &str, place: (&str, &str), currency: &str| {
        let mut wanted = reservation("apart", (purchase, "10"), "100");
        (wanted.organization, wanted.space) = (place.0.to_owned(), place.1.to_owned());
        (wanted.expense.currency, wanted.expense.limits) = (currency.to_owned(), limits);
        reserve(store, held, wanted).await.map(|exceeded| exceeded.scope)
    };
    assert_eq!(buy("1", ("a", "x"), "USD").await, None);
    assert_eq!(buy("2", ("a", "x"), "USD").await, Some(Scope::Space));
    assert_eq!(buy("2", ("a", "y"), "USD").await, None);
    assert_eq!(buy("3", ("a", "z"), "USD").await, Some(Scope::Organization));
    assert_eq!(buy("3", ("b", "x"), "USD").await, None, "a space of the same name elsewhere");
    assert_eq!(buy("4", ("a", "x"), "EUR").await, None, "other money");
    for number in 0..7 {
        let (purchase, organization) = (format!("c{number}"), format!("c{number}"));
        assert_eq!(buy(&purchase, (&organization, "x"), "USD").await, None, "{number}");
    }
    assert_eq!(buy("5", ("d", "x"), "USD").await, Some(Scope::All));
    finish(store, &lease, operation, InstanceState::Ready).await;
}

async fn what_breaks_a_limit_writes_nothing_at_all(store: &dyn BrokerStore) {
    let (lease, operation) = begun(store, "buys-nothing").await;
    let next = Operation { turn: operation.turn + 7, ..operation.clone() };
    let exceeded = reserve(store, (&lease, &next), reservation("nothing", ("p", "10.01"), "10")).await;
    assert!(exceeded.is_some());
    let found = store.operation(&operation.id).await.expect("read").expect("there");
    assert_eq!(found.turn, operation.turn, "the intent is not there either");
    finish(store, &lease, operation, InstanceState::Ready).await;
}

async fn who_has_lost_its_lease_reserves_nothing(store: &dyn BrokerStore) {
    let (lease, operation) = begun(store, "buys-late").await;
    let lost = Lease { fence: lease.fence + 1, ..lease.clone() };
    let wanted = || reservation("late", ("p", "10"), "10");
    let late = write(store, (&lost, &operation), Spending::Reserve(Box::new(wanted()))).await;
    assert!(matches!(late, Err(StoreError::LeaseLost)), "{late:?}");
    let mut other = wanted();
    other.expense.purchase = "q".to_owned();
    assert_eq!(reserve(store, (&lease, &operation), other).await, None, "nothing was counted");
    finish(store, &lease, operation, InstanceState::Ready).await;
}

async fn of_many_at_once_as_many_pass_as_the_limit_allows(store: Arc<dyn BrokerStore>) {
    let mut tasks = Vec::new();
    for number in 0..16 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let (lease, operation) = begun(store.as_ref(), &format!("buys-at-once-{number}")).await;
            let purchase = format!("at-once-{number}");
            let wanted = reservation("at-once", (&purchase, "10"), "55");
            let exceeded = reserve(store.as_ref(), (&lease, &operation), wanted).await;
            finish(store.as_ref(), &lease, operation, InstanceState::Ready).await;
            exceeded.is_none()
        }));
    }
    let mut passed = 0;
    for task in tasks {
        passed += usize::from(task.await.expect("no panic"));
    }
    assert_eq!(passed, 5, "five times ten are within fifty-five");
}
