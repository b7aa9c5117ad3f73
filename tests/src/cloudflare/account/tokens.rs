//! Account tokens. A value is shown once, by the call that made it.

use std::time::Instant;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::snapshot::TokenState;
use super::{Account, Worked, identity, permission_groups as groups, policies};
use crate::cloudflare::call::{Call, Caller};
use crate::cloudflare::envelope::{Answer, PageRule, Refusal};
use crate::cloudflare::ledger::{Effect, Kind};

const PAGES: PageRule = PageRule { default: 20, least: 5, most: 50, counts_pages: false, bad_request: 400 };
const LONGEST_NAME: usize = 120;

/// All tokens, oldest first.
#[derive(Debug, Default)]
pub(super) struct Tokens(IndexMap<String, Token>);

/// One token.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) id: String,
    value: String,
    born: Instant,
    issued_on: String,
    modified_on: String,
    disabled: bool,
    pub(super) wish: Wish,
}

/// What the caller decides about a token.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    name: String,
    pub(super) policies: Value,
    condition: Option<Value>,
    expires_on: Option<String>,
    not_before: Option<String>,
}

impl Tokens {
    fn get(&mut self, call: &Call) -> Result<&mut Token, Refusal> {
        self.0.get_mut(call.parameter("token_id")).ok_or_else(missing)
    }

    /// The token with this value.
    pub(super) fn by_value(&self, value: &str) -> Option<&Token> {
        self.0.values().find(|token| token.value == value)
    }

    /// The token with this id.
    pub(super) fn by_id(&self, id: &str) -> Option<&Token> {
        self.0.get(id)
    }

    pub(super) fn states(&self) -> Vec<TokenState> {
        self.0.values().map(Token::state).collect()
    }
}

impl Token {
    /// The value that is accepted now.
    pub(super) fn value(&self) -> &str {
        &self.value
    }

    pub(super) fn status(&self) -> &'static str {
        let end = self.wish.expires_on.as_ref().and_then(|end| end.parse::<Timestamp>().ok());
        match end {
            _ if self.disabled => "disabled",
            Some(end) if end <= Timestamp::now() => "expired",
            _ => "active",
        }
    }

    fn shown(&self) -> Value {
        let mut shown = json!({
            "id": self.id,
            "name": self.wish.name,
            "status": self.status(),
            "issued_on": self.issued_on,
            "modified_on": self.modified_on,
            "policies": self.wish.policies,
        });
        if let Some(condition) = &self.wish.condition {
            shown["condition"] = condition.clone();
        }
        self.wish.add_times(&mut shown);
        shown
    }

    fn changed(&mut self) -> Effect {
        self.modified_on = identity::now_in_seconds();
        Effect::changed(Kind::Token, &self.id, &self.wish.name)
    }

    fn state(&self) -> TokenState {
        TokenState {
            id: self.id.clone(),
            name: self.wish.name.clone(),
            value: self.value.clone(),
            status: self.status().to_owned(),
            policies: self.wish.policies.clone(),
            condition: self.wish.condition.clone(),
            expires_on: self.wish.expires_on.clone(),
            not_before: self.wish.not_before.clone(),
            issued_on: self.issued_on.clone(),
        }
    }
}

impl Wish {
    fn read(account: &str, call: &Call) -> Result<Self, Refusal> {
        let name = call.text("name").unwrap_or_default();
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            return Err(Refusal::new(400, 400, "name must have a length of 1 to 120"));
        }
        // A condition under another name than `request_ip` is ignored without a word.
        let condition = match &call.field("condition")["request_ip"] {
            Value::Null => None,
            ranges => Some(json!({"request_ip": ranges})),
        };
        Ok(Self {
            name: name.to_owned(),
            policies: policies::accept(account, call.field("policies"))?,
            condition,
            expires_on: moment(call, "expires_on")?,
            not_before: moment(call, "not_before")?,
        })
    }

    fn add_times(&self, shown: &mut Value) {
        for (name, time) in [("expires_on", &self.expires_on), ("not_before", &self.not_before)] {
            if let Some(time) = time {
                shown[name] = json!(time);
            }
        }
    }
}

pub(super) fn list(account: &mut Account, call: &Call) -> Worked {
    let expired_too = call.query_value("include_expired") == Some("true");
    let tokens = account.tokens.0.values();
    let found = tokens.filter(|one| account.lists(one.born) && (expired_too || one.status() != "expired"));
    let mut found: Vec<Value> = found.map(Token::shown).collect();
    if call.query_value("direction") == Some("desc") {
        found.reverse();
    }
    PAGES.cut(call, found)
}

pub(super) fn create(account: &mut Account, call: &Call) -> Worked {
    let now = identity::now_in_seconds();
    let token = Token {
        id: identity::hexadecimal(),
        value: identity::token_value(),
        born: Instant::now(),
        issued_on: now.clone(),
        modified_on: now,
        disabled: false,
        wish: Wish::read(&account.id, call)?,
    };
    let mut shown = token.shown();
    shown["value"] = json!(token.value);
    let effect = Effect::created(Kind::Token, &token.id, &token.wish.name);
    account.tokens.0.insert(token.id.clone(), token);
    Ok(Answer::result(shown).with(effect))
}

pub(super) fn verify(account: &mut Account, call: &Call) -> Worked {
    let Caller::Token(id) = &call.caller else {
        return Ok(Answer::result(json!({"id": "0".repeat(32), "status": "active"})));
    };
    let token = account.tokens.0.get(id).ok_or_else(missing)?;
    let mut shown = json!({"id": token.id, "status": token.status()});
    token.wish.add_times(&mut shown);
    Ok(Answer::result(shown))
}

pub(super) fn permission_groups(_: &mut Account, call: &Call) -> Worked {
    let name = call.query_value("name").unwrap_or_default();
    let scope = call.query_value("scope").unwrap_or_default();
    let wanted =
        |one: &groups::PermissionGroup| one.name.contains(name) && (scope.is_empty() || one.scope == scope);
    Ok(Answer::result(groups::all().filter(wanted).map(|group| group.shown()).collect()))
}

pub(super) fn get(account: &mut Account, call: &Call) -> Worked {
    Ok(Answer::result(account.tokens.get(call)?.shown()))
}

pub(super) fn put(account: &mut Account, call: &Call) -> Worked {
    account.tokens.get(call)?;
    let wish = Wish::read(&account.id, call)?;
    let token = account.tokens.get(call)?;
    token.wish = wish;
    match call.text("status") {
        None => {}
        Some("active") => token.disabled = false,
        Some("disabled") => token.disabled = true,
        Some(_) => return Err(Refusal::new(400, 400, "status must be active or disabled")),
    }
    let effect = token.changed();
    Ok(Answer::result(token.shown()).with(effect))
}

pub(super) fn delete(account: &mut Account, call: &Call) -> Worked {
    let token = account.tokens.0.shift_remove(call.parameter("token_id")).ok_or_else(missing)?;
    let effect = Effect::deleted(Kind::Token, &token.id, &token.wish.name);
    Ok(Answer::result(json!({"id": token.id})).with(effect))
}

pub(super) fn roll(account: &mut Account, call: &Call) -> Worked {
    let token = account.tokens.get(call)?;
    token.value = identity::token_value();
    let effect = token.changed();
    Ok(Answer::result(json!(token.value)).with(effect))
}

/// A time in UTC, to the second.
fn moment(call: &Call, name: &str) -> Result<Option<String>, Refusal> {
    let text = match call.field(name) {
        Value::Null => return Ok(None),
        value => value.as_str().unwrap_or_default(),
    };
    let exact = text.len() == "2027-01-01T00:00:00Z".len() && text.ends_with('Z');
    if exact && text.parse::<Timestamp>().is_ok() {
        Ok(Some(text.to_owned()))
    } else {
        Err(Refusal::new(400, 400, format!("{name} must be a time in UTC, to the second")))
    }
}

fn missing() -> Refusal {
    Refusal::new(404, 1003, "there is no such token")
}
