//! Leaking a secret is a mistake that does not compile (S-42).
//!
//! The expected messages are those of the compiler that the workspace names as its `rust-version`. After a change of
//! it, look at them again and write them with `TRYBUILD=overwrite cargo test -p sutler-secrets --test ui`.

#[test]
fn no_way_to_leak_a_secret_compiles() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
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
