//! The registrar and its sandbox: names are ordered, and become registrations in time, or do not.
//!
//! Every order that is taken is a charge in the ledger. How an order goes is in the first word of the name, such as
//! `blocked-shop.com`; see [`Course`].

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{Account, Worked, identity, shelf::Shelf};
use crate::cloudflare::call::Call;
use crate::cloudflare::envelope::{Answer, Body, Refusal};
use crate::cloudflare::ledger::Kind;

/// What an extension costs in its first year, and in each later one.
const PRICES: [(&str, &str, &str); 4] = [
    ("com", "10.44", "10.44"),
    ("net", "11.84", "11.84"),
    ("org", "7.50", "10.11"),
    ("co.uk", "5.22", "5.22"),
];
/// What the sandbox knows.
const IN_SANDBOX: [&str; 2] = ["com", "net"];

/// One of the two.
#[derive(Debug)]
pub(super) struct Registrar {
    is_real: bool,
    registrations: Shelf,
    charges: Shelf,
    orders: HashMap<String, Order>,
    /// Takes every order and charges for it, and says that every name can be bought, whatever was ordered before.
    careless: bool,
}

/// An order.
#[derive(Debug)]
struct Order {
    created_at: String,
    reads: u32,
    course: Course,
}

/// How an order goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    /// It succeeds after a few looks; the registration is seen then.
    Succeeds,
    /// The registration is seen at once, as pending.
    ShownAtOnce,
    /// It fails.
    Fails,
    /// It waits for a person, for ever.
    NeedsAction,
    /// It waits for somebody else, and succeeds after some more looks.
    Blocked,
}

impl Course {
    fn of(name: &str) -> Self {
        match name.split('-').next() {
            Some("pending") => Self::ShownAtOnce,
            Some("failing") => Self::Fails,
            Some("action") => Self::NeedsAction,
            Some("blocked") => Self::Blocked,
            _ => Self::Succeeds,
        }
    }
}

impl Order {
    fn state(&self, reads_for_each: u32) -> &'static str {
        let step = self.reads / reads_for_each.max(1);
        match (step, self.course) {
            (0, _) => "pending",
            (1, _) => "in_progress",
            (_, Course::Fails) => "failed",
            (_, Course::NeedsAction) => "action_required",
            (2, Course::Blocked) => "blocked",
            _ => "succeeded",
        }
    }

    fn shown(&self, domain: &str, reads_for_each: u32) -> Value {
        let state = self.state(reads_for_each);
        let mut shown = json!({
            "state": state,
            "completed": matches!(state, "succeeded" | "failed"),
            "created_at": self.created_at,
            "updated_at": identity::now(),
            "links": { "self": format!("/registrations/{domain}/registration-status") },
            "context": { "domain_name": domain },
        });
        if state == "failed" {
            shown["error"] =
                json!({ "code": "registry_rejected", "message": "The registry did not like the name." });
        }
        shown
    }
}

impl Registrar {
    pub(super) fn real() -> Self {
        Self::of(true, Kind::Registration)
    }

    pub(super) fn sandbox() -> Self {
        Self::of(false, Kind::RehearsedRegistration)
    }

    fn of(is_real: bool, kind: Kind) -> Self {
        Self {
            is_real,
            registrations: Shelf::of(kind),
            charges: Shelf::of(Kind::Charge),
            orders: HashMap::new(),
            careless: false,
        }
    }

    /// What stands on its shelves.
    pub(super) fn shelves(&self) -> [&Shelf; 2] {
        [&self.registrations, &self.charges]
    }

    pub(super) fn be_careless(&mut self) {
        self.careless = true;
    }

    fn is_taken(&self, domain: &str) -> bool {
        if self.careless {
            return false;
        }
        domain.starts_with("taken-") || self.registrations.get(domain).is_some() || self.is_ordered(domain)
    }

    fn is_ordered(&self, domain: &str) -> bool {
        self.orders.get(domain).is_some_and(|order| order.course != Course::Fails)
    }

    fn price(&self, domain: &str) -> Option<(&'static str, &'static str)> {
        let (_, extension) = domain.split_once('.')?;
        let known = self.is_real || IN_SANDBOX.contains(&extension);
        let sold = PRICES.iter().find(|(name, ..)| known && *name == extension);
        sold.map(|(_, first, later)| (*first, *later))
    }

    fn checked(&self, domain: &str) -> Value {
        let not = |reason: &str| json!({ "name": domain, "registrable": false, "reason": reason });
        let Some((first, later)) = self.price(domain) else { return not("extension_not_supported") };
        if self.is_taken(domain) {
            return not("domain_unavailable");
        }
        if domain.starts_with("premium-") {
            return not("domain_premium");
        }
        let pricing = json!({ "currency": "USD", "registration_cost": first, "renewal_cost": later });
        json!({ "name": domain, "registrable": true, "tier": "standard", "pricing": pricing })
    }

    /// A registration as it is shown now; none while its order has not come to it.
    fn seen(&self, domain: &str, reads_for_each: u32) -> Option<Value> {
        let mut shown = self.registrations.get(domain)?.shown.clone();
        let order = self.orders.get(domain);
        if let Some(order) = order.filter(|order| order.state(reads_for_each) != "succeeded") {
            if order.course != Course::ShownAtOnce {
                return None;
            }
            shown["status"] = json!("registration_pending");
            shown["expires_at"] = Value::Null;
        }
        Some(shown)
    }

    /// Takes an order.
    fn take(&mut self, call: &Call, domain: &str, price: &str) -> Answer {
        let order = Order { created_at: identity::precisely_now(), reads: 0, course: Course::of(domain) };
        let mut answer = Answer::result(order.shown(domain, 1));
        answer.status = 202;
        if order.course != Course::Fails {
            let years = call.field("years").as_i64().unwrap_or(1);
            let auto_renew = call.field("auto_renew") == &json!(true);
            let mut shown = registration(domain, auto_renew, years);
            shown["privacy_mode"] = json!(call.text("privacy_mode").unwrap_or("redaction"));
            shown["created_at"] = json!(order.created_at);
            let contacts = call.field("contacts").clone();
            answer.effects.push(self.registrations.put(domain, domain, shown, contacts));
        }
        if self.is_real && order.course != Course::Fails {
            let paid = json!({ "domain": domain, "amount": price, "currency": "USD" });
            answer.effects.push(self.charges.put(&identity::hexadecimal(), domain, paid, Value::Null));
        }
        self.orders.insert(domain.to_owned(), order);
        answer
    }
}

/// The number of everything the registrar refuses; which ones the vendor has is not published.
const REFUSED: i64 = 10_400;
const MISSING: i64 = 10_404;

impl Registrar {
    pub(super) fn check(&self, call: &Call) -> Answer {
        let domains = call.field("domains").as_array().into_iter().flatten();
        let checked: Vec<Value> = domains.filter_map(Value::as_str).map(|name| self.checked(name)).collect();
        Answer::result(json!({ "domains": checked }))
    }

    pub(super) fn create(&mut self, call: &Call) -> Worked {
        let domain = call.text("domain_name").unwrap_or_default().to_owned();
        let Some((price, _)) = self.price(&domain) else {
            return Err(Refusal::new(400, REFUSED, "the extension is not sold"));
        };
        if !self.is_real && call.field("contacts").is_null() {
            return Err(Refusal::new(400, REFUSED, "contacts are required"));
        }
        if self.is_taken(&domain) {
            return Err(Refusal::new(409, REFUSED, "the domain is not available"));
        }
        Ok(self.take(call, &domain, price))
    }

    pub(super) fn get(&self, call: &Call, reads_for_each: u32) -> Worked {
        self.seen(call.parameter("domain_name"), reads_for_each).map(Answer::result).ok_or_else(missing)
    }

    /// Looking lets time pass for the order.
    pub(super) fn status(&mut self, call: &Call, reads_for_each: u32) -> Worked {
        let domain = call.parameter("domain_name");
        let order = self.orders.get_mut(domain).ok_or_else(missing)?;
        order.reads = order.reads.saturating_add(1);
        Ok(Answer::result(order.shown(domain, reads_for_each)))
    }

    pub(super) fn patch(&mut self, call: &Call, reads_for_each: u32) -> Worked {
        let domain = call.parameter("domain_name");
        self.seen(domain, reads_for_each).ok_or_else(missing)?;
        let thing = self.registrations.get_mut(domain).ok_or_else(missing)?;
        thing.shown["auto_renew"] = call.field("auto_renew").clone();
        let thing = thing.clone();
        let done = Order { created_at: identity::now(), reads: u32::MAX, course: Course::Succeeds };
        Ok(Answer::result(done.shown(domain, 1)).with(self.registrations.changed(&thing)))
    }

    /// Where the next page begins is said by a cursor, which is empty at the end.
    pub(super) fn list(&self, call: &Call, reads_for_each: u32) -> Worked {
        let number = |name: &str, default: usize| {
            let text = call.query_value(name).map(str::parse::<usize>);
            text.unwrap_or(Ok(default)).map_err(|_| Refusal::new(400, REFUSED, format!("invalid {name}")))
        };
        let (skipped, per_page) = (number("cursor", 0)?, number("per_page", 20)?);
        let all: Vec<Value> =
            self.registrations.iter().filter_map(|thing| self.seen(&thing.id, reads_for_each)).collect();
        let page: Vec<Value> = all.iter().skip(skipped).take(per_page).cloned().collect();
        let next = skipped + page.len();
        let cursor = if next < all.len() { next.to_string() } else { String::new() };
        let info = json!({ "cursor": cursor, "per_page": per_page, "count": page.len() });
        let mut answer = Answer::result(Value::Array(page));
        if let Body::Json(body) = &mut answer.body {
            body["result_info"] = info;
        }
        Ok(answer)
    }

    /// A registration from before; only tests make one.
    pub(super) fn declare(&mut self, call: &Call) -> Worked {
        let domain = call.parameter("domain_name");
        let made = registration(domain, call.field("auto_renew") == &json!(true), 1);
        Ok(Answer::result(Value::Null).with(self.registrations.put(domain, domain, made, Value::Null)))
    }

    /// A registration gets another status, or a whole other registration takes its place; only tests do that.
    pub(super) fn turn(&mut self, call: &Call) -> Worked {
        let thing = self.registrations.get_mut(call.parameter("domain_name")).ok_or_else(missing)?;
        for name in ["status", "created_at", "auto_renew"] {
            if !call.field(name).is_null() {
                thing.shown[name] = call.field(name).clone();
            }
        }
        Ok(Answer::result(Value::Null))
    }

    /// A registration ends, and everything about it is history; only tests do that.
    pub(super) fn expire(&mut self, call: &Call) -> Worked {
        let domain = call.parameter("domain_name");
        self.orders.remove(domain);
        self.charges.forget_named(domain);
        let (_, effect) = self.registrations.take(domain).ok_or_else(missing)?;
        Ok(Answer::result(Value::Null).with(effect))
    }
}

fn registration(domain: &str, auto_renew: bool, years: i64) -> Value {
    let year = 2026 + years;
    json!({
        "domain_name": domain, "status": "active", "created_at": identity::precisely_now(),
        "expires_at": format!("{year}-12-01T00:00:00Z"), "auto_renew": auto_renew, "privacy_mode": "redaction",
        "locked": true,
    })
}

fn missing() -> Refusal {
    Refusal::new(404, MISSING, "there is no such registration")
}

impl Account {
    /// From now on, every order is taken and charged for.
    pub(crate) fn make_the_registrar_careless(&mut self) {
        self.registrar.be_careless();
        self.registrar_sandbox.be_careless();
    }
}

/// The work behind an operation at one of the two, by the word behind the dot.
macro_rules! operations {
    ($place:ident, $word:expr) => {
        Some(match $word {
            "check" => |account: &mut Account, call: &Call| Ok(account.$place.check(call)),
            "create" => |account: &mut Account, call: &Call| account.$place.create(call),
            "get" => |account: &mut Account, call: &Call| account.$place.get(call, account.pace.pages_reads),
            "status" => {
                |account: &mut Account, call: &Call| account.$place.status(call, account.pace.pages_reads)
            }
            "patch" => {
                |account: &mut Account, call: &Call| account.$place.patch(call, account.pace.pages_reads)
            }
            "list" => {
                |account: &mut Account, call: &Call| account.$place.list(call, account.pace.pages_reads)
            }
            "declare" => |account: &mut Account, call: &Call| account.$place.declare(call),
            "turn" => |account: &mut Account, call: &Call| account.$place.turn(call),
            "expire" => |account: &mut Account, call: &Call| account.$place.expire(call),
            _ => return None,
        })
    };
}

pub(super) fn work_of(operation: &str) -> Option<super::Work> {
    match operation.split_once('.')? {
        ("registrar", word) => operations!(registrar, word),
        ("registrar_sandbox", word) => operations!(registrar_sandbox, word),
        _ => None,
    }
}
