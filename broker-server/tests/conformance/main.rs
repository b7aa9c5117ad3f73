//! Our broker against every row of the specification: the real program, checked by the real command.
//!
//! Each check is a test of its own, named by its id and its sentence. `UPDATE_GOLDEN=1` writes `docs/conformance.md`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stderr, reason = "known gaps are shown")]

mod document;
mod faults;
mod ledger;
mod proxy;
mod runs;
mod world;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use sutler_broker_server::conformance::{Check, checks};

fn main() -> ExitCode {
    // a second installation changes nothing
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut trials: Vec<Trial> = checks().map(of_check).collect();
    trials.extend([
        test("every_row_of_the_ledger_has_a_check_of_its_level", ledger::rows_are_those_of_the_ledger),
        test("every_row_has_a_check_and_every_check_a_row", ledger::rows_and_checks_belong_together),
        test("nothing_is_left_behind", runs::nothing_is_left),
        test("the_settings_for_platforms_that_disagree_conform_too", runs::other_settings_conform),
        test("over_tls_the_certificate_is_checked", runs::tls_is_checked),
        test("junit_has_a_case_for_every_check", runs::junit_is_complete),
        test("a_run_that_only_reads_changes_not_a_row", runs::reading_changes_nothing),
        test("a_broker_that_cannot_be_reached_is_no_broker_that_fails", runs::exit_codes_tell_apart),
        test("docs_conformance_md_is_what_was_found", document::is_what_was_found),
    ]);
    trials.extend(faults::all());
    // they wait for the broker most of the time
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(8);
    let conclusion = libtest_mimic::run(&arguments, trials);
    runs::end();
    conclusion.exit_code()
}

fn test(name: &str, run: fn() -> Result<(), Failed>) -> Trial {
    Trial::test(name, run)
}

fn of_check(check: &'static Check) -> Trial {
    let name = format!("{} {}", check.id, check.title);
    Trial::test(name, move || runs::ended_well(check.id)).with_kind(check.level().as_str())
}
