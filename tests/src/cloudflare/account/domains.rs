//! Custom domains of Pages projects: they become active in time, or end otherwise.

use std::time::Instant;

use serde_json::{Value, json};

use super::pages::{Ending, Outcome, ValidationMethod};
use super::snapshot::DomainState;
use super::{Account, Pace, Worked, identity};
use crate::cloudflare::call::Call;
use crate::cloudflare::envelope::{Answer, Refusal};
use crate::cloudflare::ledger::{Effect, Kind};

/// One domain.
#[derive(Debug)]
pub(super) struct Domain {
    id: String,
    name: String,
    created_on: String,
    born: Instant,
    /// When the validation began, and how often the domain was read since.
    started: Instant,
    reads: u32,
    zone: String,
    pub(super) outcome: Outcome,
}

/// How far the validation has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Initializing,
    Pending,
    Ended,
}

impl Domain {
    fn new(name: &str, outcome: Outcome) -> Self {
        let now = Instant::now();
        Self {
            id: identity::uuid(),
            name: name.to_owned(),
            created_on: identity::now(),
            born: now,
            started: now,
            reads: 0,
            zone: identity::hexadecimal(),
            outcome,
        }
    }

    /// Half of the time to pending, all of it to the end; so many reads for each.
    fn step(&self, pace: Pace) -> Step {
        let age = self.started.elapsed();
        if age >= pace.pages_delay && self.reads >= pace.pages_reads.saturating_mul(2) {
            Step::Ended
        } else if age >= pace.pages_delay / 2 && self.reads >= pace.pages_reads {
            Step::Pending
        } else {
            Step::Initializing
        }
    }

    fn status(&self, pace: Pace) -> &str {
        match (self.step(pace), &self.outcome.ending) {
            (Step::Initializing, _) => "initializing",
            (Step::Pending, _) | (Step::Ended, Ending::Stuck) => "pending",
            (Step::Ended, Ending::Active) => "active",
            (Step::Ended, Ending::Blocked) => "blocked",
            (Step::Ended, Ending::Error) => "error",
            (Step::Ended, Ending::Deactivated) => "deactivated",
            (Step::Ended, Ending::Other(status)) => status,
        }
    }

    fn shown(&self, pace: Pace) -> Answer {
        let status = self.status(pace);
        let (validation, verification) = self.checks(status);
        let mut answer = Answer::result(json!({
            "id": self.id,
            "domain_id": self.id,
            "name": self.name,
            "status": status,
            "created_on": self.created_on,
            "certificate_authority": "google",
            "zone_tag": self.zone,
            "validation_data": validation,
            "verification_data": verification,
        }));
        answer.deliberate = self.is_strange(pace);
        answer
    }

    /// The two checks behind the status: the certificate's and the owner's.
    fn checks(&self, status: &str) -> (Value, Value) {
        let (validated, verified) = match status {
            "initializing" => ("initializing", "pending"),
            "active" => ("active", "active"),
            "blocked" => ("pending", "blocked"),
            "error" => ("error", "pending"),
            "deactivated" => ("deactivated", "deactivated"),
            _ => ("pending", "pending"),
        };
        let mut validation = json!({"status": validated, "method": self.outcome.method});
        let mut verification = json!({"status": verified});
        if self.outcome.method == ValidationMethod::Txt {
            validation["txt_name"] = json!(format!("_acme-challenge.{}", self.name));
            validation["txt_value"] = json!(identity::digest(&self.id)[..43]);
        }
        if let Some(message) = &self.outcome.error_message {
            match status {
                "error" => validation["error_message"] = json!(message),
                "blocked" | "deactivated" => verification["error_message"] = json!(message),
                _ => {}
            }
        }
        (validation, verification)
    }

    /// Whether it shows a status the contract does not know.
    fn is_strange(&self, pace: Pace) -> bool {
        self.step(pace) == Step::Ended && matches!(self.outcome.ending, Ending::Other(_))
    }

    fn begin_again(&mut self) {
        self.started = Instant::now();
        self.reads = 0;
        if self.outcome.recovers {
            self.outcome = Outcome { method: self.outcome.method, ..Outcome::new(Ending::Active) };
        }
    }

    pub(super) fn deleted(&self) -> Effect {
        Effect::deleted(Kind::PagesDomain, &self.id, &self.name)
    }

    pub(super) fn state(&self, pace: Pace) -> DomainState {
        let status = self.status(pace).to_owned();
        DomainState { id: self.id.clone(), name: self.name.clone(), status, reads: self.reads }
    }
}

pub(super) fn list(account: &mut Account, call: &Call) -> Worked {
    let pace = account.pace;
    let project = account.pages.get(call)?;
    let listed = project.domains.values().filter(|one| one.born.elapsed() >= pace.eventual_listing);
    let (mut items, mut deliberate) = (Vec::new(), false);
    for domain in listed {
        let shown = domain.shown(pace);
        deliberate |= shown.deliberate;
        if let crate::cloudflare::envelope::Body::Json(mut body) = shown.body {
            items.push(body["result"].take());
        }
    }
    Ok(Answer { deliberate, ..Answer::result(Value::Array(items)) })
}

pub(super) fn create(account: &mut Account, call: &Call) -> Worked {
    account.pages.get(call)?;
    let name = call.text("name").unwrap_or_default().to_ascii_lowercase();
    if account.pages.has_domain(&name) {
        return Err(Refusal::new(409, 8_000_018, "the domain was added before"));
    }
    let domain = Domain::new(&name, account.pages.outcome(&name));
    let answer = domain.shown(account.pace);
    let effect = Effect::created(Kind::PagesDomain, &domain.id, &domain.name);
    account.pages.get(call)?.domains.insert(name, domain);
    Ok(answer.with(effect))
}

pub(super) fn get(account: &mut Account, call: &Call) -> Worked {
    let pace = account.pace;
    let domain = find(account, call)?;
    domain.reads = domain.reads.saturating_add(1);
    Ok(domain.shown(pace))
}

/// Validates once more. A domain that is active, or still under way, stays as it is.
pub(super) fn retry(account: &mut Account, call: &Call) -> Worked {
    let pace = account.pace;
    let domain = find(account, call)?;
    if domain.step(pace) != Step::Ended || domain.outcome.ending == Ending::Active {
        return Ok(domain.shown(pace));
    }
    domain.begin_again();
    let effect = Effect::changed(Kind::PagesDomain, &domain.id, &domain.name);
    Ok(domain.shown(pace).with(effect))
}

pub(super) fn delete(account: &mut Account, call: &Call) -> Worked {
    let name = call.parameter("domain_name").to_ascii_lowercase();
    let project = account.pages.get(call)?;
    let domain = project.domains.shift_remove(&name).ok_or_else(missing)?;
    Ok(Answer::result(Value::Null).with(domain.deleted()))
}

fn find<'account>(account: &'account mut Account, call: &Call) -> Result<&'account mut Domain, Refusal> {
    let name = call.parameter("domain_name").to_ascii_lowercase();
    account.pages.get(call)?.domains.get_mut(&name).ok_or_else(missing)
}

fn missing() -> Refusal {
    Refusal::new(404, 8_000_021, "there is no such domain")
}
