//! Rules about secrets that the sources keep, wherever no type can.
//!
//! Clippy can forbid a method in the whole workspace, not outside of named modules; and a permission in the file itself
//! would be given by whoever wants it. Here is the list of those who may take a secret out of its wrapper, each with its
//! reason. Whoever needs to be in it says why.

use crate::sources::sources;

/// Who may see secrets in clear: files, or folders that end with a slash, and what for.
const MAY_EXPOSE: &[(&str, &str)] = &[
    ("secrets/src/", "the wrapper itself, the key ring, the search for leaks"),
    ("broker-client/src/client/headers.rs", "the Authorization header"),
    ("broker-client/src/client/tls.rs", "the private key of the client certificate"),
    ("broker-server/src/api/auth/mod.rs", "what a caller presents becomes a tag"),
    ("broker-server/src/config/secret.rs", "reading a secret from where the configuration says it is"),
    ("broker-server/src/broker/digest.rs", "keyed digests of requests"),
    ("broker-server/src/broker/fetch.rs", "credentials for whom they are"),
    ("broker-server/src/broker/update.rs", "parameters that stay as they are"),
    ("broker-server/src/store/seal.rs", "sealing"),
    ("broker-server/src/store/postgres/pool.rs", "the password of the database"),
    ("broker-server/src/telemetry/exporter.rs", "the token of the collector"),
    ("broker-server/src/providers/", "what the vendor is told, and what it answered"),
    ("broker-server/src/conformance/wire.rs", "the Authorization header"),
    ("broker-server/src/cli/conformance.rs", "reading the password that the operator names"),
    (
        "orchestrator/src/commands/observe/fields.rs",
        "what was asked for is compared with what a broker tells",
    ),
    ("orchestrator/src/config/secret.rs", "reading a secret from where the configuration says it is"),
    ("orchestrator/src/events/webhook.rs", "the key that posts are signed with"),
    ("orchestrator/src/state/seal.rs", "sealing"),
    ("orchestrator/src/state/contract/moves.rs", "the suite of places: what was sealed opens after a move"),
    ("orchestrator/src/state/rename.rs", "what was sealed under one name is sealed under another"),
    ("orchestrator/src/state/postgres/connect.rs", "the password of the database"),
    ("orchestrator/src/execute/", "values on their way from a broker to a broker or a sink"),
    ("orchestrator/src/sink/", "where secrets land"),
    ("orchestrator/src/cli/verbs.rs", "`env` hands the sink's variables to a program or a shell"),
    ("docs/examples/broker-template/src/", "what the vendor is told"),
    ("docs/examples/postgres-broker/src/", "the broker's own password, and those it makes"),
];

fn takes_a_secret_out(line: &str) -> bool {
    [".expose()", "::expose)", "::expose,", "::exposed\"", "duplicate().into_inner()"]
        .iter()
        .any(|word| line.contains(word))
}

#[test]
fn s_42_only_named_modules_take_a_secret_out_of_its_wrapper() {
    let sources = sources();
    let may = |name: &str| {
        MAY_EXPOSE.iter().any(|(path, _)| name == *path || (path.ends_with('/') && name.starts_with(path)))
    };
    let found: Vec<String> = sources
        .iter()
        .filter(|(name, _)| !may(name))
        .flat_map(|(name, text)| {
            let lines = text.lines().filter(|line| takes_a_secret_out(line));
            lines.map(move |line| format!("{name}: {}", line.trim())).collect::<Vec<_>>()
        })
        .collect();
    assert!(
        found.is_empty(),
        "a secret leaves its wrapper where nobody said why; keep it wrapped, or name the file in {}:\n{}",
        file!(),
        found.join("\n")
    );
    let gone: Vec<&str> = MAY_EXPOSE
        .iter()
        .map(|(path, _)| *path)
        .filter(|path| {
            let below = |name: &String| name == path || (path.ends_with('/') && name.starts_with(path));
            !sources.iter().any(|(name, text)| below(name) && text.lines().any(takes_a_secret_out))
        })
        .collect();
    assert!(gone.is_empty(), "these take nothing out any more: {gone:?}");
}

/// The type has no `PartialEq` (that is a test of its crate). Where strangers present guesses, what was taken out of it is
/// not compared either, since that stops at the first byte that differs.
#[test]
fn s_01_what_is_taken_out_of_its_wrapper_is_not_compared_with_an_operator() {
    let compares = |line: &str| {
        line.match_indices(".expose()").any(|(at, word)| {
            let (before, behind) = (line[..at].trim_end(), line[at + word.len()..].trim_start());
            let before = before.rsplit(['(', '{', ',', ';', '|', '&']).next().unwrap_or_default();
            behind.starts_with("==")
                || behind.starts_with("!=")
                || before.contains("== ")
                || before.contains("!= ")
        })
    };
    assert!(compares("if token.expose() == presented {") && compares("a == b.expose()"));
    assert!(!compares("if token.expose().is_empty() {") && !compares("if a == 5 && f(token.expose())"));
    let found: Vec<String> = sources()
        .iter()
        .filter(|(name, _)| name.starts_with("broker-server/") || name.starts_with("broker-client/"))
        .flat_map(|(name, text)| {
            let lines = text.lines().filter(|line| compares(line));
            lines.map(|line| format!("{name}: {}", line.trim())).collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}
