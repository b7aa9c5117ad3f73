//! Leaking a secret is a mistake that does not compile (S-42).
//!
//! The expected messages are those of the compiler that the workspace names as its `rust-version`. After a change of
//! it, look at them again and write them with `TRYBUILD=overwrite cargo test -p sutler-secrets --test ui`.

#[test]
fn no_way_to_leak_a_secret_compiles() {
    let _made = Made;
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

/// What the cases are checked with: a target folder of their own, since they are compiled with other flags. It is a few
/// hundred megabytes that nothing else can use, so it goes again.
struct Made;

impl Drop for Made {
    fn drop(&mut self) {
        let program = std::env::current_exe().unwrap_or_default();
        // target/debug/deps/ui-…
        if let Some(target) = program.ancestors().nth(3) {
            // another run may be removing it as well
            let _ = std::fs::remove_dir_all(target.join("tests/trybuild"));
        }
    }
}

/// The one thing that does compile shows nothing: whatever holds a secret can derive `Debug`.
#[test]
fn debugging_shows_that_there_is_a_secret_and_not_which() {
    #[derive(Debug)]
    struct Account {
        password: sutler_secrets::SecretString,
    }
    let account = Account { password: "hunter2".into() };
    for shown in [format!("{account:?}"), format!("{account:#?}"), format!("{:?}", Some(&account.password))] {
        assert!(shown.contains("Secret(…)") && !shown.contains("hunter"), "{shown}");
    }
}
