//! Every provider we ship keeps the contract of providers, against the stateful fake of its vendor.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test, helpers included")]

mod cloudflare;
mod d1;
mod pages_domain;
mod secrets;
mod stripe;
mod token;

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
    let expected = [&["update_repeated"], &NEITHER_BOUND_NOR_MARKED[..], &["second_page"]].concat();
    assert_eq!(report.not_tried(), expected, "{report}");
}
