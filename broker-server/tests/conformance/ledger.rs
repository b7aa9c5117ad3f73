//! The rows in the program are those of the ledger, where that is at hand.

use std::{collections::BTreeSet, fs, path::Path};

use libtest_mimic::Failed;
use sutler_broker_server::conformance::{ROWS, checks};

/// The requirements on a broker: id and level of each.
fn ledger(text: &str) -> Vec<(String, String)> {
    let part = text.split("\n# Part 1").nth(1).and_then(|rest| rest.split("\n# Part 2").next()).unwrap();
    let rows = part.lines().filter(|line| line.starts_with("| B-"));
    rows.map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        (cells[1].to_owned(), cells[2].to_uppercase())
    })
    .collect()
}

pub(crate) fn rows_are_those_of_the_ledger() -> Result<(), Failed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/osb");
    let Ok(text) = fs::read_to_string(folder.join("conformance.md")) else {
        // the ledger is kept beside this repository, and is not there for everyone
        eprintln!("the ledger is not at hand: compared with nothing");
        return Ok(());
    };
    let ours = ROWS.iter().filter(|row| row.id.starts_with("B-"));
    let ours: Vec<_> = ours.map(|row| (row.id.to_owned(), row.level.as_str().to_owned())).collect();
    assert_eq!(ours, ledger(&text));
    let quirks = fs::read_to_string(folder.join("platform-quirks.md")).unwrap();
    let digest = quirks.split("## 0.").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let lines =
        digest.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse::<u32>().ok());
    let quirks: Vec<String> = lines.map(|number| format!("Q-{number:02}")).collect();
    let ours: Vec<&str> = ROWS.iter().map(|row| row.id).filter(|id| id.starts_with("Q-")).collect();
    assert_eq!(ours, quirks);
    Ok(())
}

pub(crate) fn rows_and_checks_belong_together() -> Result<(), Failed> {
    let checked: BTreeSet<&str> = checks().map(|check| check.row()).collect();
    let rows: BTreeSet<&str> = ROWS.iter().map(|row| row.id).collect();
    assert_eq!(checked, rows);
    assert_eq!(rows.len(), ROWS.len(), "a row is there twice");
    let ids: BTreeSet<&str> = checks().map(|check| check.id).collect();
    assert_eq!(ids.len(), checks().count(), "a check is there twice");
    Ok(())
}
