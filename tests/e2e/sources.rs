//! Rules that hold everywhere in the sources, and that no compiler knows.

use std::path::{Path, PathBuf};

use sutler_tests::world::Binaries;

/// The files of our programs and libraries, tests left out.
pub(crate) fn sources() -> Vec<(String, String)> {
    let root = Binaries::workspace();
    let mut found = Vec::new();
    for crate_ in [
        "spec",
        "catalog",
        "secrets",
        "broker-server",
        "broker-client",
        "orchestrator",
        "docs/examples/broker-template",
        "docs/examples/postgres-broker",
    ] {
        collect(&root, &root.join(crate_).join("src"), &mut found);
    }
    assert!(found.len() > 200, "the sources are not where they were");
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<(String, String)>) {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("readable").map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    for path in paths {
        let name = path.strip_prefix(root).expect("below it").to_string_lossy().into_owned();
        let is_test = name.ends_with("/tests") || name.ends_with("tests.rs");
        if path.is_dir() && !is_test {
            collect(root, &path, found);
        } else if name.ends_with(".rs") && !is_test {
            let text = std::fs::read_to_string(&path).expect("readable");
            let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            found.push((name, lines.collect::<Vec<_>>().join("\n")));
        }
    }
}

/// The lines of those files for which something holds, with their file.
fn lines_where(is_meant: impl Fn(&str) -> bool, holds: impl Fn(&str) -> bool) -> Vec<String> {
    let sources = sources();
    let meant = sources.iter().filter(|(name, _)| is_meant(name));
    meant
        .flat_map(|(name, text)| {
            let lines = text.lines().filter(|line| holds(line));
            lines.map(|line| format!("{name}: {}", line.trim())).collect::<Vec<_>>()
        })
        .collect()
}

/// Values are bound. What is put into a statement as text are our own words: tables, columns and conditions of the
/// program, numbers that we count, and the schema, whose name is a plain one (`s_22_a_schema_is_a_plain_name`).
#[test]
fn s_22_statements_are_put_together_from_our_own_words() {
    const OURS: [&str; 10] =
        ["schema", "TOLD", "script", "version", "key", "limit", "marks", "column", "table", "condition"];
    let (mut seen, mut found) = (0, Vec::new());
    // the contract is what stores are tested with, and moves things about on purpose
    let is_store = |name: &str| name.starts_with("broker-server/src/store/") && !name.contains("/contract/");
    for (name, text) in sources().iter().filter(|(name, _)| is_store(name)) {
        for put_together in text.split("format!(").skip(1) {
            let Some(statement) = put_together.trim_start().strip_prefix('"') else { continue };
            // to the quote that ends it; some of our statements quote a name
            let statement = statement.replace("\\\"", "").split('"').next().unwrap_or_default().to_owned();
            let verbs =
                ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "CREATE ", "ALTER ", "PRAGMA ", "BEGIN "];
            if !verbs.iter().any(|verb| statement.starts_with(verb)) {
                continue;
            }
            seen += 1;
            let inserted = statement.split('{').skip(1).filter_map(|rest| rest.split('}').next());
            // where they stand without a name, the tables of what is resealed are meant
            let is_ours =
                |word: &str| OURS.contains(&word) || (word.is_empty() && name.ends_with("/reseal.rs"));
            let others: Vec<&str> = inserted.filter(|word| !is_ours(word)).collect();
            if !others.is_empty() {
                found.push(format!("{name}: {others:?} in {statement}"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(seen >= 5, "the rule looks at nothing");
}

/// No command line is ever made from what somebody sent. The one shell runs the operator's own `--restart-command`.
#[test]
fn s_23_no_shell_is_asked_for_anything() {
    let asks = |line: &str| line.contains("Command::new(\"sh\")") || line.contains("Command::new(\"bash\")");
    let found = lines_where(|_| true, asks);
    assert_eq!(found.len(), 1, "{}", found.join("\n"));
    assert!(found[0].starts_with("broker-server/src/conformance/restart.rs"), "{}", found[0]);
}

/// An address that came in a request cannot be fetched: there is nothing to fetch it with. Clients are built for a vendor
/// (from its configured URL, guarded), for the receiver of traces, and for the broker that the conformance command was
/// told to check.
#[test]
fn s_27_the_broker_has_no_client_for_addresses_that_somebody_sent() {
    let builds = |line: &str| line.contains("Client::builder()") || line.contains("reqwest::get(");
    let of_broker = |name: &str| name.starts_with("broker-server/src/") && !name.contains("/testing/");
    let found = lines_where(of_broker, builds);
    let known = ["providers/egress.rs", "telemetry/", "conformance/wire.rs"];
    let others: Vec<&String> = found
        .iter()
        .filter(|line| !known.iter().any(|known| line.starts_with(&format!("broker-server/src/{known}"))))
        .collect();
    assert!(others.is_empty(), "{others:#?}");
    assert!(found.iter().any(|line| line.contains("egress.rs")), "the rule looks at nothing");
}
