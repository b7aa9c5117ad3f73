//! `stripe-coupon`: a discount, with the codes that customers type in for it.

use http::Method;
use serde_json::{Map, Value, json};
use sutler_catalog::{
    Offering,
    stripe::{
        Mode,
        coupon::{self, Duration, Parameters, PromotionCode, output},
    },
};
use sutler_spec::PlanId;

use super::{
    client::{ACCOUNT, Endpoint, Table},
    object::{Act, Adoption, Family, Field, Identity, Kind, MARK, Naming, Removal, Traits, is_same, mark},
};
use crate::providers::FieldDrift;

static CREATE: Endpoint = Endpoint { method: Method::POST, template: "/v1/coupons" };
static LIST: Endpoint = Endpoint { method: Method::GET, template: "/v1/coupons" };
static READ: Endpoint = Endpoint { method: Method::GET, template: "/v1/coupons/{id}" };
static UPDATE: Endpoint = Endpoint { method: Method::POST, template: "/v1/coupons/{id}" };
static DELETE: Endpoint = Endpoint { method: Method::DELETE, template: "/v1/coupons/{id}" };
static LIST_CODES: Endpoint = Endpoint { method: Method::GET, template: "/v1/promotion_codes" };
static CREATE_CODE: Endpoint = Endpoint { method: Method::POST, template: "/v1/promotion_codes" };
static UPDATE_CODE: Endpoint = Endpoint { method: Method::POST, template: "/v1/promotion_codes/{id}" };

/// What it may ask of Stripe.
pub(super) static TABLE: Table = Table {
    endpoints: &[&ACCOUNT, &CREATE, &LIST, &READ, &UPDATE, &DELETE, &LIST_CODES, &CREATE_CODE, &UPDATE_CODE],
    exists: &["an active promotion code with"],
    limits: &[],
    in_use: &[],
};

/// Coupons.
#[derive(Debug)]
pub(super) struct Coupons;

impl Kind for Coupons {
    type Wanted = Parameters;

    const TRAITS: Traits = Traits {
        what: "coupon",
        permissions: "write on Coupons, Promotion Codes",
        table: &TABLE,
        create: &CREATE,
        list: &LIST,
        filters: &[&[]],
        read: &READ,
        told: &[],
        update: &UPDATE,
        identity: Identity::OwnId,
        removal: Removal::Delete(&DELETE),
        shown_once: None,
        dashboard: "coupons",
        adoption: Adoption::By(&[
            ("name", "/name"),
            ("percent_off", "/percent_off"),
            ("amount_off", "/amount_off"),
            ("currency", "/currency"),
            ("duration", "/duration"),
            ("duration_in_months", "/duration_in_months"),
            ("max_redemptions", "/max_redemptions"),
            ("redeem_by", "/redeem_by"),
        ]),
    };

    const FAMILY: Option<Family> = Some(Family {
        what: "promotion code",
        list: &LIST_CODES,
        of: "coupon",
        create: &CREATE_CODE,
        update: &UPDATE_CODE,
    });

    fn offering(modes: &[Mode]) -> Offering {
        coupon::offering(modes)
    }

    fn mode(plan: &PlanId) -> Option<Mode> {
        super::mode(plan, coupon::TEST, coupon::LIVE)
    }

    fn fields(wanted: &Parameters, _naming: &Naming<'_>) -> Vec<Field> {
        let products = (!wanted.products.is_empty()).then(|| json!(wanted.products));
        vec![
            Field::new("name", "/name", wanted.name.as_deref()),
            Field::new("percent_off", "/percent_off", wanted.percent_off).fixed(),
            Field::new("amount_off", "/amount_off", wanted.amount_off).fixed(),
            Field::new("currency", "/currency", wanted.currency.as_deref()).fixed(),
            Field::new("duration", "/duration", json!(wanted.duration)).fixed(),
            Field::new("duration_in_months", "/duration_in_months", wanted.duration_in_months).fixed(),
            Field::new("max_redemptions", "/max_redemptions", wanted.max_redemptions).fixed(),
            Field::new("redeem_by", "/redeem_by", wanted.redeem_by).fixed(),
            // Stripe tells this one only to those who ask for it
            Field::new("products", "/applies_to/products", products).fixed().unseen(),
        ]
    }

    fn next(wanted: &Parameters, naming: &Naming<'_>, coupon: &Value, codes: &[Value]) -> Option<Act> {
        let codes = Codes { naming, codes };
        // what has to go makes place for what has its text
        let goes =
            |code: &&Value| !wanted.promotion_codes.iter().any(|(text, wanted)| is_code(text, wanted, code));
        let retired = codes.ours().find(goes).and_then(Act::archive);
        retired.or_else(|| {
            let missing = wanted.promotion_codes.iter().find(|(text, _)| codes.of(text).is_none());
            missing.map(|(text, wanted)| Act::Create(codes.creation(&coupon["id"], text, wanted)))
        })
    }

    fn last(naming: &Naming<'_>, _coupon: &Value, codes: &[Value]) -> Option<Act> {
        Codes { naming, codes }.ours().next().and_then(Act::archive)
    }

    fn family_drift(wanted: &Parameters, naming: &Naming<'_>, codes: &[Value]) -> Vec<FieldDrift> {
        let codes = Codes { naming, codes };
        let drift = |(text, wanted): (&String, &PromotionCode)| {
            let wanted = terms(wanted);
            let found = codes.of(text);
            let is_there = found.is_some_and(|found| is_same(&wanted, found));
            (!is_there).then(|| FieldDrift {
                field: format!("promotion_codes.{text}"),
                found: found.map_or(Value::Null, |found| shown(&wanted, found)),
                wanted,
            })
        };
        wanted.promotion_codes.iter().filter_map(drift).collect()
    }

    fn attributes(coupon: &Value, codes: &[Value]) -> Map<String, Value> {
        let active = codes.iter().filter(|code| code["active"] == true && !code["metadata"][MARK].is_null());
        let by_code = active.filter_map(|code| Some((code["code"].as_str()?.to_owned(), code["id"].clone())));
        Map::from_iter([
            (output::COUPON_ID.to_owned(), coupon["id"].clone()),
            (output::PROMOTION_CODES.to_owned(), Value::Object(by_code.collect())),
        ])
    }

    fn problems(wanted: &Parameters) -> Vec<String> {
        let mut found = Vec::new();
        if wanted.percent_off.is_some() == wanted.amount_off.is_some() {
            found.push("percent_off: takes either percent_off or amount_off".to_owned());
        }
        if wanted.amount_off.is_some() != wanted.currency.is_some() {
            found.push("currency: goes with amount_off".to_owned());
        }
        if (wanted.duration == Duration::Repeating) != wanted.duration_in_months.is_some() {
            found.push("duration_in_months: goes with the duration repeating".to_owned());
        }
        for (text, code) in &wanted.promotion_codes {
            let is_code = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if !is_code || text.is_empty() || text.len() > 500 {
                found.push("promotion_codes: a code is made of letters, digits and hyphens".to_owned());
            }
            if code.minimum_amount.is_some() != code.minimum_amount_currency.is_some() {
                found.push(format!("promotion_codes/{text}: minimum_amount goes with its currency"));
            }
            let twins = wanted.promotion_codes.keys().filter(|other| other.eq_ignore_ascii_case(text));
            if twins.count() > 1 {
                found.push(format!("promotion_codes/{text}: the same code in other letters is there, too"));
            }
        }
        found
    }
}

/// The promotion codes of a coupon.
struct Codes<'a> {
    naming: &'a Naming<'a>,
    codes: &'a [Value],
}

impl Codes<'_> {
    /// Those in use that this instance made.
    fn ours(&self) -> impl Iterator<Item = &Value> {
        let mark = mark(self.naming.marker);
        let is_ours = move |code: &&Value| code["active"] == true && code["metadata"][MARK] == mark.as_str();
        self.codes.iter().filter(is_ours)
    }

    fn of(&self, text: &str) -> Option<&Value> {
        self.ours().find(|code| is_text(text, code))
    }

    fn creation(&self, coupon: &Value, text: &str, wanted: &PromotionCode) -> Value {
        let mut body = terms(wanted);
        body["promotion"] = json!({ "type": "coupon", "coupon": coupon });
        body["code"] = json!(text);
        body["metadata"] = json!({ MARK: mark(self.naming.marker) });
        body
    }
}

/// Customers type a code in whatever letters they like.
fn is_text(text: &str, code: &Value) -> bool {
    code["code"].as_str().is_some_and(|code| code.eq_ignore_ascii_case(text))
}

fn is_code(text: &str, wanted: &PromotionCode, code: &Value) -> bool {
    is_text(text, code) && is_same(&terms(wanted), code)
}

/// What never changes about a code, as Stripe writes it.
fn terms(wanted: &PromotionCode) -> Value {
    json!({
        "max_redemptions": wanted.max_redemptions,
        "expires_at": wanted.expires_at,
        "restrictions": {
            "first_time_transaction": wanted.first_time_transaction,
            "minimum_amount": wanted.minimum_amount,
            "minimum_amount_currency": wanted.minimum_amount_currency,
        },
    })
}

/// The same fields, as they are.
fn shown(terms: &Value, code: &Value) -> Value {
    let names = terms.as_object().into_iter().flatten();
    Value::Object(names.map(|(name, _)| (name.clone(), code[name].clone())).collect())
}
