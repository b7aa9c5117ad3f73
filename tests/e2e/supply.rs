//! What the documents about security say is checked: every dependency has a reason, every test that is named exists.

use std::{collections::BTreeSet, path::Path};

use sutler_tests::world::Binaries;

fn read(path: &str) -> String {
    std::fs::read_to_string(Binaries::workspace().join(path)).expect(path)
}

#[test]
fn s_59_every_direct_dependency_has_a_reason() {
    let manifest = read("Cargo.toml");
    let section = manifest.split("[workspace.dependencies]").nth(1).expect("the dependencies");
    let section = section.split("\n[").next().unwrap_or(section);
    let named: BTreeSet<&str> = section
        .lines()
        .filter(|line| !line.starts_with('#') && !line.contains("path = "))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name)
        .collect();
    let document = read("docs/dependencies.md");
    let explained: BTreeSet<&str> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name)
        .collect();
    let without: Vec<_> = named.difference(&explained).collect();
    let gone: Vec<_> = explained.difference(&named).collect();
    assert!(
        without.is_empty() && gone.is_empty(),
        "without a reason: {without:?}; not there any more: {gone:?}"
    );
}

#[test]
fn s_65_every_crate_takes_the_lints_of_the_workspace() {
    assert!(read("Cargo.toml").contains("unsafe_code = \"forbid\""));
    let manifest = read("Cargo.toml");
    let members =
        manifest.split("members = [").nth(1).and_then(|rest| rest.split(']').next()).expect("members");
    for member in members.split(',').map(|name| name.trim().trim_matches('"')).filter(|name| !name.is_empty())
    {
        let manifest = read(&format!("{member}/Cargo.toml"));
        // the template is for others to copy, and has no workspace to take anything from
        let forbids_itself = manifest.contains("[lints.rust]\nunsafe_code = \"forbid\"");
        assert!(manifest.contains("[lints]\nworkspace = true") || forbids_itself, "{member}");
    }
}

#[test]
fn the_tests_that_the_security_document_names_exist() {
    let document = read("docs/security.md");
    let missing = missing(document.lines().filter(|line| line.starts_with("| S-")));
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_tests_that_the_known_answers_name_exist() {
    let document = read("docs/known-answers.md");
    let rows = document.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    let missing = missing(rows);
    assert!(missing.is_empty(), "{missing:?}");
}

/// Each row has a test that has its name in front, so that a failure says which old mistake is back.
#[test]
fn every_known_answer_has_a_test_of_its_name() {
    let document = read("docs/known-answers.md");
    let rows =
        |letter: char, last: u32| (1..=last).map(move |row| (letter, format!("| {letter}{row:02} "), row));
    let has_test = |(letter, start, row): &(char, String, u32)| {
        let name = format!("{}{row:02}_", letter.to_ascii_lowercase());
        let mut told = document.lines().filter(|line| line.starts_with(start.as_str()));
        told.any(|line| line.contains(&format!("`{name}")) || line.contains(&format!("_{name}")))
    };
    let missing: Vec<String> = rows('A', 63)
        .chain(rows('B', 14))
        .filter(|row| !has_test(row))
        .map(|(letter, _, row)| format!("{letter}{row:02}"))
        .collect();
    assert!(missing.is_empty(), "no row, or no test of its name, for {missing:?}");
}

/// What rows of a document name in their last column and no source has.
fn missing<'d>(rows: impl Iterator<Item = &'d str>) -> Vec<&'d str> {
    let mut sources = String::new();
    for folder in ["broker-server", "broker-client", "catalog", "secrets", "orchestrator", "spec", "tests"] {
        collect(&Binaries::workspace().join(folder), &mut sources);
    }
    let names =
        rows.flat_map(|row| row.rsplit(" | ").next().unwrap_or_default().split('`').skip(1).step_by(2));
    names.filter(|name| !sources.contains(&format!("fn {name}("))).collect()
}

/// What the broker promises has a row, and each row a test. The rows of sealing and its keys are S-32 to S-36.
#[test]
fn every_security_requirement_of_the_broker_has_a_row_with_a_test() {
    let document = read("docs/security.md");
    let told: BTreeSet<u32> = document
        .lines()
        .filter(|line| {
            line.starts_with("| S-") && line.rsplit(" | ").next().is_some_and(|tests| tests.contains('`'))
        })
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|rows| rows.split(','))
        .filter_map(|row| row.trim().strip_prefix("S-")?.parse().ok())
        .collect();
    let wanted = (1..=24).chain(26..=29).chain([31]).chain(38..=46).chain([59, 62, 63, 65, 66]);
    let missing: Vec<u32> = wanted.filter(|row| !told.contains(row)).collect();
    assert!(missing.is_empty(), "no row, or no test, for {missing:?}");
}

/// The text of all Rust files of a folder.
fn collect(folder: &Path, sources: &mut String) {
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&std::fs::read_to_string(&path).expect("readable"));
        }
    }
}
