//! Every provider we ship keeps the contract of providers, against the stateful fake of its vendor.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test, helpers included")]

mod cloudflare;
mod d1;
mod pages_domain;
mod secrets;
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

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_secrets_keeps_the_contract() {
    let report = contract::run::<Stage<secrets::Sets>>().await;
    let not_bindable =
        ["bind_and_unbind_repeated", "unbind_revokes", "unbind_after_a_failed_bind_at_every_step"];
    // the list of a Worker's secrets has one page, always
    assert_eq!(report.not_tried(), [&not_bindable[..], &["second_page"]].concat(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudflare_pages_domain_keeps_the_contract() {
    let report = contract::run::<Stage<pages_domain::Domains>>().await;
    let not_bindable =
        ["bind_and_unbind_repeated", "unbind_revokes", "unbind_after_a_failed_bind_at_every_step"];
    // nothing of a domain can be changed, and no list of domains is read
    let expected = [&["update_repeated"], &not_bindable[..], &["second_page"]].concat();
    assert_eq!(report.not_tried(), expected, "{report}");
}
