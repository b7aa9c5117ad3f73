//! `domain-certificate` against a real authority and a real name server.

mod life;
mod place;
mod stage;

use sutler_broker_server::providers::contract;

#[tokio::test(flavor = "multi_thread")]
async fn domain_certificate_keeps_the_contract() {
    let report = contract::run::<stage::Certificates>().await;
    // bindings hand out what is held, a certificate has no place for a mark, and an authority has no lists
    let expected = [
        "unbind_revokes",
        "what_is_made_is_marked",
        "what_vanished_is_gone_and_can_be_deleted",
        "foreign_object_of_the_same_name_is_not_touched",
        "second_page",
    ];
    assert_eq!(report.not_tried(), expected, "{report}");
}
