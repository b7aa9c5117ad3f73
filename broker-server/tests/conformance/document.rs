//! `docs/conformance.md`: every row, what it asks for, the check and what became of it.

use std::{fmt::Write as _, fs, path::Path};

use libtest_mimic::Failed;
use sutler_broker_server::conformance::{ROWS, Verdict, checks};

use crate::runs::{KNOWN_GAPS, found, other, result};

/// What became of a check, in one of the runs.
fn outcome(id: &str) -> String {
    if let Some((_, why)) = KNOWN_GAPS.iter().find(|(gap, _)| *gap == id) {
        return format!("**fails**: {why}");
    }
    let usual = result(id);
    let elsewhere = other().results.iter().find(|result| result.id == id);
    match usual["result"].as_str().unwrap() {
        "pass" => "passes".to_owned(),
        "skip" if elsewhere.is_some_and(|result| result.result == Verdict::Pass) => {
            "passes, over TLS".to_owned()
        }
        "skip" => format!("nothing to see: {}", usual["detail"].as_str().unwrap()),
        _ => "**fails**".to_owned(),
    }
}

fn written() -> String {
    let mut text = String::from(
        "# Conformance\n\n\
         What our broker does for every requirement of the Open Service Broker API 2.17 on a broker (`B-…`), and for\n\
         what platforms want beyond it (`Q-…`). Written by `cargo test -p sutler-broker-server --test conformance`,\n\
         which starts `sutler-broker` with its probe offerings, runs the command below against it, and fails when\n\
         this page is not what was found. `UPDATE_GOLDEN=1` writes it anew.\n\n\
         ```\n\
         sutler-broker conformance URL --username U --password-file F --chaos --restart-command CMD\n\
         ```\n\n\
         The same command checks any broker: `sutler-broker conformance --help`.\n\n",
    );
    let passed =
        found()["checks"].as_array().unwrap().iter().filter(|check| check["result"] == "pass").count();
    let _ = writeln!(
        text,
        "{} rows, {} checks; {passed} pass in the run with the usual settings.\n",
        ROWS.len(),
        checks().count()
    );
    let _ = writeln!(
        text,
        "| row | level | what is required | check | what is checked | result |\n|---|---|---|---|---|---|"
    );
    for row in ROWS.iter() {
        for check in checks().filter(|check| check.row() == row.id) {
            let suffix = check.id.strip_prefix(row.id).unwrap_or_default();
            let name = if suffix.is_empty() { "" } else { suffix };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {name} | {} | {} |",
                row.id,
                row.level.as_str(),
                row.words,
                check.title,
                outcome(check.id)
            );
        }
    }
    text
}

pub(crate) fn is_what_was_found() -> Result<(), Failed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
    let text = written();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let differing = text.lines().zip(expected.lines()).find(|(found, told)| found != told);
    match differing {
        Some((found, told)) => {
            Err(format!("docs/conformance.md says\n{told}\nbut\n{found}\nUPDATE_GOLDEN=1 writes it anew")
                .into())
        }
        None if text != expected => {
            Err("docs/conformance.md has other lines; UPDATE_GOLDEN=1 writes it anew".into())
        }
        None => Ok(()),
    }
}
