//! What the registrar answers, and what is said to it, in our words.

use serde::Deserialize;
use serde_json::{Value, json};
use sutler_catalog::domain::{
    amount::Amount,
    registration::{Parameters, Registrant},
};

use crate::providers::registration::{Price, Quote, Registered, State, Status};

#[derive(Deserialize)]
pub(super) struct Row {
    pub(super) domain_name: String,
    pub(super) status: String,
    pub(super) created_at: String,
    pub(super) expires_at: Option<String>,
    pub(super) auto_renew: bool,
    #[serde(default)]
    pub(super) privacy_mode: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Order {
    pub(super) state: String,
    pub(super) created_at: String,
    #[serde(default)]
    pub(super) error: Option<Problem>,
}

#[derive(Deserialize)]
pub(super) struct Problem {
    pub(super) code: String,
}

#[derive(Deserialize)]
pub(super) struct Checked {
    pub(super) domains: Vec<CheckedDomain>,
}

#[derive(Deserialize)]
pub(super) struct CheckedDomain {
    pub(super) name: String,
    pub(super) registrable: bool,
    #[serde(default)]
    pub(super) tier: Option<String>,
    #[serde(default)]
    pub(super) reason: Option<String>,
    #[serde(default)]
    pub(super) pricing: Option<Pricing>,
}

#[derive(Deserialize)]
pub(super) struct Pricing {
    pub(super) currency: String,
    pub(super) registration_cost: Amount,
    pub(super) renewal_cost: Amount,
}

pub(super) fn registered(row: Row) -> Registered {
    Registered {
        status: match row.status.as_str() {
            "active" => Status::Active,
            "registration_pending" | "transfer_pending" => Status::Pending,
            "expired" => Status::Expired,
            "suspended" => Status::Suspended,
            "redemption_period" => Status::Redemption,
            "pending_delete" => Status::Deleting,
            _ => Status::Unknown,
        },
        // shown to people, so it has to be what it should be
        expires_at: row.expires_at.filter(|text| text.parse::<jiff::Timestamp>().is_ok()),
        private: match row.privacy_mode.as_deref() {
            Some("redaction") => Some(true),
            Some("off") => Some(false),
            _ => None,
        },
        renews_itself: row.auto_renew,
        registrant: None,
        identity: row.created_at,
        domain: row.domain_name,
    }
}

pub(super) fn state(order: &Order) -> State {
    match order.state.as_str() {
        "pending" => State::Waiting,
        "in_progress" => State::Working,
        "action_required" => State::ActionRequired,
        "blocked" => State::Blocked,
        "succeeded" => State::Succeeded,
        "failed" => State::Failed(order.error.as_ref().map(|problem| problem.code.clone()).filter(is_code)),
        _ => State::Unknown,
    }
}

/// Whether a text is a word for programs, not one of the vendor's sentences.
#[expect(clippy::ptr_arg, reason = "`Option<String>::filter` gives it so")]
fn is_code(text: &String) -> bool {
    let known = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    (1..=64).contains(&text.len()) && text.bytes().all(known)
}

/// Nothing when the answer says yes, and no price.
pub(super) fn quoted(found: CheckedDomain) -> Option<Quote> {
    let is_premium = found.tier.as_deref() == Some("premium");
    Some(match (found.registrable, found.reason.as_deref()) {
        (_, Some("domain_premium")) => Quote::Premium,
        (true, _) if is_premium => Quote::Premium,
        (true, None) => {
            let Pricing { currency, registration_cost, renewal_cost } = found.pricing?;
            Quote::For(Price { first_year: registration_cost, later_year: renewal_cost, currency })
        }
        (false, Some("domain_unavailable")) => Quote::Taken,
        (
            false,
            Some(
                "extension_not_supported_via_api"
                | "extension_not_supported"
                | "extension_disallows_registration",
            ),
        ) => Quote::NotSold,
        _ => Quote::Unclear,
    })
}

pub(super) fn body(wanted: &Parameters) -> Value {
    let mut body = json!({
        "domain_name": wanted.domain,
        "years": wanted.years,
        "auto_renew": wanted.auto_renew,
        "privacy_mode": wanted.privacy_mode,
    });
    if let Some(registrant) = &wanted.registrant {
        body["contacts"] = json!({ "registrant": contact(registrant) });
    }
    body
}

fn contact(registrant: &Registrant) -> Value {
    let mut postal = json!({
        "name": registrant.name,
        "address": {
            "street": registrant.street,
            "city": registrant.city,
            "state": registrant.state,
            "postal_code": registrant.postal_code,
            "country_code": registrant.country_code,
        },
    });
    if let Some(organization) = &registrant.organization {
        postal["organization"] = json!(organization);
    }
    json!({ "email": registrant.email, "phone": registrant.phone, "postal_info": postal })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(state: &str, code: Option<&str>) -> State {
        let error = code.map(|code| Problem { code: code.to_owned() });
        super::state(&Order { state: state.to_owned(), created_at: "now".to_owned(), error })
    }

    #[test]
    fn every_state_of_an_order_is_known_and_a_sentence_of_the_vendor_is_no_code() {
        for (word, expected) in [
            ("pending", State::Waiting),
            ("in_progress", State::Working),
            ("action_required", State::ActionRequired),
            ("blocked", State::Blocked),
            ("succeeded", State::Succeeded),
            ("paused_by_a_dog", State::Unknown),
        ] {
            assert_eq!(order(word, None), expected);
        }
        let failed = |code: &str| State::Failed(Some(code.to_owned()));
        assert_eq!(order("failed", Some("registry_error")), failed("registry_error"));
        assert_eq!(order("failed", Some("Your card was declined.")), State::Failed(None));
    }

    fn quote(found: Value) -> Option<Quote> {
        quoted(serde_json::from_value(found).unwrap())
    }

    #[test]
    fn a_price_is_believed_only_where_the_answer_is_whole() {
        let pricing = json!({ "currency": "USD", "registration_cost": "10.44", "renewal_cost": "10.44" });
        let sold = json!({ "name": "a.com", "registrable": true, "tier": "standard", "pricing": pricing });
        assert!(matches!(quote(sold), Some(Quote::For(price)) if price.currency == "USD"));
        assert_eq!(quote(json!({ "name": "a.com", "registrable": true })), None);
        let premium = json!({ "name": "a.com", "registrable": true, "tier": "premium", "pricing": pricing });
        assert_eq!(quote(premium), Some(Quote::Premium));
        for (reason, expected) in [
            ("domain_unavailable", Quote::Taken),
            ("domain_premium", Quote::Premium),
            ("extension_not_supported", Quote::NotSold),
            ("extension_not_supported_via_api", Quote::NotSold),
            ("extension_disallows_registration", Quote::NotSold),
            ("another_reason", Quote::Unclear),
        ] {
            let found = json!({ "name": "a.com", "registrable": false, "reason": reason });
            assert_eq!(quote(found), Some(expected), "{reason}");
        }
        for odd in ["ten", "-1", "1e2", "10,44"] {
            let pricing = json!({ "currency": "USD", "registration_cost": odd, "renewal_cost": "1" });
            let found = json!({ "name": "a.com", "registrable": true, "pricing": pricing });
            assert!(serde_json::from_value::<CheckedDomain>(found).is_err(), "{odd}");
        }
    }

    #[test]
    fn every_status_is_known_and_a_date_that_is_none_is_not_shown() {
        let row = |status: &str, expires_at: &str| {
            registered(Row {
                domain_name: "a.com".to_owned(),
                status: status.to_owned(),
                created_at: "2026-12-01T00:00:00Z".to_owned(),
                expires_at: Some(expires_at.to_owned()),
                auto_renew: false,
                privacy_mode: None,
            })
        };
        for (word, expected) in [
            ("active", Status::Active),
            ("registration_pending", Status::Pending),
            ("expired", Status::Expired),
            ("suspended", Status::Suspended),
            ("redemption_period", Status::Redemption),
            ("pending_delete", Status::Deleting),
            ("lost_in_space", Status::Unknown),
        ] {
            assert_eq!(row(word, "2027-12-01T00:00:00Z").status, expected);
        }
        assert_eq!(row("active", "call us").expires_at, None);
    }
}
