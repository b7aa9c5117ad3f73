//! Every provider we ship keeps the contract of providers, against the stateful fake of its vendor.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test, helpers included")]

mod certificate;
mod cloudflare;
mod custom_hostname;
mod d1;
mod dns_record;
mod dnsimple;
mod domain_record;
mod domain_zone;
mod drive;
mod engine;
mod finding;
mod guards;
mod hyperdrive;
mod kv;
mod pages_domain;
mod queue;
mod r2;
mod registration;
mod rfc2136;
mod secrets;
mod site;
mod stripe;
mod token;
mod turnstile;
mod vectorize;
mod verification;
mod worker_domain;
mod www_redirect;
mod zone;

use sutler_broker_server::providers::contract;

use cloudflare::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_d1_keeps_the_contract() {
    let report = contract::run::<Stage<d1::Databases>>().await;
    assert_eq!(report.not_tried(), ["unbind_revokes"], "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_token_keeps_the_contract() {
    let report = contract::run::<Stage<token::Tokens>>().await;
    assert_eq!(report.not_tried(), [""; 0], "{report}");
}

/// What an offering without bindings, whose objects have no place for a mark, cannot try.
const NEITHER_BOUND_NOR_MARKED: [&str; 4] = [
    "bind_and_unbind_repeated",
    "unbind_revokes",
    "what_is_made_is_marked",
    "unbind_after_a_failed_bind_at_every_step",
];

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_secrets_keeps_the_contract() {
    let report = contract::run::<Stage<secrets::Sets>>().await;
    // the list of a Worker's secrets has one page, always
    assert_eq!(report.not_tried(), [&NEITHER_BOUND_NOR_MARKED[..], &["second_page"]].concat(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_pages_domain_keeps_the_contract() {
    let report = contract::run::<Stage<pages_domain::Domains>>().await;
    // nothing of a domain can be changed, and no list of domains is read
    let expected = [
        &["update_repeated"],
        &NEITHER_BOUND_NOR_MARKED[..],
        &["a_failed_update_at_every_step_is_taken_up", "second_page"],
    ]
    .concat();
    assert_eq!(report.not_tried(), expected, "{report}");
}

/// What bindings without credentials of their own cannot try.
const NOTHING_TO_REVOKE: [&str; 1] = ["unbind_revokes"];

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_kv_keeps_the_contract() {
    let report = contract::run::<Stage<kv::Namespaces>>().await;
    assert_eq!(report.not_tried(), NOTHING_TO_REVOKE, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_queue_keeps_the_contract() {
    let report = contract::run::<Stage<queue::Queues>>().await;
    assert_eq!(report.not_tried(), NOTHING_TO_REVOKE, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_r2_keeps_the_contract() {
    let report = contract::run::<Stage<r2::Buckets>>().await;
    assert_eq!(report.not_tried(), [""; 0], "{report}");
}

/// Rules with days, the address below r2.dev, and a key that writes.
#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_r2_keeps_the_contract_in_the_jurisdiction_of_the_federal_government() {
    let cases = [
        "a_whole_life",
        "refusals_leave_nothing",
        "update_repeated",
        "what_is_fixed_is_refused_by_name",
        "unbind_revokes",
        "what_is_made_is_marked",
        "recovery_is_true_for_every_step_that_ran",
        "every_step_killed_between_call_and_record",
        "what_vanished_is_gone_and_can_be_deleted",
        "foreign_object_of_the_same_name_is_not_touched",
    ];
    let report = contract::examine::<Stage<r2::FederalBuckets>>(&cases).await;
    assert!(report.is_kept(), "{report}");
    assert_eq!(report.not_tried(), [""; 0], "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_turnstile_keeps_the_contract() {
    let report = contract::run::<Stage<turnstile::Widgets>>().await;
    assert_eq!(report.not_tried(), NOTHING_TO_REVOKE, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_hyperdrive_keeps_the_contract() {
    let report = contract::run::<Stage<hyperdrive::Configurations>>().await;
    assert_eq!(report.not_tried(), NOTHING_TO_REVOKE, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_vectorize_keeps_the_contract() {
    let report = contract::run::<Stage<vectorize::Indexes>>().await;
    // the list of indexes has one page, always
    assert_eq!(report.not_tried(), [&NOTHING_TO_REVOKE[..], &["second_page"]].concat(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_dns_record_keeps_the_contract() {
    let report = contract::run::<Stage<dns_record::Sets>>().await;
    assert_eq!(report.not_tried(), UNBOUND, "{report}");
}

/// What an offering without bindings cannot try.
const UNBOUND: [&str; 3] =
    ["bind_and_unbind_repeated", "unbind_revokes", "unbind_after_a_failed_bind_at_every_step"];

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_zone_keeps_the_contract() {
    let report = contract::run::<Stage<zone::Zones>>().await;
    assert_eq!(report.not_tried(), [""; 0], "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_worker_domain_keeps_the_contract() {
    let report = contract::run::<Stage<worker_domain::Domains>>().await;
    // the host name is all that a list is asked for
    assert_eq!(report.not_tried(), [&NEITHER_BOUND_NOR_MARKED[..], &["second_page"]].concat(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_www_redirect_keeps_the_contract() {
    let report = contract::run::<Stage<www_redirect::Redirects>>().await;
    // a ruleset is one object
    assert_eq!(report.not_tried(), [&UNBOUND[..], &["second_page"]].concat(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_custom_hostname_keeps_the_contract() {
    let report = contract::run::<Stage<custom_hostname::Hostnames>>().await;
    // the host name is all that a list is asked for
    assert_eq!(report.not_tried(), [&NEITHER_BOUND_NOR_MARKED[..], &["second_page"]].concat(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn domain_record_at_cloudflare_keeps_the_contract() {
    let report = contract::run::<Stage<domain_record::Records>>().await;
    assert_eq!(report.not_tried(), UNBOUND, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn domain_record_at_dnsimple_keeps_the_contract() {
    let report = contract::run::<dnsimple::Stage<domain_record::at_dnsimple::Records>>().await;
    assert_eq!(report.not_tried(), NEITHER_BOUND_NOR_MARKED, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn domain_record_at_a_name_server_keeps_the_contract() {
    let report = contract::run::<rfc2136::Stage>().await;
    // a name server lists nothing, and never asks to be left alone for a while
    let expected = [
        &NEITHER_BOUND_NOR_MARKED[..],
        &[
            "second_page",
            "too_many_requests_with_and_without_retry_after",
            "a_state_that_nobody_knows_has_an_end",
        ],
    ];
    assert_eq!(report.not_tried(), expected.concat(), "{report}");
}
