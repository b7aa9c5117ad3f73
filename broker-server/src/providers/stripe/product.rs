//! `stripe-product`: something that is sold, with its prices.
//!
//! A price never changes: another amount is another price, which takes over the lookup key, and the earlier one is
//! archived. Subscriptions keep the price that they began with.

use http::Method;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    stripe::{
        Mode,
        product::{self, Interval, Parameters, Price, TaxBehavior, output},
    },
};
use sutler_spec::PlanId;

use super::{
    client::{ACCOUNT, Endpoint, Table},
    object::{
        Act, Adoption, Family, Field, Flag, Identity, Kind, MARK, Naming, Removal, Traits, is_same, mark,
    },
};
use crate::providers::FieldDrift;

static CREATE: Endpoint = Endpoint { method: Method::POST, template: "/v1/products" };
static LIST: Endpoint = Endpoint { method: Method::GET, template: "/v1/products" };
static READ: Endpoint = Endpoint { method: Method::GET, template: "/v1/products/{id}" };
static UPDATE: Endpoint = Endpoint { method: Method::POST, template: "/v1/products/{id}" };
static DELETE: Endpoint = Endpoint { method: Method::DELETE, template: "/v1/products/{id}" };
static LIST_PRICES: Endpoint = Endpoint { method: Method::GET, template: "/v1/prices" };
static CREATE_PRICE: Endpoint = Endpoint { method: Method::POST, template: "/v1/prices" };
static UPDATE_PRICE: Endpoint = Endpoint { method: Method::POST, template: "/v1/prices/{id}" };

/// What it may ask of Stripe.
pub(super) static TABLE: Table = Table {
    endpoints: &[
        &ACCOUNT,
        &CREATE,
        &LIST,
        &READ,
        &UPDATE,
        &DELETE,
        &LIST_PRICES,
        &CREATE_PRICE,
        &UPDATE_PRICE,
    ],
    exists: &["already uses that lookup key"],
    limits: &[],
    in_use: &["cannot be deleted because", "default price"],
};

/// The key of a price, in its metadata.
const KEY: &str = "sutler_price";

/// Products.
#[derive(Debug)]
pub(super) struct Products;

impl Kind for Products {
    type Wanted = Parameters;

    const TRAITS: Traits = Traits {
        what: "product",
        permissions: "write on Products, Prices",
        table: &TABLE,
        create: &CREATE,
        list: &LIST,
        filters: &[&[("active", "true")]],
        read: &READ,
        told: &[],
        update: &UPDATE,
        identity: Identity::OwnId,
        removal: Removal::DeleteOrArchive {
            delete: &DELETE,
            archive: (&UPDATE, Flag::Active(false)),
            revive: (&UPDATE, Flag::Active(true)),
        },
        shown_once: None,
        dashboard: "products",
        adoption: Adoption::By(&[
            ("name", "/name"),
            ("description", "/description"),
            ("statement_descriptor", "/statement_descriptor"),
            ("tax_code", "/tax_code"),
            ("unit_label", "/unit_label"),
            ("url", "/url"),
        ]),
    };

    const FAMILY: Option<Family> = Some(Family {
        what: "price",
        list: &LIST_PRICES,
        of: "product",
        create: &CREATE_PRICE,
        update: &UPDATE_PRICE,
    });

    fn offering(modes: &[Mode]) -> Offering {
        product::offering(modes)
    }

    fn mode(plan: &PlanId) -> Option<Mode> {
        super::mode(plan, product::TEST, product::LIVE)
    }

    fn fields(wanted: &Parameters, _naming: &Naming<'_>) -> Vec<Field> {
        vec![
            Field::new("name", "/name", wanted.name.as_str()),
            Field::new("description", "/description", wanted.description.as_deref()),
            Field::new(
                "statement_descriptor",
                "/statement_descriptor",
                wanted.statement_descriptor.as_deref(),
            ),
            Field::new("tax_code", "/tax_code", wanted.tax_code.as_deref()),
            Field::new("unit_label", "/unit_label", wanted.unit_label.as_deref()),
            Field::new("url", "/url", wanted.url.as_deref()),
        ]
    }

    fn next(wanted: &Parameters, naming: &Naming<'_>, product: &Value, prices: &[Value]) -> Option<Act> {
        let prices = Prices { naming, product, prices };
        let wished = wanted.prices.iter().find_map(|(key, price)| prices.converge(key, price));
        wished.or_else(|| prices.default_price(wanted)).or_else(|| prices.retire(wanted))
    }

    fn last(naming: &Naming<'_>, product: &Value, prices: &[Value]) -> Option<Act> {
        let prices = Prices { naming, product, prices };
        // a price cannot be archived as long as the product names it
        let named =
            product["default_price"].as_str().filter(|id| prices.ours().any(|price| price["id"] == **id));
        match named {
            Some(_) => Some(Act::Parent(json!({ "default_price": "" }))),
            None => prices.ours().find(|price| price["active"] == true).and_then(Act::archive),
        }
    }

    fn family_drift(wanted: &Parameters, naming: &Naming<'_>, prices: &[Value]) -> Vec<FieldDrift> {
        let prices = Prices { naming, product: &Value::Null, prices };
        wanted.prices.iter().filter_map(|(key, price)| prices.drift(key, price)).collect()
    }

    fn attributes(product: &Value, prices: &[Value]) -> Map<String, Value> {
        let current = |price: &&Value| price["active"] == true && !price["lookup_key"].is_null();
        let by_key = |field: &str| -> Map<String, Value> {
            let keyed = prices.iter().filter(current).filter_map(|price| {
                let key = price["metadata"][KEY].as_str()?;
                Some((key.to_owned(), price[field].clone()))
            });
            keyed.collect()
        };
        Map::from_iter([
            (output::PRODUCT_ID.to_owned(), product["id"].clone()),
            (output::PRICES.to_owned(), Value::Object(by_key("id"))),
            (output::LOOKUP_KEYS.to_owned(), Value::Object(by_key("lookup_key"))),
        ])
    }

    fn problems(wanted: &Parameters) -> Vec<String> {
        let prices = wanted.prices.iter().flat_map(|(key, price)| problems(key, price));
        let default = wanted.default_price.iter().filter(|key| !wanted.prices.contains_key(*key));
        let default = default.map(|key| format!("default_price: there is no price {key}"));
        prices.chain(default).collect()
    }
}

/// What a schema cannot say of a price.
fn problems(key: &str, price: &Price) -> Vec<String> {
    let problem = |text: &str| format!("prices/{key}: {text}");
    let mut found = Vec::new();
    if price.unit_amount.is_some() == price.unit_amount_decimal.is_some() {
        found.push(problem("takes either unit_amount or unit_amount_decimal"));
    }
    if price.interval.is_none() && (price.interval_count.is_some() || price.meter.is_some()) {
        found.push(problem("interval_count and meter need an interval"));
    }
    let longest = match price.interval {
        Some(Interval::Day) => 1_095,
        Some(Interval::Week) => 156,
        Some(Interval::Month) => 36,
        Some(Interval::Year) | None => 3,
    };
    if price.interval_count.is_some_and(|count| count > longest) {
        found.push(problem("recurs less than once in three years"));
    }
    found
}

/// The prices of a product.
struct Prices<'a> {
    naming: &'a Naming<'a>,
    product: &'a Value,
    prices: &'a [Value],
}

impl Prices<'_> {
    /// Those that this instance made.
    fn ours(&self) -> impl Iterator<Item = &Value> {
        let mark = mark(self.naming.marker);
        self.prices.iter().filter(move |price| price["metadata"][MARK] == mark.as_str())
    }

    /// Unique in the account, and the same for every price that a key ever has.
    fn lookup_key(&self, key: &str) -> String {
        format!("osb_{}_{key}", mark(self.naming.marker))
    }

    /// The one that has the lookup key now, in use or not.
    fn holder(&self, key: &str) -> Option<&Value> {
        let lookup_key = self.lookup_key(key);
        self.ours().find(|price| price["lookup_key"] == lookup_key.as_str())
    }

    /// The next change that makes the price of a key what is asked for.
    fn converge(&self, key: &str, wanted: &Price) -> Option<Act> {
        let terms = terms(wanted);
        let Some(holder) = self.holder(key).filter(|holder| is_same(&terms, holder)) else {
            return Some(Act::Create(self.creation(key, wanted, terms)));
        };
        let id = holder["id"].as_str()?.to_owned();
        if holder["active"] != true {
            return Some(Act::Change(id, json!({ "active": true })));
        }
        let nickname = json!(wanted.nickname);
        let body = (!is_same(&nickname, &holder["nickname"]))
            .then(|| json!({ "nickname": wanted.nickname.as_deref().unwrap_or_default() }));
        body.map(|body| Act::Change(id, body))
    }

    fn creation(&self, key: &str, wanted: &Price, terms: Value) -> Value {
        let mut body = terms;
        body["product"] = self.product["id"].clone();
        body["lookup_key"] = json!(self.lookup_key(key));
        body["nickname"] = json!(wanted.nickname);
        body["metadata"] = json!({ MARK: mark(self.naming.marker), KEY: key });
        // the earlier price of the key loses it in the same moment
        body["transfer_lookup_key"] = json!(true);
        body
    }

    /// The price that the product names: the one that is asked for; otherwise none of those that have to go.
    fn default_price(&self, wanted: &Parameters) -> Option<Act> {
        let named = &self.product["default_price"];
        let chosen = wanted.default_price.as_ref().and_then(|key| self.holder(key)).map(|price| &price["id"]);
        match chosen {
            Some(id) if id != named => Some(Act::Parent(json!({ "default_price": id }))),
            Some(_) => None,
            None => {
                let goes = self.retiring(wanted).any(|price| price["id"] == *named);
                goes.then(|| Act::Parent(json!({ "default_price": "" })))
            }
        }
    }

    /// Those in use that have no key any more.
    fn retiring<'s>(&'s self, wanted: &'s Parameters) -> impl Iterator<Item = &'s Value> {
        let keeps = |price: &Value| {
            wanted.prices.keys().any(|key| price["lookup_key"] == self.lookup_key(key).as_str())
        };
        self.ours().filter(move |price| price["active"] == true && !keeps(price))
    }

    fn retire(&self, wanted: &Parameters) -> Option<Act> {
        self.retiring(wanted).next().and_then(Act::archive)
    }

    fn drift(&self, key: &str, wanted: &Price) -> Option<FieldDrift> {
        let terms = terms(wanted);
        let found = match self.holder(key) {
            None => Value::Null,
            Some(holder) if holder["active"] != true => json!("archived"),
            Some(holder) if is_same(&terms, holder) => return None,
            Some(holder) => shown(&terms, holder),
        };
        Some(FieldDrift { field: format!("prices.{key}"), wanted: terms, found })
    }
}

/// What never changes about a price, as Stripe writes it.
fn terms(wanted: &Price) -> Value {
    let recurring = wanted.interval.map(|interval| {
        json!({
            "interval": interval,
            "interval_count": wanted.interval_count.unwrap_or(1),
            "usage_type": if wanted.meter.is_some() { "metered" } else { "licensed" },
        })
    });
    let mut terms = json!({ "currency": wanted.currency });
    if let Some(amount) = wanted.unit_amount {
        terms["unit_amount"] = json!(amount);
    }
    if let Some(amount) = &wanted.unit_amount_decimal {
        terms["unit_amount_decimal"] = json!(amount);
    }
    if let Some(mut recurring) = recurring {
        if let Some(meter) = &wanted.meter {
            recurring["meter"] = json!(meter);
        }
        terms["recurring"] = recurring;
    }
    if let Some(behavior) = wanted.tax_behavior {
        terms["tax_behavior"] = json!(match behavior {
            TaxBehavior::Inclusive => "inclusive",
            TaxBehavior::Exclusive => "exclusive",
        });
    }
    terms
}

/// The same fields, as they are.
fn shown(terms: &Value, price: &Value) -> Value {
    let names = terms.as_object().into_iter().flatten();
    Value::Object(names.map(|(name, _)| (name.clone(), price[name].clone())).collect())
}
