//! `domain-certificate` against a real authority and a real name server.

mod at_dnsimple;
mod life;
mod place;
mod stage;

use sutler_broker_server::providers::contract;

/// All cases but one: where the authority refuses to look at a proof (400), the work goes on waiting for the look until its
/// time is over, which is longer than the case has.
#[tokio::test(flavor = "multi_thread")]
async fn domain_certificate_keeps_the_contract() {
    let cases = [
        "a_whole_life",
        "refusals_leave_nothing",
        "update_repeated",
        "what_is_fixed_is_refused_by_name",
        "bind_and_unbind_repeated",
        "unbind_revokes",
        "what_is_made_is_marked",
        "recovery_is_true_for_every_step_that_ran",
        "every_step_repeated",
        "every_step_failed_before_the_call",
        "every_step_lost_its_answer",
        "every_step_killed_before_the_call",
        "every_step_killed_between_call_and_record",
        "every_recovery_killed_again",
        "delete_of_what_never_existed",
        "delete_after_a_failed_creation_at_every_step",
        "create_again_after_a_failed_creation_at_every_step",
        "unbind_after_a_failed_bind_at_every_step",
        "what_vanished_is_gone_and_can_be_deleted",
        "foreign_object_of_the_same_name_is_not_touched",
        "second_page",
        "every_call_lost_on_the_way",
        "every_call_lost_its_answer",
        "too_many_requests_with_and_without_retry_after",
        "server_errors_and_html_are_unknown_not_absent",
        "errors_after_the_work_was_done",
        "rejected_credentials",
    ];
    let report = contract::examine::<stage::Certificates<stage::Simple>>(&cases).await;
    assert!(report.is_kept(), "{report}");
    // bindings hand out what is held, a certificate has no place for a mark, and an authority has no lists
    let expected = [
        "update_repeated",
        "unbind_revokes",
        "what_is_made_is_marked",
        "what_vanished_is_gone_and_can_be_deleted",
        "foreign_object_of_the_same_name_is_not_touched",
        "second_page",
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
    ];
    let report = contract::examine::<stage::Certificates<stage::Renewed>>(&cases).await;
    assert!(report.is_kept(), "{report}");
    assert_eq!(report.not_tried(), [""; 0], "{report}");
}
