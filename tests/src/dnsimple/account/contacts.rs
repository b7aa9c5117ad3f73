//! Contacts: who registers.

use serde_json::{Value, json};

use super::{Account, Worked, lay_over, now};
use crate::dnsimple::answer::{Answer, Refusal, page};
use crate::vendor::call::Call;

pub(super) fn list(account: &mut Account, call: &Call) -> Worked {
    let listed = account.contacts.listed(account.pace.eventual_listing);
    page(call, listed.map(|contact| contact.shown.clone()).collect())
}

pub(super) fn get(account: &mut Account, call: &Call) -> Worked {
    let contact = account.contacts.get(call.parameter("contact")).ok_or_else(|| missing(call))?;
    Ok(Answer::data(200, contact.shown.clone()))
}

pub(super) fn create(account: &mut Account, call: &Call) -> Worked {
    let (id, now) = (account.number(), now());
    let mut shown = json!({
        "id": id, "account_id": account.id, "label": "", "first_name": "", "last_name": "", "job_title": "",
        "organization_name": "", "email": "", "phone": "", "fax": "", "address1": "", "address2": "", "city": "",
        "state_province": "", "postal_code": "", "country": "", "created_at": now, "updated_at": now,
    });
    lay_over(&mut shown, call);
    check(&shown)?;
    let effect = account.contacts.put(id, "", shown.clone());
    Ok(Answer::data(201, shown).with(effect))
}

pub(super) fn update(account: &mut Account, call: &Call) -> Worked {
    let contact = account.contacts.get_mut(call.parameter("contact")).ok_or_else(|| missing(call))?;
    let mut shown = contact.shown.clone();
    lay_over(&mut shown, call);
    check(&shown)?;
    contact.shown = shown.clone();
    Ok(Answer::data(200, shown).with(contact.changed()))
}

pub(super) fn delete(account: &mut Account, call: &Call) -> Worked {
    let id = account.contacts.get(call.parameter("contact")).ok_or_else(|| missing(call))?.id;
    if account.domains.iter().any(|domain| domain.shown["registrant_id"] == json!(id)) {
        return Err(Refusal::new(400, "The contact cannot be deleted because it's currently in use"));
    }
    let effect = account.contacts.take(id).ok_or_else(|| missing(call))?;
    Ok(Answer::nothing().with(effect))
}

fn check(shown: &Value) -> Result<(), Refusal> {
    let phone = shown["phone"].as_str().unwrap_or_default();
    let is_phone =
        phone.starts_with('+') && phone[1..].bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_phone { Ok(()) } else { Err(Refusal::field("phone", "is probably not a phone number")) }
}

fn missing(call: &Call) -> Refusal {
    Refusal::missing("Contact", call.parameter("contact"))
}
