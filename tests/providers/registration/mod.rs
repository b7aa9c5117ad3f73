//! `domain-registration` at Cloudflare Registrar and in its sandbox.

mod behaviour;
mod dnsimple;
mod drive;
mod money;
mod spending;

use std::sync::Arc;

use serde_json::{Value, json};
use sutler_broker_server::operation::Work;
use sutler_broker_server::providers::cloudflare::{self, Client};
use sutler_broker_server::providers::contract::{self, Target, Wishes};
use sutler_broker_server::providers::{Policy, Provider};
use sutler_tests::cloudflare::{Kind, ThingState};

use crate::NEITHER_BOUND_NOR_MARKED;
use crate::cloudflare::{Service, Stage, Vendor};

const DOMAIN: &str = "contract.com";
const EMAIL: &str = "ada.nobody@example.com";
const STREET: &str = "1 Nobody Street, 4th floor";
const PHONE: &str = "+1.5550001234";

/// Parameters that buy a domain, whatever it costs here.
fn wanted(domain: &str) -> Value {
    json!({
        "domain": domain, "max_registration_cost": "20.00", "currency": "USD", "accept_charges": true,
        "auto_renew": true, "release": true,
        "registrant": {
            "name": "Ada Nobody", "email": EMAIL, "phone": PHONE, "street": STREET, "city": "Springfield",
            "state": "OR", "postal_code": "97477", "country_code": "US",
        },
    })
}

/// The same with some of them changed.
fn but(mut wanted: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        wanted[name] = value.clone();
    }
    wanted
}

fn policy() -> Policy {
    let extensions = ["com", "net", "org"].map(str::to_owned).to_vec();
    // third parties are quick here
    Policy { extensions, blocked_every: std::time::Duration::from_millis(50), ..Policy::default() }
}

fn things(vendor: &Vendor, kind: Kind) -> Vec<ThingState> {
    vendor.control().state().things.into_iter().filter(|thing| thing.kind == kind).collect()
}

/// What no longer renews itself runs out, as names do; with it go its charges, so that a life leaves nothing.
fn let_time_pass(vendor: &Vendor, kind: Kind, place: &str) {
    for thing in things(vendor, kind).iter().filter(|thing| thing.shown["auto_renew"] == json!(false)) {
        vendor.somebody(&format!("{place}.expire"), &[("domain_name", &thing.name)], json!(null));
    }
}

fn wishes() -> Wishes {
    Wishes::new(wanted(DOMAIN))
        .refused(but(wanted(DOMAIN), json!({ "accept_charges": false })))
        .refused(but(wanted(DOMAIN), json!({ "max_registration_cost": "10.43" })))
        .refused(but(wanted(DOMAIN), json!({ "max_registration_cost": 20 })))
        .refused(but(wanted(DOMAIN), json!({ "currency": "EUR" })))
        .refused(but(wanted(DOMAIN), json!({ "years": 2 })))
        .refused(wanted("premium-contract.com"))
        .refused(wanted("www.contract.com"))
        .refused(wanted("contract.dev"))
        .secret(EMAIL)
        .secret(STREET)
        .secret(PHONE)
}

fn crowd(vendor: &Vendor, place: &str) -> bool {
    for number in 0..60 {
        let name = format!("crowd-{number}.com");
        vendor.somebody(
            &format!("{place}.declare"),
            &[("domain_name", &name)],
            json!({ "auto_renew": true }),
        );
    }
    true
}

fn occupy(vendor: &Vendor, place: &str) -> Option<Work> {
    vendor.somebody(&format!("{place}.declare"), &[("domain_name", DOMAIN)], json!({ "auto_renew": true }));
    Some(Work::Provision)
}

struct Rehearsals;

impl Service for Rehearsals {
    fn provider(client: &Client) -> Arc<dyn Provider> {
        Arc::new(cloudflare::sandbox_registration(client))
    }

    fn wishes() -> Wishes {
        let mut anonymous = wanted(DOMAIN);
        anonymous.as_object_mut().unwrap().remove("registrant");
        wishes().refused(wanted("taken-contract.com")).refused(wanted("contract.org")).refused(anonymous)
    }

    fn occupy(vendor: &Vendor, _target: &Target<'_>) -> Option<Work> {
        occupy(vendor, "registrar_sandbox")
    }

    fn crowd(vendor: &Vendor) -> bool {
        crowd(vendor, "registrar_sandbox")
    }

    fn vanish(vendor: &Vendor) {
        vendor.somebody("registrar_sandbox.expire", &[("domain_name", DOMAIN)], json!(null));
    }

    fn let_time_pass(vendor: &Vendor) {
        let_time_pass(vendor, Kind::RehearsedRegistration, "registrar_sandbox");
    }
}

/// At a registrar that takes every order and charges for it: two orders are two charges, and a life has one.
struct Purchases;

impl Service for Purchases {
    fn prepare(vendor: &Vendor) {
        vendor.control().make_the_registrar_careless();
    }

    fn provider(client: &Client) -> Arc<dyn Provider> {
        Arc::new(cloudflare::registration(client, policy()))
    }

    fn wishes() -> Wishes {
        wishes().update(json!({ "auto_renew": false }))
    }

    fn occupy(vendor: &Vendor, _target: &Target<'_>) -> Option<Work> {
        occupy(vendor, "registrar")
    }

    fn crowd(vendor: &Vendor) -> bool {
        crowd(vendor, "registrar")
    }

    fn vanish(vendor: &Vendor) {
        vendor.somebody("registrar.expire", &[("domain_name", DOMAIN)], json!(null));
    }

    fn let_time_pass(vendor: &Vendor) {
        let_time_pass(vendor, Kind::Registration, "registrar");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn domain_registration_in_the_sandbox_keeps_the_contract() {
    let report = contract::run::<Stage<Rehearsals>>().await;
    // time passes between the steps of this stage, so nothing can be changed that would end the registration
    assert_eq!(
        report.not_tried(),
        [&["update_repeated"][..], &NEITHER_BOUND_NOR_MARKED, &["a_failed_update_at_every_step_is_taken_up"]]
            .concat(),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn domain_registration_keeps_the_contract_where_every_order_is_charged_for() {
    let cases = [
        "a_whole_life",
        "refusals_leave_nothing",
        "update_repeated",
        "every_step_repeated",
        "every_step_lost_its_answer",
        "every_step_killed_between_call_and_record",
        "create_again_after_a_failed_creation_at_every_step",
        "every_call_lost_its_answer",
        "errors_after_the_work_was_done",
        "foreign_object_of_the_same_name_is_not_touched",
    ];
    let report = contract::examine::<Stage<Purchases>>(&cases).await;
    assert!(report.is_kept(), "{report}");
    assert_eq!(report.not_tried(), [""; 0], "{report}");
}
