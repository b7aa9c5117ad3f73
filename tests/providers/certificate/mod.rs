//! `domain-certificate` against a real authority and a real name server.

mod at_dnsimple;
mod disturbed;
mod instance;
mod life;
mod place;
mod stage;

use sutler_broker_server::providers::contract;

#[tokio::test(flavor = "multi_thread")]
async fn domain_certificate_keeps_the_contract() {
    let report = contract::run::<stage::Certificates<stage::Simple>>().await;
    // bindings hand out what is held, a certificate has no place for a mark, and an authority has no lists
    let expected = [
        "update_repeated",
        "unbind_revokes",
        "what_is_made_is_marked",
        "a_failed_update_at_every_step_is_taken_up",
        "what_vanished_is_gone_and_can_be_deleted",
        "foreign_object_of_the_same_name_is_not_touched",
        "second_page",
        "a_state_that_nobody_knows_has_an_end",
    ];
    assert_eq!(report.not_tried(), expected, "{report}");
}

/// A life with a renewal and two proofs at one name has four times the steps and calls: the cases that tell most.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_domain_certificate_keeps_the_contract() {
    let cases = [
        "a_whole_life",
        "update_repeated",
        "recovery_is_true_for_every_step_that_ran",
        "every_step_lost_its_answer",
        "every_step_killed_between_call_and_record",
        "a_failed_update_at_every_step_is_taken_up",
    ];
    let report = contract::examine::<stage::Certificates<stage::Renewed>>(&cases).await;
    assert!(report.is_kept(), "{report}");
    assert_eq!(report.not_tried(), [""; 0], "{report}");
}
