//! The fake does with SQL what D1's engine was seen to do. `scripts/compare-d1` asks that engine the same.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::vendor::{Answer, Vendor};

const CASES: &str = include_str!("../contracts/d1-sql.json");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "about")]
    _about: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    rule: String,
    before: Vec<String>,
    text: String,
    #[serde(default)]
    bytes: Option<usize>,
    done: bool,
    #[serde(default)]
    says: Option<String>,
    #[serde(default)]
    then: Option<String>,
    #[serde(default)]
    rows: Value,
}

impl Case {
    /// The text, with as many letters as make it so long.
    fn padded(&self) -> String {
        let letters = self.bytes.map(|bytes| "x".repeat(bytes - self.text.len() + "<x>".len()));
        letters.map_or_else(|| self.text.clone(), |letters| self.text.replace("<x>", &letters))
    }
}

fn cases() -> Vec<Case> {
    serde_json::from_str::<File>(CASES).unwrap().cases
}

fn said(answer: &Answer) -> &str {
    answer.body["errors"][0]["message"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn every_rule_of_d1s_sql_holds_in_the_fake() {
    let vendor = Vendor::start().await;
    for (number, case) in cases().iter().enumerate() {
        let rule = &case.rule;
        let database = vendor.database(&format!("case-{number}")).await;
        for text in &case.before {
            let before = vendor.query(&database, text).await;
            assert_eq!(before.body["success"], true, "{rule}: {before:?}");
        }
        let answer = vendor.query(&database, &case.padded()).await;
        assert_eq!(answer.body["success"], case.done, "{rule}: {answer:?}");
        if !case.done {
            assert_eq!(answer.refusal(), (400, 7500), "{rule}");
        }
        let says = case.says.as_deref().unwrap_or_default();
        assert!(says.is_empty() || said(&answer).contains(says), "{rule}: {}", said(&answer));
        if let Some(then) = &case.then {
            let results = vendor.query(&database, then).await.result();
            assert_eq!(results[0]["results"], case.rows, "{rule}");
        }
    }
}

/// The page for people has a row for each rule.
#[test]
fn the_page_of_the_rules_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/d1-sql.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- rules: made by a test -->\n", "<!-- end of rules -->");
    let (head, rest) = page.split_once(begin).unwrap();
    let (_, tail) = rest.split_once(end).unwrap();
    let row = |case: Case| format!("| {} | {} |\n", case.rule, shown(&case.text));
    let rows: String = cases().into_iter().map(row).collect();
    let fresh = format!("{head}{begin}\n| rule | for example |\n|---|---|\n{rows}\n{end}{tail}");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &fresh).unwrap();
        return;
    }
    assert!(page == fresh, "docs/d1-sql.md is not what the rules are; UPDATE_GOLDEN=1 writes it anew");
}

/// A short text as code.
fn shown(text: &str) -> String {
    let line = text.replace('\n', " ").replace('|', "\\|");
    let short: String = line.chars().take(70).collect();
    format!("`{short}{}`", if short == line { "" } else { "…" })
}
