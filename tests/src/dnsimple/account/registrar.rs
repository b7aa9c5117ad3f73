//! The registrar: what a name costs, registrations on their way, renewal and delegation.

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::domains::NAME_SERVERS;
use super::shelf::Thing;
use super::{Account, Worked, now};
use crate::dnsimple::answer::{Answer, Refusal};
use crate::dnsimple::ledger::{Effect, Kind};
use crate::vendor::call::Call;

/// The extensions that can be registered.
const EXTENSIONS: [&str; 6] = ["com", "net", "org", "io", "dev", "example"];
/// What a name costs as a rule, in dollars.
const USUAL_PRICE: f64 = 20.0;

/// Money that was taken.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Charge {
    /// For which name.
    pub name: String,
    /// How much, in dollars.
    pub price: f64,
}

/// How a registration ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The name is ours.
    Registered,
    /// The registry refuses.
    Failed,
    /// Somebody cancels it.
    Cancelled,
    /// It stays on its way.
    Never,
}

impl Ending {
    fn word(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Never => "registering",
        }
    }
}

impl Account {
    /// What a name costs, and whether it is a premium one.
    fn price_of(&self, name: &str) -> Result<(f64, bool), Refusal> {
        let extension = name.rsplit('.').next().unwrap_or_default();
        if !EXTENSIONS.contains(&extension) {
            return Err(Refusal::new(400, format!("TLD .{} is not supported", extension.to_uppercase())));
        }
        Ok(self.prices.get(name).copied().unwrap_or((USUAL_PRICE, false)))
    }

    fn is_available(&self, name: &str) -> bool {
        let is_here = self.domains.named(name).is_some_and(|domain| domain.shown["state"] != "hosted");
        let is_coming = self.registrations.iter().any(|known| known.name == name && is_open(known));
        !is_here && !is_coming && !self.taken.contains(name)
    }
}

fn is_open(registration: &Thing) -> bool {
    matches!(registration.shown["state"].as_str(), Some("new" | "registering"))
}

pub(super) fn check(account: &mut Account, call: &Call) -> Worked {
    let name = call.parameter("domain");
    let (_, premium) = account.price_of(name)?;
    let shown = json!({ "domain": name, "available": account.is_available(name), "premium": premium });
    Ok(Answer::data(200, shown))
}

pub(super) fn prices(account: &mut Account, call: &Call) -> Worked {
    let name = call.parameter("domain");
    let (price, premium) = account.price_of(name)?;
    Ok(Answer::data(
        200,
        json!({
            "domain": name, "premium": premium, "registration_price": price, "renewal_price": price,
            "transfer_price": price, "restore_price": price * 5.0, "trustee_price": 0.0,
        }),
    ))
}

/// Takes the money at once, whatever becomes of it.
pub(super) fn register(account: &mut Account, call: &Call) -> Worked {
    let name = call.parameter("domain").to_owned();
    let (price, premium) = account.price_of(&name)?;
    let registrant = call.field("registrant_id").as_u64().unwrap_or_default();
    if account.contacts.get(&registrant.to_string()).is_none() {
        return Err(Refusal::field("registrant_id", "is not a contact of the account"));
    }
    if !account.is_available(&name) {
        return Err(Refusal::field("name", "is not available"));
    }
    let confirmed = call.text("premium_price").and_then(|text| text.parse::<f64>().ok());
    if premium && confirmed.is_none_or(|confirmed| (confirmed - price).abs() > 0.001) {
        return Err(Refusal::field("premium_price", "does not match"));
    }
    let mut effects = Vec::new();
    if account.domains.named(&name).is_none() {
        effects.push(account.add(&name, json!(registrant)).1);
    }
    let domain = account.domains.named(&name).ok_or_else(|| Refusal::missing("Domain", &name))?.id;
    let (id, now) = (account.number(), now());
    let flag = |field: &str| json!(call.field(field).as_bool().unwrap_or(false));
    let shown = json!({
        "id": id, "domain_id": domain, "registrant_id": registrant, "period": 1, "state": "new",
        "auto_renew": flag("auto_renew"), "whois_privacy": flag("whois_privacy"), "trustee": false,
        "created_at": now, "updated_at": now,
    });
    effects.push(account.registrations.put(id, &name, shown));
    account.charges.push(Charge { name: name.clone(), price });
    effects.push(Effect::created(Kind::Charge, &account.charges.len().to_string(), &name));
    account.go_on(id);
    let shown = account.registrations.get(&id.to_string()).map_or(Value::Null, |made| made.shown.clone());
    Ok(effects.into_iter().fold(Answer::data(201, shown), Answer::with))
}

pub(super) fn registration(account: &mut Account, call: &Call) -> Worked {
    let (name, id) = (call.parameter("domain"), call.parameter("registration"));
    let missing = || Refusal::missing("Domain registration", id);
    let domain = account.domains.named(name).map(|domain| domain.name.clone()).ok_or_else(missing)?;
    let found = account.registrations.get_mut(id).filter(|known| known.name == domain).ok_or_else(missing)?;
    found.looks = found.looks.saturating_add(1);
    let number = found.id;
    account.go_on(number);
    Ok(Answer::data(200, account.registrations.get(id).ok_or_else(missing)?.shown.clone()))
}

impl Account {
    /// Looking at a domain lets time pass for its orders, too.
    pub(super) fn let_orders_go_on(&mut self, name: &str) {
        let open = self.registrations.iter().filter(|known| known.name == name && is_open(known));
        for id in open.map(|known| known.id).collect::<Vec<_>>() {
            if let Some(known) = self.registrations.get_mut(&id.to_string()) {
                known.looks = known.looks.saturating_add(1);
            }
            self.go_on(id);
        }
    }

    /// Brings a registration as far as it is by now: new, registering, and then its ending.
    fn go_on(&mut self, id: u64) {
        let reads = self.pace.registration_reads;
        let Some(known) = self.registrations.get_mut(&id.to_string()).filter(|known| is_open(known)) else {
            return;
        };
        let ending = self.endings.get(&known.name).copied().unwrap_or(Ending::Registered);
        let state = if known.looks < reads {
            "new"
        } else if known.looks < reads * 2 {
            "registering"
        } else {
            ending.word()
        };
        if known.shown["state"] != state {
            known.shown["state"] = json!(state);
            known.shown["updated_at"] = json!(now());
        }
        if state == "registered" {
            let (name, of) = (known.name.clone(), known.shown.clone());
            self.arrive(&name, &of);
        }
    }

    /// The registry has the name.
    fn arrive(&mut self, name: &str, registration: &Value) {
        let year = Timestamp::now().checked_add((365 * 24).hours()).unwrap_or(Timestamp::MAX);
        if let Some(domain) = self.domains.named_mut(name) {
            let shown = &mut domain.shown;
            shown["state"] = json!("registered");
            shown["registrant_id"] = registration["registrant_id"].clone();
            shown["auto_renew"] = registration["auto_renew"].clone();
            shown["private_whois"] = registration["whois_privacy"].clone();
            shown["expires_on"] = json!(year.strftime("%Y-%m-%d").to_string());
            shown["expires_at"] = json!(year.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        }
        self.delegations.insert(name.to_owned(), NAME_SERVERS.map(str::to_owned).to_vec());
    }
}

pub(super) fn auto_renewal_on(account: &mut Account, call: &Call) -> Worked {
    renew(account, call, true)
}

pub(super) fn auto_renewal_off(account: &mut Account, call: &Call) -> Worked {
    renew(account, call, false)
}

fn renew(account: &mut Account, call: &Call, wanted: bool) -> Worked {
    let domain = registered(account, call)?;
    domain.shown["auto_renew"] = json!(wanted);
    Ok(Answer::nothing().with(domain.changed()))
}

fn registered<'a>(account: &'a mut Account, call: &Call) -> Result<&'a mut Thing, Refusal> {
    let name = call.parameter("domain");
    let domain = account.domains.named_mut(name).ok_or_else(|| Refusal::missing("Domain", name))?;
    if domain.shown["state"] == "hosted" {
        return Err(Refusal::new(400, format!("The domain {name} is not registered with DNSimple")));
    }
    Ok(domain)
}

/// A domain that is only hosted has none here.
pub(super) fn delegation(account: &mut Account, call: &Call) -> Worked {
    let name = call.parameter("domain");
    let domain = account.domains.named(name).ok_or_else(|| Refusal::missing("Domain", name))?;
    let servers = account.delegations.get(&domain.name).cloned().unwrap_or_default();
    Ok(Answer::data(200, json!(servers)))
}

pub(super) fn delegate(account: &mut Account, call: &Call) -> Worked {
    let domain = registered(account, call)?;
    let (id, name) = (domain.id, domain.name.clone());
    let servers: Vec<String> = match &call.payload {
        crate::vendor::call::Payload::Json(body) => {
            serde_json::from_value(body.clone()).map_err(|_| Refusal::new(400, "Bad Request"))?
        }
        _ => return Err(Refusal::new(400, "Bad Request")),
    };
    account.delegations.insert(name.clone(), servers.clone());
    let effect = Effect::changed(Kind::Delegation, &id.to_string(), &name);
    Ok(Answer::data(200, json!(servers)).with(effect))
}
